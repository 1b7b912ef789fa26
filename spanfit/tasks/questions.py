"""Extractive question answering: point at the answer in the context, or say that there is none.

    question  "Who leads?"       every window repeats it, without outer white space
    context   " Ada leads it."   sliced into windows, never stripped: offsets count from its start
    answer    "Ada" at 1         tokens [1, 1] of the context; null in windows that lack any of them

The label rule is that of `spanfit.tasks.labels`. A gold answer is taken without its outer white
space, which no token carries and no metric sees.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spanfit.batching import Batch
from spanfit.decode.merging import WindowCandidates, concatenate, decode_batch, merge_all
from spanfit.errors import DataError, RecipeError, did_you_mean
from spanfit.metrics import METRICS, answer_scores
from spanfit.recipe import TaskSection
from spanfit.tasks.base import Task
from spanfit.tasks.labels import TokenRanges, find_tokens
from spanfit.types import Answer, QuestionExample, QuestionPrediction, TextPair
from spanfit.windows import Windows

if TYPE_CHECKING:
    from spanfit.recipe import DecodeSection
    from spanfit.settings import Calibration
    from spanfit.tasks.base import Logits

DEFAULTS = TaskSection()
"""The options of a recipe that says nothing of them."""


@dataclass(frozen=True, eq=False)
class SpanTargets:
    """Where the answers of each window begin and end, for W windows with G places for golds.

    `start` and `end`, int32 (W, G), are tokens counted from the window's first token of the
    context, both inclusive; -1 and -1 where there is no gold, or one not wholly inside this window.
    A window without any says null. `weight`, float32 (W,), is what each window counts in the loss.
    `lost` are the rows of examples whose gold no window holds; they train on null everywhere.
    `widened` are those that train on more than a gold's characters, because it begins or ends
    inside a token (or, where a tokenizer drops characters, on fewer).
    """

    start: NDArray[np.int32]
    end: NDArray[np.int32]
    weight: NDArray[np.float32]
    lost: tuple[int, ...]
    widened: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.start)

    @property
    def is_null(self) -> NDArray[np.bool_]:
        """Windows that hold no gold, (W,)."""
        is_null: NDArray[np.bool_] = np.all(self.start < 0, axis=1)
        return is_null

    def count(self, rows: NDArray[np.int64]) -> float:
        """What the summed loss of these windows is divided by: the sum of their weights."""
        return float(self.weight[rows].sum(dtype=np.float64))


@dataclass(frozen=True, eq=False)
class GoldSpans:
    """G gold answers without outer white space: characters [start, end) of an example's context.

    `example` (the row), `start` and `end` are int64 (G,), in the order of the examples.
    """

    example: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.example)


class QuestionTask(
    Task[QuestionExample, SpanTargets, WindowCandidates, QuestionPrediction, tuple[float, float]]
):
    """Questions on a context: two logits a token, start and end of the answer."""

    name = "qa"
    n_outputs = 2

    def texts(self, example: QuestionExample) -> TextPair:
        """The question without outer white space, and the context as it is."""
        return TextPair(fixed=example.question.strip(), sliced=example.context)

    def targets(
        self,
        examples: Sequence[QuestionExample],
        windows: Windows,
        options: TaskSection = DEFAULTS,
    ) -> SpanTargets:
        """The targets of the windows of `examples`, each window of weight 1.

        Of several golds the first is learnt, or with `options.answers` "all" each that a window can
        express; golds of the same tokens are one.

        Raises:
            DataError: an example has no gold, or an answer that is not in its context.
        """
        for example in examples:
            if example.answers is None:
                raise DataError(
                    f"question {example.id!r} has no gold answers to learn from",
                    where=example.place,
                    expected='"answers": [{"text", "start"}], or [] for a question without answer',
                )
        golds = gold_spans(examples, first_only=options.answers == "first")
        tokens = find_gold_tokens(golds, windows)
        start, end = _place(golds, tokens, windows)
        held = np.zeros(len(examples), dtype=np.bool_)
        held[windows.example[(start >= 0).any(axis=1)]] = True
        is_held = held[golds.example]
        return SpanTargets(
            start=start,
            end=end,
            weight=np.ones(len(windows), np.float32),
            lost=tuple(np.unique(golds.example[~is_held]).tolist()),
            widened=tuple(np.unique(golds.example[is_held & ~tokens.exact]).tolist()),
        )

    def weigh(self, targets: SpanTargets, options: TaskSection) -> SpanTargets:
        """The targets with the weights that give null windows `options.null_share` of the loss.

        The mean weight is 1, so the learning rate keeps its meaning.

        Raises:
            DataError: all windows are of one kind, so that nothing can be balanced.
        """
        share = options.null_share
        if share is None:
            return targets
        is_null = targets.is_null
        n, n_null = len(targets), int(is_null.sum())
        if n_null in (0, n):
            raise DataError(
                f"task.null_share = {share} balances nothing",
                expected="windows with an answer and windows without one in the training part",
                found=f"{n - n_null:,} with an answer, {n_null:,} without",
                fix="--set data.synthetic_unanswerable=0.3, or leave task.null_share out",
            )
        weight = np.where(is_null, share * n / n_null, (1 - share) * n / (n - n_null))
        return replace(targets, weight=weight.astype(np.float32))

    def decode(
        self, logits: Logits, batch: Batch, windows: Windows, settings: DecodeSection
    ) -> WindowCandidates:
        """The k best spans and the null score of each window, found where the logits are.

        Raises:
            ModelError: the logits hold NaN or infinity.
        """
        k, limit = settings.n_best, settings.max_answer_tokens
        if isinstance(logits, np.ndarray):
            return decode_batch(logits, batch, windows, k=k, max_answer_tokens=limit)
        from spanfit.decode import spans_torch

        return spans_torch.decode_batch(logits, batch, windows, k=k, max_answer_tokens=limit)

    def merge(
        self,
        examples: Sequence[QuestionExample],
        candidates: Sequence[WindowCandidates],
        *,
        decode: DecodeSection,
        calibration: Calibration,
    ) -> list[QuestionPrediction]:
        """The n-best of every example over its windows, in the order of the examples."""
        if not candidates:
            return []
        return merge_all(
            examples,
            concatenate(candidates),
            k=decode.n_best,
            temperature=calibration.temperature,
            threshold=calibration.threshold,
            null_scale=calibration.null_scale,
        )

    def statistics(
        self, example: QuestionExample, prediction: QuestionPrediction, *, metric: str
    ) -> tuple[float, float]:
        """Exact match and F1, 0 to 1 each.

        Raises:
            RecipeError: an unknown metric.
        """
        known = next((known for known in METRICS if known == metric), None)
        if known is None:
            raise RecipeError(
                f"there is no metric {metric!r}", expected=did_you_mean(metric, METRICS)
            )
        answer = prediction.answer
        if answer is None and known == "squad_v2":
            is_right = float(not example.is_answerable)
            return is_right, is_right
        golds = [gold.text for gold in example.answers or ()]
        return answer_scores(answer.text if answer else "", golds, metric=known)


def gold_spans(examples: Sequence[QuestionExample], *, first_only: bool = False) -> GoldSpans:
    """All gold answers of `examples`, or the first of each; examples without any add none.

    Raises:
        DataError: an answer is not inside its context.
    """
    spans: list[tuple[int, int, int]] = []
    for row, example in enumerate(examples):
        answers = example.answers or ()
        for answer in answers[:1] if first_only else answers:
            spans.append((row, *_strip(example, answer)))
    columns = np.array(spans, dtype=np.int64).reshape(-1, 3).T
    return GoldSpans(example=columns[0], start=columns[1], end=columns[2])


def find_gold_tokens(golds: GoldSpans, windows: Windows) -> TokenRanges:
    """The tokens of each gold, counted from the first token of its context (see `labels`)."""
    context = np.zeros(1 + int(windows.example.max(initial=-1)), dtype=np.int64)
    context[windows.example] = windows.sliced
    return find_tokens(
        windows.texts, rows=context[golds.example], starts=golds.start, ends=golds.end
    )


def _strip(example: QuestionExample, answer: Answer) -> tuple[int, int]:
    text = answer.text.strip()
    start = answer.start + len(answer.text) - len(answer.text.lstrip())
    if answer.start < 0 or answer.start + len(answer.text) > len(example.context):
        raise DataError(
            f"an answer of question {example.id!r} is not inside its context",
            where=example.place,
            expected=f"{answer.text!r} within the context's {len(example.context)} characters",
            found=f"start {answer.start}",
            fix="--bad-answers drop, or --bad-answers relocate",
        )
    return start, start + len(text)


def _place(
    golds: GoldSpans, tokens: TokenRanges, windows: Windows
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Start and end in each window of the distinct golds of its example, (W, G); -1 without."""
    n_examples = 1 + int(windows.example.max(initial=-1))
    ranges = np.stack((golds.example, tokens.first, tokens.last), axis=1)
    distinct = np.unique(ranges, axis=0)  # sorted by example
    counts = np.bincount(distinct[:, 0], minlength=n_examples)
    number = np.arange(len(distinct)) - np.repeat(np.cumsum(counts) - counts, counts)
    places = np.full((2, n_examples, max(1, int(counts.max(initial=0)))), -1, dtype=np.int32)
    places[:, distinct[:, 0], number] = distinct[:, 1:].T
    first, last = places[:, windows.example]  # (W, G) each
    begin, end = windows.first[:, None], windows.last[:, None]
    inside = (first >= begin) & (last < end) & (first >= 0)
    return (
        np.where(inside, first - begin, -1).astype(np.int32),
        np.where(inside, last - begin, -1).astype(np.int32),
    )
