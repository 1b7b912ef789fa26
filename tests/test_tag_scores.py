"""Scores of tagged texts: by pencil, against official figures, and whose prediction is whose."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanfit.errors import DataError, RecipeError
from spanfit.examples import Reading
from spanfit.metrics import TagScores, check_gold, check_questions, compare, score
from spanfit.metrics.spans import count_partial
from spanfit.metrics.tagging import count_entities, pair_tags
from spanfit.tagged import Entity, TaggedEntity, TaggedExample, TaggingPrediction
from spanfit.tags import BIOES, IOB2, find_scheme, read_chunks_leniently

METRICS = ("conlleval", "seqeval_strict", "spans", "char_macro", "accuracy")


def locate(words):
    """The text of words with spaces between, and where they lie."""
    starts, end = [], -1
    for word in words:
        starts.append(end + 1)
        end += 1 + len(word)
    ends = [start + len(word) for start, word in zip(starts, words, strict=True)]
    return " ".join(words), tuple(starts), tuple(ends)


def text(key, words, tags, **more):
    content, starts, ends = locate(words.split())
    tags = tuple(tags.split()) if isinstance(tags, str) else tags
    return TaggedExample(key, content, starts=starts, ends=ends, tags=tags, **more)


def said(key, words, tags, entities=()):
    content, starts, ends = locate(words.split())
    return TaggingPrediction(key, content, starts, ends, tuple(tags.split()), tuple(entities))


GOLD = [
    text("t1", "Mira Lund met Ada in Oslo", "B-PER I-PER O B-PER O B-LOC", document="d1"),
    text("t2", "Oslo sleeps", "B-LOC O", document="d1"),
    text("t3", "no one left", "O O O"),
]
SAID = [
    said("t1", "Mira Lund met Ada in Oslo", "B-PER I-PER O I-LOC O B-LOC"),
    said("t2", "Oslo sleeps", "B-LOC O"),
    said("t3", "no one left", "O B-PER O"),
]


def test_figures_by_pencil():
    scores = score(GOLD, SAID)
    assert isinstance(scores, TagScores)
    figures = scores.figures
    assert (figures["right"], figures["predicted"], figures["total"]) == (3, 5, 4)
    assert figures["precision"] == pytest.approx(60)
    assert figures["recall"] == pytest.approx(75)
    assert figures["f1"] == scores.f1 == scores.value("f1") == pytest.approx(200 / 3)
    assert figures["macro_f1"] == pytest.approx((50 + 80) / 2)
    assert figures["accuracy"] == pytest.approx(100 * 9 / 11)
    assert (figures["units"], figures["invalid_tags"]) == (11, 1)
    assert figures["exact"] == scores.exact == scores.value("exact") == pytest.approx(100 / 3)
    assert scores.example_exact.tolist() == [0, 1, 0]
    assert list(scores.labels) == ["LOC", "PER"]
    assert scores.labels["LOC"].precision == pytest.approx(200 / 3)
    assert scores.headline == {"P": figures["precision"], "R": figures["recall"], "F1": scores.f1}
    signature = scores.signature
    assert (signature.metric, signature.scheme, signature.repair) == ("conlleval", "IOB2", "none")
    assert "scheme IOB2 · repair none" in str(signature)


def test_strict_drops_what_is_not_written_as_the_scheme_demands():
    scores = score(GOLD, SAID, metric="seqeval_strict")
    assert (scores.figures["right"], scores.figures["predicted"]) == (3, 4)
    assert scores.figures["invalid_tags"] == 1
    assert scores.signature.metric == "seqeval_strict"


def test_the_worst_come_first_and_are_shown():
    scores = score(GOLD, SAID)
    assert scores.worst(9) == ("t1", "t3", "t2")
    case = scores.case("t1")
    assert case.n_wrong == 2
    assert [entity.text for entity in case.gold] == ["Mira Lund", "Ada", "Oslo"]
    assert case.gold[1] == Entity(14, 17, "PER", text="Ada")
    assert case.predicted == (case.gold[0], Entity(14, 17, "LOC", text="Ada"), case.gold[2])
    tags = score(GOLD, SAID, metric="accuracy").case("t1")
    assert (tags.n_wrong, tags.gold) == (1, (Entity(14, 17, "B-PER", text="Ada"),))
    assert tags.predicted == (Entity(14, 17, "I-LOC", text="Ada"),)


def test_gold_without_a_prediction_counts():
    scores = score(GOLD, SAID[:1])
    assert scores.missing == ("t2", "t3")
    assert (scores.figures["right"], scores.figures["total"]) == (2, 4)
    assert scores.figures["accuracy"] == pytest.approx(500 / 11)
    assert scores.example_exact.tolist() == [0, 0, 0]  # t3 has no entity, but nobody said so
    assert scores.case("t2").predicted is None
    assert score(GOLD, []).f1 == 0
    tags = score(GOLD, SAID[:1], metric="accuracy")
    assert (tags.figures["right"], tags.figures["total"]) == (5, 11)
    assert tags.worst(1) == ("t3",)


def test_partial_credit_is_in_the_json():
    gold = [text("a", "Mira Lund in Oslo", "B-PER I-PER O B-LOC")]
    printed = score(gold, [said("a", "Mira Lund in Oslo", "O B-PER B-LOC B-PER")]).to_json()
    partial = printed["partial"]
    assert {name: partial[name]["correct"] for name in partial} == {
        "strict": 0, "exact": 1, "partial": 1, "type": 1,
    }  # fmt: skip
    assert partial["partial"]["partial"] == 1  # Lund of Mira Lund
    assert partial["partial"]["spurious"] == 1
    assert partial["type"]["missed"] == 0
    assert printed["labels"]["PER"] == {
        "precision": 0, "recall": 0, "f1": 0, "n_gold": 1, "n_predicted": 2
    }  # fmt: skip
    assert json.loads(json.dumps(printed)) == printed
    assert score(gold, [], metric="accuracy").to_json()["partial"] is None


def test_parts_of_speech_are_scored_by_accuracy():
    gold = [text("a", "ships sail far", "NN VB RB"), text("b", "ships", "NN")]
    scores = score(gold, [said("a", "ships sail far", "NN NN RB"), said("b", "ships", "NN")])
    assert scores.signature.metric == "accuracy"
    assert scores.signature.scheme == "plain"
    assert scores.figures["accuracy"] == scores.f1 == 75
    assert scores.headline == {
        "accuracy": 75,
        "macro F1": pytest.approx(scores.figures["macro_f1"]),
    }
    assert scores.labels["NN"].precision == pytest.approx(200 / 3)
    assert "invalid_tags" not in scores.figures
    assert scores.kinds == ("label", "length", "document")
    with pytest.raises(RecipeError, match="no slices by 'has_entity'"):
        scores.by("has_entity")


def test_characters_stand_beside_their_entities():
    def characters(key, content, tags):
        n = len(content)
        return TaggedExample(
            key, content, starts=tuple(range(n)), ends=tuple(range(1, n + 1)), tags=tags
        )

    gold = [characters("a", "ab cd", ("B-PS", "I-PS", "O", "O", "O"))]
    prediction = TaggingPrediction(
        "a", "ab cd", gold[0].starts, gold[0].ends, ("B-PS", "O", "O", "O", "B-DT")
    )
    scores = score(gold, [prediction], metric="char_macro")
    # B-PS 100, I-PS 0, B-DT 0, O 50: the space does not count.
    assert scores.figures["char_macro_f1"] == pytest.approx(37.5)
    assert scores.figures["char_macro_f1_without_o"] == pytest.approx(100 / 3)
    assert scores.f1 == 0
    assert scores.headline == {"char F1": scores.figures["char_macro_f1"], "macro F1": 0}
    assert 0 <= scores.interval("char_macro_f1").low <= scores.interval("char_macro_f1").high
    with pytest.raises(DataError, match="these are of words"):
        score(GOLD, SAID, metric="char_macro")


# Whose prediction is whose ------------------------------------------------------------------------


def test_other_units_are_compared_by_characters_only():
    other = TaggingPrediction("t2", "Oslo sleeps", (0, 2, 4), (2, 4, 11), ("B-LOC", "I-LOC", "O"))
    with pytest.raises(DataError, match="--metric spans"):
        score(GOLD, [other])
    scores = score(GOLD, [SAID[0], other], metric="spans")
    assert scores.counted.counts.by_example.tolist() == [[2, 3, 3], [1, 1, 1], [0, 0, 0]]
    assert scores.case("t2").predicted == (Entity(0, 4, "LOC", text="Oslo"),)
    assert "accuracy" not in scores.figures


def test_gold_as_ranges_is_compared_by_characters():
    content = "ミラはオスロに住む。"
    gold = TaggedExample(
        "a",
        content,
        starts=tuple(range(10)),
        ends=tuple(range(1, 11)),
        tags=("B-PER", "I-PER", "O", "B-LOC", "I-LOC", "I-LOC", "O", "O", "O", "O"),
        entities=(Entity(0, 2, "PER"), Entity(3, 6, "LOC")),
    )
    prediction = TaggingPrediction(
        "a", content, (0, 2, 3, 7), (2, 3, 7, 10), ("B-PER", "O", "B-LOC", "O")
    )
    scores = score([gold], [prediction], metric="spans")
    assert scores.counted.counts.by_example.tolist() == [[1, 2, 2]]
    assert scores.to_json()["partial"]["partial"]["partial"] == 1


def test_other_words_or_ids_are_refused():
    with pytest.raises(DataError, match="1 of 1 ids are not in the gold"):
        score(GOLD, [said("t9", "Oslo", "O")])
    with pytest.raises(DataError, match="the prediction for 't2' is of another text"):
        score(GOLD, [said("t2", "Oslo wakes", "B-LOC O")], metric="spans")
    with pytest.raises(DataError, match="a text is there twice"):
        score(GOLD, [SAID[0], SAID[0]])


def test_words_that_are_joined_otherwise_are_the_same_words():
    joined = TaggingPrediction("t2", "Oslosleeps", (0, 4), (4, 10), ("B-LOC", "O"))
    for metric in ("conlleval", "spans"):
        assert score(GOLD, [joined], metric=metric).figures["right"] == 1


COLUMNS = (
    "Mira B-PER\nLund I-PER\nmet O\nAda B-PER\nin O\nOslo B-LOC\n\n"
    "Oslo B-LOC\nsleeps O\n\nno O\none O\nleft O\n"
)


def write(folder, content, name):
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def test_columns_are_matched_in_their_order(tmp_path):
    gold = write(tmp_path, "-DOCSTART- O\n\n" + COLUMNS, "gold")
    wrong = COLUMNS.replace("Ada B-PER", "Ada O")
    assert score(gold, write(tmp_path, wrong, "wrong")).figures["right"] == 3
    assert score(GOLD, write(tmp_path, wrong, "wrong")).figures["right"] == 3
    lines = wrong.splitlines()
    golds = COLUMNS.splitlines()
    three = "\n".join(
        f"{g} {w.split()[-1]}" if g else "" for g, w in zip(golds, lines, strict=True)
    )
    assert score(gold, write(tmp_path, three, "three")).figures["right"] == 3


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("sleeps O", "wakes O", "predicted, line 9: the words are not those of the gold"),
        ("sleeps O", "sleeps O\nnow O", "predicted, line 10: the words are not"),
        ("met O\n", "", "predicted, line 3: the words are not"),
        ("\n\nno O\none O\nleft O", "", "fewer sentences than the 3 of the gold"),
        ("left O", "left O\n\nmore O", "predicted, line 15: there are more sentences"),
        ("Oslo B-LOC\nsleeps", "Oslo Q-LOC\nsleeps", "line 8: the predicted tag 'Q-LOC' is none"),
    ],
)
def test_columns_that_are_not_the_gold_are_refused(tmp_path, old, new, message):
    gold = write(tmp_path, COLUMNS, "gold")
    path = write(tmp_path, COLUMNS.replace(old, new), "predicted")
    with pytest.raises(DataError) as caught:
        score(gold, path)
    assert message in str(caught.value)


def test_a_gold_column_that_is_not_the_gold_is_refused(tmp_path):
    gold = write(tmp_path, COLUMNS, "gold")
    three = COLUMNS.replace("Ada B-PER", "Ada O")
    rows = [f"{line} O" if line else "" for line in three.splitlines()]
    with pytest.raises(DataError, match="line 4: the last column but one is not the gold"):
        score(gold, write(tmp_path, "\n".join(rows), "predicted"))


# Schemes and repairs ------------------------------------------------------------------------------


WORDS = "Mira Lund met Ada Oslo sleeps"
IN_SCHEMES = {
    "IOB1": "I-PER I-PER O I-PER B-PER O",
    "IOB2": "B-PER I-PER O B-PER B-PER O",
    "BIOES": "B-PER E-PER O S-PER S-PER O",
    "BILOU": "B-PER L-PER O U-PER U-PER O",
    "BMES": "B-PER E-PER O S-PER S-PER O",
}


@pytest.mark.parametrize("theirs", IN_SCHEMES)
@pytest.mark.parametrize("ours", IN_SCHEMES)
def test_predictions_may_be_written_in_another_scheme(ours, theirs):
    """Ten texts in which all is right but for the first, whatever scheme says so."""
    gold = [text(f"t{n}", WORDS, IN_SCHEMES[ours]) for n in range(10)]
    others = [said(f"t{n}", WORDS, IN_SCHEMES[theirs]) for n in range(10)]
    alone = IN_SCHEMES[theirs].split()[3]  # the tag of an entity of one word
    others[0] = said("t0", WORDS, f"{alone} O O O O O")
    reading = Reading(scheme=ours)
    for metric in ("conlleval", "seqeval_strict"):
        scores = score(gold, others, metric=metric, reading=reading)
        figures = scores.figures
        assert scores.signature.scheme == ours
        assert (figures["right"], figures["predicted"], figures["total"]) == (27, 28, 30)
        assert (figures["units"], figures["invalid_tags"]) == (60, 0)
        # Wrong: Lund and both behind "met", and Mira too where B- and S- are told apart.
        n_wrong = 3 if ours.startswith("IOB") else 4
        assert figures["accuracy"] == pytest.approx(100 * (60 - n_wrong) / 60)
        same = IN_SCHEMES[ours] == IN_SCHEMES[theirs]
        assert len(scores.notes) == (not same)
    if (ours, theirs) == ("IOB1", "IOB2"):
        assert scores.notes == (
            "the predictions: written in IOB2, and the gold in IOB1: compared in IOB1",
        )


def test_systems_of_two_schemes_are_compared():
    gold, first, _ = many()
    bioes = {"t1": "B-PER E-PER O S-PER O S-LOC", "t2": "S-LOC O", "t3": "O O O"}
    written = [
        said(example.id, " ".join(example.words), bioes[example.id.split("/")[0]])
        for example in gold
    ]
    a, b = score(gold, first), score(gold, written)
    assert (a.notes, len(b.notes)) == ((), 1)
    f1 = compare(a, b).differences["f1"]
    assert (f1.a, f1.b) == (a.f1, 100)


def test_a_scheme_that_is_only_broken_here_and_there_is_kept():
    """One entity of the three begins with I: seqeval's strict mode does not count it."""
    gold = [text(f"t{n}", "Ada met Mira in Oslo", "B-x O B-x O B-y") for n in range(10)]
    others = [said(f"t{n}", "Ada met Mira in Oslo", "B-x O B-x O I-y") for n in range(10)]
    scores = score(gold, others, metric="seqeval_strict")
    assert (scores.figures["right"], scores.figures["invalid_tags"]) == (20, 10)
    assert scores.notes == ()


