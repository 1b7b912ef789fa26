"""What every task does, so that whatever uses tasks never asks which one it has.

Windows, training loop, prediction and commands call these methods and hand on what they return.
Formats, decoding kernels, losses and metrics stay separate on purpose: they have nothing in common
but their place in the order of things.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from spanfit.batching import Batch
from spanfit.data.checking import Checked
from spanfit.examples import AS_IT_IS, Reading
from spanfit.tokenizer import Tokenizer
from spanfit.types import TextPair
from spanfit.windows import Windows

if TYPE_CHECKING:
    import torch

    from spanfit.recipe import DecodeSection, Recipe, TaskSection
    from spanfit.settings import Calibration, ModelSettings

    Logits = NDArray[np.float32] | torch.Tensor
    """Of a batch, (B, T, n_outputs), where the backend computed them."""

ExampleT = TypeVar("ExampleT")
"""What the data holds: a question, a tagged text."""
TargetsT = TypeVar("TargetsT")
"""What the model shall say in each window, and which gold no window can express."""
CandidatesT = TypeVar("CandidatesT")
"""What decoding keeps of the windows of a batch."""
PredictionT = TypeVar("PredictionT")
"""What is said of an example in the end."""
StatisticsT = TypeVar("StatisticsT", covariant=True)
"""What the metric counts for one example: sums over examples give the score."""


class Targets(Protocol):
    """What the training loop asks of the targets of some windows."""

    def __len__(self) -> int: ...

    def count(self, rows: NDArray[np.int64]) -> float:
        """What the summed loss of these windows is divided by: the sum of what counts in it."""

    @property
    def losses(self) -> dict[str, tuple[int, ...]]:
        """Rows of examples that are not learnt as their gold has them, by what becomes of them."""


class Coverage(Protocol):
    """What windows and token borders lose of the gold."""

    def describe(self, options: TaskSection) -> list[str]:
        """What training loses, a line each, with the first ids; nothing where nothing is lost."""

    def to_json(self) -> dict[str, Any]:
        """All figures, with the ids behind those that are losses."""

    @property
    def figures(self) -> dict[str, float]:
        """The best score that is left, by names of metric and figure; empty without gold."""


class Task(Protocol[ExampleT, TargetsT, CandidatesT, PredictionT, StatisticsT]):
    """From an example to model inputs and targets, and from logits back to a counted answer."""

    @property
    def name(self) -> str:
        """The name in recipes and spanfit.json."""

    @property
    def example_type(self) -> type[ExampleT]:
        """What its examples are objects of."""

    def describe(self, examples: Sequence[ExampleT]) -> str:
        """How many examples these are, and of what kinds: "2,278 questions (760 unanswerable)"."""

    def advise(self, parts: Mapping[str, Sequence[ExampleT]], recipe: Recipe) -> list[str]:
        """What somebody who trains on these parts by this recipe should know, a warning each."""

    def uncalibrated(self, training: Sequence[ExampleT], recipe: Recipe) -> Calibration:
        """What decides before anything is fitted, for a model that learns these examples."""

    def settle(
        self, examples: Sequence[ExampleT], recipe: Recipe, *, scheme: str | None
    ) -> ModelSettings:
        """What is stored beside a model that learns these examples by this recipe.

        `scheme` is that of their tags; None where they have none.
        """

    def assume(self, outputs: Sequence[str]) -> ModelSettings:
        """What is assumed of a model without spanfit.json, from the names of its outputs."""

    def adapt(
        self,
        examples: Sequence[ExampleT],
        settings: ModelSettings,
        *,
        reading: Reading = AS_IT_IS,
        name: str = "",
    ) -> Checked:
        """Examples with gold as a model of these settings says it, to be scored; `name`: the file.

        Raises:
            DataError: the gold is wrong, and `reading` does not allow to repair it.
        """

    def doubt(
        self, examples: Sequence[ExampleT], settings: ModelSettings, calibration: Calibration
    ) -> list[str]:
        """What of these examples with gold a model cannot get right, a warning each."""

    def explain(self, settings: ModelSettings) -> str:
        """What decides, in a few words: of a model for which it was assumed."""

    def outputs(self, settings: ModelSettings) -> tuple[str, ...]:
        """What the logits of each token mean: a name for each of the n_outputs."""

    def arrange(
        self, examples: Iterable[ExampleT], tokenizer: Tokenizer, settings: ModelSettings
    ) -> Iterator[ExampleT]:
        """The examples as a model reads them: divided into units, with what stands around them.

        All that follows (texts, targets, merge) is given these. As many as came, in their order; a
        stream is read no further ahead than its neighbours are needed.
        """

    def texts(self, example: ExampleT) -> TextPair:
        """The text that every window repeats, if any, and the one that is sliced."""

    def identify(self, example: ExampleT) -> tuple[str, ...]:
        """All of an arranged example that its prediction depends on, its id first."""

    def targets(
        self,
        examples: Sequence[ExampleT],
        windows: Windows,
        options: TaskSection,
        settings: ModelSettings,
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
        windows: Windows,
        settings: ModelSettings,
        calibration: Calibration,
    ) -> list[PredictionT]:
        """The prediction of every example from what was kept of all its windows."""

    def statistics(self, example: ExampleT, prediction: PredictionT, *, metric: str) -> StatisticsT:
        """What a metric of this task counts for one prediction.

        Raises:
            RecipeError: the task has no such metric.
        """


AnyTask = Task[Any, Any, Any, Any, Any]
"""Where it does not matter which."""
