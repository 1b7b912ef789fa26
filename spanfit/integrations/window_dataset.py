"""Windows as a data set of torch: views, not copies, joined when a batch is made.

An item knows its data set and its row, nothing else; `collate` joins the rows of a batch as every
other batch of SpanFit is joined. The labels of a batch are the numbers of its windows, by which
loss and metrics find the gold. `collate_for_heads` gives what transformers' heads call labels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch

from spanfit.backends.inputs import input_tensors
from spanfit.batching import Batch, join
from spanfit.examples import AS_IT_IS, Examples, Reading
from spanfit.losses import span_positions, tag_positions
from spanfit.tasks.base import Targets
from spanfit.tasks.span_targets import SpanTargets
from spanfit.tasks.tag_targets import TagTargets
from spanfit.windows import Windows

NO_LABEL = -100
"""What transformers' losses leave out."""


@dataclass(frozen=True, eq=False)
class WindowDataset:
    """The windows of some examples with their targets; one item a window.

    `gold` are the examples as they are scored, under `reading`; `examples` the same as the model
    reads them. `first_number` is the number of the first window where several data sets are counted
    through. `input_names`: what the network is given.
    """

    name: str
    gold: Examples
    examples: Examples
    windows: Windows
    targets: Targets
    task: str
    input_names: tuple[str, ...]
    first_number: int = 0
    label_smoothing: float = 0.0
    reading: Reading = AS_IT_IS

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, row: int) -> WindowView:
        if not 0 <= row < len(self):
            raise IndexError(f"window {row} of {len(self)}")
        return WindowView(self, int(row))

    @cached_property
    def mean_count(self) -> float:
        """What a window counts in the loss, on average: 1, or its labelled pieces."""
        return self.targets.count(np.arange(len(self))) / max(len(self), 1)


@dataclass(frozen=True, eq=False, slots=True)
class WindowView:
    """One window of a data set."""

    dataset: WindowDataset
    row: int

    def __len__(self) -> int:
        return int(self.dataset.windows.lengths[self.row])


def collate(views: Sequence[WindowView]) -> dict[str, torch.Tensor]:
    """A batch of windows of one data set: inputs (B, T), padded on the tokenizer's side.

    `labels` int64 (B,) are the numbers of the windows.
    """
    dataset, batch = _join(views)
    return _inputs(dataset, batch) | {"labels": torch.from_numpy(batch.rows + dataset.first_number)}


def collate_for_heads(views: Sequence[WindowView]) -> dict[str, torch.Tensor]:
    """The same with the labels of transformers' own heads, for their own losses.

    Question answering: `start_positions` and `end_positions` int64 (B,), columns of the batch; of
    several golds that a window holds the first, and the null position where it holds none. Token
    classification: `labels` int64 (B, T), -100 where nothing is learnt. A token classifier with two
    outputs that answers questions has no such labels: its own loss would take them for classes.
    """
    dataset, batch = _join(views)
    return _inputs(dataset, batch) | HEAD_LABELS[dataset.task](batch, dataset.targets)


def _join(views: Sequence[WindowView]) -> tuple[WindowDataset, Batch]:
    dataset = views[0].dataset
    if any(view.dataset is not dataset for view in views):
        raise ValueError("the windows of a batch are of several data sets")
    return dataset, join(dataset.windows, np.array([view.row for view in views], np.int64))


def _inputs(dataset: WindowDataset, batch: Batch) -> dict[str, torch.Tensor]:
    return input_tensors(batch, device=torch.device("cpu"), names=dataset.input_names)


def _question_labels(batch: Batch, targets: SpanTargets) -> dict[str, torch.Tensor]:
    places = span_positions(batch, targets)  # (B, G, 2)
    gold = np.argmax(places[:, :, 0] >= 0, axis=1)
    chosen = torch.from_numpy(places[np.arange(len(places)), gold])
    return {"start_positions": chosen[:, 0], "end_positions": chosen[:, 1]}


def _tag_labels(batch: Batch, targets: TagTargets) -> dict[str, torch.Tensor]:
    row, column, pieces = tag_positions(batch, targets)
    labels = np.full(batch.input_ids.shape, NO_LABEL, np.int64)
    labels[row, column] = targets.tag[pieces]
    return {"labels": torch.from_numpy(labels)}


HEAD_LABELS: dict[str, Callable[[Batch, Any], dict[str, torch.Tensor]]] = {
    "qa": _question_labels,
    "tagging": _tag_labels,
}
"""The labels of transformers' heads, by the task's name."""
