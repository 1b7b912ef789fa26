"""The best tag sequences: against a look at every valid one."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tag_tables import IOB2, TABLES

from spanfit.decode.tags import argmax_tags, best_tags
from spanfit.errors import ModelError
from spanfit.tags import Transitions

schemes = pytest.mark.parametrize("scheme", TABLES)


def splits_of(lengths) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def score_of(scores, numbers) -> float:
    """The score of a sequence, summed from the end."""
    total = 0.0
    for unit in reversed(range(len(numbers))):
        total += float(scores[unit, numbers[unit]])
    return total


def by_brute_force(table, scores):
    """The best sequence and its score; of equal ones the first, as they come lowest first."""
    return max(
        ((score_of(scores, numbers), numbers) for numbers in table.sequences(len(scores))),
        key=lambda found: found[0],
    )


@schemes
@given(seed=st.integers(0, 2**32), lengths=st.lists(st.integers(0, 4), min_size=1, max_size=5))
def test_equals_brute_force(scheme, seed, lengths):
    table, splits = TABLES[scheme], splits_of(lengths)
    rng = np.random.default_rng(seed)
    # Small whole numbers: many ties, and sums that are exact.
    scores = rng.integers(-2, 3, (splits[-1], len(table.tags))).astype(np.float32)
    best = best_tags(scores, splits, table.transitions)
    assert best.tags.dtype == np.int32 and best.score.dtype == np.float64
    for text, (begin, end) in enumerate(pairwise(splits)):
        score, numbers = by_brute_force(table, scores[begin:end])
        assert best.score[text] == score
        assert tuple(best.tags[begin:end]) == numbers


@schemes
def test_a_text_gets_the_same_tags_in_whatever_company(scheme):
    table, lengths = TABLES[scheme], [3, 0, 40, 1, 7, 7]
    splits = splits_of(lengths)
    scores = np.random.default_rng(5).normal(size=(splits[-1], len(table.tags)))
    together = best_tags(scores, splits, table.transitions)
    for text, (begin, end) in enumerate(pairwise(splits)):
        alone = best_tags(scores[begin:end], splits_of([end - begin]), table.transitions)
        assert alone.tags.tolist() == together.tags[begin:end].tolist()
        assert alone.score[0] == together.score[text]


def test_by_pencil():
    """O B-x I-x B-y I-y: argmax puts I-x after O; B-x I-x costs 1, O O costs 3."""
    assert IOB2.tags == ["O", "B-x", "I-x", "B-y", "I-y"]
    scores = np.array([[3, 2, 0, 0, 0], [1, 0, 4, 0, 0]], np.float32)
    splits = splits_of([2])
    free, best = argmax_tags(scores, splits), best_tags(scores, splits, IOB2.transitions)
    assert (free.tags.tolist(), free.score.tolist()) == ([0, 2], [7])
    assert (best.tags.tolist(), best.score.tolist()) == ([1, 2], [6])


def test_large_scores_and_long_texts():
    splits = splits_of([3000, 1])
    scores = np.zeros((3001, 5))
    scores[:, 2] = 1e4  # I-x everywhere, which cannot begin a text
    best = best_tags(scores, splits, IOB2.transitions)
    assert best.tags.tolist() == [1] + [2] * 2999 + [0]
    assert best.score.tolist() == [2999e4, 0]


def test_texts_in_blocks(monkeypatch):
    lengths = [2, 9, 0, 4, 4, 1]
    scores = np.random.default_rng(1).normal(size=(20, 5))
    whole = best_tags(scores, splits_of(lengths), IOB2.transitions)
    monkeypatch.setattr("spanfit.decode.tags._BLOCK", 50)  # two texts a block
    parts = best_tags(scores, splits_of(lengths), IOB2.transitions)
    assert (whole.tags == parts.tags).all() and (whole.score == parts.score).all()


def test_nothing_to_decode():
    best = best_tags(np.zeros((0, 5)), splits_of([0, 0]), IOB2.transitions)
    assert (len(best.tags), best.score.tolist()) == (0, [0, 0])
    free = argmax_tags(np.zeros((0, 5)), splits_of([]))
    assert (len(free.tags), len(free.score)) == (0, 0)


def test_no_valid_sequence():
    never = Transitions(np.zeros((2, 2), bool), start=np.ones(2, bool), end=np.ones(2, bool))
    assert best_tags(np.zeros((1, 2)), splits_of([1]), never).tags.tolist() == [0]
    with pytest.raises(ValueError, match="no valid sequence of tags for text 1"):
        best_tags(np.zeros((3, 2)), splits_of([1, 2]), never)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_spoilt_logits_are_refused(value):
    scores = np.zeros((2, 5))
    scores[1, 3] = value
    with pytest.raises(ModelError, match="NaN or infinity"):
        best_tags(scores, splits_of([2]), IOB2.transitions)
    with pytest.raises(ModelError, match="NaN or infinity"):
        argmax_tags(scores, splits_of([2]))


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"\(N, 5\)"):
        best_tags(np.zeros((2, 4)), splits_of([2]), IOB2.transitions)
    with pytest.raises(ValueError, match="splits"):
        best_tags(np.zeros((2, 5)), splits_of([1]), IOB2.transitions)
    with pytest.raises(ValueError, match="shapes"):
        Transitions(np.ones((2, 3), bool), start=np.ones(2, bool), end=np.ones(2, bool))
    with pytest.raises(ValueError, match="bool"):
        Transitions(np.ones((2, 2)), start=np.ones(2, bool), end=np.ones(2, bool))
