"""Resampling: against drawing examples one by one, coverage, what has no spread."""

from __future__ import annotations

import numpy as np
import pytest

from spanfit.metrics.bootstrap import (
    RESAMPLES,
    Interval,
    resample_means,
    resample_sums,
    to_interval,
    to_p_value,
)


def draw_one_by_one(rows, *, resamples, seed=1):
    """The column sums of samples, by drawing the index of each example."""
    generator = np.random.default_rng(seed)
    return rows[generator.integers(len(rows), size=(resamples, len(rows)))].sum(axis=1)


def assert_same_distribution(ours, theirs):
    """The shares below any value differ by less than a hundredth and a half.

    For two times 40,000 samples of one distribution that distance is below 0.0136 in 99.9 % of
    cases (Kolmogorov and Smirnov); rounding joins sums that were added up in another order.
    """
    ours, theirs = np.sort(np.round(ours, 9)), np.sort(np.round(theirs, 9))
    assert theirs[0] < theirs[-1]
    values = np.concatenate([ours, theirs])
    below = [np.searchsorted(side, values, side="right") / len(side) for side in (ours, theirs)]
    assert np.abs(below[0] - below[1]).max() < 0.015


@pytest.mark.parametrize("n", [5, 40])
def test_sums_are_distributed_as_by_drawing_one_by_one(n):
    generator = np.random.default_rng(n)
    rows = np.column_stack([generator.integers(0, 2, n), generator.random(n), np.ones(n)])
    rows[-2:, :2] = 0
    ours = resample_sums(rows, resamples=40_000)
    theirs = draw_one_by_one(rows, resamples=40_000)
    assert ours.shape == (40_000, 3)
    assert (ours[:, 2] == n).all()
    for column in range(2):
        assert_same_distribution(ours[:, column], theirs[:, column])
    # Together too, not only column by column.
    assert_same_distribution(ours[:, 0] - 2 * ours[:, 1], theirs[:, 0] - 2 * theirs[:, 1])


def test_a_ratio_of_sums():
    """Micro-averaged F1 of counts, as tagging needs it: (right, predicted, gold) an example."""
    generator = np.random.default_rng(3)
    predicted, gold = generator.integers(0, 4, (2, 30))
    counts = np.column_stack([np.minimum(predicted, gold), predicted, gold]).astype(float)

    def f1(sums):
        return 2 * sums[:, 0] / (sums[:, 1] + sums[:, 2])

    assert_same_distribution(
        f1(resample_sums(counts, resamples=40_000)), f1(draw_one_by_one(counts, resamples=40_000))
    )


def test_a_mean_over_some_of_the_examples():
    """How many of them are drawn varies: a sample of all, then the mean of those picked."""
    generator = np.random.default_rng(4)
    values, mask = generator.random((30, 1)), generator.random(30) < 0.4
    ours = resample_means(values, mask=mask, resamples=40_000)[:, 0]
    sums = draw_one_by_one(
        np.column_stack([values[:, 0] * mask, mask]).astype(float), resamples=40_000
    )
    assert_same_distribution(ours, sums[:, 0] / sums[:, 1])
    # Which differs from resampling those alone: their number adds to the spread.
    alone = resample_means(values[mask], resamples=40_000)[:, 0]
    assert ours.std() > alone.std()


def test_zeros_need_no_rows():
    rows = np.random.default_rng(5).random((12, 1))
    with_rows = resample_sums(np.vstack([rows, np.zeros((8, 1))]), resamples=40_000, seed=1)
    without = resample_sums(rows, n_zeros=8, resamples=40_000, seed=2)
    assert_same_distribution(without[:, 0], with_rows[:, 0])


def test_samples_without_a_picked_example_have_no_mean():
    values, mask = np.array([[0.0], [1.0], [0.5]]), np.array([False, True, False])
    means = resample_means(values, mask=mask)[:, 0]
    share = np.isnan(means).mean()
    assert share == pytest.approx((2 / 3) ** 3, abs=0.02)
    assert set(means[~np.isnan(means)]) == {1.0}
    assert to_interval(means) == Interval(1, 1)


