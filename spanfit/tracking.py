"""The figures of training steps, and the experiment trackers that get them, through Accelerate.

Trackers (TensorBoard, Weights & Biases, …) get the lines of metrics.jsonl and nothing else, so that
a run can be read without any of them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from accelerate import Accelerator
from accelerate.tracking import LOGGER_TYPE_TO_CLASS, get_available_trackers
from numpy.typing import NDArray

from spanfit.errors import MissingExtraError, RecipeError, RunError, did_you_mean
from spanfit.recipe import Recipe
from spanfit.runs import RunFolder

PROJECT = "spanfit"
"""What trackers call the project."""


class StepLog:
    """Sums since the last line of metrics.jsonl; `losses` are of steps before this process."""

    def __init__(self, lengths: NDArray[np.int32], losses: Sequence[float] = ()) -> None:
        self._lengths = lengths
        self._losses = list(losses)
        self._windows = self._tokens = 0
        self._started = time.monotonic()

    def add(self, rows: NDArray[np.int64], loss: float) -> None:
        """Count one step."""
        self._losses.append(loss)
        self._windows += len(rows)
        self._tokens += int(self._lengths[rows].sum())

    @property
    def losses(self) -> tuple[float, ...]:
        """Those of the steps since the last line."""
        return tuple(self._losses)

    @property
    def recent_loss(self) -> float:
        """The mean loss since the last line."""
        return float(np.mean(self._losses))

    @property
    def speed(self) -> str:
        """Windows a second since the last line."""
        return f"{self._windows / (time.monotonic() - self._started):.1f} windows/s"

    def take(self) -> dict[str, float]:
        """The figures since the last line; starts anew."""
        seconds = time.monotonic() - self._started
        figures = {
            "loss": self.recent_loss,
            "windows_per_second": self._windows / seconds,
            "tokens_per_second": self._tokens / seconds,
        }
        self._losses, self._windows, self._tokens = [], 0, 0
        self._started = time.monotonic()
        return figures


def check_trackers(names: Sequence[str]) -> None:
    """Refuse a tracker that Accelerate does not know, or whose package is missing.

    Raises:
        RecipeError: an unknown name.
        MissingExtraError: a known one that is not installed.
    """
    for name in names:
        if name not in LOGGER_TYPE_TO_CLASS:
            raise RecipeError(
                "no such tracker", found=name, expected=did_you_mean(name, LOGGER_TYPE_TO_CLASS)
            )
        if name not in {str(tracker) for tracker in get_available_trackers()}:
            raise MissingExtraError(
                f"the tracker {name} needs a package that is not installed",
                fix=f"pip install {name.replace('_', '-')}",
            )


@contextmanager
def track(folder: RunFolder, accelerator: Accelerator, recipe: Recipe) -> Iterator[None]:
    """Inside, every line of metrics.jsonl also goes to the accelerator's trackers, if it has any.

    The run has its folder's name there, where a tracker is told one.

    Raises:
        RunError: a tracker could not be started.
    """
    if not accelerator.log_with:
        yield
        return

    def log(line: dict[str, Any]) -> None:
        part = line.get("part", "training")
        figures = {
            f"{part}/{name}": value
            for name, value in line.items()
            if name not in ("part", "step", "epoch") and value is not None
        }
        accelerator.log({"epoch": line["epoch"], **figures}, step=line["step"])

    name = folder.folder.resolve().name
    names = {"wandb": {"name": name}, "mlflow": {"run_name": name}}
    try:
        accelerator.init_trackers(PROJECT, config=flatten(recipe), init_kwargs=names)
    except Exception as error:  # each tracker raises what it likes
        raise RunError(
            f"a tracker could not be started: {error}",
            fix="the same without --track; metrics.jsonl has every figure",
        ) from error
    try:
        with folder.metrics_observed(log):
            yield
    finally:
        for tracker in accelerator.trackers:  # `end_training` would also part the processes
            tracker.finish()


def flatten(recipe: Recipe) -> dict[str, str | int | float | bool]:
    """A recipe as `section.key: value`, without unset keys; a list becomes JSON."""
    return {
        f"{section}.{key}": value if isinstance(value, str | int | float) else json.dumps(value)
        for section, keys in recipe.model_dump(exclude_none=True).items()
        for key, value in keys.items()
    }
