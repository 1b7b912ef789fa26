"""The mean loss of examples that are predicted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from spanfit.batching import Batch
from spanfit.examples import Example
from spanfit.losses import LOSSES
from spanfit.preparation import Prepared
from spanfit.windows import Windows

if TYPE_CHECKING:
    from spanfit.backends.base import Logits


class EvaluationLoss:
    """Sums the loss, neither smoothed nor weighted, over the batches of a prediction."""

    def __init__(self, prepared: Prepared) -> None:
        self._task, self._options = prepared.task, prepared.recipe.task
        self._settings = prepared.settings
        self._windows: Windows | None = None
        self._sum, self._count = 0.0, 0.0

    def __call__(
        self, examples: list[Example], windows: Windows, batch: Batch, logits: Logits
    ) -> None:
        """Add one batch."""
        if windows is not self._windows:
            self._windows = windows
            self._targets = self._task.targets(examples, windows, self._options, self._settings)
        loss = LOSSES[self._task.name](torch.as_tensor(logits), batch, self._targets)
        self._sum += float(loss)
        self._count += self._targets.count(batch.rows)

    @property
    def mean(self) -> float:
        """The mean loss of what is learnt: a window, a labelled piece."""
        return self._sum / self._count if self._count else 0.0
