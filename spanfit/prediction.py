"""From examples to predictions, in a stream: memory does not grow with the number of examples.

    examples ─▶ windows ─ by length ─▶ batches ─▶ logits ─▶ candidates ─ merge ─▶ predictions

Of each window only its k candidates outlive the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from spanfit.backends.base import Backend
from spanfit.batching import Batch, join, split_by_length
from spanfit.settings import Calibration, ModelSettings
from spanfit.tasks.questions import QuestionTask
from spanfit.tokenizer import Tokenizer
from spanfit.types import QuestionExample, QuestionPrediction
from spanfit.windows import Windows, WindowSettings, make_windows

if TYPE_CHECKING:
    from spanfit.backends.base import Logits

CHUNK_EXAMPLES = 256
"""Examples whose windows are sorted by length together, and held at once."""

Observer = Callable[[list[QuestionExample], Windows, Batch, "Logits"], None]
"""Sees every batch with its logits before they are thrown away (the evaluation loss does)."""


@dataclass(frozen=True)
class Predictor:
    """Everything that a prediction depends on, beside the example.

    `max_tokens`: padded tokens of a batch; None: what suits the backend.
    """

    task: QuestionTask
    tokenizer: Tokenizer
    settings: ModelSettings
    backend: Backend
    max_tokens: int | None = None

    @property
    def calibration(self) -> Calibration:
        """Threshold and temperature that were fitted for this backend."""
        return self.settings.calibration_of(self.backend.name)

    def windows(self, examples: list[QuestionExample]) -> Windows:
        """The windows of some examples, exactly as training makes them."""
        return prepare_windows(examples, self.task, self.tokenizer, self.settings)

    def predict(
        self, examples: Iterable[QuestionExample], *, observe: Observer | None = None
    ) -> Iterator[QuestionPrediction]:
        """One prediction for each example, in their order.

        Raises:
            ModelError: the logits hold NaN or infinity.
        """
        rest = iter(examples)
        while chunk := list(islice(rest, CHUNK_EXAMPLES)):
            yield from self._predict_chunk(chunk, observe)

    def _predict_chunk(
        self, examples: list[QuestionExample], observe: Observer | None
    ) -> list[QuestionPrediction]:
        windows = self.windows(examples)
        candidates = []
        max_tokens = self.max_tokens or self.backend.max_tokens
        for rows in split_by_length(windows.lengths, max_tokens=max_tokens):
            batch = join(windows, rows)
            logits = self.backend.logits(batch)
            if observe is not None:
                observe(examples, windows, batch, logits)
            candidates.append(self.task.decode(logits, batch, windows, self.settings.decode))
        return self.task.merge(
            examples, candidates, decode=self.settings.decode, calibration=self.calibration
        )


def prepare_windows(
    examples: list[QuestionExample],
    task: QuestionTask,
    tokenizer: Tokenizer,
    settings: ModelSettings,
) -> Windows:
    """The one path from examples to windows: training, evaluation and prediction come through."""
    return make_windows(
        [task.texts(example) for example in examples],
        tokenizer,
        WindowSettings(max_length=settings.windows.max_length, overlap=settings.windows.overlap),
    )
