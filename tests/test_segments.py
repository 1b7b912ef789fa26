"""The probability of a segment: against the sum over every valid sequence."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tag_tables import IOB2, PATTERNS, PLAIN, TABLES
from test_tag_decoding import splits_of

from spanfit.decode.segments import (
    Segments,
    frame_chunks,
    segment_probability,
    sum_sequences,
)
from spanfit.tags import Transitions

schemes = pytest.mark.parametrize("scheme", TABLES)


def sequence_probabilities(table, scores):
    """{sequence: probability} over all valid ones; exact for scores of any size."""
    sums = {
        numbers: sum(float(scores[unit, tag]) for unit, tag in enumerate(numbers))
        for numbers in table.sequences(len(scores))
    }
    peak = max(sums.values())
    weights = {numbers: np.exp(score - peak) for numbers, score in sums.items()}
    total = sum(weights.values())
    return {numbers: weight / total for numbers, weight in weights.items()}


def chunk_probability(scheme, sums, chunks):
    """The probability of (start, stop, label), units of N; patterns of a label add up."""
    result = np.zeros(len(chunks))
    starts, stops = (np.array([chunk[side] for chunk in chunks], np.int64) for side in (0, 1))
    for variant in range(2 if scheme == "iob1" else 1):
        labels = list(PATTERNS[scheme])
        patterns = [PATTERNS[scheme][label][variant] for label in labels]
        which = np.array([labels.index(label) for _, _, label in chunks], np.int64)
        segments = frame_chunks(patterns, which, starts, stops, splits=sums.splits)
        result += segment_probability(sums, segments)
    return result


def tag_probability(sums):
    """The probability of each tag at each unit, (N, K)."""
    return np.exp(sums.before + sums.after)


@schemes
@given(
    seed=st.integers(0, 2**32),
    lengths=st.lists(st.integers(0, 4), min_size=1, max_size=4),
    scale=st.sampled_from([0.1, 3.0, 200.0, 1e4]),
    temperature=st.sampled_from([1.0, 0.5, 7.0]),
)
def test_equals_brute_force(scheme, seed, lengths, scale, temperature):
    table, splits = TABLES[scheme], splits_of(lengths)
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(splits[-1], len(table.tags))) * scale
    sums = sum_sequences(scores, splits, table.transitions, temperature=temperature)
    labels = {label for tag in table.tags for label in [tag[2:] or tag] if tag != "O"}
    chunks, expected = [], []
    for begin, end in itertools.pairwise(splits):
        shares = sequence_probabilities(table, scores[begin:end] / temperature)
        by_unit = np.zeros((end - begin, len(table.tags)))
        found = {}
        for numbers, share in shares.items():
            by_unit[range(len(numbers)), numbers] += share
            for start, stop, label in table.chunks([table.tags[number] for number in numbers]):
                key = (begin + start, begin + stop, label)
                found[key] = found.get(key, 0.0) + share
        np.testing.assert_allclose(tag_probability(sums)[begin:end], by_unit, atol=1e-9)
        for start, stop in itertools.combinations(range(begin, end + 1), 2):
            for label in sorted(labels):
                chunks.append((start, stop, label))
                expected.append(found.get((start, stop, label), 0.0))
    if chunks:
        probability = chunk_probability(scheme, sums, chunks)
        np.testing.assert_allclose(probability, expected, rtol=1e-8, atol=1e-12)
        assert probability.max() <= 1 and probability.min() >= 0


@given(seed=st.integers(0, 2**32))
def test_any_run_of_sets(seed):
    """Segments need not be chunks: any sets at any units."""
    rng = np.random.default_rng(seed)
    splits = splits_of([4, 3])
    scores = rng.normal(size=(7, 5))
    sums = sum_sequences(scores, splits, IOB2.transitions)
    runs = [(0, 4), (1, 2), (2, 2), (4, 1), (4, 3), (5, 2)]  # first unit, length
    allowed = rng.random((sum(length for _, length in runs), 5)) < 0.6
    rows = splits_of([length for _, length in runs])
    probability = segment_probability(
        sums, Segments(np.array([first for first, _ in runs]), splits=rows, allowed=allowed)
    )
    for number, (first, length) in enumerate(runs):
        begin, end = (0, 4) if first < 4 else (4, 7)
        mask = allowed[rows[number] : rows[number + 1]]
        expected = sum(
            share
            for numbers, share in sequence_probabilities(IOB2, scores[begin:end]).items()
            if all(mask[unit, numbers[first - begin + unit]] for unit in range(length))
        )
        assert probability[number] == pytest.approx(expected, abs=1e-12)


def test_by_pencil():
    """Two units, all scores 0: O O, O B, B O, B I, B B for two labels make 1 + 4·2 - 2 + 2 + 4."""
    scores, splits = np.zeros((2, 5)), splits_of([2])
    sums = sum_sequences(scores, splits, IOB2.transitions)
    # O O; O B-x; O B-y; B-x O; B-y O; four of B B; B-x I-x; B-y I-y.
    assert np.exp(sums.total[0]) == pytest.approx(11)
    chunks = [(0, 1, "x"), (0, 2, "x"), (1, 2, "x")]
    probability = chunk_probability("iob2", sums, chunks)
    # Alone at the first unit: before O, B-x, B-y. At the second: after O, B-x, B-y.
    assert probability == pytest.approx([3 / 11, 1 / 11, 3 / 11])


def test_no_constraint_is_a_softmax_of_each_unit():
    scores = np.random.default_rng(3).normal(size=(6, 3)) * 5
    sums = sum_sequences(scores, splits_of([2, 4]), PLAIN.transitions, temperature=2.0)
    weights = np.exp(scores / 2)
    softmax = weights / weights.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(tag_probability(sums), softmax, rtol=1e-12)


def test_a_tag_that_only_later_scores_make_likely():
    """I-x lies 1e4 below O at every unit but the last, where it is 1e5 above: B-x I-x … wins."""
    scores = np.zeros((6, 5))
    scores[:, 0] = 1e4
    scores[5, 2] = 1e5
    sums = sum_sequences(scores, splits_of([6]), IOB2.transitions)
    chunks = [(4, 6, "x"), (3, 6, "x"), (5, 6, "x")]
    # B-x I-x at the last two units: every longer chunk gives up one more O.
    assert chunk_probability("iob2", sums, chunks) == pytest.approx([1, 0, 0])
    scores[:5, 0] = -1e4
    sums = sum_sequences(scores, splits_of([6]), IOB2.transitions)
    # Any way to B-x I-x at the end: units 0 to 3 are free among 4 or 5 tags, none of them O.
    ways = {stop: chunk_probability("iob2", sums, [(stop, 6, "x")])[0] for stop in range(5)}
    assert sum(ways.values()) == pytest.approx(1)


def test_a_text_of_many_units():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(1500, 5)) * 1e4
    sums = sum_sequences(scores, splits_of([1500]), IOB2.transitions)
    np.testing.assert_allclose(tag_probability(sums).sum(axis=1), 1, rtol=1e-9)


def test_nothing_to_sum():
    sums = sum_sequences(np.zeros((0, 5)), splits_of([0]), IOB2.transitions)
    assert sums.total.tolist() == [0]
    none = np.zeros(0, np.int64)
    segments = frame_chunks(PATTERNS["iob2"]["x"], none, none, none, splits=sums.splits)
    assert len(segment_probability(sums, segments)) == 0


def test_what_does_not_fit_is_refused():
    splits = splits_of([2, 2])
    with pytest.raises(ValueError, match="temperature"):
        sum_sequences(np.zeros((4, 5)), splits, IOB2.transitions, temperature=0)
    sums = sum_sequences(np.zeros((4, 5)), splits, IOB2.transitions)
    mask = np.ones((2, 5), bool)
    for first in (-1, 1, 3, 4):
        segments = Segments(np.array([first]), splits=np.array([0, 2]), allowed=mask)
        with pytest.raises(ValueError, match="a segment"):
            segment_probability(sums, segments)
    with pytest.raises(ValueError, match="at least one unit"):
        Segments(np.array([0, 0]), splits=np.array([0, 0, 2]), allowed=mask)
    with pytest.raises(ValueError, match="at least one unit"):
        frame_chunks(PATTERNS["iob2"]["x"], *np.array([[0], [1], [1]]), splits=splits)
    never = Transitions(np.zeros((2, 2), bool), start=np.ones(2, bool), end=np.zeros(2, bool))
    with pytest.raises(ValueError, match="no valid sequence of tags for text 0"):
        sum_sequences(np.zeros((1, 2)), splits_of([1]), never)
