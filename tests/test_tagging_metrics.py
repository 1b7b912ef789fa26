"""Entities, chunks, tags and characters: against conlleval, seqeval and sklearn, and by pencil."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanfit.errors import DataError
from spanfit.metrics.bootstrap import to_interval
from spanfit.metrics.label_counts import LabelCounts, Rates
from spanfit.metrics.spans import count_spans
from spanfit.metrics.tagging import (
    char_macro_figures,
    count_characters,
    count_entities,
    count_tags,
    pair_tags,
)
from spanfit.tags import (
    BILOU,
    BIOES,
    IOB1,
    IOB2,
    PLAIN,
    SCHEMES,
    convert_tags,
    read_chunks_leniently,
    repair_tags,
)

CASES = json.loads((Path(__file__).parent / "data" / "seqeval_cases.json").read_text("utf-8"))


def assert_same_report(counts: LabelCounts, report: dict) -> None:
    """Equal to seqeval's classification_report to 1e-9, on its scale of 0 to 1."""
    ours = counts.by_label | {
        f"{name} avg": counts.average(name) for name in ("micro", "macro", "weighted")
    }
    assert {*ours} == {*report}
    for name, row in report.items():
        theirs = [row["precision"], row["recall"], row["f1-score"], row["support"]]
        rates = ours[name]
        mine = [rates.precision / 100, rates.recall / 100, rates.f1 / 100, rates.n_gold]
        assert mine == pytest.approx(theirs, abs=1e-9), name


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["scheme"])
def test_noise_is_counted_as_seqeval_does(case):
    scheme = SCHEMES[case["scheme"]]
    for metric, report in case["reports"].items():
        counts = count_entities(
            pair_tags(case["gold"], case["predicted"]), scheme=scheme, metric=metric
        )
        assert_same_report(counts, report)


@pytest.mark.parametrize("name", ["IOB1", "IOB2", "BIOES", "BILOU"])
def test_more_noise_is_counted_as_seqeval_does(name):
    metrics, theirs = (pytest.importorskip(f"seqeval.{part}") for part in ("metrics", "scheme"))
    draw = random.Random(name)
    tags = SCHEMES[name].list_tags(["x", "y", "z"])
    other = getattr(theirs, {"BIOES": "IOBES"}.get(name, name))
    modes = [("seqeval_strict", {"mode": "strict", "scheme": other})]
    modes += [("conlleval", {})] if name != "BILOU" else []
    gold, predicted = (
        [draw.choices(tags, k=1 + number % 13) for number in range(500)] for _ in range(2)
    )
    for metric, mode in modes:
        counts = count_entities(pair_tags(gold, predicted), scheme=SCHEMES[name], metric=metric)
        report = metrics.classification_report(gold, predicted, output_dict=True, **mode)
        assert_same_report(counts, report)


@pytest.fixture(scope="module")
def conll(shared):
    """Gold and predicted tags of CoNLL-2003 test, and the folder of the figures."""
    folder = shared / "expected"
    text = (folder / "conll2003_test.pred.conll").read_text(encoding="utf-8").strip()
    rows = [[line.split() for line in part.splitlines()] for part in text.split("\n\n")]
    gold, predicted = ([[row[i] for row in part] for part in rows] for i in (1, 2))
    return gold, predicted, folder


