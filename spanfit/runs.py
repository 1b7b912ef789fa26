"""A run: one training, and the folder that holds everything it made.

runs/NAME/
  recipe.toml       as resolved            run.json         versions, seed, data digests, ...
  model/            a plain Hugging Face checkpoint + spanfit.json + README.md (model card)
  checkpoints/      step-000500/ ...       metrics.jsonl    a line a log step and an evaluation
  predictions/      validation.jsonl       scores.json
  data/             calibration.jsonl      where it was held out of the training file
"""

from __future__ import annotations

import json
import math
import os
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spanfit import locks, storage
from spanfit.errors import DataError, RunError

if TYPE_CHECKING:
    from spanfit.model import Model

RECORD = "run.json"
METRICS = "metrics.jsonl"
CHECKPOINTS = "checkpoints"
CHECKPOINT_MINUTES = 10.0
"""Between two checkpoints, those of epochs aside."""


@dataclass(frozen=True)
class Run:
    """The folder of a training; its files are read when they are asked for."""

    folder: Path

    @property
    def model_folder(self) -> Path:
        """The best model, in Hugging Face's layout."""
        return self.folder / "model"

    @property
    def scores(self) -> dict[str, Any]:
        """The content of scores.json: scores of each part with their signatures."""
        return self._read("scores.json")

    @property
    def record(self) -> dict[str, Any]:
        """The content of run.json: what is needed to do it again."""
        return self._read(RECORD)

    def figures(self, part: str = "validation") -> dict[str, float]:
        """The figures of one part, in the metric's own names.

        Raises:
            DataError: the run has no scores of that part.
        """
        scores = self.scores
        if part not in scores:
            raise DataError(f"this run has no scores of a {part} part", where=str(self.folder))
        figures: dict[str, float] = scores[part]["figures"]
        return figures

    def model(self, *, trust_remote_code: bool = False) -> Model:
        """The best model, ready to answer; see `spanfit.load`."""
        from spanfit.loading import load

        return load(self.model_folder, trust_remote_code=trust_remote_code)

    def _read(self, name: str) -> dict[str, Any]:
        file = self.folder / name
        if not file.is_file():
            raise DataError(
                f"this run has no {name}",
                where=str(self.folder),
                expected="the folder of a finished `spanfit train`",
            )
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return content


