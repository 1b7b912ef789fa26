"""Labelled spans: exact ones by pencil, partial credit by pencil and against its definition."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanfit.errors import DataError
from spanfit.metrics.spans import CLASSES, PARTIAL_SCHEMES, count_partial, count_spans
from spanfit.tags import Chunk


def spans(*texts: str) -> list[Chunk]:
    """ "x 0 3" is the label x over [0, 3)."""
    return [Chunk(label, int(a), int(b)) for label, a, b in (text.split() for text in texts)]


def test_spans_are_right_where_all_is():
    gold = [spans("x 0 3", "y 5 9", "y 2 9"), spans("x 0 1")]
    predicted = [spans("y 2 9", "x 0 3", "x 5 9", "y 5 8"), None]
    counts = count_spans(gold, predicted)
    assert counts.labels == ("x", "y")
    assert counts.values.tolist() == [[[1, 2, 1], [1, 2, 2]], [[0, 0, 1], [0, 0, 0]]]


def test_a_span_said_twice_is_right_once():
    counts = count_spans([spans("x 0 3")], [spans("x 0 3", "x 0 3")])
    assert counts.by_example.tolist() == [[1, 2, 1]]
    assert count_spans([[]], [[]]).labels == ()
    with pytest.raises(DataError, match="not as many predictions"):
        count_spans([[]], [])


@pytest.mark.parametrize(
    ("gold", "predicted", "strict", "exact", "partial", "type_"),
    [
        # The six cases of the usual table: right, spurious, missed, label, borders, both.
        (["x 0 3"], ["x 0 3"], "correct", "correct", "correct", "correct"),
        ([], ["x 0 3"], "spurious", "spurious", "spurious", "spurious"),
        (["x 0 3"], [], "missed", "missed", "missed", "missed"),
        (["x 0 3"], ["y 0 3"], "incorrect", "correct", "correct", "incorrect"),
        (["x 0 3"], ["x 1 3"], "incorrect", "incorrect", "partial", "correct"),
        (["x 0 3"], ["y 2 5"], "incorrect", "incorrect", "partial", "incorrect"),
    ],
)
def test_the_classes_of_one_span(gold, predicted, strict, exact, partial, type_):
    counts = count_partial([spans(*gold)], [spans(*predicted)])
    for scheme, found in zip(PARTIAL_SCHEMES, (strict, exact, partial, type_), strict=True):
        assert counts.classes(scheme) == dict.fromkeys(CLASSES, 0) | {found: 1}


def test_spans_that_only_touch_are_no_pair():
    classes = count_partial([spans("x 0 3")], [spans("x 3 5")]).classes("type")
    assert (classes["missed"], classes["spurious"]) == (1, 1)


def test_figures_by_pencil():
    gold = [spans("x 0 3", "y 5 8"), spans("x 0 4"), spans("y 0 1")]
    predicted = [spans("x 0 3", "y 5 9"), spans("y 0 4", "x 6 7"), None]
    counts = count_partial(gold, predicted)
    assert counts.classes("partial") == {
        "correct": 2,
        "incorrect": 0,
        "partial": 1,
        "missed": 1,
        "spurious": 1,
    }
    figures = {scheme: counts.rates(scheme) for scheme in PARTIAL_SCHEMES}
    # Four predicted and four gold, so precision, recall and F1 are one.
    assert {scheme: rates.f1 for scheme, rates in figures.items()} == pytest.approx(
        {"strict": 25.0, "exact": 50.0, "partial": 62.5, "type": 50.0}
    )
    assert figures["partial"].precision == figures["partial"].recall == 62.5
    assert figures["strict"].n_gold == 4
    assert counts.by_example("partial").tolist() == [[3, 4, 4], [2, 4, 2], [0, 0, 2]]


def test_which_of_several_overlaps_is_the_pair():
    # The same label before the larger overlap; the exact one before both.
    one = count_partial([spans("x 0 6", "y 6 8")], [spans("y 1 8")])
    assert one.classes("type") == dict.fromkeys(CLASSES, 0) | {"correct": 1, "missed": 1}
    two = count_partial([spans("x 0 6", "y 2 5")], [spans("x 2 5", "y 0 6")])
    assert two.classes("exact")["correct"] == 2
    assert two.classes("strict")["incorrect"] == 2


labelled = st.lists(
    st.builds(
        lambda label, start, size: Chunk(label, start, start + size),
        st.sampled_from("xy"),
        st.integers(0, 8),
        st.integers(1, 4),
    ),
    max_size=4,
)


@given(labelled, labelled)
def test_the_classes_add_up(gold, predicted):
    counts = count_partial([gold], [predicted])
    for scheme in PARTIAL_SCHEMES:
        classes = counts.classes(scheme)
        paired = classes["correct"] + classes["incorrect"] + classes["partial"]
        assert paired + classes["missed"] == len(gold)
        assert paired + classes["spurious"] == len(predicted)
    # What is exactly right pairs up first, so strict agrees with the exact spans.
    assert counts.classes("strict")["correct"] == count_spans([gold], [predicted]).n_right
    f1 = {scheme: counts.rates(scheme).f1 for scheme in PARTIAL_SCHEMES}
    assert f1["strict"] <= f1["exact"] <= f1["partial"]
    assert f1["strict"] <= f1["type"]


@given(labelled, labelled, st.randoms(use_true_random=False))
def test_the_order_of_the_spans_does_not_matter(gold, predicted, random):
    shuffled = [random.sample(side, len(side)) for side in (gold, predicted)]
    ours = count_partial([gold], [predicted]).values
    assert (count_partial([shuffled[0]], [shuffled[1]]).values == ours).all()


@given(labelled, labelled)
def test_no_pair_is_left_that_could_be_made(gold, predicted):
    """A free gold span and a free prediction never overlap: pairs are a maximal matching."""
    n_pairs = len(gold) - count_partial([gold], [predicted]).classes("strict")["missed"]
    most = max(
        sum(min(g.end, p.end) > max(g.start, p.start) for g, p in zip(gold, order, strict=False))
        for order in permutations([*predicted, *[Chunk("-", 99, 100)] * len(gold)], len(gold))
    )
    assert most / 2 <= n_pairs <= most
