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
import platform
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spanfit.errors import DataError, RunError
from spanfit.version import VERSION

if TYPE_CHECKING:
    from spanfit.model import Model

TESTED_PACKAGES = ("numpy", "tokenizers", "torch", "transformers", "accelerate", "safetensors")


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
        return self._read("run.json")

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
    """Writes a run. Files appear whole: written aside, then renamed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._metrics = folder / "metrics.jsonl"
        self._observe_metrics: Callable[[dict[str, Any]], None] | None = None

    @classmethod
    def create(cls, out: str | Path | None, *, default_name: str) -> RunFolder:
        """A new folder for a run: `out`, or runs/NAME with the first free number.

        Raises:
            RunError: the folder exists and is not empty.
        """
        folder = Path(out) if out is not None else find_free_folder(default_name)
        check_free(folder)
        folder.mkdir(parents=True, exist_ok=True)
        return cls(folder)

    def write_text(self, name: str, text: str) -> None:
        """Write one file whole."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        aside = file.with_name(file.name + ".tmp")
        aside.write_text(text, encoding="utf-8")
        aside.replace(file)

    def write_json(self, name: str, value: Any) -> None:  # noqa: ANN401 (any JSON value)
        """Write one JSON file whole."""
        self.write_text(name, json.dumps(value, ensure_ascii=False, indent=2) + "\n")

    def append_metrics(self, line: dict[str, Any]) -> None:
        """Add one line to metrics.jsonl; what is not finite (an fp16 gradient) becomes null."""
        finite = {
            key: None if isinstance(value, float) and not math.isfinite(value) else value
            for key, value in line.items()
        }
        with self._metrics.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(finite, ensure_ascii=False, allow_nan=False) + "\n")
        if self._observe_metrics is not None:
            self._observe_metrics(finite)

    @contextmanager
    def metrics_observed(self, observe: Callable[[dict[str, Any]], None]) -> Iterator[None]:
        """Inside, `observe` gets each line of metrics.jsonl, once it is written."""
        self._observe_metrics = observe
        try:
            yield
        finally:
            self._observe_metrics = None

    def write_folder(self, name: str, fill: Callable[[Path], None]) -> Path:
        """Have `fill` write a folder aside, then put it at its place (an old one is replaced)."""
        folder = self.folder / name
        aside = folder.with_name(folder.name + ".tmp")
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        fill(aside)
        if folder.exists():
            old = folder.with_name(folder.name + ".old")
            shutil.rmtree(old, ignore_errors=True)
            folder.rename(old)
            aside.rename(folder)
            shutil.rmtree(old)
        else:
            aside.rename(folder)
        return folder

    def keep_checkpoints(self, *, max_checkpoints: int, best: str | None) -> None:
        """Delete the oldest checkpoints until `max_checkpoints` are left; the best one stays."""
        found = sorted(path.name for path in (self.folder / "checkpoints").glob("step-*"))
        spare = [name for name in found if name != best and not name.endswith(".tmp")]
        kept = max_checkpoints - (best in found)
        for name in spare[: len(spare) - max(kept, 0)]:
            shutil.rmtree(self.folder / "checkpoints" / name)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold Ctrl-C back until what is being written is whole; then it counts.

    Only the main thread gets signals, so elsewhere nothing is held back.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: held.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if held:
        raise KeyboardInterrupt


def find_free_folder(name: str) -> Path:
    """runs/NAME-001, or with the first number that is free."""
    number = 1
    while (folder := Path("runs") / f"{name}-{number:03}").exists():
        number += 1
    return folder


def check_free(folder: Path) -> None:
    """Refuse a folder for a run that holds something.

    Raises:
        RunError: it exists and is not an empty folder.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RunError(
            "there is something already, and a run never overwrites",
            where=str(folder),
            expected="a folder that does not exist yet, or is empty",
            fix="another --out, or remove that folder",
        )


def describe_run(
    *,
    status: str,
    steps: int,
    seconds: float,
    device: str,
    threads: int,
    resolved: dict[str, Any],
    data: dict[str, str],
    examples: dict[str, dict[str, int]],
    coverage: dict[str, Any],
    tokenizer: str,
) -> dict[str, Any]:
    """The content of run.json: what is needed to do the run again, and what its windows lost.

    `resolved`: what the recipe left to the machine.
    """
    return {
        "status": status,
        "steps": steps,
        "seconds": round(seconds, 1),
        "written": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "command": sys.argv,
        "software": _describe_software(),
        "hardware": {
            "platform": platform.platform(),
            "processor": _processor(),
            "logical_cores": os.cpu_count(),
            "device": device,
            "threads": threads,
        },
        "resolved": resolved,
        "data_digests": data,
        "examples": examples,
        "coverage": coverage,
        "tokenizer_digest": tokenizer,
    }


def _describe_software() -> dict[str, str]:
    found = {"spanfit": VERSION, "python": platform.python_version()}
    for package in TESTED_PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
