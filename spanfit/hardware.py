"""What a training needs of the machine: device, precision, processes, seeds, threads."""

from __future__ import annotations

import torch
from accelerate.utils import set_seed

from spanfit.backends.torch import resolve_device, resolve_precision
from spanfit.compilation import check_compiler
from spanfit.errors import RunError
from spanfit.recipe import Recipe


def check_hardware(recipe: Recipe, *, n_processes: int = 1) -> None:
    """Refuse what this machine cannot do, before anything is read.

    Raises:
        RecipeError: there is no such device, it does not compute in that precision, or nothing can
            be compiled for it.
        RunError: there is no device for each process.
    """
    device = resolve_device(recipe.run.device)
    resolve_precision(recipe.run.precision, device)
    if recipe.batch.compiled:
        check_compiler(device)
    n_devices = {"cuda": torch.cuda.device_count(), "mps": 1}.get(device.type, n_processes)
    if n_processes > n_devices:
        raise RunError(
            f"each process needs a device of its own to train on {device.type}",
            expected=f"{n_devices} processes at most",
            found=f"{n_processes} processes",
            fix=f"torchrun --nproc-per-node {n_devices} -m spanfit train …, or "
            "--set run.device=cpu",
        )


def describe_device(device: torch.device) -> str:
    """The type of a device, and the name of a GPU: another one computes with other kernels."""
    name = f" ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else ""
    return f"{device.type}{name}"


def set_up_torch(recipe: Recipe) -> None:
    """Seeds of Python, NumPy and torch, and the number of threads."""
    set_seed(recipe.run.seed)
    if recipe.run.threads is not None:
        torch.set_num_threads(recipe.run.threads)