def test_few_wrong_beginnings_are_no_other_scheme():
    gold = [text("t", "in Oslo", "O B-LOC")]
    others = [said("t", "in Oslo", "O I-LOC")]
    scores = score(gold, others, metric="seqeval_strict")
    assert (scores.figures["right"], scores.figures["invalid_tags"], scores.notes) == (0, 1, ())
    # Where all of many begin so, that is how the system writes.
    words, tags = " ".join(["in", "Oslo"] * 20), " ".join(["O B-LOC"] * 20)
    scores = score(
        [text("t", words, tags)],
        [said("t", words, tags.replace("B-", "I-"))],
        metric="seqeval_strict",
    )
    assert (scores.figures["right"], scores.figures["invalid_tags"]) == (20, 0)
    assert "written in IOB1" in scores.notes[0]


def test_what_breaks_another_scheme_is_read_as_the_metric_reads_it():
    """BIOES without its constraint: the second entity does not end."""
    gold = [text("t", "Mira Lund met Ada Reed", "B-x I-x O B-x I-x")]
    others = [said("t", "Mira Lund met Ada Reed", "B-x E-x O B-x I-x")]
    lenient, strict = (score(gold, others, metric=m) for m in ("conlleval", "seqeval_strict"))
    assert (lenient.figures["right"], lenient.figures["accuracy"]) == (2, 100)
    assert (strict.figures["right"], strict.figures["predicted"]) == (1, 1)
    for scores in (lenient, strict):
        assert (scores.signature.scheme, scores.figures["invalid_tags"]) == ("IOB2", 1)
    assert "break BIOES (1 tags) are read as conlleval reads them" in lenient.notes[0]
    assert "break BIOES (1 tags) count for nothing" in strict.notes[0]


