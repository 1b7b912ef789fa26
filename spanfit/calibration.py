"""Fitting what turns scores into decisions: the threshold of the null odds.

The threshold is the exact maximum of the mean F1 on the calibration part, not one of a grid, and it
lies half-way between two null odds that were seen, where it generalises best.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from spanfit.data import digest
from spanfit.metrics import answer_scores
from spanfit.settings import Calibration
from spanfit.types import QuestionExample, QuestionPrediction

MINIMUM_QUESTIONS: Final = 20
"""Fewer questions than this, answerable or not, do not fit a threshold."""

_MARGIN = 1.0  # how far beyond the null odds that were seen, in logits
_EQUAL = 1e-12  # mean F1s that differ by less are equal: they differ by rounding alone

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FittedThreshold:
    """A threshold of the null odds and the figure that it reaches where it was fitted.

    `figure` is the mean F1 (0 to 1) at `threshold` over `n_answerable + n_unanswerable` questions.
    `warning` says why nothing was fitted; the threshold is 0 then.
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
    minimum: int = MINIMUM_QUESTIONS,
) -> FittedThreshold:
    """The threshold with the largest mean F1, exactly, in O(n log n).

    Of each of n questions: its null odds (+inf where it has no candidate), the F1 of its best span
    (0 to 1), and whether the gold has an answer. A question with null odds at or below the
    threshold counts `answer_score`; above it, "no answer" counts 1 where that is right, else 0.

    Tried are all midpoints between distinct null odds, a value below all and one above all. Of
    equal figures the threshold nearest 0 wins. With fewer than `minimum` questions of either kind
    nothing is fitted: threshold 0, with a warning.

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
    warning = _too_few(n_answerable, n_unanswerable, minimum=minimum)
    threshold = 0.0 if warning else _best_threshold(odds, score - null_score)
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


def _too_few(n_answerable: int, n_unanswerable: int, *, minimum: int) -> str | None:
    if min(n_answerable, n_unanswerable) >= minimum:
        return None
    return (
        f"the threshold is 0, not fitted: that takes {minimum} answerable and {minimum} "
        f"unanswerable questions, found {n_answerable} and {n_unanswerable}"
    )


def calibrate_questions(
    examples: Sequence[QuestionExample], predictions: Sequence[QuestionPrediction]
) -> tuple[Calibration, str | None]:
    """The threshold that suits predictions of examples with gold; and a warning, if any."""
    best_f1 = [
        answer_scores(
            prediction.n_best[0].text if prediction.n_best else "",
            [answer.text for answer in example.answers or ()],
        )[1]
        for example, prediction in zip(examples, predictions, strict=True)
    ]
    fitted = fit_threshold(
        [prediction.null_odds for prediction in predictions],
        best_f1,
        [example.is_answerable for example in examples],
    )
    calibration = Calibration(
        threshold=fitted.threshold,
        data_digest=digest(examples),
        n_examples=len(examples),
    )
    return calibration, fitted.warning


CALIBRATIONS = {"qa": calibrate_questions}
"""How each task fits what turns scores into decisions, by the task's name."""
