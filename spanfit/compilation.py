"""Compiled layers: `torch.compile` on each layer of an encoder, while it trains.

Layers and not the whole network: they are alike, so the code of one serves all of them, and it is
made in a sixth or a twelfth of the time. It takes rows of any length. What runs as it did before:
embeddings, head, loss, and in packed rows the attention itself, which looks at one window at a
time. The modules stay what they are, and so do the names of their weights.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from spanfit.attention import keep_apart
from spanfit.errors import ModelError, RecipeError
from spanfit.optimization import find_layers
from spanfit.tokens import Int64

COMPILER = "inductor"
"""What `torch.compile` calls a backend; tests take a quick one."""

VARIANTS = 64
"""Of the code of one function: for learning or not, one row or several, with a mask or without, and
that for each kind of layer. Beyond torch's 8 it would go on uncompiled, with a warning."""

FIX = "--set batch.compiled=false"


def check_compiler(device: torch.device) -> None:
    """Refuse a machine on which nothing can be compiled, by compiling something small.

    Raises:
        RecipeError: it cannot; most often there is no C++ compiler (CPU) or no Triton (GPU).
    """
    try:
        torch.compile(_sum_squares, backend=COMPILER)(torch.ones(8, device=device))
    except Exception as error:  # whatever the compiler says where it does not work
        raise RecipeError(
            f"torch.compile does not work on this machine ({device.type})",
            expected="a C++ compiler and the headers of Python for a CPU, Triton for a GPU",
            found=_first_line(error),
            fix=f"{FIX}, or install what is missing (Debian: apt-get install g++ python3-dev)",
        ) from error


def _sum_squares(x: torch.Tensor) -> torch.Tensor:
    return (x * x + 1).sum()


def compile_layers(network: Any, *, packs: bool) -> None:  # noqa: ANN401 (a PreTrainedModel)
    """Have each layer compiled at its first call; `packs`: the network is given packed rows.

    Raises:
        ModelError: the layers cannot be told from each other.
    """
    layers = find_layers(network, option="batch.compiled")
    if packs:
        keep_apart(network)
    import torch._dynamo

    config = torch._dynamo.config
    config.recompile_limit = max(config.recompile_limit, VARIANTS)
    for modules in layers:
        for module in modules:
            module.compile(dynamic=True, backend=COMPILER)


@contextmanager
def explained_compiler(network: Any) -> Iterator[None]:  # noqa: ANN401 (a PreTrainedModel)
    """Turn what the compiler raises inside into one message.

    Raises:
        ModelError: the layers cannot be compiled.
    """
    from torch._dynamo.exc import TorchDynamoException

    try:
        yield
    except TorchDynamoException as error:
        raise ModelError(
            "torch.compile cannot compile this network's layers here",
            where=network.config.model_type,
            found=_first_line(error),
            fix=FIX,
        ) from error


def _first_line(error: Exception) -> str:
    """What went wrong, without the compiler's advice to its authors."""
    inner = getattr(error, "inner_exception", error)
    lines = [line for line in str(inner).splitlines() if line.strip()]
    return f"{type(inner).__name__}: {lines[0]}" if lines else type(inner).__name__


def choose_samples(
    lengths: npt.NDArray[np.integer], *, packs: bool, max_tokens: int
) -> list[Int64]:
    """Batches of windows of these lengths, such that each kind of batch is among them.

    torch makes code of its own for one row and for several, and for rows that are all of a length,
    where there is no mask. A packed row has any number of windows.
    """
    order = np.argsort(-lengths.astype(np.int64), kind="stable")
    longest, shortest = order[0], order[-1]
    if packs:
        n = np.searchsorted(np.cumsum(lengths[order]), max_tokens, side="right")
        return [order[: max(int(n), 1)]]
    alike = np.repeat(longest, max(max_tokens // int(lengths[longest]), 2))
    return [np.append(alike[:-1], shortest), alike, alike[:1]]