@given(st.data())
def test_entities_as_conlleval_reads_them_stay_whatever_the_scheme_of_the_gold(data):
    tag = st.sampled_from(["O", "B-x", "I-x", "E-x", "S-x", "B-y", "I-y"])
    lines = data.draw(st.lists(st.lists(tag, min_size=1, max_size=8), min_size=1, max_size=5))
    words = [" ".join("abcdefgh"[: len(tags)]) for tags in lines]
    pairs = [*enumerate(zip(words, lines, strict=True))]
    others = [said(str(n), w, " ".join(tags)) for n, (w, tags) in pairs]
    gold = [text(str(n), w, ("O",) * len(tags)) for n, (w, tags) in pairs]
    expected = [read_chunks_leniently(tags, BIOES) for tags in lines]
    for scheme in IN_SCHEMES:
        scores = score(gold, others, reading=Reading(scheme=scheme))
        found = [read_chunks_leniently(tags, find_scheme(scheme)) for tags in scores.predicted]
        assert found == expected


def test_tags_of_no_scheme_are_refused():
    with pytest.raises(DataError, match="none of the scheme IOB2"):
        score(GOLD, [said("t2", "Oslo sleeps", "LOC O")])


def test_gold_that_breaks_its_scheme_is_repaired_only_when_asked():
    gold = [*GOLD, text("t4", "in Oslo", "O I-LOC")]
    with pytest.raises(DataError, match="repair=conlleval"):
        score(gold, SAID)
    scores = score(gold, SAID, reading=Reading(repair="conlleval"))
    assert scores.figures["total"] == 5
    assert scores.signature.repair == "conlleval"
    assert len(scores.notes) == 1
    assert "I-LOC → B-LOC" in scores.notes[0]
    with pytest.raises(DataError, match="differ in data_digest, n, repair"):
        compare(score(GOLD, SAID), scores)


