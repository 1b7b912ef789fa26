"""The training of the quickstart: a recipe of its own on the embedded data."""

from __future__ import annotations

from pathlib import Path

from spanfit.progress import Progress
from spanfit.quickstart import LESSONS
from spanfit.recipe import read_recipe
from spanfit.runs import Run, find_free_folder
from spanfit.training import train


def train_quickstart(*, task: str, out: str | Path | None, progress: Progress) -> Run:
    """Train on the harbour's reports as the recipe of the task's lesson says."""
    lesson = LESSONS[task]
    recipe = read_recipe(
        lesson.recipe,
        overrides=[f"data.train={lesson.training}", f"data.validation={lesson.validation}"],
    )
    return train(recipe, out=out or find_free_folder("quickstart"), progress=progress)
