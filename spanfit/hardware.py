"""What a training needs of the machine: device, precision, processes, seeds, threads."""

from __future__ import annotations

import os

import torch
from accelerate.utils import set_seed

from spanfit.backends.torch import resolve_device, resolve_precision
from spanfit.errors import RunError
from spanfit.recipe import Recipe


def check_hardware(recipe: Recipe) -> None:
    """Refuse what this machine cannot do, before anything is read.

    Raises:
        RecipeError: there is no such device, or it does not compute in that precision.
        RunError: a launcher started several processes.
    """
    resolve_precision(recipe.run.precision, resolve_device(recipe.run.device))
    n_processes = os.environ.get("WORLD_SIZE", "1")
    if n_processes.isdecimal() and int(n_processes) > 1:
        raise refuse_processes(int(n_processes))


def refuse_processes(n: int) -> RunError:
    """The error of a training in several processes."""
    return RunError(
        "training in several processes is not supported yet",
        found=f"{n} processes",
        fix="spanfit train RECIPE, without a launcher",
    )


def set_up_torch(recipe: Recipe) -> None:
    """Seeds of Python, NumPy and torch, and the number of threads."""
    set_seed(recipe.run.seed)
    if recipe.run.threads is not None:
        torch.set_num_threads(recipe.run.threads)