def test_conll_figures_of_the_perl_script(conll):
    gold, predicted, folder = conll
    text = (folder / "conll2003_test.conlleval.txt").read_text(encoding="utf-8")
    counts = count_entities(pair_tags(gold, predicted), scheme=IOB2)
    tags = count_tags(pair_tags(gold, predicted))
    assert [tags.n_gold, counts.n_gold, counts.n_predicted, counts.n_right] == [
        int(n) for n in re.findall(r"\d+", text.splitlines()[0])
    ]
    # The accuracy, then precision, recall and F1 of all, then of each label with the found ones.
    overall = [tags.micro.recall, counts.micro.precision, counts.micro.recall, counts.micro.f1]
    assert [f"{figure:.2f}" for figure in overall] == re.findall(r"[\d.]+\d", text.splitlines()[1])[
        :4
    ]
    n_found = dict(zip(counts.labels, counts.values[..., 1].sum(axis=0).tolist(), strict=True))
    by_label = dict(counts.by_label)
    for line in text.splitlines()[2:]:
        label, *figures = re.findall(r"[A-Z]{3,}|[\d.]+", line.replace("FB1", ""))
        rates = by_label.pop(label)
        mine = [f"{rate:.2f}" for rate in (rates.precision, rates.recall, rates.f1)]
        assert [*mine, str(n_found[label])] == figures
    assert not by_label


def test_conll_figures_of_seqeval(conll):
    gold, predicted, folder = conll
    expected = json.loads((folder / "conll2003_test.seqeval.json").read_text(encoding="utf-8"))
    assert_same_report(count_entities(pair_tags(gold, predicted), scheme=IOB2), expected["report"])
    accuracy = count_tags(pair_tags(gold, predicted)).micro.recall / 100
    assert accuracy == pytest.approx(expected["default"]["accuracy"], abs=1e-9)
    for metric, key in (("conlleval", "default"), ("seqeval_strict", "strict_iob2")):
        figures = count_entities(pair_tags(gold, predicted), scheme=IOB2, metric=metric).figures()
        for name in ("precision", "recall", "f1"):
            assert figures[name] / 100 == pytest.approx(expected[key][name], abs=1e-9)


def test_a_text_by_pencil():
    gold = [["B-x", "I-x", "O", "B-y"], ["B-x"]]
    predicted = [["B-x", "I-x", "O", "I-y"], ["B-y"]]
    counts = count_entities(pair_tags(gold, predicted), scheme=IOB2)
    assert counts.labels == ("x", "y")
    assert counts.values.tolist() == [[[1, 1, 1], [1, 1, 1]], [[0, 0, 1], [0, 1, 0]]]
    assert counts.by_example.tolist() == [[2, 2, 2], [0, 1, 1]]
    assert counts.by_label["x"] == Rates(100.0, 50.0, pytest.approx(200 / 3), 2)
    assert counts.figures() == pytest.approx(
        {
            "precision": 200 / 3,
            "recall": 200 / 3,
            "f1": 200 / 3,
            "macro_precision": 75.0,
            "macro_recall": 75.0,
            "macro_f1": 200 / 3,
            "weighted_precision": 250 / 3,
            "weighted_recall": 200 / 3,
            "weighted_f1": 200 / 3,
            "right": 2,
            "predicted": 3,
            "total": 3,
        }
    )
    strict = count_entities(pair_tags(gold, predicted), scheme=IOB2, metric="seqeval_strict")
    assert strict.by_example.tolist() == [[1, 1, 2], [0, 1, 1]]
    with pytest.raises(ValueError, match="read-only"):
        counts.values[0] = 0


def test_chunks_do_not_cross_the_border_of_a_text():
    gold = [["B-x"], ["I-x"], [], ["I-x"]]
    assert count_entities(pair_tags(gold, gold), scheme=IOB2).by_example[:, 2].tolist() == [
        1,
        1,
        0,
        1,
    ]


def test_what_was_not_predicted_counts_against_the_score():
    gold = [["B-x", "I-x"], ["B-x", "O"], ["O"]]
    predicted = [None, ["B-x", None], ["O"]]
    entities = count_entities(pair_tags(gold, predicted), scheme=IOB2)
    assert entities.by_example.tolist() == [[0, 0, 1], [1, 1, 1], [0, 0, 0]]
    tags = count_tags(pair_tags(gold, predicted))
    assert tags.labels == ("B-x", "I-x", "O")
    assert tags.by_example.tolist() == [[0, 0, 2], [1, 1, 2], [1, 1, 1]]
    assert tags.micro.recall == 40.0


