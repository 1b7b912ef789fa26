"""How long a training would take here: what `spanfit train --dry-run` says."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from spanfit.hardware import set_up_torch
from spanfit.loop import Training
from spanfit.preparation import prepare
from spanfit.processes import join
from spanfit.progress import Progress
from spanfit.recipe import Recipe
from spanfit.runs import RunFolder
from spanfit.steps import steps_of_epoch
from spanfit.training import resolve_recipe


@dataclass(frozen=True)
class Estimate:
    """How long a training would take, from a few of its steps."""

    steps: int
    windows: int
    windows_per_second: float

    @property
    def seconds(self) -> float:
        """Of the steps alone, without evaluations."""
        return self.windows / self.windows_per_second

    def to_json(self) -> dict[str, float]:
        """The figures, for a program."""
        return {
            "steps": self.steps,
            "windows": self.windows,
            "windows_per_second": self.windows_per_second,
            "seconds": self.seconds,
        }


def estimate(
    recipe: Recipe | str | Path, *, overrides: Sequence[str] = (), progress: Progress | None = None
) -> Estimate:
    """Prepare a training, time the gradients of three steps (the first is not counted), and stop.

    Raises:
        RecipeError, DataError, ModelError: as `train`. Nothing is written.
    """
    processes = join()
    with processes.together():
        recipe = resolve_recipe(recipe, overrides=overrides)
        set_up_torch(recipe)
        prepared = prepare(recipe, progress=processes.voice(progress or Progress()))
        training = Training(prepared, RunFolder(Path()), Progress(quiet=True), processes=processes)
    training.compile()
    training.network.train()
    plan, lengths = prepared.plan, prepared.windows.lengths
    tokens = seconds = 0.0
    for number, rows in enumerate(islice(steps_of_epoch(plan, epoch=1, seed=0), 3)):
        started = time.monotonic()
        training.accumulate_gradient(rows)
        if number or plan.steps_per_epoch == 1:
            seconds += time.monotonic() - started
            tokens += float(lengths[rows].sum())
    windows = min(plan.n_windows * plan.epochs, plan.steps * plan.windows_per_step)
    return Estimate(
        steps=plan.steps,
        windows=windows,
        windows_per_second=tokens / float(lengths.mean()) / seconds,
    )
