"""Logits that another loop has computed, decoded as they come.

The windows of a data set are taken in chunks of examples, as in prediction. What is kept of a chunk
becomes predictions when its last window is there, so neither logits nor candidates of a whole data
set are ever held. Windows may come in any order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from spanfit.batching import join
from spanfit.errors import RunError
from spanfit.evaluation_loss import EvaluationLoss
from spanfit.examples import Examples, Prediction
from spanfit.integrations.window_dataset import WindowDataset
from spanfit.prediction import CHUNK_EXAMPLES
from spanfit.preparation import Prepared
from spanfit.settings import Calibration, ModelSettings
from spanfit.windows import Windows

Rows = NDArray[np.int64]


@dataclass
class _Chunk:
    """Some examples, and what is known of their windows."""

    examples: Examples
    windows: Windows
    seen: NDArray[np.bool_]
    candidates: list[Any] = field(default_factory=list)
    predictions: list[Prediction] = field(default_factory=list)


class Gathering:
    """Takes the logits of a data set's windows, each once, and gives predictions and loss."""

    def __init__(
        self,
        dataset: WindowDataset,
        prepared: Prepared,
        *,
        settings: ModelSettings,
        calibration: Calibration,
    ) -> None:
        self.dataset = dataset
        self._task, self._settings, self._calibration = prepared.task, settings, calibration
        self._loss = EvaluationLoss(prepared)
        n = len(dataset.examples)
        borders = [*range(0, n, CHUNK_EXAMPLES), n]
        self._first_row: Rows = np.searchsorted(dataset.windows.example, borders).astype(np.int64)
        self._chunks = [_make_chunk(dataset, first, end) for first, end in pairwise(borders)]

    def has_any(self, rows: Rows) -> bool:
        """Whether one of these windows was taken before."""
        return any(self._chunks[c].seen[own].any() for c, _, own in self._divide(rows))

    def add(self, rows: Rows, logits: torch.Tensor) -> None:
        """Take the logits (B, T, n_outputs) of these windows, padded as their inputs were.

        Raises:
            ModelError: they hold NaN or infinity.
        """
        for number, places, own in self._divide(rows):
            chunk = self._chunks[number]
            batch = join(chunk.windows, own)
            length = batch.input_ids.shape[1]
            is_left = self.dataset.windows.tokenizer.padding_side == "left"
            part = logits[torch.from_numpy(places).to(logits.device)]
            part = part[:, -length:] if is_left else part[:, :length]
            self._loss(list(chunk.examples), chunk.windows, batch, part)
            chunk.candidates.append(
                self._task.decode(part, batch, chunk.windows, self._settings.decode)
            )
            chunk.seen[own] = True
            if chunk.seen.all():
                self._merge(chunk)

    def finish(self) -> tuple[list[Prediction], float]:
        """The prediction of every example, and the mean loss of what could be learnt.

        Raises:
            RunError: there are windows without logits.
        """
        n_missing = sum(int((~chunk.seen).sum()) for chunk in self._chunks)
        if n_missing:
            raise RunError(
                f"{n_missing:,} windows were not evaluated",
                where=self.dataset.name,
                expected=f"the logits of all {len(self.dataset):,}",
                fix="TrainingArguments(dataloader_drop_last=False, …)",
            )
        predictions = [item for chunk in self._chunks for item in chunk.predictions]
        return predictions, self._loss.mean

    def _divide(self, rows: Rows) -> list[tuple[int, Rows, Rows]]:
        """For each chunk that has some of the rows: its number, their places, its own rows."""
        of_chunk = np.searchsorted(self._first_row, rows, side="right") - 1
        return [
            (number, places, rows[places] - self._first_row[number])
            for number in np.unique(of_chunk).tolist()
            for places in (np.flatnonzero(of_chunk == number),)
        ]

    def _merge(self, chunk: _Chunk) -> None:
        chunk.predictions = self._task.merge(
            chunk.examples,
            chunk.candidates,
            windows=chunk.windows,
            settings=self._settings,
            calibration=self._calibration,
        )
        chunk.candidates = []


def _make_chunk(dataset: WindowDataset, first: int, end: int) -> _Chunk:
    windows = _take_examples(dataset.windows, first, end)
    examples: Sequence[Any] = dataset.examples[first:end]
    return _Chunk(examples, windows, seen=np.zeros(len(windows), np.bool_))


def _take_examples(windows: Windows, first: int, end: int) -> Windows:
    """The windows of the examples from `first` to before `end`, counted from there; views."""
    low, high = np.searchsorted(windows.example, (first, end))
    rows = slice(int(low), int(high))
    return replace(
        windows,
        example=windows.example[rows] - np.int32(first),
        fixed=windows.fixed[rows],
        sliced=windows.sliced[rows],
        first=windows.first[rows],
        last=windows.last[rows],
        fixed_tokens=windows.fixed_tokens[rows],
        cut_questions=(),  # they are reported of the whole
    )
