"""Dropout masks that cost a CPU little.

torch draws a mask cell by cell, 18 ms a million, and that is what training on a CPU waits for most.
Here SFC64 gives 16 random bits a cell, 1.5 to 2 ms a million, and a cell is kept where its bits are
below a threshold: the probability is exact to 1 in 65,536. The seed of each mask is drawn from
torch's own generator, so that its state is all the state there is: a training that is taken up
again, and gradients that are computed again, see the same masks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

_STEPS = 1 << 16
"""Of the probabilities that 16 bits can tell apart."""


def draw_mask(n: int, probability: float) -> NDArray[np.bool_]:
    """Which of n cells are kept, each with 1 - `probability`: bool (n,)."""
    seed = int(torch.empty((), dtype=torch.int64).random_())
    bits = np.random.SFC64(seed).random_raw(-(-n // 4)).view(np.uint16)[:n]
    return bits < np.uint32(round((1 - probability) * _STEPS))


@torch.library.custom_op(
    "spanfit::keep_cells", mutates_args=(), tags=(torch.Tag.nondeterministic_seeded,)
)
def keep_cells(x: torch.Tensor, p: float) -> torch.Tensor:
    """`draw_mask` for the cells of x, as an operation that compiled code calls; bool, x's shape."""
    return torch.from_numpy(draw_mask(x.numel(), p)).view(x.shape)


@keep_cells.register_fake
def _(x: torch.Tensor, p: float) -> torch.Tensor:
    return x.new_empty(x.shape, dtype=torch.bool)


class CheapDropout(nn.Module):
    """`nn.Dropout` on a CPU, with masks of `draw_mask`; on any other device it is that itself."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The input with some cells 0 and the others the larger for it, while training."""
        if not self.training or self.p == 0:
            return x
        if x.device.type != "cpu" or self.p == 1:
            return nn.functional.dropout(x, self.p, training=True)
        if torch.compiler.is_compiling():
            kept: torch.Tensor = x * keep_cells(x.detach(), self.p)
            return kept * (1 / (1 - self.p))
        result: torch.Tensor = _Drop.apply(x, self.p)  # type: ignore[no-untyped-call]
        return result


class _Drop(torch.autograd.Function):
    """Multiplication by a mask that no tensor holds."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, p: float) -> torch.Tensor:  # noqa: ANN401
        ctx.keep = draw_mask(x.numel(), p).reshape(x.shape)
        ctx.scale = 1 / (1 - p)
        return multiply(x, ctx.keep).mul_(ctx.scale)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:  # noqa: ANN401
        return multiply(gradient, ctx.keep).mul_(ctx.scale), None


def multiply(x: torch.Tensor, keep: NDArray[np.bool_]) -> torch.Tensor:
    """A new tensor with 0 where `keep` is false; NumPy does this twice as fast as torch."""
    x = x.detach().contiguous()
    if x.dtype not in (torch.float32, torch.float64):  # NumPy has no bfloat16
        return x * torch.from_numpy(keep)
    out = torch.empty_like(x)
    np.multiply(x.numpy(), keep, out=out.numpy())
    return out


def cheapen_dropout(network: nn.Module) -> None:
    """Put `CheapDropout` in the place of every `nn.Dropout`; nothing else of a network changes."""
    for parent, name, module in list(_dropouts(network)):
        setattr(parent, name, CheapDropout(module.p))


def _dropouts(network: nn.Module) -> Iterator[tuple[nn.Module, str, nn.Dropout]]:
    for parent in network.modules():
        for name, module in parent.named_children():
            if type(module) is nn.Dropout:
                yield parent, name, module