@pytest.mark.parametrize(
    ("gold", "metric", "message"),
    [
        ([], None, "no example to score"),
        ([text("a", "Oslo", None)], None, "1 of 1 texts have no gold"),
        ([GOLD[0], GOLD[0]], None, "an id is there twice"),
        ([text("a", "", "")], None, "no unit to score"),
        (GOLD, "conleval", "did you mean 'conlleval'"),
        (GOLD, "squad_v1", "tagged texts have no metric 'squad_v1'"),
    ],
)
def test_what_cannot_be_scored_is_refused(gold, metric, message):
    for look in (lambda: check_gold(gold, metric=metric), lambda: score(gold, [], metric=metric)):
        with pytest.raises((DataError, RecipeError), match=message):
            look()


def test_the_gold_tells_the_metric_before_anything_is_predicted():
    with pytest.raises(DataError, match="these are of words"):
        check_gold(GOLD, metric="char_macro")
    assert check_gold([text("a", "船 入 港", "B-x O O")], metric="char_macro")[1] == "char_macro"
    assert check_gold(GOLD)[1] == "conlleval"
    assert check_gold([text("a", "ships", "NN")])[1] == "accuracy"
    assert check_gold(GOLD, metric="spans")[1] == "spans"
    with pytest.raises(DataError, match="these are tagged texts, not questions"):
        check_questions(GOLD)
    with pytest.raises(RecipeError, match="na-probs are of questions"):
        score(GOLD, SAID, na_probs={"t1": 0.5})


