"""The logits of tagged texts: kept of each batch, and put together over the windows of a text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spanfit.batching import Batch
from spanfit.errors import ModelError


@dataclass(frozen=True, eq=False)
class TagCandidates:
    """The logits of the tokens of B windows that are of their texts, M in all.

    `rows` int64 (B,): the windows; window b has the rows from `splits[b]` to `splits[b + 1]` of
    `logits` float32 (M, K).
    """

    rows: NDArray[np.int64]
    splits: NDArray[np.int64]
    logits: NDArray[np.float32]


def keep_logits(logits: NDArray[np.floating], batch: Batch) -> TagCandidates:
    """The logits (B, T, K) of the tokens of the texts, without special tokens and padding.

    Raises:
        ModelError: they hold NaN or infinity.
    """
    column = np.arange(logits.shape[1]) - batch.sliced_start[:, None]
    kept = logits[(column >= 0) & (column < batch.n_sliced[:, None])]
    kept = kept.astype(np.float32, copy=False)
    if not np.isfinite(kept).all():
        raise ModelError(
            "the logits hold NaN or infinity",
            expected="a finite logit for every tag of every token",
            fix="another checkpoint; these weights are spoilt, or overflow in half precision",
        )
    splits = np.zeros(len(batch.rows) + 1, np.int64)
    np.cumsum(batch.n_sliced, out=splits[1:])
    return TagCandidates(batch.rows, splits=splits, logits=kept)


def stitch(
    candidates: Sequence[TagCandidates],
    window: NDArray[np.int64],
    place: NDArray[np.int64],
    *,
    n_windows: int,
) -> NDArray[np.float32]:
    """The logits at places in windows: (C, K) for C of each; an empty array where C is 0."""
    if not len(window):
        return np.empty(0, np.float32)
    origin = np.full(n_windows, -1, np.int64)
    base = 0
    for part in candidates:
        origin[part.rows] = base + part.splits[:-1]
        base += len(part.logits)
    if (origin[window] < 0).any():
        raise ValueError("there are windows without candidates")
    logits = np.concatenate([part.logits for part in candidates])
    chosen: NDArray[np.float32] = logits[origin[window] + place]
    return chosen