@pytest.mark.parametrize("values", [[0.25], [1.0, 1.0, 1.0], [0.0] * 50])
def test_equal_values_have_no_width(values):
    means = resample_means(np.array(values)[:, None])[:, 0]
    assert to_interval(means) == pytest.approx(Interval(values[0], values[0]))


def test_the_same_rows_give_the_same_interval():
    values = np.random.default_rng(6).random((50, 1))
    first, second = (resample_means(values) for _ in range(2))
    assert (first == second).all()
    assert len(first) == RESAMPLES
    assert (resample_means(values, seed=1) != first).any()


def test_more_distinct_rows_than_fit_at_once(monkeypatch):
    """Blocks of samples give what all at once would give."""
    values = np.random.default_rng(7).random((30, 2))
    whole = resample_sums(values, resamples=100)
    monkeypatch.setattr("spanfit.metrics.bootstrap._LARGEST_BLOCK", 31 * 7)
    assert (resample_sums(values, resamples=100) == whole).all()


def test_intervals_hold_the_truth_as_often_as_they_say():
    """400 data sets of 200 values with a known mean: about 95 % of the intervals hold it."""
    generator = np.random.default_rng(8)
    held = {0.95: 0, 0.8: 0}
    for _ in range(400):
        values = (generator.random((200, 1)) < 0.7).astype(float)
        means = resample_means(values, resamples=1_000, seed=int(generator.integers(1 << 30)))
        for level in held:
            held[level] += 0.7 in to_interval(means[:, 0], level=level)
    for level, times in held.items():
        noise = 4 * np.sqrt(level * (1 - level) / 400)
        assert times / 400 == pytest.approx(level, abs=noise)


def test_a_mean_of_many_is_normal():
    values = (np.arange(1_000) < 600).astype(float)[:, None]
    interval = to_interval(resample_means(values)[:, 0])
    half = 1.96 * np.sqrt(0.6 * 0.4 / 1_000)
    assert interval.low == pytest.approx(0.6 - half, abs=0.0015)
    assert interval.high == pytest.approx(0.6 + half, abs=0.0015)


def test_p_values_by_hand():
    assert to_p_value(np.zeros(10)) == 1
    assert to_p_value(np.array([-1.0, 1.0])) == 1
    assert to_p_value(np.ones(99)) == pytest.approx(2 * 1 / 100)
    assert to_p_value(-np.ones(99)) == pytest.approx(2 * 1 / 100)
    assert to_p_value(np.array([1.0] * 96 + [0.0] * 2 + [-1.0])) == pytest.approx(2 * 4 / 100)
    assert to_p_value(np.array([1.0] * 99 + [np.nan] * 900)) == pytest.approx(2 / 100)


def test_p_values_of_equal_systems_are_evenly_spread():
    """Where nothing differs, about a tenth of all p-values is below 0.1, and half below 0.5."""
    generator = np.random.default_rng(9)
    found = []
    for _ in range(300):
        differences = generator.normal(size=(60, 1)) * (generator.random((60, 1)) < 0.5)
        found.append(to_p_value(resample_means(differences, resamples=500)[:, 0]))
    assert np.mean(np.array(found) < 0.1) == pytest.approx(0.1, abs=0.06)
    assert np.mean(np.array(found) < 0.5) == pytest.approx(0.5, abs=0.1)


def test_what_cannot_be_resampled():
    with pytest.raises(ValueError, match="no example"):
        resample_sums(np.empty((0, 2)))
    with pytest.raises(ValueError, match="between 0 and 1"):
        to_interval(np.ones(3), level=95)
    with pytest.raises(ValueError, match="no sample"):
        to_interval(np.full(3, np.nan))
    assert (resample_sums(np.empty((0, 2)), n_zeros=3) == 0).all()
