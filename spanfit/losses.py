"""What a training step minimises: sums over windows or units, divided once by the step's count."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from spanfit.batching import Batch
from spanfit.tasks.span_targets import SpanTargets
from spanfit.tasks.tag_targets import TagTargets
from spanfit.transfers import to_device


def span_loss(
    logits: torch.Tensor, batch: Batch, targets: SpanTargets, *, label_smoothing: float = 0.0
) -> torch.Tensor:
    """Sum over the batch's windows, each times its weight, of half the marginal log-likelihood.

    Of a window with the distinct golds g that is -1/2 log sum_g p(start_g) p(end_g): with one gold,
    the mean cross entropy of start and end. The null position is the gold of a window without any.
    Smoothing mixes in, by its share, the mean of -log p over the tokens of the context and the
    null: those of the question are never an answer, so nothing is given to them.

    *Shape:* logits (B, T, 2) -> scalar. Padding takes no part in the softmax, so that the loss of
    a window does not depend on the windows beside it.

    Source: Clark and Gardner 2018 (the sum over golds); Szegedy et al. 2016 (smoothing).
    """
    device = logits.device
    mask = to_device(batch.attention_mask, device).bool()  # (B, T)
    log_p = functional.log_softmax(
        logits.masked_fill(~mask[:, :, None], float("-inf")), dim=1
    )  # (B, T, 2)
    places = to_device(span_positions(batch, targets), device)  # (B, G, 2)
    gold = log_p.gather(1, places.clamp(min=0)).sum(dim=2)  # (B, G)
    is_gold = places[:, :, 0] >= 0
    loss = -gold.masked_fill(~is_gold, float("-inf")).logsumexp(dim=1) / 2  # (B,)
    if label_smoothing:
        allowed = to_device(_answer_or_null(batch), device)
        spread = log_p.masked_fill(~allowed[:, :, None], 0).sum(dim=(1, 2)) / allowed.sum(dim=1)
        loss = (1 - label_smoothing) * loss - label_smoothing * spread / 2
    weight = to_device(targets.weight[batch.rows], device)
    return (weight * loss).sum()


def span_positions(batch: Batch, targets: SpanTargets) -> NDArray[np.int64]:
    """Start and end of each window's golds as places in its row; -1 where there are fewer than G.

    A window without a gold has the null position as its first.

    *Shape:* (B, G, 2).
    """
    places = np.stack((targets.start[batch.rows], targets.end[batch.rows]), axis=2)
    places = np.where(places < 0, -1, places + batch.sliced_start[:, None, None])
    is_null = (places < 0).all(axis=(1, 2))
    places[is_null, 0] = batch.null_position[is_null, None]
    return places.astype(np.int64)


def tag_loss(
    logits: torch.Tensor, batch: Batch, targets: TagTargets, *, label_smoothing: float = 0.0
) -> torch.Tensor:
    """Sum over the batch's labelled pieces, each times its weight, of the tag's cross entropy.

    Smoothing mixes in, by its share, the mean of -log p over all tags. A batch without any labelled
    piece has the loss 0.

    *Shape:* logits (B, T, K) -> scalar.

    Source: Szegedy et al. 2016 (smoothing).
    """
    row, column, pieces = tag_positions(batch, targets)
    device = logits.device
    chosen = logits[to_device(row, device), to_device(column, device)]  # (P, K)
    log_p = functional.log_softmax(chosen.float(), dim=1)
    tag = to_device(targets.tag[pieces].astype(np.int64), device)
    loss = -log_p.gather(1, tag[:, None])[:, 0]  # (P,)
    if label_smoothing:
        loss = (1 - label_smoothing) * loss - label_smoothing * log_p.mean(dim=1)
    weight = to_device(targets.weight[pieces], device)
    return (weight * loss).sum()


def tag_positions(
    batch: Batch, targets: TagTargets
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Where the labelled pieces of a batch are: row, column, and number among all pieces; (P,)."""
    first = targets.splits[batch.rows]
    counts = targets.splits[batch.rows + 1] - first
    row = np.repeat(np.arange(len(counts)), counts)
    pieces = np.arange(len(row)) + np.repeat(first - np.cumsum(counts) + counts, counts)
    column = batch.sliced_start[row] + targets.position[pieces]
    return row, column.astype(np.int64), pieces


def _answer_or_null(batch: Batch) -> NDArray[np.bool_]:
    """The places of a row that a start or an end may point at, (B, T)."""
    column = np.arange(batch.input_ids.shape[1])
    start = batch.sliced_start[:, None]
    allowed = (column >= start) & (column < start + batch.n_sliced[:, None])
    allowed[np.arange(len(batch.rows)), batch.null_position] = True
    return allowed


LOSSES: dict[str, Callable[..., torch.Tensor]] = {"qa": span_loss, "tagging": tag_loss}
"""The loss of each task, by the task's name."""
