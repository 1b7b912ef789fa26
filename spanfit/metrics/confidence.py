"""Whether predictions are right as often as they say: calibration error, Brier score, risk.

All of it is of pairs: the probability that a prediction gave itself, and whether it was right.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

N_BINS: Final = 15
"""Bins of equal width for the calibration error, as in Guo et al. (2017)."""
MAX_POINTS: Final = 101
"""A longer risk-coverage curve is thinned to so many points."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RiskPoint:
    """What happens where only predictions of at least this `confidence` are taken.

    `coverage` is the share of them all, `risk` the share of wrong ones among those that are taken.
    """

    confidence: float
    coverage: float
    risk: float


@dataclass(frozen=True, slots=True)
class Confidence:
    """How far the probabilities of n predictions can be trusted; all figures are 0 to 1.

    `calibration_error`: over bins of like probability, the mean distance between the mean
    probability and the share of right predictions, weighted by the predictions in a bin.
    `brier`: the mean squared distance between the probability and 1 (right) or 0 (wrong).
    `aurc`: the area under the risk-coverage curve, which tells how well probabilities rank; lower
    is better in all three. `risk_coverage` is that curve, from the most confident predictions
    (first) to all of them (last).
    """

    n: int
    calibration_error: float
    brier: float
    aurc: float
    risk_coverage: tuple[RiskPoint, ...]

    @property
    def figures(self) -> dict[str, float]:
        """The three figures by name, without the curve."""
        return {
            "calibration_error": self.calibration_error,
            "brier": self.brier,
            "aurc": self.aurc,
        }

    def to_json(self) -> dict[str, Any]:
        """All of it for a JSON file, the curve as three lists of one length."""
        return {
            "n": self.n,
            **self.figures,
            "risk_coverage": {
                "confidence": [point.confidence for point in self.risk_coverage],
                "coverage": [point.coverage for point in self.risk_coverage],
                "risk": [point.risk for point in self.risk_coverage],
            },
        }


def measure_confidence(probability: ArrayLike, is_right: ArrayLike) -> Confidence:
    """Compare what n predictions say of themselves with what they are worth.

    Args:
        probability: (n,) numbers of 0 to 1, that of each prediction.
        is_right: (n,) whether it was right: booleans, or exact match as 0 and 1.

    Raises:
        ValueError: no prediction, arrays of different lengths, a probability that is not between 0
            and 1 (NaN is not either), or an `is_right` that is neither 0 nor 1.
    """
    said, right = np.asarray(probability, np.float64), np.asarray(is_right, np.float64)
    if said.ndim != 1 or said.shape != right.shape:
        raise ValueError("probability and is_right need one length")
    if not len(said):
        raise ValueError("without a prediction there is no confidence to measure")
    if not ((said >= 0) & (said <= 1)).all():
        raise ValueError("each probability needs to be a number between 0 and 1")
    if not ((right == 0) | (right == 1)).all():
        raise ValueError("is_right needs to be 0 or 1 for each prediction")
    confidence, coverage, risk = _trace_risk(said, right)
    area = float((np.diff(coverage, prepend=0.0) * risk).sum())
    kept = _thin(coverage)
    points = zip(
        confidence[kept].tolist(), coverage[kept].tolist(), risk[kept].tolist(), strict=True
    )
    return Confidence(
        n=len(said),
        calibration_error=_calibration_error(said, right),
        brier=float(((said - right) ** 2).mean()),
        aurc=area,
        risk_coverage=tuple(RiskPoint(*point) for point in points),
    )


def _calibration_error(said: Floats, right: Floats) -> float:
    """Bin m of M holds what is above (m - 1)/M and at most m/M; the first one holds 0 too."""
    upper_edges = np.arange(1, N_BINS + 1) / N_BINS
    bins = np.searchsorted(upper_edges, said, side="left")
    # A bin's |mean of said - mean of right| times its count is |sum of said - sum of right|.
    gaps = np.bincount(bins, weights=said - right, minlength=N_BINS)
    return float(np.abs(gaps).sum() / len(said))


def _trace_risk(said: Floats, right: Floats) -> tuple[Floats, Floats, Floats]:
    """Confidence, coverage and risk at each of m distinct probabilities, the highest first: (m,).

    Equal probabilities cannot be told apart, so they are taken together.
    """
    distinct, group = np.unique(said, return_inverse=True)
    taken = np.cumsum(np.bincount(group)[::-1])
    wrong = np.cumsum(np.bincount(group, weights=1 - right)[::-1])
    return distinct[::-1], taken / len(said), wrong / taken


def _thin(coverage: Floats) -> NDArray[np.int64]:
    """At most MAX_POINTS indices of a rising curve, evenly by coverage: the first and last stay."""
    if len(coverage) <= MAX_POINTS:
        return np.arange(len(coverage))
    wanted = np.arange(1, MAX_POINTS) / (MAX_POINTS - 1)
    reached = np.searchsorted(coverage, wanted, side="left")
    return np.unique([0, *reached.clip(max=len(coverage) - 1)])