# Intervals, slices, comparisons, confidence -------------------------------------------------------


@st.composite
def taggings(draw):
    """Texts with gold, and predictions of some of them."""
    gold, predictions = [], []
    for number in range(draw(st.integers(1, 6))):
        n = draw(st.integers(0, 6))
        words = " ".join("abcdef"[:n])
        chunks = [draw(st.sampled_from(["O", "B-x", "B-y"])) for _ in range(n)]
        gold.append(text(str(number), words, tuple(chunks)))
        tags = [draw(st.sampled_from(["O", "B-x", "I-x", "I-y"])) for _ in range(n)]
        if draw(st.booleans()):
            predictions.append(said(str(number), words, " ".join(tags)))
    return gold, predictions


@pytest.mark.parametrize("metric", METRICS)
@given(taggings())
def test_figures_are_those_of_the_counts(metric, pair):
    gold, predictions = pair
    if not any(example.tags for example in gold):
        return
    scores = score(gold, predictions, metric=metric)
    for group in scores.summed:
        for name, value in group.total().items():
            assert value == pytest.approx(scores.figures[name], abs=1e-9)
    by_id = {prediction.id: prediction.tags for prediction in predictions}
    tags = [by_id.get(example.id) for example in gold]
    golds = [example.tags for example in gold]
    if metric in ("conlleval", "seqeval_strict"):
        counts = count_entities(pair_tags(golds, tags), scheme=IOB2, metric=metric)
        assert scores.counted.counts.values.tolist() == counts.values.tolist()
    if metric in ("conlleval", "spans"):
        chunks = [
            [read_chunks_leniently(each or (), IOB2) for each in side] for side in (golds, tags)
        ]
        assert scores.figures["f1"] == pytest.approx(
            count_partial(*chunks).rates("strict").f1, abs=1e-9
        )
    assert scores.worst(1)[0] == gold[int(np.argmax(scores.example_wrong))].id


