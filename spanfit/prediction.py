"""From examples to predictions, in a stream: neither many examples nor long ones fill memory.

    examples ─▶ windows ─ by length ─▶ batches ─▶ logits ─▶ candidates ─ merge ─▶ predictions

Of each window only its k candidates outlive the batch. `predict_file` writes such a stream into a
file that can be continued when the process has died.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from spanfit.backends.base import Backend
from spanfit.batching import Batch
from spanfit.data import Counted, stream, tally
from spanfit.data.faults import SkippedLines, refuse_line
from spanfit.data.prediction_lines import format_line
from spanfit.data.unfinished import UnfinishedFile
from spanfit.errors import DataError
from spanfit.examples import AS_IT_IS, Example, Prediction, Reading
from spanfit.groups import CHARACTERS_AT_ONCE, gather
from spanfit.memory import Encoder, TextMemory
from spanfit.progress import Progress
from spanfit.settings import Calibration, ModelSettings
from spanfit.tasks.base import AnyTask
from spanfit.tokenizer import Tokenizer
from spanfit.version import VERSION
from spanfit.windows import Windows, WindowSettings, make_windows

if TYPE_CHECKING:
    from spanfit.backends.base import Logits

CHUNK_EXAMPLES = 256
"""Examples whose windows are sorted by length together, and held at once; fewer long ones."""

Observer = Callable[[list[Example], Windows, Batch, "Logits"], None]
"""Sees every batch with its logits before they are thrown away (the evaluation loss does)."""

BadLines = Literal["fail", "skip"]
"""What is done with a line of the input that cannot be read."""


@dataclass(frozen=True)
class Predictor:
    """Everything that a prediction depends on, beside the example.

    `max_tokens`: padded tokens of a batch; None: what suits the backend. `max_question_tokens`:
    longer questions are cut to their first so many; None: only where the context has no room.
    """

    task: AnyTask
    tokenizer: Tokenizer
    settings: ModelSettings
    backend: Backend
    max_tokens: int | None = None
    max_question_tokens: int | None = None

    @property
    def calibration(self) -> Calibration:
        """What was fitted for this backend."""
        return self.settings.calibration_of(self.backend.name)

    def describe(self) -> dict[str, str]:
        """What predictions are made by, each thing with its name or digest."""
        tokenizer = f"{self.tokenizer.digest} {self.tokenizer.config}"
        own = {self.backend.name: self.calibration}  # that of others changes nothing here
        settings = self.settings.model_copy(update={"calibration": own})
        settings_text = json.dumps(settings.model_dump(), sort_keys=True)
        return {
            "version": VERSION,
            "backend": self.backend.name,
            "weights": self.backend.digest,
            "max_tokens": str(self.max_tokens),
            "max_question_tokens": str(self.max_question_tokens),
            "tokenizer": hashlib.blake2b(tokenizer.encode(), digest_size=16).hexdigest(),
            "settings": hashlib.blake2b(settings_text.encode(), digest_size=16).hexdigest(),
        }

    def windows(self, examples: list[Example], *, memory: Encoder | None = None) -> Windows:
        """The windows of some examples, exactly as training makes them."""
        return prepare_windows(
            examples,
            self.task,
            self.tokenizer,
            self.settings,
            memory=memory,
            max_question_tokens=self.max_question_tokens,
        )

    def predict(
        self, examples: Iterable[Example], *, observe: Observer | None = None
    ) -> Iterator[Prediction]:
        """One prediction for each example, in their order.

        Raises:
            ModelError: the logits hold NaN or infinity.
        """
        for _, predictions in self.predict_chunks(self.arrange(examples), observe=observe):
            yield from predictions

    def arrange(self, examples: Iterable[Example]) -> Iterator[Example]:
        """The examples as the model reads them (see `Task.arrange`)."""
        return self.task.arrange(examples, self.tokenizer, self.settings)

    def predict_chunks(
        self, examples: Iterable[Example], *, observe: Observer | None = None
    ) -> Iterator[tuple[list[Example], list[Prediction]]]:
        """The same for arranged examples, in chunks of bounded size, each beside its examples.

        A text of the chunk before is not tokenised again, but counts for each of its examples.
        """
        memory = TextMemory(self.tokenizer)
        for chunk in gather(
            examples,
            size=self.n_characters,
            max_items=CHUNK_EXAMPLES,
            max_size=CHARACTERS_AT_ONCE,
        ):
            yield chunk, self._predict_chunk(chunk, memory, observe)

    def n_characters(self, example: Example) -> int:
        """How long an arranged example is, with all that a window may hold of it."""
        pair = self.task.texts(example)
        return len(pair.fixed or "") + len(pair.sliced)

    def _predict_chunk(
        self, examples: list[Example], memory: TextMemory, observe: Observer | None
    ) -> list[Prediction]:
        windows = self.windows(examples, memory=memory)
        candidates = []
        parts = self.backend.split(windows.lengths, max_tokens=self.max_tokens)
        with closing(self.backend.compute_batches(windows, parts)) as computed:
            for batch, logits in computed:
                if observe is not None:
                    observe(examples, windows, batch, logits)
                candidates.append(self.task.decode(logits, batch, windows, self.settings.decode))
        return self.task.merge(
            examples,
            candidates,
            windows=windows,
            settings=self.settings,
            calibration=self.calibration,
        )


@dataclass(frozen=True)
class FilePredictions:
    """What `predict_file` wrote: `n` predictions, and `skipped` lines that could not be read.

    `skipped_file` lists those, where there are any. `blank` lines of JSON Lines hold nothing.
    """

    file: Path
    n: int
    skipped: int = 0
    skipped_file: Path | None = None
    blank: int = 0

    @property
    def read(self) -> int:
        """Lines or rows that were predicted or left out: as many as there are in the input."""
        return self.n + self.skipped


def predict_file(
    predictor: Predictor,
    data: str | Path,
    out: str | Path,
    *,
    bad_lines: BadLines = "fail",
    reading: Reading = AS_IT_IS,
    progress: Progress | None = None,
) -> FilePredictions:
    """Predict a whole file of examples into `out`, one JSON line each; gzip where it ends in .gz.

    JSON Lines are read one by one, so neither file need fit into memory; ids that come twice are
    not looked for. Until the end the predictions are in `out`.part. Where that is there already,
    the examples that it has are read and not predicted again, and the file is what it would
    have been in one go. `bad_lines` "skip" leaves out lines that cannot be read, and lists them
    with their reasons in `out`.skipped.jsonl; SQuAD's JSON has no such lines. What was predicted
    and what was left out is counted against what the input holds, counted by itself.

    Raises:
        DataError: no such input, or a mistake in it, or it was changed meanwhile; `out` is there
            already, or its part was made by another model or from another input, or altered; it
            cannot be written.
        ModelError: the logits hold NaN or infinity.
    """
    out, progress = Path(out), progress or Progress(quiet=True)
    skipped = SkippedLines(out)
    on_fault = refuse_line if bad_lines == "fail" else skipped.add
    with UnfinishedFile(out, made_by=predictor.describe()) as unfinished:
        with skipped:
            with progress.bar("counting", total=None, unit="examples") as bar:
                counted = tally(data, advance=bar.advance, reading=reading)
            examples = stream(data, check_ids=False, on_fault=on_fault, reading=reading)
            try:
                arranged = predictor.arrange(pass_kind(predictor.task, examples, name=str(data)))
                _write_predictions(predictor, arranged, unfinished, progress, counted.examples)
                _check_counts(unfinished.lines, skipped.n, counted=counted, name=str(data))
            except BaseException:
                if unfinished.lines:
                    progress.note(
                        f"{unfinished.lines:,} predictions are kept in {unfinished.part}: "
                        "the same command goes on from there"
                    )
                raise
        unfinished.finish()  # beside a finished file the list of what it lacks is whole
    return FilePredictions(
        file=out,
        n=unfinished.lines,
        skipped=skipped.n,
        skipped_file=skipped.file,
        blank=counted.blank,
    )


def _check_counts(n: int, skipped: int, *, counted: Counted, name: str) -> None:
    """Refuse to finish a file that does not answer all that was counted before.

    Raises:
        DataError: the input was changed while it was read.
    """
    if n + skipped != counted.records:
        raise DataError(
            "the input was changed while it was read",
            where=name,
            expected=f"{counted.records:,} lines or rows, as there were before",
            found=f"{n:,} that were predicted and {skipped:,} that were left out",
            fix="the same command, once nobody writes it any more",
        )


def pass_kind(task: AnyTask, examples: Iterable[Example], *, name: str) -> Iterator[Example]:
    """Pass examples on that are what the task is about.

    Raises:
        DataError: one is not.
    """
    for example in examples:
        if not isinstance(example, task.example_type):
            raise DataError(
                f"this model is for {task.example_type.kind}",
                where=", ".join(filter(None, (name, example.place))),
                expected=task.example_type.kind,
                found=example.kind,
                fix=f"a model for {example.kind}: spanfit init FILE > recipe.toml, and train it",
            )
        yield example


def _write_predictions(
    predictor: Predictor,
    examples: Iterator[Example],
    file: UnfinishedFile,
    progress: Progress,
    total: int,
) -> None:
    """Predict what is not yet answered in `file`; a chunk is there whole or not at all.

    So chunks always begin at the same examples, rows are padded to the same lengths, and an
    interrupted run gives the bytes of an uninterrupted one.
    """
    identify = predictor.task.identify
    if file.lines:
        progress.note(f"going on after the {file.lines:,} predictions in {file.part}")
        file.pass_over(map(identify, islice(examples, file.lines)))
    with progress.bar("predicting", total=total, unit="examples", done=file.lines) as bar:
        for chunk, predictions in predictor.predict_chunks(examples):
            file.append([format_line(item) for item in predictions], map(identify, chunk))
            bar.advance(len(chunk))


def prepare_windows(
    examples: list[Example],
    task: AnyTask,
    tokenizer: Tokenizer,
    settings: ModelSettings,
    *,
    memory: Encoder | None = None,
    max_question_tokens: int | None = None,
) -> Windows:
    """The one path from examples to windows: training, evaluation and prediction come through.

    `memory`, and `max_question_tokens` as `max_fixed`: see `make_windows`.
    """
    return make_windows(
        [task.texts(example) for example in examples],
        tokenizer,
        WindowSettings(max_length=settings.windows.max_length, overlap=settings.windows.overlap),
        memory=memory,
        max_fixed=max_question_tokens,
    )
