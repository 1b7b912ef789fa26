"""The temperature at which the share of the best span tells how often it is right.

Scores are divided by it before the softmax: above 1 probabilities are less sure than the scores
say, below 1 surer. No decision depends on it, since decisions compare scores.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from spanfit.types import LARGEST_EXPONENT, QuestionPrediction

MINIMUM_DECISIONS: Final = 20
"""Fewer right ones than this, or fewer wrong ones, do not fit a temperature."""
LOWEST, HIGHEST = 0.05, 20.0
"""Temperatures between these are tried."""

_GRID = 61  # temperatures that are tried before the best neighbourhood is searched: 10 % apart
_PRECISION = 1e-6  # of the logarithm of the temperature
_GOLDEN = (5**0.5 - 1) / 2
_LARGEST_GAP = 1e6  # scores that lie further apart count as if they did not

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FittedTemperature:
    """A temperature and the loss that it reaches where it was fitted.

    `loss` is the mean negative log-likelihood, in nats, of what came true ("this decision is right"
    or "is wrong") over `n_right + n_wrong` decisions; 0 where there are none. `warning` says why
    nothing was fitted; the temperature is what it was before then.
    """

    temperature: float
    loss: float
    n_right: int
    n_wrong: int
    warning: str | None = None


def fit_temperature(
    gaps: npt.ArrayLike,
    is_right: npt.ArrayLike,
    *,
    before: float = 1.0,
    minimum: int = MINIMUM_DECISIONS,
) -> FittedTemperature:
    """The temperature that makes what came true of n decisions the most likely.

    At temperature T a decision has the probability 1 / (1 + sum of exp(gap / T)), whose terms are
    the outcomes that were decided against (`list_gaps`). A decision without any (nothing else was
    possible) has probability 1 at each temperature and does not count. With fewer than `minimum`
    right decisions, or wrong ones, nothing is fitted: the temperature stays at `before`, with a
    warning.

    Args:
        gaps: (n, k) scores of the other outcomes minus that of the decided one; -inf is padding.
        is_right: (n,) whether the decision is right.
        before: the temperature where nothing is fitted.
        minimum: of right decisions, and of wrong ones.

    Raises:
        ValueError: the shapes do not fit, or a gap is NaN or +inf.
    """
    other, right = np.asarray(gaps, np.float64), np.asarray(is_right, np.bool_)
    if other.ndim != 2 or right.shape != other.shape[:1]:
        raise ValueError("gaps needs one row, of other outcomes, for each entry of is_right")
    if np.isnan(other).any() or np.isposinf(other).any():
        raise ValueError("a gap is a number, or -inf for padding")
    counts = (other > -np.inf).any(axis=1)
    loss = _make_loss(other[counts], right[counts])
    n_right = int(right[counts].sum())
    n_wrong = int(counts.sum()) - n_right
    if min(n_right, n_wrong) >= minimum and n_right + n_wrong > 0:
        temperature = float(np.exp(_minimise(lambda log: loss(np.exp(log)))))
        return FittedTemperature(temperature, loss(temperature), n_right, n_wrong)
    warning = (
        f"the temperature stays {before:.4g}, not fitted: that takes {minimum} right and {minimum} "
        f"wrong predictions, found {n_right} and {n_wrong}"
    )
    return FittedTemperature(before, loss(before), n_right, n_wrong, warning)


def _make_loss(gaps: Floats, is_right: npt.NDArray[np.bool_]) -> Callable[[float], float]:
    """The mean loss of n decisions as a function of the temperature.

    With a = log of the sum of exp(gap / T), the log-odds of "wrong", a right decision costs
    log(1 + exp(a)) and a wrong one log(1 + exp(-a)); neither loses digits near 0 or 1.
    """
    if not len(gaps):
        return lambda _: 0.0
    gaps = gaps.clip(-_LARGEST_GAP, _LARGEST_GAP)
    largest = gaps.max(axis=1)
    below = gaps - largest[:, None]
    sign = np.where(is_right, 1.0, -1.0)

    def loss(temperature: float) -> float:
        log_odds = largest / temperature + np.log(np.exp(below / temperature).sum(axis=1))
        # Probabilities of exactly 0 or 1 would cost infinitely much where they are wrong.
        log_odds = log_odds.clip(-LARGEST_EXPONENT, LARGEST_EXPONENT)
        return float(np.logaddexp(0.0, sign * log_odds).mean())

    return loss


def _minimise(loss: Callable[[float], float]) -> float:
    """The log-temperature of the smallest loss: the best of a grid, then golden sections."""
    grid = np.linspace(np.log(LOWEST), np.log(HIGHEST), _GRID)
    losses = [loss(point) for point in grid]
    best = int(np.argmin(losses))
    low, high = float(grid[max(best - 1, 0)]), float(grid[min(best + 1, _GRID - 1)])
    seen = {float(grid[best]): losses[best]}

    def look(point: float) -> float:
        if point not in seen:
            seen[point] = loss(point)
        return seen[point]

    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    while high - low > _PRECISION:
        if look(left) <= look(right):
            high, right, left = right, left, right - _GOLDEN * (right - low)
        else:
            low, left, right = left, right, left + _GOLDEN * (high - left)
    return min(seen, key=lambda point: (seen[point], abs(point)))


def decision_probability(gaps: Floats, *, temperature: float) -> Floats:
    """The probability of each of n decisions at a temperature, (n,), from `list_gaps`.

    It equals `QuestionPrediction.probability` there, without making the predictions anew.
    """
    exponents = (gaps / temperature).clip(max=LARGEST_EXPONENT)
    share: Floats = 1 / (1 + np.exp(exponents).sum(axis=1))
    return share


def list_gaps(predictions: Sequence[QuestionPrediction], *, threshold: float | None) -> Floats:
    """How far the other outcomes lie above what is decided at `threshold`: (n, k + 1).

    Outcomes are the k best candidates and, with a threshold, the null. What is decided is -inf,
    which is also padding, so the row of a prediction without candidates holds nothing else.
    """
    n, counts = len(predictions), np.array([len(p.n_best) for p in predictions], np.int64)
    k = int(counts.max(initial=0))
    gaps = np.full((n, k + 1), -np.inf)
    scores = [c.score - p.n_best[0].score for p in predictions for c in p.n_best]
    gaps[:, :k][np.arange(k) < counts[:, None]] = scores
    odds = np.array([p.null_odds for p in predictions], np.float64)
    exists = counts > 0
    is_null = np.zeros(n, np.bool_) if threshold is None else odds > threshold
    if threshold is not None:
        gaps[exists, k] = odds[exists]
    decided = np.where(is_null, k, 0)
    gaps[exists] -= gaps[exists, decided[exists]][:, None]
    gaps[np.arange(n), decided] = -np.inf
    return gaps


def null_log_odds(odds: Floats, gaps: Floats, *, temperature: float) -> Floats:
    """The log-odds of the null beside the n-best in the softmax at a temperature, (n,).

    `odds` (n,) are null odds, `gaps` those of `list_gaps` at threshold None: log of the sum of
    exp(score / T) over the spans is, relative to the best one, log(1 + sum of exp(gap / T)).
    """
    log_odds: Floats = odds / temperature - np.log1p(np.exp(gaps / temperature).sum(axis=1))
    return log_odds
