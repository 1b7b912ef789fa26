"""Platt scaling of "no answer": its log-odds, made to tell how often there is none.

The softmax over scores divides both by one temperature, which says how sure one span is among
others. How sure the null is beside them all is another question: a model that learnt from easy
unanswerable questions can be wrong about it by far and still rank spans well. So the null's
log-odds get a slope and an offset of their own.

Source: Platt 1999, *Probabilistic outputs for support vector machines* (the smoothed targets keep
the fit finite where the two kinds are parted cleanly); Lin et al. 2007 (the stable form).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from spanfit.types import NullScale

MINIMUM_QUESTIONS: Final = 20
"""Fewer questions than this with an answer, or without one, fit nothing."""

_LARGEST = 1e4  # log-odds beyond this are certain anyway
_STEPS = 100
_TOLERANCE = 1e-10

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FittedNullScale:
    """A scale and its mean loss, in nats a question; `warning` says why nothing was fitted."""

    scale: NullScale
    loss: float
    warning: str | None = None


def fit_null_scale(
    log_odds: npt.ArrayLike,
    is_unanswerable: npt.ArrayLike,
    *,
    before: NullScale | None = None,
    minimum: int = MINIMUM_QUESTIONS,
) -> FittedNullScale:
    """The slope and offset that make what is known of n questions the most likely.

    `log_odds` (n,) are those of the null in the softmax; `is_unanswerable` (n,) what the gold says.
    Log-odds that speak for the wrong side get slope 0: then the null is as likely everywhere. With
    fewer than `minimum` questions of either kind the scale stays at `before`, with a warning.

    Raises:
        ValueError: the two are not of one length, or a log-odds is not finite.
    """
    x, y = np.asarray(log_odds, np.float64), np.asarray(is_unanswerable, np.bool_)
    if x.ndim != 1 or x.shape != y.shape or not np.isfinite(x).all():
        raise ValueError("log_odds and is_unanswerable need one length, and finite numbers")
    x = x.clip(-_LARGEST, _LARGEST)
    before = before or NullScale()
    n_null, n_answer = int(y.sum()), int((~y).sum())
    if min(n_null, n_answer) < max(minimum, 1):
        warning = (
            f"the scale of the null stays as it was: fitting takes {minimum} answerable and "
            f"{minimum} unanswerable questions, found {n_answer} and {n_null}"
        )
        return FittedNullScale(before, _loss(x, y, before), warning)
    target = np.where(y, (n_null + 1) / (n_null + 2), 1 / (n_answer + 2))
    scale = _fit(x, target)
    if scale.slope <= 0:
        share = float(target.mean())
        scale = NullScale(0.0, float(np.log(share / (1 - share))))
    return FittedNullScale(scale, _loss(x, y, scale))


def _loss(x: Floats, target: npt.NDArray[np.bool_] | Floats, scale: NullScale) -> float:
    """The mean of -t log p - (1 - t) log(1 - p), where log-odds of p are slope * x + offset."""
    if not len(x):
        return 0.0
    z = scale.slope * x + scale.offset
    return float((np.logaddexp(0.0, z) - target * z).mean())


def _fit(x: Floats, target: Floats) -> NullScale:
    """Newton's steps, halved until they go down; the loss is convex.

    On standardised log-odds, so that slope and offset are of like size.
    """
    middle, spread = float(x.mean()), float(x.std()) or 1.0
    u = (x - middle) / spread
    features = np.stack((u, np.ones_like(u)))  # (2, n)
    point = np.array([0.0, 0.0])

    def loss(at: Floats) -> float:
        return _loss(u, target, NullScale(*at.tolist()))

    for _ in range(_STEPS):
        share = 1 / (1 + np.exp(-(point @ features).clip(-700, 700)))
        gradient = features @ (share - target) / len(u)
        curvature = (features * (share * (1 - share))) @ features.T / len(u)
        step = np.linalg.solve(curvature + 1e-12 * np.eye(2), gradient)
        new = _descend(point, step, loss)
        if np.abs(new - point).max() < _TOLERANCE:
            break
        point = new
    slope = float(point[0]) / spread
    return NullScale(slope, float(point[1]) - slope * middle)


def _descend(point: Floats, step: Floats, loss: Callable[[Floats], float]) -> Floats:
    """The point after the longest of step, step / 2, step / 4, … that does not go up."""
    here = loss(point)
    for _ in range(60):
        if loss(point - step) <= here:
            return point - step
        step = step / 2
    return point
