"""Weights from anybody: safetensors only, as large as their headers say, and finite numbers.

What the headers hold is known before any weight is read (`read_held`), and bounds the network that
config.json asks for before there is memory for it (`bounded`); then the weights are looked at
(`check_finite`). Pickles are refused.
"""

from __future__ import annotations

import math
import os
import shlex
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch.nn.modules.module import (
    register_module_buffer_registration_hook,
    register_module_parameter_registration_hook,
)

from spanfit.errors import ModelError, list_some
from spanfit.model_files import AGAIN, check_content, describe, read_object

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
PICKLES = {".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt"}
"""How files are called that are read by running what they say."""

MAX_HEADER = 16_000_000
"""Bytes of a safetensors header; that of 100,000 tensors has about 10 MB."""
_LENGTH_BYTES = 8  # at the start of a safetensors file: how long its header is
_GROWTH = 4  # a network may have so many times what its checkpoint holds,
_SPARE_NUMBERS, _SPARE_TENSORS = 100_000_000, 1_000  # and these: heads, what is made anew


@dataclass(frozen=True, slots=True)
class Held:
    """How many tensors the files of a checkpoint hold, and how many numbers in them."""

    n_tensors: int
    n_numbers: int


def read_held(folder: Path) -> Held:
    """What the safetensors files of a model folder hold, from their headers.

    Raises:
        ModelError: there are none, or only pickles; a header is wrong, or lies; the weights would
            not fit into this machine's memory.
    """
    files = _list_files(folder)
    _check_memory(sum(file.stat().st_size for file in files), folder)
    shapes = [shape for file in files for shape in _read_shapes(file)]
    held = Held(len(shapes), sum(map(math.prod, shapes)))
    _check_memory(4 * held.n_numbers, folder)  # they are read in 32 bits
    return held


def _check_memory(n_bytes: int, folder: Path) -> None:
    """Raises: ModelError, if this machine has less memory than that."""
    memory = _physical_memory()
    if memory is not None and n_bytes > memory:
        raise ModelError(
            "these weights do not fit into the memory of this machine",
            where=str(folder),
            expected=f"at most {memory / 1e9:,.1f} GB",
            found=f"{n_bytes / 1e9:,.1f} GB",
            fix="a smaller model, or a larger machine",
        )


def _list_files(folder: Path) -> list[Path]:
    """The files of weights that transformers takes.

    Raises:
        ModelError: there are none, or the list of them leads elsewhere.
    """
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    index = folder / INDEX
    if not index.is_file():
        raise _no_weights(folder)
    names = read_object(index).get("weight_map")
    files = set(map(str, names.values())) if isinstance(names, dict) else {""}
    for name in sorted(files):
        is_plain = Path(name).name == name and name.endswith(".safetensors") and "\0" not in name
        if not is_plain or not (folder / name).is_file():
            raise ModelError(
                "the list of weights names what is no file of them here",
                where=f"weight_map in {index}",
                expected="names of safetensors files in the same folder",
                found=describe(name),
                fix=AGAIN,
            )
    return [folder / name for name in sorted(files)]


def _no_weights(folder: Path) -> ModelError:
    pickles = sorted(path.name for path in folder.iterdir() if path.suffix in PICKLES)
    if not pickles:
        return ModelError(
            "there are no weights in this folder",
            where=str(folder),
            expected=WEIGHTS,
            found=list_some(sorted(path.name for path in folder.iterdir()), limit=6),
            fix=AGAIN,
        )
    return ModelError(
        "the weights are pickled: to read them is to run what they say, so they are not read",
        where=str(folder),
        expected=WEIGHTS,
        found=list_some(pickles),
        fix=f"if you trust who made them: {_conversion(folder, pickles)}",
    )


def _conversion(folder: Path, pickles: list[str]) -> str:
    """What rewrites pickled weights, by the part of torch that runs nothing."""
    code = (
        "import sys, torch, safetensors.torch as s; w = {}; "
        "[w.update(torch.load(f, 'cpu', weights_only=True)) for f in sys.argv[2:]]; "
        "s.save_file({k: v.contiguous().clone() for k, v in w.items()}, sys.argv[1], "
        "{'format': 'pt'})"
    )
    weights = [name for name in pickles if name.startswith("pytorch_model")] or pickles[:1]
    files = [str(folder / name) for name in (WEIGHTS, *weights)]
    return f'python -c "{code}" {shlex.join(files)}'


def _read_shapes(file: Path) -> list[list[int]]:
    """The shapes of the tensors of a file.

    Raises:
        ModelError: it is no such file; its header is too long, or is not what the file holds.
    """
    check_content(file)
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(_LENGTH_BYTES), "little")
    if length > MAX_HEADER:
        raise _wrong_weights(file, f"a header of {length:,} bytes")
    try:
        with safe_open(file, framework="pt") as held:
            return [held.get_slice(name).get_shape() for name in held.keys()]  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, OverflowError, RuntimeError) as error:
        raise _wrong_weights(file, str(error).strip().split("\n")[0]) from None


def _wrong_weights(file: Path, found: str) -> ModelError:
    return ModelError(
        "this is no whole file of weights",
        where=str(file),
        expected="safetensors: a header, and as many bytes as it says",
        found=found,
        fix=AGAIN,
    )


def _physical_memory() -> int | None:
    """Bytes of memory in this machine; None where it does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not a POSIX system
        return None


@contextmanager
def bounded(held: Held, *, source: str) -> Iterator[None]:
    """Inside, this thread makes no network that is far larger than a checkpoint.

    transformers makes it without memory first, so that nothing has been taken by then. Buffers
    count like weights: they get their memory later, and no checkpoint shows how large they are.

    Raises:
        ModelError: the sizes of the config are far beyond those of the weights.
    """
    max_numbers = _GROWTH * held.n_numbers + _SPARE_NUMBERS
    max_tensors = _GROWTH * held.n_tensors + _SPARE_TENSORS
    made = [0, 0]
    thread = threading.get_ident()

    def count(module: Any, name: str, weight: torch.Tensor | None) -> None:  # noqa: ANN401 (of torch)
        del module, name
        if weight is None or threading.get_ident() != thread:
            return
        made[0] += 1
        made[1] += weight.numel()
        if made[0] > max_tensors or made[1] > max_numbers:
            raise ModelError(
                "the sizes in config.json are far beyond those of the weights",
                where=source,
                expected=f"a network of about {held.n_tensors:,} tensors with "
                f"{held.n_numbers:,} numbers",
                found=f"one of at least {made[0]:,} with {made[1]:,}",
                fix=f"the config.json that the weights in {source} were saved with",
            )

    handles = (
        register_module_parameter_registration_hook(count),
        register_module_buffer_registration_hook(count),
    )
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def check_finite(network: Any, *, source: str) -> None:  # noqa: ANN401 (of transformers)
    """Refuse weights that are no numbers; a sum tells, and costs no more than reading them.

    Raises:
        ModelError: a weight is NaN or infinite.
    """
    broken = [
        name
        for name, weight in network.named_parameters()
        if weight.is_floating_point() and not _is_finite(weight.detach())
    ]
    if broken:
        raise ModelError(
            "weights of this model are no numbers: NaN or infinite",
            where=source,
            expected="finite weights",
            found=list_some(broken),
            fix=AGAIN,
        )


def _is_finite(weight: torch.Tensor) -> bool:
    """Whether all numbers are; a sum that is not may only have grown too large."""
    return bool(torch.isfinite(weight.sum())) or bool(torch.isfinite(weight).all())
