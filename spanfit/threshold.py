"""The threshold of the null odds: the exact maximum of the mean F1, not one of a grid.

It lies half-way between two null odds that were seen, where it generalises best. Plain arrays come
in, so it can be checked by brute force and serve another task.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

MINIMUM_QUESTIONS: Final = 20
"""Fewer questions than this, answerable or not, do not fit a threshold."""

_MARGIN = 1.0  # how far beyond the null odds that were seen, in logits
_EQUAL = 1e-12  # mean F1s that differ by less are equal: they differ by rounding alone

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FittedThreshold:
    """A threshold of the null odds and the figure that it reaches where it was fitted.

    `figure` is the mean F1 (0 to 1) at `threshold` over `n_answerable + n_unanswerable` questions.
    `warning` says why nothing was fitted; the threshold is what it was before then.
    """

    threshold: float
    figure: float
    n_answerable: int
    n_unanswerable: int
    warning: str | None = None


def fit_threshold(
    null_odds: npt.ArrayLike,
    answer_score: npt.ArrayLike,
    is_answerable: npt.ArrayLike,
    *,
    before: float = 0.0,
    minimum: int = MINIMUM_QUESTIONS,
) -> FittedThreshold:
    """The threshold with the largest mean F1, exactly, in O(n log n).

    Of each of n questions: its null odds (+inf where it has no candidate), the F1 of its best span
    (0 to 1), and whether the gold has an answer. A question with null odds at or below the
    threshold counts `answer_score`; above it, "no answer" counts 1 where that is right, else 0.

    Tried are all midpoints between distinct null odds, a value below all and one above all. Of
    equal figures the threshold nearest 0 wins. With fewer than `minimum` questions of either kind
    nothing is fitted: the threshold stays at `before`, with a warning.

    Raises:
        ValueError: the three are not of one length, or hold NaN.
    """
    odds = np.asarray(null_odds, np.float64)
    score = np.asarray(answer_score, np.float64)
    answerable = np.asarray(is_answerable, np.bool_)
    if not (odds.ndim == 1 and odds.shape == score.shape == answerable.shape):
        raise ValueError("null_odds, answer_score and is_answerable need one length")
    if np.isnan(odds).any() or np.isnan(score).any():
        raise ValueError("null_odds and answer_score must not hold NaN")

    n_answerable = int(answerable.sum())
    n_unanswerable = len(odds) - n_answerable
    null_score = 1.0 - answerable
    warning = None
    if min(n_answerable, n_unanswerable) >= minimum:
        threshold = _best_threshold(odds, score - null_score)
    else:
        threshold = before
        warning = (
            f"the threshold stays {before:.4g}, not fitted: that takes {minimum} answerable and "
            f"{minimum} unanswerable questions, found {n_answerable} and {n_unanswerable}"
        )
    figures = np.where(odds <= threshold, score, null_score)
    figure = float(figures.mean()) if len(figures) else 0.0
    return FittedThreshold(threshold, figure, n_answerable, n_unanswerable, warning)


def _best_threshold(odds: Floats, gain: Floats) -> float:
    """The best threshold; `gain` is what answering a question adds over "no answer"."""
    finite = np.isfinite(odds)  # infinite odds are on the same side of every threshold
    if not finite.any():
        return 0.0
    distinct, group = np.unique(odds[finite], return_inverse=True)
    gains = np.bincount(group, weights=gain[finite])
    totals = np.concatenate([[0.0], np.cumsum(gains)])  # of answering the first 0, 1, 2 ... groups
    tried = _between(distinct)
    usable = np.isfinite(tried)
    totals, tried = totals[usable], tried[usable]
    best = tried[totals >= totals.max() - _EQUAL * len(odds)]
    return float(best[np.abs(best).argmin()])


def _between(distinct: Floats) -> Floats:
    """A threshold below all of m sorted numbers, m - 1 between them, and one above: (m + 1,).

    Below and above, where any number would do, it is 0 if that lies there with the margin to spare.
    """
    low, high = distinct[:-1], distinct[1:]
    middle = low / 2 + high / 2
    # Between two neighbouring floats the middle is one of them; only the lower one parts them.
    middle = np.where((low <= middle) & (middle < high), middle, low)
    below = min(distinct[0] - _MARGIN, np.nextafter(distinct[0], -np.inf), 0.0)
    above = max(distinct[-1] + _MARGIN, 0.0)
    return np.concatenate([[below], middle, [above]])
