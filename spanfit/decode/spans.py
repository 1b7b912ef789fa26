"""The k best answer spans of every window, exactly: the NumPy reference kernel.

A span of tokens is scored by the start logit of its first token plus the end logit of its last one.
The k best spans lie on at most k start tokens. Ranked by the best span that each start can reach
(ties: the earlier start), these are among the first k: a start outside them has k starts before it,
each with a span that goes first. So the search needs two selections of k, one over the T starts and
one over the k x limit spans that begin there, instead of a look at all pairs of tokens.

`spanfit.decode.spans_torch` does the same where the logits are on a device.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spanfit.errors import ModelError

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int32]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False, slots=True)
class BestSpans:
    """The k best spans of B windows, each array (B, k), best first.

    `score` (float32) is the logit sum; `first` and `last` (int32) are inclusive token positions in
    the padded row. Where a window has fewer than k spans: -inf, -1, -1.
    """

    score: FloatArray
    first: IntArray
    last: IntArray

    def __post_init__(self) -> None:
        if not self.score.shape == self.first.shape == self.last.shape or self.score.ndim != 2:
            raise ValueError("score, first and last need one shape (B, k)")


def best_spans(
    start: FloatArray, end: FloatArray, allowed: BoolArray, *, k: int, max_answer_tokens: int
) -> BestSpans:
    """The k best spans `first <= last < first + max_answer_tokens` with both ends allowed.

    `start`, `end` and `allowed` are (B, T): float32 logits, and the tokens that may begin or end an
    answer. Ties: the earlier first token, then the shorter span. A span whose sum is -inf is none.

    Raises:
        ModelError: a logit at an allowed token is NaN or +inf, or the sum of two is.
    """
    check_request(start.shape, end.shape, allowed.shape, k=k, limit=max_answer_tokens)
    rows, length = start.shape
    if start.size == 0:
        return fill_up(*(np.empty((rows, 0), dtype) for dtype in ("f4", "i4", "i4")), k=k)
    limit = min(max_answer_tokens, length)
    lowest = np.float32(-np.inf)
    starts = np.full(start.shape, lowest)
    np.copyto(starts, start, where=allowed)
    # Padded, so that every token has `limit` tokens from itself on.
    ends = np.full((rows, length + limit - 1), lowest)
    np.copyto(ends[:, :length], end, where=allowed)
    with np.errstate(over="ignore", invalid="ignore"):
        reach = starts + _forward_maximum(ends, limit)[:, :length]
    if not (reach < np.inf).all():  # NaN is not either, and each end is reached from its own token
        raise broken_logits()
    # In the order of the text: then the tie rule for spans is the order of their columns.
    firsts = np.sort(_best_columns(reach, min(k, length)), axis=1)
    row = np.arange(rows)[:, None]
    sums = np.lib.stride_tricks.sliding_window_view(ends, limit, axis=1)[row, firsts]
    with np.errstate(over="ignore"):  # to -inf, which is no span
        sums += starts[row, firsts][:, :, None]
    sums = sums.reshape(rows, -1)

    columns = _best_columns(sums, min(k, sums.shape[1]))
    score, first = sums[row, columns], firsts[row, columns // limit]
    return fill_up(score, first, first + columns % limit, k=k)


def _forward_maximum(values: FloatArray, width: int) -> FloatArray:
    """The largest of each value and the `width - 1` values after it, per row; by doubling."""
    covered = 1
    while covered < width:
        step = min(covered, width - covered)
        wider = values.copy()
        np.maximum(values[:, :-step], values[:, step:], out=wider[:, :-step])
        values, covered = wider, covered + step
    return values


def _best_columns(values: FloatArray, k: int) -> npt.NDArray[np.int64]:
    """The columns of the k largest values of each row, best first, ties to the earlier: (B, k)."""
    if k == 1:
        return np.expand_dims(values.argmax(axis=1), 1)
    # One integer holds the value (upper half, the larger value being the smaller number) and the
    # column (lower half): no two are equal, so an unstable partition still obeys the tie rule.
    # Subtracting from 0 turns the order round and makes one zero of -0.0 and 0.0.
    bits = np.subtract(np.float32(0), values).view(np.int32)
    bits ^= (bits >> 31) & np.int32(0x7FFFFFFF)
    keys = bits.astype(np.int64)
    keys <<= 32
    keys |= np.arange(values.shape[1])
    if k < values.shape[1]:
        keys.partition(k - 1, axis=1)
        keys = keys[:, :k]
    return np.sort(keys, axis=1) & 0xFFFFFFFF


def fill_up(
    score: FloatArray, first: npt.NDArray[np.integer], last: npt.NDArray[np.integer], *, k: int
) -> BestSpans:
    """What a kernel found, with -inf, -1, -1 in the place of spans that do not exist."""
    rows, found = score.shape
    all_scores = np.full((rows, k), -np.inf, dtype=np.float32)
    all_scores[:, :found] = score
    places = np.full((2, rows, k), -1, dtype=np.int32)
    np.copyto(places[0, :, :found], first, where=score > -np.inf, casting="same_kind")
    np.copyto(places[1, :, :found], last, where=score > -np.inf, casting="same_kind")
    return BestSpans(all_scores, places[0], places[1])


def check_request(*shapes: tuple[int, ...], k: int, limit: int) -> None:
    """Refuse arrays of different shapes and a k or limit below 1.

    Raises:
        ValueError: they do not fit.
    """
    if len(set(shapes)) != 1 or len(shapes[0]) != 2:
        raise ValueError(f"start, end and allowed need one shape (B, T), found {shapes}")
    if k < 1 or limit < 1:
        raise ValueError(f"k and max_answer_tokens begin at 1, found {k} and {limit}")


def broken_logits() -> ModelError:
    """The error of a model whose logits cannot be ranked."""
    return ModelError(
        "the logits hold NaN or infinity",
        expected="a finite start and end logit for every token of the context",
        fix="another checkpoint; these weights are spoilt, or overflow in half precision",
    )
