"""The ceiling: the best score that tokenizer, windows and length limit allow.

A prediction is always a range of whole tokens inside one window, of at most so many tokens. Even a
perfect model cannot say an answer that begins in the middle of a token, or that is longer than the
limit. The ceiling of a question is the highest exact match and the highest F1 that any possible
prediction reaches, over all its golds.

All ranges would be too many to score. Which of them can hold the best answer follows from what the
metric compares: words (`word_ranges`), single characters (`unit_ranges`), or whole texts.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from spanfit.metrics import QuestionMetric
from spanfit.tasks.ranges import Ranges, possible_ranges
from spanfit.tasks.unit_ranges import list_promising
from spanfit.tasks.word_ranges import list_decisive
from spanfit.text.division import WHOLE
from spanfit.types import QuestionExample
from spanfit.windows import Windows

_ROUNDING = 1e-12  # a bound this near to 1 is 1


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The best exact match and F1 (0 to 100) by the named metric that n questions can reach."""

    metric: str
    exact: float
    f1: float
    n: int


def find_ceiling(
    examples: Sequence[QuestionExample],
    windows: Windows,
    *,
    max_answer_tokens: int,
    metric: QuestionMetric,
    solved: Collection[int] = (),
) -> Ceiling | None:
    """The ceiling of the examples that have gold; None where none has.

    `windows` are those of `examples`. `solved` are rows known to reach the highest score; they and
    the questions without an answer ("no answer" can always be said) need no search.

    Raises:
        ValueError: a question without an answer, which the metric does not allow.
    """
    rows = [row for row, example in enumerate(examples) if example.answers is not None]
    if not rows:
        return None
    splits = np.searchsorted(windows.example, np.arange(len(examples) + 1))
    exact = f1 = 0.0
    for row in rows:
        golds = [answer.text for answer in examples[row].answers or ()]
        if row in solved:
            scores = 1.0, 1.0
        elif not golds:
            scores = metric.score_null(True)
        else:
            own = slice(splits[row], splits[row + 1])
            ranges = possible_ranges(windows, own, max_answer_tokens=max_answer_tokens)
            scores = best_scores(examples[row].context, golds, ranges=ranges, metric=metric)
        exact, f1 = exact + scores[0], f1 + scores[1]
    return Ceiling(metric.name, exact=100 * exact / len(rows), f1=100 * f1 / len(rows), n=len(rows))


def best_scores(
    context: str, golds: Sequence[str], *, ranges: Ranges, metric: QuestionMetric
) -> tuple[float, float]:
    """The highest exact match and the highest F1 (0 to 1 each) of all possible predictions.

    Nothing is a possible prediction too, where the metric knows "no answer".
    """
    exact, f1 = metric.score("", golds) if metric.allows_null else (0.0, 0.0)
    seen: set[str] = set()
    for bound, start, end in _list_candidates(context, golds, ranges, metric):
        if bound <= f1 and (exact == 1 or bound < 1 - _ROUNDING):
            break
        if (text := context[start:end]) in seen:
            continue
        seen.add(text)
        scores = metric.score(text, golds)
        exact, f1 = max(exact, scores[0]), max(f1, scores[1])
        if exact == f1 == 1.0:
            break
    return exact, f1


def _list_candidates(
    context: str, golds: Sequence[str], ranges: Ranges, metric: QuestionMetric
) -> Iterator[tuple[float, int, int]]:
    """What the score of a range cannot exceed, highest first, and its characters."""
    if metric.division.singles is not None:
        yield from list_promising(context, golds, ranges, metric)
    else:
        decisive = _list_equal if metric.division is WHOLE else list_decisive
        for start, end in decisive(context, golds, ranges, metric):
            yield 1.0, start, end


def _list_equal(
    context: str, golds: Sequence[str], ranges: Ranges, metric: QuestionMetric
) -> Iterator[tuple[int, int]]:
    """The ranges that hold a gold character by character."""
    del metric
    for s, start in enumerate(ranges.starts):
        for gold in golds:
            end = start + len(gold)
            if context.startswith(gold, start):
                last = bisect_left(ranges.ends, end)
                if last <= ranges.reach[s] and ranges.ends[last] == end:
                    yield start, end
