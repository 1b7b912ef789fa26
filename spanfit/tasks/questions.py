"""Extractive question answering: point at the answer in the context, or say that there is none.

    question  "Who leads?"       every window repeats it, without outer white space
    context   " Ada leads it."   sliced into windows, never stripped: offsets count from its start
    answer    "Ada" at 1         tokens [1, 1] of the context; null in windows that lack any of them

The label rule is that of `spanfit.tasks.labels`. A gold answer is taken without its outer white
space, which no token carries and no metric sees.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spanfit.batching import Batch
from spanfit.decode.merging import WindowCandidates, concatenate, decode_batch, merge_all
from spanfit.errors import DataError, RecipeError, did_you_mean
from spanfit.metrics import METRICS, answer_scores
from spanfit.tasks.base import Task
from spanfit.tasks.labels import TokenRanges, find_tokens
from spanfit.types import Answer, QuestionExample, QuestionPrediction, TextPair
from spanfit.windows import Windows

if TYPE_CHECKING:
    from spanfit.recipe import DecodeSection
    from spanfit.settings import Calibration
    from spanfit.tasks.base import Logits


@dataclass(frozen=True, eq=False)
class SpanTargets:
    """Where the answer of each window begins and ends, for W windows.

    `start` and `end`, int32 (W,), are tokens counted from the window's first token of the context,
    both inclusive; -1 and -1 say null: no answer, or not wholly inside this window. `lost` are the
    rows of examples whose gold no window holds; they train on null everywhere. `widened` are those
    that train on more than the gold's characters, because it begins or ends inside a token (or,
    where a tokenizer drops characters, on fewer).
    """

    start: NDArray[np.int32]
    end: NDArray[np.int32]
    lost: tuple[int, ...]
    widened: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.start)


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

    def targets(self, examples: Sequence[QuestionExample], windows: Windows) -> SpanTargets:
        """The targets of the windows of `examples`: of several golds, the first is trained on.

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
        golds = gold_spans(examples, first_only=True)
        tokens = find_gold_tokens(golds, windows)
        start, end = _place(golds, tokens, windows)
        held = np.zeros(len(examples), dtype=np.bool_)
        held[windows.example[start >= 0]] = True
        return SpanTargets(
            start=start,
            end=end,
            lost=tuple(golds.example[~held[golds.example]].tolist()),
            widened=tuple(golds.example[held[golds.example] & ~tokens.exact].tolist()),
        )

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
    """Start and end in each window of the one gold that its example has; -1 and -1 for null."""
    n_examples = 1 + int(windows.example.max(initial=-1))
    first = np.full(n_examples, -1, dtype=np.int32)
    last = np.full(n_examples, -1, dtype=np.int32)
    first[golds.example], last[golds.example] = tokens.first, tokens.last
    first, last = first[windows.example], last[windows.example]  # (W,)
    inside = (first >= windows.first) & (last < windows.last) & (first >= 0)
    return (
        np.where(inside, first - windows.first, -1).astype(np.int32),
        np.where(inside, last - windows.first, -1).astype(np.int32),
    )
