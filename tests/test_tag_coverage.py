"""What is lost of tagged texts, by hand and on real ones."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tagged_texts import load, settle, tagged, window

from spanfit.recipe import TaskSection
from spanfit.tagged import Entity, TaggedExample
from spanfit.tasks import COVERAGES
from spanfit.tokenizer_opening import load_tokenizer

OPTIONS = TaskSection(name="tagging")


def measure(examples, kind="wordpiece", *, learnt=None, **size):
    tokenizer = load(kind) if isinstance(kind, str) else kind
    settings = settle(learnt or examples, **size)
    arranged, windows = window(examples, tokenizer, settings)
    return COVERAGES["tagging"](arranged, windows, settings)


def test_what_is_lost_by_hand():
    long = "Pellan" * 9
    examples = [
        tagged(["Ada", "came"], "B-x O", id="fine"),
        tagged("the the", ["O", "B-x", "I-x", "O", "O", "O", "O"], id="inside"),
        tagged("the the", ["O", "O", "O", "B-x", "I-x", "I-x", "I-x"], id="blank"),
        tagged(["\u200b", "came"], "B-x O", id="no piece"),
        tagged([long, "came", "Ada"], "B-x O B-x", id="no window"),
        tagged(["Ada"], "B-new", id="unknown"),
        replace(tagged(["Ada", "\x00"]), id="to tag"),
    ]
    coverage = measure(examples, learnt=examples[:5], max_length=16, overlap=2)
    assert {
        reason: [loss.id for loss in found] for reason, found in coverage.losses_by_reason.items()
    } == {
        "border inside a token": ["inside"],
        "border on a unit without a piece": ["blank"],
        "no piece": ["no piece"],
        "in no window": ["no window"],
        "unknown tag": ["unknown"],
    }
    assert [loss.entity for loss in coverage.losses[:2]] == [
        Entity(1, 3, "x", "he"),
        Entity(3, 7, "x", " the"),
    ]
    assert (coverage.n_texts, coverage.n_without_gold, coverage.n_units) == (7, 1, 24)
    assert (coverage.n_entities, coverage.n_exact) == (7, 2)
    assert coverage.units_without_piece == ("no piece", "to tag"), "the spaces are none"
    assert coverage.unknown_tags == {"B-new": 1}
    # Two of seven come back; the "the" of "blank" is another entity.
    precision, recall = 2 / 3, 2 / 7
    assert coverage.ceiling.n == 6
    assert coverage.figures == {
        "conlleval f1": pytest.approx(200 * precision * recall / (precision + recall))
    }
    lines = coverage.describe(OPTIONS)
    assert lines[0] == (
        "gold entities that are not learnt as they are (border inside a token): 1 (inside)"
    )
    assert lines[-1] == "tags that the model does not have: B-new 1"
    report = coverage.to_json()
    assert report["lost"] == 5
    assert report["losses"]["border inside a token"] == [
        {"id": "inside", "start": 1, "end": 3, "label": "x", "text": "he"}
    ]


def test_nothing_is_said_where_nothing_is_lost():
    coverage = measure([tagged(["Ada", "came"], "B-x O")])
    assert coverage.describe(OPTIONS) == []
    assert coverage.figures == {"conlleval f1": 100.0}


def test_tags_without_prefixes_are_counted_by_unit():
    examples = [tagged("the a", ["D", "D", "N", "O", "D"]), tagged(["\u3000", "a"], "N D", id="u")]
    coverage = measure(examples, "unigram")
    assert [(loss.id, loss.entity, loss.reason) for loss in coverage.losses] == [
        ("t", Entity(2, 3, "N", "e"), "border inside a token"),
        ("u", Entity(0, 1, "N", "\u3000"), "no piece"),
    ]
    assert (coverage.n_entities, coverage.n_exact) == (6, 4), "O says nothing"
    assert coverage.ceiling.metric == "accuracy"
    assert coverage.ceiling.figure == pytest.approx(100 * 5 / 7)


def test_texts_without_gold_have_no_ceiling():
    coverage = measure([TaggedExample("r", "Ada came.")], learnt=[tagged(["a"], "B-x")])
    assert (coverage.ceiling, coverage.figures, coverage.n_units) == (None, {}, 3)


@pytest.mark.parametrize(
    ("file", "vocabulary", "exact", "reasons", "ceiling"),
    [
        (
            "ner_wikipedia_ja/ner.json",
            "bert-base-multilingual-cased",
            12_975,
            {"border inside a token": 210},
            98.4073,
        ),
        (
            "ner_wikipedia_ja/ner.json",
            "roberta-base",
            13_182,
            {"border inside a token": 3},
            99.9772,
        ),
        (
            "klue_ner/klue-ner-v1.1_dev.tsv",
            "bert-base-multilingual-cased",
            12_882,
            {"border inside a token": 1_373, "border on a unit without a piece": 2},
            90.4317,
        ),
    ],
)
def test_real_entities_without_spaces(shared, file, vocabulary, exact, reasons, ceiling):
    """Every loss is listed; where no token is cut through, entities are exact to the character."""
    from spanfit.data import read

    coverage = measure(read(shared / "data" / file), load_tokenizer(shared / "vocab" / vocabulary))
    assert coverage.n_exact == exact
    counts = {reason: len(found) for reason, found in coverage.losses_by_reason.items()}
    assert counts == reasons
    assert coverage.n_entities == exact + sum(reasons.values())
    assert coverage.figures["conlleval f1"] == pytest.approx(ceiling, abs=1e-4)
