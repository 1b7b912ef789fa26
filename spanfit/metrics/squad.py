"""From the scores of single answers to all figures: means, best threshold, areas.

Equal to the official scripts, on their scale of 0 to 100. What they compare is in
`question_metrics`; best thresholds and areas are those of evaluate-v2.0.py.

A question without a prediction counts as 0 in every figure. evaluate-v1.1 does the same;
evaluate-v2.0 leaves it out of its overall figures and stops at the others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spanfit.metrics.question_metrics import QuestionMetric

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def mean_figures(
    exact: Floats, f1: Floats, *, has_answer: Flags, metric: QuestionMetric
) -> dict[str, float]:
    """The means of scores (n,) of 0 to 1, n at least 1, by the names of the official script.

    `total` and HasAns_* and NoAns_*, of the questions that there are, come with them where the
    script has them, or where a question has no answer.
    """
    figures = {metric.exact: _percent(exact), metric.f1: _percent(f1)}
    if metric.average:
        figures[metric.average] = (figures[metric.exact] + figures[metric.f1]) / 2
    if not (metric.by_kind or (~has_answer).any()):
        return figures
    figures["total"] = len(exact)
    for name, part in (("HasAns", has_answer), ("NoAns", ~has_answer)):
        if part.any():
            figures[f"{name}_exact"] = _percent(exact[part])
            figures[f"{name}_f1"] = _percent(f1[part])
            figures[f"{name}_total"] = int(part.sum())
    return figures


@dataclass(frozen=True, slots=True)
class Ranking:
    """The m predicted questions, the surest answer first: sorted by their null odds.

    Arrays of length m: `null_odds` (or any score that is higher the less there is an answer),
    `exact` and `f1` of the best answer as if it were always given, `has_answer` of the gold, and
    `says_text` (the best answer is not the empty string).
    """

    null_odds: Floats
    exact: Floats
    f1: Floats
    has_answer: Flags
    says_text: Flags

    @classmethod
    def sort(
        cls, null_odds: Floats, *, exact: Floats, f1: Floats, has_answer: Flags, says_text: Flags
    ) -> Ranking:
        """Sort arrays of length m; equal null odds keep their order, as in the official script."""
        order = np.argsort(null_odds, kind="stable")
        return cls(
            null_odds=null_odds[order],
            exact=exact[order],
            f1=f1[order],
            has_answer=has_answer[order],
            says_text=says_text[order],
        )


def threshold_figures(ranking: Ranking, *, n: int, n_answerable: int) -> dict[str, float]:
    """best_* and pr_* of evaluate-v2.0, for n questions of which `ranking` holds the predicted.

    The best_* figures choose their threshold on the very data that they report. pr_* (areas under
    precision over recall) are there where the gold has answers: `n_answerable` above 0.
    """
    figures: dict[str, float] = {}
    for name, scores in (("exact", ranking.exact), ("f1", ranking.f1)):
        best, threshold = _best_threshold(ranking, scores)
        figures[f"best_{name}"] = 100.0 * best / n
        figures[f"best_{name}_thresh"] = threshold
    oracle = ranking.has_answer.astype(np.float64)
    for name, scores in (("exact", ranking.exact), ("f1", ranking.f1), ("oracle", oracle)):
        if n_answerable:
            area = _average_precision(ranking, scores, n_answerable=n_answerable)
            figures[f"pr_{name}_ap"] = 100.0 * area
    return figures


def _best_threshold(ranking: Ranking, scores: Floats) -> tuple[float, float]:
    """The highest sum of scores over all thresholds, and the null odds that it is reached at.

    As in the official script: start from "no answer" everywhere (threshold 0), then give one
    answer after the other; the first of several maxima wins, and questions of equal null odds
    are still taken one by one, in their order.
    """
    gains = np.where(ranking.has_answer, scores, -ranking.says_text.astype(np.float64))
    gains = gains[ranking.null_odds < np.inf]  # no threshold lets an infinite one be answered
    sums = np.cumsum(np.concatenate(([(~ranking.has_answer).sum()], gains)))
    best = int(np.argmax(sums))
    return float(sums[best]), float(ranking.null_odds[best - 1]) if best else 0.0


def _average_precision(ranking: Ranking, scores: Floats, *, n_answerable: int) -> float:
    """The area (0 to 1) under precision over recall, in steps, one per distinct null odds."""
    hits = np.cumsum(np.where(ranking.has_answer, scores, 0.0))
    odds = ranking.null_odds
    ends = np.flatnonzero(np.append(odds[1:] != odds[:-1], len(odds) > 0))
    precision = hits[ends] / (ends + 1)
    recall = hits[ends] / n_answerable
    return float(np.sum(precision * np.diff(recall, prepend=0.0)))


def _percent(scores: Floats) -> float:
    return float(100.0 * scores.sum() / len(scores))