class RunFolder:
    """Writes a run. Files and folders appear whole: see `storage`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._metrics = folder / METRICS
        self._observe_metrics: Callable[[dict[str, Any]], None] | None = None

    @classmethod
    def create(cls, out: str | Path | None, *, default_name: str) -> RunFolder:
        """A new folder for a run: `out`, or runs/NAME with the first free number.

        Raises:
            RunError: the folder exists and is not empty, or cannot be made.
        """
        if out is not None:
            check_free(Path(out))
        while True:
            made = cls(Path(out) if out is not None else find_free_folder(default_name))
            with made._explained(made.folder):
                try:
                    made.folder.mkdir(parents=True, exist_ok=out is not None)
                except FileExistsError:  # another process was quicker: the next number
                    if out is None:
                        continue
                    raise
            return made

    @property
    def is_begun(self) -> bool:
        """Whether a training wrote its run.json here, so that it can be resumed."""
        try:
            return (self.folder / RECORD).is_file()
        except OSError:  # a name that no file can have, a folder that is closed to us
            return False

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Inside, no other process trains in this folder, and nothing is half written.

        Raises:
            RunError: another process trains there, or nothing can be written there.
        """
        with self._explained(self.folder):
            lock = locks.take(self.folder)
        try:
            with self._explained(self.folder):
                storage.recover(self.folder)
                storage.recover(self.folder / CHECKPOINTS)
            yield
        finally:
            lock.release()

    def write_text(self, name: str, text: str) -> None:
        """Write one file whole.

        Raises:
            RunError: it cannot be written.
        """
        with self._explained(self.folder / name):
            storage.write_file(self.folder / name, text.encode())

    def write_json(self, name: str, value: Any) -> None:  # noqa: ANN401 (any JSON value)
        """Write one JSON file whole.

        Raises:
            RunError: it cannot be written.
        """
        self.write_text(name, json.dumps(value, ensure_ascii=False, indent=2) + "\n")

    def append_metrics(self, line: dict[str, Any]) -> None:
        """Add one line to metrics.jsonl; what is not finite (an fp16 gradient) becomes null.

        Raises:
            RunError: it cannot be written.
        """
        finite = {
            key: None if isinstance(value, float) and not math.isfinite(value) else value
            for key, value in line.items()
        }
        text = json.dumps(finite, ensure_ascii=False, allow_nan=False)
        with self._explained(self._metrics):
            storage.append_line(self._metrics, text)
        if self._observe_metrics is not None:
            self._observe_metrics(finite)

    def read_metrics(self) -> str:
        """All lines of metrics.jsonl; none where there is no such file."""
        return self._metrics.read_text(encoding="utf-8") if self._metrics.exists() else ""

    @contextmanager
    def metrics_observed(self, observe: Callable[[dict[str, Any]], None]) -> Iterator[None]:
        """Inside, `observe` gets each line of metrics.jsonl, once it is written."""
        self._observe_metrics = observe
        try:
            yield
        finally:
            self._observe_metrics = None

    def write_folder(self, name: str, fill: Callable[[Path], None]) -> Path:
        """Have `fill` write a folder aside, then put it at its place (an old one is replaced).

        Raises:
            RunError: it cannot be written; an old one is still there.
        """
        folder = self.folder / name
        with self._explained(folder):
            storage.write_folder(folder, fill)
        return folder

    def list_checkpoints(self) -> list[Path]:
        """The folders of all checkpoints, newest first."""
        steps = {
            path: int(number)
            for path in (self.folder / CHECKPOINTS).glob("step-*")
            if (number := path.name.removeprefix("step-")).isdecimal()
        }
        return sorted(steps, key=lambda path: -steps[path])

    def keep_checkpoints(self, *, max_checkpoints: int, best: str | None) -> None:
        """Delete the oldest checkpoints until `max_checkpoints` are left.

        The newest stays, since a training goes on from it; then the best; then the next newest.

        Raises:
            RunError: one cannot be deleted.
        """
        _, *others = self.list_checkpoints()
        others.sort(key=lambda folder: folder.name != best)  # stable: else newest first
        for folder in others[max_checkpoints - 1 :]:
            with self._explained(folder):
                storage.discard(folder)

    def set_aside(self, checkpoint: Path) -> Path:
        """Rename a checkpoint that is broken, so that nobody takes it for one.

        Raises:
            RunError: it cannot be renamed.
        """
        kept = checkpoint.with_name(f"{checkpoint.name}.broken")
        with self._explained(checkpoint):
            if kept.exists():
                storage.discard(kept)
            checkpoint.rename(kept)
        return kept

    @contextmanager
    def _explained(self, place: Path) -> Iterator[None]:
        """Turn what the system says of a write into one message."""
        try:
            yield
        except OSError as error:
            fix = "a folder with room that may be written"
            if self.is_begun:
                fix = f"more room there, then {resume_command(self.folder)}"
            raise RunError(
                f"can't be written: {error.strerror or error}", where=str(place), fix=fix
            ) from error


def resume_command(folder: Path) -> str:
    """What to type for a training to go on."""
    return f"spanfit train --resume {shlex.quote(str(folder))}"


def find_free_folder(name: str) -> Path:
    """runs/NAME-001, or with the first number that is free."""
    number = 1
    while os.path.lexists(folder := Path("runs") / f"{name}-{number:03}"):
        number += 1
    return folder


def check_free(folder: Path) -> None:
    """Refuse a folder for a run that holds something, or where nothing can be written.

    Raises:
        RunError: it exists and is not an empty folder, or it cannot be made.
    """
    try:
        is_free = not folder.exists() or (
            folder.is_dir() and not any(map(_counts, folder.iterdir()))
        )
        obstacle = _find_obstacle(folder) if is_free else ""
    except OSError as error:
        is_free, obstacle = True, error.strerror or str(error)
    if obstacle:
        raise RunError(
            f"can't be written: {obstacle}",
            where=str(folder),
            expected="a folder that can be made, or an empty one, with room that may be written",
            fix="another --out",
        )
    if is_free:
        return
    fix = "another --out, or remove that folder"
    if (folder / RECORD).is_file():
        fix = f"another --out, or {resume_command(folder)}, which goes on with the run there"
    raise RunError(
        "there is something already, and a run never overwrites",
        where=str(folder),
        expected="a folder that does not exist yet, or is empty",
        fix=fix,
    )


def _find_obstacle(folder: Path) -> str:
    """What keeps a folder from being made, or from being written; "" where nothing does."""
    nearest = next((path for path in (folder, *folder.parents) if path.exists()), Path())
    if not nearest.is_dir():
        return f"{nearest} is no folder"
    return "" if os.access(nearest, os.W_OK | os.X_OK) else f"{nearest} is closed to you"


def _counts(path: Path) -> bool:
    """Whether a file is more than what a process left that was killed as it began."""
    return path.name != locks.FILE_NAME and not path.name.endswith(storage.ASIDE)
