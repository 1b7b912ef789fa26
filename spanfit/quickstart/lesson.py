"""The training of the quickstart: a recipe of its own on the embedded data."""

from __future__ import annotations

from pathlib import Path

from spanfit.progress import Progress
from spanfit.quickstart import RECIPE, TRAINING, VALIDATION
from spanfit.recipe import read_recipe
from spanfit.runs import Run, find_free_folder
from spanfit.training import train


def train_quickstart(*, out: str | Path | None, progress: Progress) -> Run:
    """Train on the harbour's reports; see quickstart.toml."""
    recipe = read_recipe(
        RECIPE, overrides=[f"data.train={TRAINING}", f"data.validation={VALIDATION}"]
    )
    return train(recipe, out=out or find_free_folder("quickstart"), progress=progress)