def many(*, n=40):
    """The three texts again and again; the second system is right more often."""
    gold, first, second = [], [], []
    for number in range(n):
        for example, prediction in zip(GOLD, SAID, strict=True):
            key = f"{example.id}/{number}"
            words, tags = " ".join(example.words), " ".join(example.tags)
            gold.append(text(key, words, tags, document=f"d{number % 2}"))
            first.append(said(key, words, " ".join(prediction.tags)))
            is_right = number % 2
            second.append(said(key, words, tags if is_right else " ".join(prediction.tags)))
    return gold, first, second


def test_intervals_hold_their_figures():
    gold, first, _ = many()
    scores = score(gold, first)
    assert list(scores.intervals) == [
        "precision", "recall", "f1", "macro_f1", "accuracy", "exact",
    ]  # fmt: skip
    for name, interval in scores.intervals.items():
        assert interval.low < scores.figures[name] < interval.high
    assert scores.interval("f1") == scores.intervals["f1"]
    narrow, wide = scores.interval("recall", level=0.5), scores.interval("recall")
    assert wide.low < narrow.low < narrow.high < wide.high
    with pytest.raises(RecipeError, match="no interval for 'weighted_f1'"):
        scores.interval("weighted_f1")


def test_texts_without_any_entity_have_a_score():
    gold = [text("a", "no one left", "O O O")]
    scores = score(gold, [said("a", "no one left", "O O O")])
    assert (scores.f1, scores.exact) == (0, 100)
    assert "macro_f1" not in scores.intervals
    assert compare(scores, scores).differences["f1"].difference == 0
    assert scores.by("label") == {}


def test_slices():
    gold, first, _ = many(n=12)
    scores = score(gold, first)
    labels = scores.by("label")
    assert list(labels) == ["LOC", "PER"]
    assert (labels["LOC"].n, labels["LOC"].n_gold) == (24, 24)
    assert labels["LOC"].figures["f1"] == scores.labels["LOC"].f1
    assert labels["LOC"].intervals["precision"] is not None
    assert labels["LOC"].intervals["recall"] is None  # all of them are found in any sample
    lengths = scores.by("length")
    assert list(lengths) == ["1–4 units", "5–9 units"]
    assert [part.n for part in lengths.values()] == [24, 12]
    assert lengths["5–9 units"].figures["recall"] == pytest.approx(200 / 3)
    kinds = scores.by("has_entity")
    assert {name: part.n for name, part in kinds.items()} == {
        "with an entity": 24, "without an entity": 12
    }  # fmt: skip
    assert {name: part.n for name, part in scores.by("document").items()} == {"d0": 18, "d1": 18}
    few = score(GOLD, SAID).by("document")
    assert list(few) == ["d1", "(no document)"]
    assert few["d1"].intervals == {"precision": None, "recall": None, "f1": None}
    assert few["d1"].to_json()["n_gold"] == 4


