"""From logits to answers as transformers 4 reported them, corrected.

The score of an answer is the softmax of its start times the softmax of its end. transformers made
both for each window by itself and then compared windows. Here one sum divides them all:

    score = exp(start + end) / sum over windows of (sum of exp(starts)) (sum of exp(ends))

With one window that is the product of the two softmaxes, over the tokens of the context and the
null position. Over several the scores have the order of the logits and no more than 1 as their sum.
The null position takes part once, in the window where it scores least: elsewhere it only says that
the answer is in another window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp, inf
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from spanfit.batching import Batch
from spanfit.decode.merging import WindowCandidates, concatenate, merge_all
from spanfit.pipelines.words import Ints, divide_words
from spanfit.settings import Calibration, ModelSettings
from spanfit.tasks import QuestionTask
from spanfit.tokenizer import Tokenizer
from spanfit.types import QuestionExample, QuestionPrediction
from spanfit.windows import Windows

if TYPE_CHECKING:
    from spanfit.recipe import DecodeSection
    from spanfit.tasks.base import Logits

Doubles = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class SummedCandidates(WindowCandidates):
    """The candidates of B windows, and what their scores are divided by.

    float64 (B, 2), for start and end: `context`, the log of the sum of exp over the tokens of the
    context (-inf where there are none), and `null`, the logits at the null position.
    """

    context: Doubles
    null: Doubles


@dataclass(frozen=True, slots=True)
class ScoredPrediction(QuestionPrediction):
    """A prediction with what transformers' scores need.

    `log_total` is the log of the sum that divides them. `is_complete`: no better answer can have
    been left behind in a window. `is_cut`: the model read only the first tokens of the question.
    """

    log_total: float = 0.0
    is_complete: bool = True
    is_cut: bool = False

    def share(self, score: float) -> float:
        """The share of a logit sum in the joint softmax of start and end."""
        return exp(score - self.log_total)

    @property
    def null_share(self) -> float:
        """The share of "no answer"; 1 where the context has no token."""
        if not self.n_best:
            return 1.0
        return self.share(self.null_odds + self.n_best[0].score)


@dataclass(frozen=True)
class AnswerTask(QuestionTask):
    """Questions, answered with `n_answers` of the best, extended to whole words if wanted.

    Of each window as many candidates are decoded as the settings' `n_best` says. Several may come
    to the same words, and so leave others behind: see `ScoredPrediction.is_complete`.
    """

    n_answers: int
    align_to_words: bool

    def decode(
        self, logits: Logits, batch: Batch, windows: Windows, settings: DecodeSection
    ) -> SummedCandidates:
        """The best spans of each window and the sums over its tokens.

        Raises:
            ModelError: the logits hold NaN or infinity.
        """
        found = super().decode(logits, batch, windows, settings)
        values = logits if isinstance(logits, np.ndarray) else logits.detach().float().cpu().numpy()
        doubles: Doubles = values.astype(np.float64)
        row = np.arange(len(doubles))
        return SummedCandidates(
            example=found.example,
            null_score=found.null_score,
            score=found.score,
            char_start=found.char_start,
            char_end=found.char_end,
            context=_sum_context(doubles, batch),
            null=doubles[row, batch.null_position],
        )

    def merge(
        self,
        examples: Sequence[QuestionExample],
        candidates: Sequence[WindowCandidates],
        *,
        windows: Windows,
        settings: ModelSettings,
        calibration: Calibration,
    ) -> list[QuestionPrediction]:
        """The n-best of every example over its windows, each a `ScoredPrediction`."""
        if not candidates:
            return []
        parts = cast("Sequence[SummedCandidates]", candidates)
        found = concatenate(parts)
        totals = _sum_windows(parts, found, n_examples=len(examples))
        if self.align_to_words:
            found = _extend(found, examples, windows.tokenizer)
        predictions = merge_all(
            examples,
            found,
            k=self.n_answers,
            temperature=calibration.temperature,
            threshold=calibration.threshold,
            null_scale=calibration.null_scale,
        )
        worst = [
            p.n_best[-1].score if len(p.n_best) == self.n_answers else -inf for p in predictions
        ]
        is_complete = np.ones(len(examples), np.bool_)
        # A window that is not exhausted may hide answers as good as the last that it gave.
        np.logical_and.at(
            is_complete, found.example, found.score[:, -1] <= np.array(worst)[found.example]
        )
        cut = {*windows.cut_questions}
        return [
            ScoredPrediction(
                id=prediction.id,
                n_best=prediction.n_best,
                null_odds=prediction.null_odds,
                null_probability=prediction.null_probability,
                threshold=prediction.threshold,
                temperature=prediction.temperature,
                null_scale=prediction.null_scale,
                log_total=total,
                is_complete=complete,
                is_cut=row in cut,
            )
            for row, (prediction, total, complete) in enumerate(
                zip(predictions, totals.tolist(), is_complete.tolist(), strict=True)
            )
        ]


def _sum_context(values: Doubles, batch: Batch) -> Doubles:
    """The log of the sum of exp of logits (B, T, 2) over the tokens of the contexts, (B, 2)."""
    column = np.arange(values.shape[1]) - batch.sliced_start[:, None]
    is_context = (column >= 0) & (column < batch.n_sliced[:, None])
    kept = np.where(is_context[:, :, None], values, -np.inf)
    sums: Doubles = np.logaddexp.reduce(kept, axis=1)
    return sums


def _sum_windows(
    parts: Sequence[SummedCandidates], found: WindowCandidates, *, n_examples: int
) -> Doubles:
    """The log of what divides the scores of each example, (E,)."""
    context = np.concatenate([part.context for part in parts])
    null = np.concatenate([part.null for part in parts])
    # The window where the null scores least, of each example: the first in this order.
    order = np.lexsort((found.null_score, found.example))
    example = found.example[order]
    is_first = np.append(True, example[1:] != example[:-1])
    has_null = np.zeros(len(order), np.bool_)
    has_null[order[is_first]] = True
    sums = np.where(has_null[:, None], np.logaddexp(context, null), context).sum(axis=1)
    totals = np.full(n_examples, -np.inf)
    np.logaddexp.at(totals, found.example, sums)
    return totals


def _extend(
    found: WindowCandidates, examples: Sequence[QuestionExample], tokenizer: Tokenizer
) -> WindowCandidates:
    """The candidates with both borders moved to those of the words that they are in."""
    starts, ends, base = _lay_out_words(examples, tokenizer)
    if not len(starts):
        return found
    is_span = found.char_start >= 0
    offset = np.broadcast_to(base[found.example][:, None], is_span.shape)[is_span]
    first = found.char_start[is_span] + offset
    last = found.char_end[is_span] + offset - 1
    word = np.maximum(np.searchsorted(starts, first, side="right") - 1, 0)
    first = np.where((starts[word] <= first) & (first < ends[word]), starts[word], first)
    word = np.maximum(np.searchsorted(starts, last, side="right") - 1, 0)
    behind = np.where((starts[word] <= last) & (last < ends[word]), ends[word], last + 1)
    char_start, char_end = found.char_start.copy(), found.char_end.copy()
    char_start[is_span], char_end[is_span] = first - offset, behind - offset
    return replace(found, char_start=char_start, char_end=char_end)


def _lay_out_words(
    examples: Sequence[QuestionExample], tokenizer: Tokenizer
) -> tuple[Ints, Ints, Ints]:
    """The words of all contexts end to end, (W,) each side, and where each context begins, (E,)."""
    words = {context: divide_words(tokenizer, context) for context in {e.context for e in examples}}
    sizes = np.array([len(example.context) for example in examples], np.int64)
    base = np.cumsum(sizes) - sizes
    sides = zip(*(words[example.context] for example in examples), strict=True)
    starts, ends = (
        np.concatenate([part + shift for part, shift in zip(side, base, strict=True)])
        for side in sides
    )
    return starts, ends, base
