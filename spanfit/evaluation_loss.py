"""The mean loss of examples that are predicted, by one process or several."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch

from spanfit.batching import Batch
from spanfit.evaluation import predict_arranged
from spanfit.examples import Example, Examples, Prediction
from spanfit.losses import LOSSES
from spanfit.prediction import Predictor
from spanfit.preparation import Prepared
from spanfit.processes import Processes
from spanfit.progress import Progress
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
    def sums(self) -> tuple[float, float]:
        """The loss added up, and what was counted for it."""
        return self._sum, self._count

    @property
    def mean(self) -> float:
        """The mean loss of what is learnt: a window, a labelled piece."""
        return mean_loss([self.sums])


def mean_loss(sums: Iterable[tuple[float, float]]) -> float:
    """The mean loss of what was computed in several places, from the sums of each."""
    loss, count = map(sum, zip(*sums, strict=True))
    return loss / count if count else 0.0


def predict_with_loss(
    examples: Examples,
    predictor: Predictor,
    prepared: Prepared,
    *,
    title: str,
    progress: Progress,
    processes: Processes,
) -> tuple[list[Prediction], float]:
    """The predictions of all examples, and the mean loss of their windows, in every process.

    Each process predicts a stretch of the examples.

    Raises:
        ModelError: the logits hold NaN or infinity.
        LostProcessError: another process has ended.
    """
    loss = EvaluationLoss(prepared)
    arranged = list(predictor.arrange(examples))
    rows = processes.stretch([predictor.n_characters(example) for example in arranged])
    with processes.together():
        predictions = predict_arranged(
            [arranged[row] for row in rows],
            predictor,
            total=len(rows),
            title=title,
            progress=progress,
            observe=loss,
        )
    stretches = processes.gather((predictions, loss.sums))
    return (
        [prediction for found, _ in stretches for prediction in found],
        mean_loss(sums for _, sums in stretches),
    )
