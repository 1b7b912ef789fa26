"""What a training step minimises: sums over windows or units, divided once by the step's count."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from spanfit.batching import Batch
from spanfit.tasks.questions import SpanTargets


def span_loss(logits: torch.Tensor, batch: Batch, targets: SpanTargets) -> torch.Tensor:
    """Sum over the batch's windows of the mean cross entropy of start and end.

    *Shape:* logits (B, T, 2) -> scalar. Padding takes no part in the softmax, so that the loss of
    a window does not depend on the windows beside it.
    """
    labels = torch.from_numpy(span_positions(batch, targets)).to(logits.device)  # (B, 2)
    mask = torch.from_numpy(batch.attention_mask).to(logits.device).bool()  # (B, T)
    masked = logits.masked_fill(~mask[:, :, None], float("-inf"))
    return (
        functional.cross_entropy(masked, labels, reduction="sum") / 2
    )  # classes in dim 1: positions


def span_positions(batch: Batch, targets: SpanTargets) -> NDArray[np.int64]:
    """Start and end of each window's answer as places in its row; the null position without one.

    *Shape:* (B, 2).
    """
    places = np.stack((targets.start[batch.rows], targets.end[batch.rows]), axis=1)
    return np.where(
        places < 0, batch.null_position[:, None], places + batch.sliced_start[:, None]
    ).astype(np.int64)


LOSSES = {"qa": span_loss}
"""The loss of each task, by the task's name."""
