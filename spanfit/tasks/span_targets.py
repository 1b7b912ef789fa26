"""Where answers stand among tokens and windows: the targets of extractive question answering.

The label rule is that of `spanfit.tasks.labels`. A gold answer is taken without its outer white
space, which no token carries and no metric sees.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spanfit.errors import DataError
from spanfit.tasks.labels import TokenRanges, find_tokens
from spanfit.types import Answer, QuestionExample
from spanfit.windows import Windows


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

    @property
    def losses(self) -> dict[str, tuple[int, ...]]:
        """Rows of the examples that are learnt as null though they have gold, or widened."""
        return {"learnt_as_null": self.lost, "learnt_widened": self.widened}

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


def place_golds(
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