def test_what_does_not_fit_is_refused():
    with pytest.raises(DataError, match="not as many predictions"):
        pair_tags([["O"]], [])
    with pytest.raises(DataError, match="sequence 1: there are not as many predicted tags"):
        pair_tags([["O"], ["O"]], [["O"], ["O", "O"]])
    with pytest.raises(DataError, match="prediction 1, unit 1: 'NN' is no tag of the scheme IOB2"):
        count_entities(pair_tags([["O"], ["O", "O"]], [["O"], ["O", "NN"]]), scheme=IOB2)
    with pytest.raises(DataError, match="gold 0, unit 0: '' is no tag"):
        count_entities(pair_tags([[""]], [["O"]]), scheme=IOB2)
    with pytest.raises(ValueError, match="a gold tag is None"):
        pair_tags([[None]], [[None]])


def test_nothing_to_count_is_0():
    none = count_entities(pair_tags([], []), scheme=IOB2)
    assert (none.labels, none.values.shape) == ((), (0, 0, 3))
    empty = count_entities(pair_tags([[], ["O"]], [[], ["O"]]), scheme=IOB2)
    assert empty.by_label == {}
    assert set(empty.figures().values()) == {0.0}


def test_plain_units_are_entities_of_their_own():
    gold = [["credit-card", "credit-card", "O"]]
    counts = count_entities(pair_tags(gold, [["credit-card", "B-x", "O"]]), scheme=PLAIN)
    assert counts.labels == ("B-x", "credit-card")
    assert counts.by_example.tolist() == [[1, 2, 2]]


@st.composite
def two_taggings(draw, scheme):
    tag = st.sampled_from(scheme.list_tags(["x", "y"]))
    lengths = draw(st.lists(st.integers(0, 6), min_size=1, max_size=5))
    return [
        [draw(st.lists(tag, min_size=n, max_size=n)) for n in lengths]
        for _ in ("gold", "predicted")
    ]


@pytest.mark.parametrize("scheme", SCHEMES.values(), ids=lambda s: s.name)
@given(st.data())
def test_conlleval_counts_the_chunks_of_the_lenient_reading(scheme, data):
    """The arrays against the loop over tags, by way of sets of spans."""
    sides = data.draw(two_taggings(scheme))
    spans = [[read_chunks_leniently(tags, scheme) for tags in side] for side in sides]
    theirs = count_spans(*spans)
    ours = count_entities(pair_tags(*sides), scheme=scheme)
    assert ours.labels == theirs.labels
    assert ours.values.tolist() == theirs.values.tolist()


@pytest.mark.parametrize("scheme", [IOB2, BIOES, BILOU], ids=lambda s: s.name)
@given(st.data())
def test_strict_counts_what_discard_leaves(scheme, data):
    gold, predicted = data.draw(two_taggings(scheme))
    strict = count_entities(pair_tags(gold, predicted), scheme=scheme, metric="seqeval_strict")
    left = [repair_tags(side, scheme, repair="discard").sequences for side in (gold, predicted)]
    assert (
        strict.by_example.tolist()
        == count_entities(pair_tags(*left), scheme=scheme).by_example.tolist()
    )


@given(st.data())
def test_valid_tags_have_one_score_in_all_schemes_and_modes(data):
    sides = [
        repair_tags(side, IOB2, repair="conlleval").sequences
        for side in data.draw(two_taggings(IOB2))
    ]
    expected = count_entities(pair_tags(*sides), scheme=IOB2).values.tolist()
    for scheme in (IOB1, IOB2, BIOES, BILOU):
        there = [[convert_tags(t, source=IOB2, target=scheme) for t in side] for side in sides]
        for metric in ("conlleval", "seqeval_strict"):
            # IOB1's strict rule of seqeval loses valid chunks: "I-x B-x" before "I-y" is none.
            if (scheme, metric) != (IOB1, "seqeval_strict"):
                counts = count_entities(pair_tags(*there), scheme=scheme, metric=metric)
                assert counts.values.tolist() == expected


