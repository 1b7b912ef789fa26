"""What every task does, so that whatever uses tasks never asks which one it has.

Windows, training loop, prediction and commands call these methods and hand on what they return.
Formats, decoding kernels, losses and metrics stay separate on purpose: they have nothing in common
but their place in the order of things.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from spanfit.batching import Batch
from spanfit.types import TextPair
from spanfit.windows import Windows

if TYPE_CHECKING:
    import torch

    from spanfit.recipe import DecodeSection, TaskSection
    from spanfit.settings import Calibration

    Logits = NDArray[np.float32] | torch.Tensor
    """Of a batch, (B, T, n_outputs), where the backend computed them."""

ExampleT = TypeVar("ExampleT", contravariant=True)
"""What the data holds: a question, a tagged text."""
TargetsT = TypeVar("TargetsT")
"""What the model shall say in each window, and which gold no window can express."""
CandidatesT = TypeVar("CandidatesT")
"""What decoding keeps of the windows of a batch."""
PredictionT = TypeVar("PredictionT")
"""What is said of an example in the end."""
StatisticsT = TypeVar("StatisticsT", covariant=True)
"""What the metric counts for one example: sums over examples give the score."""


class Task(Protocol[ExampleT, TargetsT, CandidatesT, PredictionT, StatisticsT]):
    """From an example to model inputs and targets, and from logits back to a counted answer."""

    @property
    def name(self) -> str:
        """The name in recipes and spanfit.json."""

    @property
    def n_outputs(self) -> int:
        """Logits for each token."""

    def texts(self, example: ExampleT) -> TextPair:
        """The text that every window repeats, if any, and the one that is sliced."""

    def targets(
        self, examples: Sequence[ExampleT], windows: Windows, options: TaskSection
    ) -> TargetsT:
        """The targets of all windows of `examples`, as the recipe's [task] wants them.

        Raises:
            DataError: an example has no gold, or gold that is not in its text.
        """

    def weigh(self, targets: TargetsT, options: TaskSection) -> TargetsT:
        """The targets with what each counts in the loss of a training; an evaluation weighs none.

        Raises:
            DataError: the data does not hold what the wanted weights need.
        """

    def decode(
        self, logits: Logits, batch: Batch, windows: Windows, settings: DecodeSection
    ) -> CandidatesT:
        """What is kept of a batch; its logits can then be thrown away.

        Raises:
            ModelError: the logits hold NaN or infinity.
        """

    def merge(
        self,
        examples: Sequence[ExampleT],
        candidates: Sequence[CandidatesT],
        *,
        decode: DecodeSection,
        calibration: Calibration,
    ) -> list[PredictionT]:
        """The prediction of every example from what was kept of all its windows."""

    def statistics(self, example: ExampleT, prediction: PredictionT, *, metric: str) -> StatisticsT:
        """What a metric of this task counts for one prediction.

        Raises:
            RecipeError: the task has no such metric.
        """
