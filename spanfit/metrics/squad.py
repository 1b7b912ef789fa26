"""The arithmetic of SQuAD v1.1 and v2.0: one answer, all figures, best threshold, areas.

Equal to the official evaluate-v1.1.py and evaluate-v2.0.py, on their scale of 0 to 100. Where the
two differ:

                                     squad_v1                squad_v2
    gold that normalises to nothing  kept                    dropped; if none is left: ""
    prediction that does so          F1 0, even if exact     F1 = exact
    question without an answer       not allowed             right if nothing is said

A question without a prediction counts as 0 in every figure. evaluate-v1.1 does the same;
evaluate-v2.0 leaves it out of its overall figures and stops at the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from spanfit.text import normalise_english

SquadMetric = Literal["squad_v1", "squad_v2"]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def answer_scores(
    text: str, golds: Sequence[str], *, metric: SquadMetric = "squad_v2"
) -> tuple[float, float]:
    """Exact match and F1 (each 0 to 1) of one predicted text: each the best over the golds.

    No golds means that the question has no answer, which only "" says rightly (squad_v2).

    Raises:
        ValueError: squad_v1 without golds.
    """
    if metric == "squad_v1" and not golds:
        raise ValueError("squad_v1 has no score for a question without golds")
    predicted = normalise_english(text)
    normalised = [normalise_english(gold) for gold in golds]
    if metric == "squad_v2":
        normalised = [gold for gold in normalised if gold] or [""]
    exact = float(predicted in normalised)
    if not predicted:
        return exact, exact if metric == "squad_v2" else 0.0
    if exact:
        return 1.0, 1.0
    words = predicted.split()
    return 0.0, max(word_f1(words, gold.split()) for gold in normalised)


def word_f1(predicted: Sequence[str], gold: Sequence[str]) -> float:
    """F1 (0 to 1) of two bags of words: a word counts as often as both hold it."""
    if not (shared := sum((Counter(predicted) & Counter(gold)).values())):
        return 0.0
    precision, recall = shared / len(predicted), shared / len(gold)
    return 2 * precision * recall / (precision + recall)


def squad_v1_figures(exact: Floats, f1: Floats) -> dict[str, float]:
    """The figures of evaluate-v1.1 from scores (n,) of 0 to 1, n at least 1."""
    return {"exact_match": _percent(exact), "f1": _percent(f1)}


def squad_v2_figures(exact: Floats, f1: Floats, *, has_answer: Flags) -> dict[str, float]:
    """The figures of evaluate-v2.0 from scores (n,) of 0 to 1, n at least 1.

    HasAns_* and NoAns_* are there where the gold has such questions.
    """
    figures = {"exact": _percent(exact), "f1": _percent(f1), "total": len(exact)}
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