def test_two_systems_are_compared_text_by_text():
    gold, first, second = many()
    a, b = score(gold, first), score(gold, [*reversed(second)])
    comparison = compare(a, b)
    assert list(comparison.differences) == [
        "precision", "recall", "f1", "macro_f1", "accuracy", "exact",
    ]  # fmt: skip
    f1 = comparison.differences["f1"]
    assert (f1.a, f1.b) == (a.f1, b.f1)
    assert f1.difference > 0
    assert f1.difference in f1.interval
    assert f1.p_value < 0.01
    assert (f1.wins, f1.losses, f1.ties) == (40, 0, 80)
    # In t1 an entity beside the gold and one that is missed; in t3 only one beside it.
    wins = {name: difference.wins for name, difference in comparison.differences.items()}
    assert (wins["precision"], wins["recall"], wins["accuracy"]) == (40, 20, 40)
    back = compare(b, a).differences["f1"]
    assert (back.wins, back.losses) == (0, 40)
    order = [b.ids.index(key) for key in a.ids]
    assert b.counted.counts.by_example[order].sum() == b.counted.counts.by_example.sum()


def test_a_label_that_only_one_system_says_is_no_obstacle():
    gold, first, second = many(n=4)
    odd = said("t2/0", "Oslo sleeps", "B-LOC B-SLEEP")
    a = score(gold, first)
    b = score(gold, [odd if prediction.id == odd.id else prediction for prediction in second])
    macro = compare(a, b).differences["macro_f1"]
    assert macro.difference == pytest.approx(b.figures["macro_f1"] - a.figures["macro_f1"])


def test_probabilities_of_entities_are_measured():
    right = TaggedEntity(0, 4, "LOC", text="Oslo", probability=0.75)
    wrong = TaggedEntity(3, 6, "PER", text="one", probability=0.25)
    predictions = [
        said("t2", "Oslo sleeps", "B-LOC O", [right]),
        said("t3", "no one left", "O B-PER O", [wrong]),
    ]
    confidence = score(GOLD, predictions).confidence
    assert confidence.n == 2
    assert confidence.brier == pytest.approx(0.0625)
    assert score(GOLD, predictions, metric="accuracy").confidence is None
    assert score(GOLD, []).confidence is None


# The official figures -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def conll(shared):
    """Gold, predictions and the folder of the figures of CoNLL-2003 test."""
    folder = shared / "expected"
    return (
        shared / "data" / "conll2003" / "test.txt",
        folder / "conll2003_test.pred.conll",
        folder,
    )


def test_the_figures_of_conlleval(conll):
    gold, predictions, folder = conll
    scores = score(gold, predictions)
    lines = (folder / "conll2003_test.conlleval.txt").read_text("utf-8").splitlines()
    figures = scores.figures
    assert [figures[name] for name in ("units", "total", "predicted", "right")] == [
        int(n) for n in re.findall(r"\d+", lines[0])
    ]
    overall = [f"{figures[name]:.2f}" for name in ("accuracy", "precision", "recall", "f1")]
    assert overall == re.findall(r"[\d.]+\d", lines[1])[:4]
    for line in lines[2:]:
        label, *official = re.findall(r"[A-Z]{3,}|[\d.]+", line.replace("FB1", ""))
        rates = scores.labels[label]
        mine = [f"{rate:.2f}" for rate in (rates.precision, rates.recall, rates.f1)]
        assert [*mine, str(scores.to_json()["labels"][label]["n_predicted"])] == official


@pytest.mark.parametrize(
    ("metric", "key"),
    [("conlleval", "default"), ("spans", "default"), ("seqeval_strict", "strict_iob2")],
)
def test_the_figures_of_seqeval(conll, metric, key):
    gold, predictions, folder = conll
    expected = json.loads((folder / "conll2003_test.seqeval.json").read_text("utf-8"))
    figures = score(gold, predictions, metric=metric).figures
    for name, value in expected[key].items():
        if name in figures:
            assert figures[name] / 100 == pytest.approx(value, rel=0, abs=1e-9)