def test_characters_are_counted_as_klue_does():
    text, gold = "ab cd", ["B-PS", "I-PS", "O", "O", "O"]
    predicted = ["B-PS", "O", "O", "O", "B-DT"]
    counts = count_characters(pair_tags([gold], [predicted]), characters=[text])
    assert (counts.n_gold, counts.n_right) == (4, 2)
    # B-PS 100, I-PS 0, O 50, B-DT 0, and I-DT 100, which is nowhere.
    tags = ["B-PS", "I-PS", "B-DT", "I-DT", "O"]
    assert char_macro_figures(counts, tags=tags) == {
        "char_macro_f1": 50.0,
        "char_macro_f1_without_o": 50.0,
    }
    assert char_macro_figures(counts)["char_macro_f1"] == 37.5
    assert char_macro_figures(count_tags(pair_tags([], []))) == dict.fromkeys(
        char_macro_figures(counts), 0.0
    )
    lost = count_characters(pair_tags([gold], [None]), characters=[text])
    assert (lost.n_gold, lost.n_predicted) == (4, 0)
    with pytest.raises(DataError, match="as many characters"):
        count_characters(pair_tags([gold], [predicted]), characters=["ab"])


def test_character_f1_is_that_of_sklearn(shared):
    """KLUE-baseline's own call, on the real gold with noise."""
    sklearn = pytest.importorskip("sklearn.metrics")
    path = shared / "data" / "klue_ner" / "klue-ner-v1.1_dev.tsv"
    draw = random.Random(0)
    texts = path.read_text(encoding="utf-8").split("\n\n")[:300]
    rows = [[r.split("\t") for r in t.split("\n") if r and r[:2] != "##"] for t in texts]
    rows = [[row for row in part if len(row) == 2] for part in rows]
    tags = [f"{p}-{label}" for label in ("PS", "LC", "OG", "DT", "TI", "QT") for p in "BI"] + ["O"]
    gold = [[row[1] for row in part] for part in rows]
    predicted = [[t if draw.random() < 0.8 else draw.choice(tags) for t in part] for part in gold]
    characters = [[row[0] for row in part] for part in rows]
    ours = char_macro_figures(
        count_characters(pair_tags(gold, predicted), characters=characters), tags=tags
    )
    flat = [
        [
            tags.index(tag)
            for part, text in zip(side, characters, strict=True)
            for tag, character in zip(part, text, strict=True)
            if character != " "
        ]
        for side in (gold, predicted)
    ]
    for n_tags, name in ((13, "char_macro_f1"), (12, "char_macro_f1_without_o")):
        theirs = sklearn.f1_score(
            *flat, labels=list(range(n_tags)), average="macro", zero_division=1.0
        )
        assert ours[name] == pytest.approx(100 * theirs, abs=1e-9)


def test_examples_can_be_resampled():
    draw = random.Random(1)
    tags = IOB2.list_tags(["x", "y"])
    gold = [draw.choices(tags, k=8) for _ in range(200)]
    predicted = [[t if draw.random() < 0.9 else draw.choice(tags) for t in s] for s in gold]
    counts = count_entities(pair_tags(gold, predicted), scheme=IOB2)
    for average in ("micro", "macro", "weighted"):
        sample = counts.sample(average, resamples=500)
        rates = counts.average(average)
        for column, figure in zip(sample.T, (rates.precision, rates.recall, rates.f1), strict=True):
            assert figure in to_interval(column)
            assert column.mean() == pytest.approx(figure, abs=0.5)
    # By drawing one by one: the same spread.
    rows = np.random.default_rng(0).integers(200, size=(500, 200))
    right, said, total = counts.by_example[rows].sum(axis=1).T
    assert (200 * right / (said + total)).std() == pytest.approx(
        counts.sample(resamples=500)[:, 2].std(), rel=0.15
    )
