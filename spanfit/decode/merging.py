"""From the spans of windows to the answers of examples.

Of every window only its k best spans are kept, as characters of the context, and its null score, so
that logits can be thrown away batch by batch. The candidates of an example are then merged over its
windows: those of the same characters are one, with the largest of their logit sums. Never by text,
as run_qa's n-best and transformers 4's pipeline do it: the same words elsewhere are another answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from spanfit.batching import Batch, answer_tokens
from spanfit.decode.spans import BestSpans, FloatArray, IntArray, best_spans, broken_logits
from spanfit.types import (
    Candidate,
    NullScale,
    QuestionExample,
    QuestionPrediction,
)
from spanfit.windows import Windows


@dataclass(frozen=True, eq=False, slots=True)
class WindowCandidates:
    """What B windows say, each with k places for candidates, best first.

    `example` int32 (B,): row of the example. `null_score` float32 (B,): start plus end logit at the
    null position. `score` float32, `char_start` and `char_end` int32, all (B, k): logit sums and
    half-open ranges of characters of the context; -inf, -1, -1 where there are fewer than k.
    """

    example: IntArray
    null_score: FloatArray
    score: FloatArray
    char_start: IntArray
    char_end: IntArray

    def __post_init__(self) -> None:
        if not self.score.shape == self.char_start.shape == self.char_end.shape:
            raise ValueError("score, char_start and char_end need one shape (B, k)")
        if not len(self.example) == len(self.null_score) == len(self.score):
            raise ValueError("every window needs an example, a null score and its candidates")

    def __len__(self) -> int:
        return len(self.example)


def decode_batch(
    logits: FloatArray, batch: Batch, windows: Windows, *, k: int, max_answer_tokens: int
) -> WindowCandidates:
    """The candidates of a batch from its logits (B, T, 2), float32: start, end.

    `spanfit.decode.spans_torch.decode_batch` is its twin for logits on a device.

    Raises:
        ModelError: logits are NaN or +inf.
    """
    start, end = logits[..., 0], logits[..., 1]
    row = np.arange(len(logits))
    null_score = start[row, batch.null_position] + end[row, batch.null_position]
    allowed = answer_tokens(windows, batch)
    best = best_spans(start, end, allowed, k=k, max_answer_tokens=max_answer_tokens)
    return to_candidates(best, null_score, batch=batch, windows=windows)


def to_candidates(
    best: BestSpans, null_score: FloatArray, *, batch: Batch, windows: Windows
) -> WindowCandidates:
    """The spans of a batch's tokens as characters of their contexts.

    `null_score` float32 (B,) is the sum of both logits at `batch.null_position`.

    Raises:
        ModelError: a null score is NaN or infinite.
    """
    if not np.isfinite(null_score).all():
        raise broken_logits()
    is_span = best.first >= 0
    windows_of, column = np.nonzero(is_span)
    rows, offset = batch.rows[windows_of], batch.sliced_start[windows_of]
    characters = np.full((2, *is_span.shape), -1, np.int32)
    first, last = best.first[is_span], best.last[is_span]
    characters[0, windows_of, column] = windows.char_start(rows, first - offset)
    characters[1, windows_of, column] = windows.char_end(rows, last - offset)
    return WindowCandidates(
        example=windows.example[batch.rows],
        null_score=null_score,
        score=best.score,
        char_start=characters[0],
        char_end=characters[1],
    )


def concatenate(parts: Sequence[WindowCandidates]) -> WindowCandidates:
    """The windows of all parts (at least one, all with the same k), in the order of the parts."""
    return WindowCandidates(
        example=np.concatenate([part.example for part in parts]),
        null_score=np.concatenate([part.null_score for part in parts]),
        score=np.concatenate([part.score for part in parts]),
        char_start=np.concatenate([part.char_start for part in parts]),
        char_end=np.concatenate([part.char_end for part in parts]),
    )


def merge_all(
    examples: Sequence[QuestionExample],
    candidates: WindowCandidates,
    *,
    k: int,
    temperature: float = 1.0,
    threshold: float | None = None,
    null_scale: NullScale = NullScale(),  # noqa: B008 (immutable)
) -> list[QuestionPrediction]:
    """The prediction of every example, in their order, from its windows in any order.

    `candidates.example` counts rows of `examples`. The k best are kept (ties: earlier start, then
    shorter). The null score is the smallest over the example's windows. Probabilities are the
    softmax of score / temperature over the n-best and, with a threshold, the null, whose log-odds
    `null_scale` corrects. An example without any candidate (an empty context) has null odds of
    +inf and a null probability of 1.
    """
    if not temperature > 0:
        raise ValueError(f"temperature must be positive, found {temperature}")
    merged = _merge(candidates, len(examples), k=k)
    null_score = np.full(len(examples), np.inf)
    np.minimum.at(null_score, candidates.example, candidates.null_score)
    null_odds = np.where(merged.exists, null_score - merged.best, np.inf)
    probability, null_probability = _softmax(
        merged,
        null_odds,
        temperature=temperature,
        null_scale=None if threshold is None else null_scale,
    )

    n_bests = _list_candidates(examples, merged, probability)
    decided = zip(examples, n_bests, null_odds.tolist(), null_probability.tolist(), strict=True)
    return [
        QuestionPrediction(
            id=example.id,
            n_best=n_best,
            null_odds=odds,
            null_probability=null_share,
            threshold=threshold,
            temperature=temperature,
            null_scale=null_scale,
        )
        for example, n_best, odds, null_share in decided
    ]


class ContextRanking:
    """The k best answers to one question over several contexts, which come one after the other.

    The contexts count as the windows of one long text do: candidates are ranked by their logit
    sums (ties: earlier context, then earlier start, then shorter), and the null score is the
    smallest. The probabilities of one context's prediction are never compared with another's. A
    context without any candidate says nothing.
    """

    def __init__(self, *, k: int) -> None:
        self._k = k
        self._n_best: list[Candidate] = []
        self._null_score = np.inf

    def add(self, source: str, prediction: QuestionPrediction) -> None:
        """Take in what the context of this name says."""
        if not prediction.n_best:
            return
        null_score = prediction.null_odds + prediction.n_best[0].score
        self._null_score = min(self._null_score, null_score)
        offered = [replace(candidate, source=source) for candidate in prediction.n_best]
        # The sort is stable, so that equal scores stay in the order of contexts and of text.
        ranked = sorted([*self._n_best, *offered], key=lambda candidate: -candidate.score)
        self._n_best = ranked[: self._k]

    def result(
        self,
        id: str,
        *,
        temperature: float = 1.0,
        threshold: float | None = None,
        null_scale: NullScale = NullScale(),  # noqa: B008 (immutable)
    ) -> QuestionPrediction:
        """The prediction over all contexts so far, with probabilities as in `merge_all`."""
        n = len(self._n_best)
        score = np.array([candidate.score for candidate in self._n_best], np.float64)
        null_odds = self._null_score - score[0] if n else np.inf
        anywhere = np.zeros(n, np.int64)  # a softmax does not ask for places
        probability, null_probability = _softmax(
            _Merged(anywhere, anywhere, anywhere, score, np.array([0, n])),
            np.array([null_odds]),
            temperature=temperature,
            null_scale=None if threshold is None else null_scale,
        )
        shares = zip(self._n_best, probability.tolist(), strict=True)
        return QuestionPrediction(
            id=id,
            n_best=tuple(replace(candidate, probability=share) for candidate, share in shares),
            null_odds=float(null_odds),
            null_probability=float(null_probability[0]),
            threshold=threshold,
            temperature=temperature,
            null_scale=null_scale,
        )


@dataclass(frozen=True, eq=False, slots=True)
class _Merged:
    """The n-best of E examples end to end: of example i, `splits[i]` to `splits[i + 1]`."""

    example: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    score: npt.NDArray[np.float64]
    splits: npt.NDArray[np.int64]

    @property
    def exists(self) -> npt.NDArray[np.bool_]:
        """Whether an example has a candidate at all, (E,)."""
        return self.splits[1:] > self.splits[:-1]

    @property
    def best(self) -> npt.NDArray[np.float64]:
        """The best score of each example, (E,); 0 where there is none."""
        best = np.zeros(len(self.splits) - 1)
        best[self.exists] = self.score[self.splits[:-1][self.exists]]
        return best


def _merge(candidates: WindowCandidates, n_examples: int, *, k: int) -> _Merged:
    is_span = candidates.score > -np.inf
    score = candidates.score[is_span].astype(np.float64)
    example = np.repeat(candidates.example.astype(np.int64), is_span.sum(axis=1))
    # One number for both characters sorts as the tie rule asks: by start, then by end.
    place = candidates.char_start[is_span].astype(np.int64) << 32 | candidates.char_end[is_span]

    order = np.lexsort((-score, place, example))
    example, place, score = example[order], place[order], score[order]
    is_new = np.ones(len(order), np.bool_)
    is_new[1:] = (place[1:] != place[:-1]) | (example[1:] != example[:-1])
    example, place, score = example[is_new], place[is_new], score[is_new]

    order = np.lexsort((-score, example))  # stable: equal scores stay in the order of the text
    example, place, score = example[order], place[order], score[order]
    counts = np.bincount(example, minlength=n_examples)
    rank = np.arange(len(example)) - np.repeat(np.cumsum(counts) - counts, counts)
    keep = rank < k
    place = place[keep]
    splits = np.concatenate([[0], np.cumsum(np.minimum(counts, k))])
    return _Merged(example[keep], place >> 32, place & 0xFFFFFFFF, score[keep], splits)


def _list_candidates(
    examples: Sequence[QuestionExample], merged: _Merged, probability: npt.NDArray[np.float64]
) -> Iterator[tuple[Candidate, ...]]:
    """The n-best of each example as objects."""
    starts, ends = merged.start.tolist(), merged.end.tolist()
    scores, shares = merged.score.tolist(), probability.tolist()
    for example, (low, high) in zip(examples, pairwise(merged.splits.tolist()), strict=True):
        context = example.context
        columns = (values[low:high] for values in (starts, ends, scores, shares))
        yield tuple(
            [  # a list is quicker than a generator; this runs for every question
                Candidate(context[start:end], start, end, score, share)
                for start, end, score, share in zip(*columns, strict=True)
            ]
        )


def _softmax(
    merged: _Merged,
    null_odds: npt.NDArray[np.float64],
    *,
    temperature: float,
    null_scale: NullScale | None,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Probabilities of the candidates (as they lie in `merged`) and of the null, (E,).

    Without a `null_scale` the null takes no part.
    """
    # Scores are taken relative to the best of the example, so that no exponential overflows.
    share = np.exp((merged.score - merged.best[merged.example]) / temperature)
    total = np.bincount(merged.example, weights=share, minlength=len(null_odds))
    exists = merged.exists
    null = np.where(exists, 0.0, 1.0)
    if null_scale is not None:
        log_odds = null_odds[exists] / temperature - np.log(total[exists])
        scaled = null_scale.slope * log_odds + null_scale.offset
        with np.errstate(over="ignore"):  # 1 / inf is the 0 that is meant
            null[exists] = 1 / (1 + np.exp(-scaled))
    return share / total[merged.example] * (1 - null)[merged.example], null
