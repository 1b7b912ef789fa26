"""What windows and token borders lose of the gold answers, counted before anything is trained.

Each gold answer is one of these:

    exact      one window holds its tokens, and they cover its characters and no others
    widened    one window holds its tokens, but it begins or ends inside one
    too long   one window holds its tokens, but they are more than an answer may have
    outside    no window holds all its tokens, or it has none

A question is what its first gold is (training learns that one, unless `task.answers` is "all"), and
what the best of its golds is (a score takes the best). Lost is what is too long or outside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spanfit.errors import list_some
from spanfit.metrics import QuestionMetric, find_question_metric, suit_name
from spanfit.recipe import TaskSection
from spanfit.settings import ModelSettings
from spanfit.tasks.ceiling import Ceiling, find_ceiling
from spanfit.tasks.span_targets import GoldSpans, find_gold_tokens, gold_spans
from spanfit.types import QuestionExample
from spanfit.windows import Windows

EXACT, WIDENED, TOO_LONG, OUTSIDE = range(4)


@dataclass(frozen=True, slots=True)
class Fit:
    """The answerable questions by what is lost of their gold: how many exact, the ids of others."""

    exact: int
    widened: tuple[str, ...]
    too_long: tuple[str, ...]
    outside: tuple[str, ...]

    @property
    def n_lost(self) -> int:
        """Questions whose gold cannot be said at all."""
        return len(self.too_long) + len(self.outside)


@dataclass(frozen=True, slots=True)
class LengthSummary:
    """The lengths of some windows, in tokens with the special ones; `p95`: 95 % are no longer."""

    min: int
    median: float
    mean: float
    p95: float
    max: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """What can be said of a data set through its windows.

    `n_without_gold` are questions to predict; they have no part in the rest. `cut` are the ids of
    the questions that do not fit into a window whole, `crowded` of those that leave so little room
    that their windows hardly move on. Empty contexts and questions hold only white space. `ceiling`
    is None where no example has gold. `max_answer_tokens` is the limit of an answer.
    """

    max_answer_tokens: int
    n_answerable: int
    n_unanswerable: int
    n_without_gold: int
    cut: tuple[str, ...]
    crowded: tuple[str, ...]
    empty_contexts: tuple[str, ...]
    empty_questions: tuple[str, ...]
    first_gold: Fit
    best_gold: Fit
    ceiling: Ceiling | None

    def describe(self, options: TaskSection) -> list[str]:
        """What training loses, a line each, with the first ids; nothing where nothing is lost.

        Of a question all of whose golds are learnt (`options.answers`) the best one counts.
        """
        learnt = self.best_gold if options.answers == "all" else self.first_gold
        gold = "best" if options.answers == "all" else "first"
        lost = {
            f"{gold} golds that no window holds (they train as null)": learnt.outside,
            f"{gold} golds longer than an answer may be": learnt.too_long,
            f"{gold} golds widened to whole tokens": learnt.widened,
            "questions cut to leave room for the context": self.cut,
            "questions so long that their windows hardly move on": self.crowded,
            "empty contexts": self.empty_contexts,
            "empty questions": self.empty_questions,
        }
        return [f"{what}: {len(ids):,} ({list_some(ids)})" for what, ids in lost.items() if ids]

    def to_json(self) -> dict[str, Any]:
        """All figures, and the ids of the questions behind those that are losses."""
        return {
            "max_answer_tokens": self.max_answer_tokens,
            "questions": self.n_answerable + self.n_unanswerable + self.n_without_gold,
            "answerable": self.n_answerable,
            "unanswerable": self.n_unanswerable,
            "without_gold": self.n_without_gold,
            "cut_questions": list(self.cut),
            "crowded_questions": list(self.crowded),
            "empty_contexts": list(self.empty_contexts),
            "empty_questions": list(self.empty_questions),
            "first_gold": asdict(self.first_gold),
            "best_gold": asdict(self.best_gold),
            "ceiling": asdict(self.ceiling) if self.ceiling else None,
        }

    @property
    def figures(self) -> dict[str, float]:
        """The highest exact match and F1, by the name of the metric; empty without gold."""
        if self.ceiling is None:
            return {}
        metric = self.ceiling.metric
        return {f"{metric} exact": self.ceiling.exact, f"{metric} f1": self.ceiling.f1}


def summarise_lengths(windows: Windows) -> LengthSummary:
    """The distribution of the lengths of at least one window."""
    lengths = windows.lengths
    return LengthSummary(
        min=int(lengths.min()),
        median=float(np.median(lengths)),
        mean=float(lengths.mean()),
        p95=float(np.percentile(lengths, 95)),
        max=int(lengths.max()),
    )


def measure_coverage(
    examples: Sequence[QuestionExample],
    windows: Windows,
    settings: ModelSettings,
    *,
    metric: str | None = None,
) -> Coverage:
    """Count what `windows`, those of `examples`, lose, and find the ceiling.

    Of the settings only the limit of an answer matters here.

    The metric of the ceiling is the named one, else the one that suits the golds. Answers should
    have been checked (`spanfit.data.answers`).

    Raises:
        RecipeError: there is no metric of that name.
        DataError: an answer is not inside its context.
    """
    max_answer_tokens = settings.decode.max_answer_tokens
    golds = gold_spans(examples)
    fits = _classify(golds, windows, max_answer_tokens=max_answer_tokens)
    answerable, first = np.unique(golds.example, return_index=True)
    best = np.minimum.reduceat(fits, first) if len(first) else fits
    has_gold = [row for row, example in enumerate(examples) if example.answers is not None]
    named = metric or suit_name([examples[row] for row in has_gold])
    chosen = find_question_metric(named)
    ids = [example.id for example in examples]
    return Coverage(
        max_answer_tokens=max_answer_tokens,
        n_answerable=len(answerable),
        n_unanswerable=len(has_gold) - len(answerable),
        n_without_gold=len(examples) - len(has_gold),
        cut=tuple(ids[row] for row in windows.cut_questions),
        crowded=tuple(ids[row] for row in windows.crowded),
        empty_contexts=tuple(e.id for e in examples if not e.context.strip()),
        empty_questions=tuple(e.id for e in examples if not e.question.strip()),
        first_gold=_summarise(fits[first], ids=[ids[row] for row in answerable]),
        best_gold=_summarise(best, ids=[ids[row] for row in answerable]),
        ceiling=find_ceiling(
            examples,
            windows,
            max_answer_tokens=max_answer_tokens,
            metric=chosen,
            solved=_solved(examples, golds, fits, metric=chosen),
        ),
    )


def _classify(golds: GoldSpans, windows: Windows, *, max_answer_tokens: int) -> NDArray[np.int64]:
    """EXACT, WIDENED, TOO_LONG or OUTSIDE for each gold, (G,)."""
    tokens = find_gold_tokens(golds, windows)
    # Of the windows of an example, the last that starts no later than the answer reaches furthest.
    width = 1 + max(int(windows.first.max(initial=0)), int(tokens.first.max(initial=0)))
    keys = windows.example.astype(np.int64) * width + windows.first
    window = np.searchsorted(keys, golds.example * width + tokens.first, side="right") - 1
    is_held = (tokens.first >= 0) & (tokens.last < windows.last[window])
    is_short = tokens.last - tokens.first < max_answer_tokens
    return np.select(
        [~is_held, ~is_short, ~tokens.exact], [OUTSIDE, TOO_LONG, WIDENED], default=EXACT
    )


def _solved(
    examples: Sequence[QuestionExample],
    golds: GoldSpans,
    fits: NDArray[np.int64],
    *,
    metric: QuestionMetric,
) -> set[int]:
    """Rows with an exact gold whose text, said as it stands, gets the highest score."""
    exact = fits == EXACT
    columns = golds.example[exact], golds.start[exact], golds.end[exact]
    solved: set[int] = set()
    for row, start, end in zip(*(column.tolist() for column in columns), strict=True):
        if row not in solved:
            texts = [gold.text for gold in examples[row].answers or ()]
            if metric.score(examples[row].context[start:end], texts) == (1.0, 1.0):
                solved.add(row)
    return solved


def _summarise(fits: NDArray[np.int64], *, ids: Sequence[str]) -> Fit:
    def chosen(fit: int) -> tuple[str, ...]:
        return tuple(ids[place] for place in np.flatnonzero(fits == fit).tolist())

    return Fit(
        exact=int(np.count_nonzero(fits == EXACT)),
        widened=chosen(WIDENED),
        too_long=chosen(TOO_LONG),
        outside=chosen(OUTSIDE),
    )
