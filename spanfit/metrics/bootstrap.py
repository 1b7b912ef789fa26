"""How far a figure would move had other examples been asked: intervals and p-values by resampling.

The bootstrap (Efron 1979, *Bootstrap methods: another look at the jackknife*) draws n of the n
examples with replacement, many times, and computes the figure of each sample. Two systems are
compared on the same draws (Koehn 2004, *Statistical significance tests for machine translation
evaluation*), so that what makes an example hard for both cancels out.

A sample enters a figure only through sums over its examples, and those depend only on how often
each *distinct* row of values was drawn. These counts are multinomial, so they are drawn directly:
the same distribution as drawing examples one by one, at the cost of the distinct rows (a hundred
or so for the F1 of 12,000 questions) in place of all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

RESAMPLES = 10_000
SEED = 20_040_725
"""Fixed, so that the same files give the same interval each time."""
_LARGEST_BLOCK = 4_000_000
"""Counts in memory at a time."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval, on the scale of its figure."""

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    def to_json(self) -> list[float]:
        """Its two ends, for a JSON file."""
        return [self.low, self.high]


def resample_sums(
    rows: Floats, *, n_zeros: int = 0, resamples: int = RESAMPLES, seed: int = SEED
) -> Floats:
    """The column sums of samples drawn with replacement, each as large as what it is drawn from.

    A ratio of sums (a mean over a part of the examples, micro-averaged F1) is a quotient of two
    columns of the result.

    Args:
        rows: (m, k), the values of each example.
        n_zeros: so many further examples have zeros in all columns; they are drawn too.
        resamples: how many samples.
        seed: of the draws.

    Returns:
        (resamples, k).

    Raises:
        ValueError: there is no example.
    """
    if not (n := len(rows) + n_zeros):
        raise ValueError("there is no example to draw")
    distinct, counts = np.unique(rows, axis=0, return_counts=True)
    shares = np.concatenate([[n_zeros], counts]) / n  # the last row takes what rounding leaves
    generator = np.random.default_rng(seed)
    sums = np.empty((resamples, rows.shape[1]))
    step = max(1, _LARGEST_BLOCK // len(shares))
    for first in range(0, resamples, step):
        block = sums[first : first + step]
        drawn = generator.multinomial(n, shares, size=len(block))[:, 1:].astype(np.float64)
        # Not `@`: the last bit of a BLAS product depends on the CPU and on the size of the block.
        np.einsum("nm,mk->nk", drawn, distinct, out=block)
    return sums


def resample_means(
    values: Floats, *, mask: Flags | None = None, resamples: int = RESAMPLES, seed: int = SEED
) -> Floats:
    """The column means of samples of examples, over those examples that `mask` picks.

    All n examples are drawn from, so how many of them are picked varies from sample to sample, as
    it would among other examples.

    Args:
        values: (n, k), the values of each example.
        mask: (n,), the examples that the means are taken over; None: all.
        resamples: how many samples.
        seed: of the draws.

    Returns:
        (resamples, k); NaN in a sample without a picked example, which has no mean.
    """
    picked = values if mask is None else values[mask]
    rows = np.column_stack([picked, np.ones(len(picked))])
    sums = resample_sums(rows, n_zeros=len(values) - len(picked), resamples=resamples, seed=seed)
    n_picked = sums[:, -1:]
    return np.divide(
        sums[:, :-1], n_picked, where=n_picked > 0, out=np.full_like(sums[:, :-1], np.nan)
    )


def to_interval(samples: Floats, *, level: float = 0.95) -> Interval:
    """The percentile interval of resampled figures (resamples,), those that are NaN left out.

    Raises:
        ValueError: the level is not between 0 and 1, or no sample has the figure.
    """
    if not 0 < level < 1:
        raise ValueError(f"the level of an interval lies between 0 and 1, found {level}")
    there = samples[~np.isnan(samples)]
    if not len(there):
        raise ValueError("no sample has this figure")
    low, high = np.quantile(there, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))


def to_p_value(differences: Floats) -> float:
    """How readily a difference this clear comes from two systems that are equally good.

    Twice the smaller share of resampled differences (resamples,) on either side of 0, where those
    equal to 0 count on both. One is added to the count and to the number of samples: that no
    sample fell on one side does not make it impossible, so 10,000 samples give at least 0.0002.
    At most 1. Samples that are NaN are left out.
    """
    there = differences[~np.isnan(differences)]
    fewer = min(int((there <= 0).sum()), int((there >= 0).sum()))
    return min(1.0, 2 * (fewer + 1) / (len(there) + 1))
