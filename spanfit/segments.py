"""Attention within each segment of a row, by whatever a device does best.

CPU                             a call of SDPA for each segment; with dropout, cheap masks
GPU, 16 bits, no dropout        varlen_attn: one call of Flash Attention
GPU, else                       nested tensors: one call of SDPA, with dropout
GPU, with biases or 32-bit      a call of SDPA for each segment
  sliding windows
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from spanfit.dropout import draw_mask, multiply
from spanfit.transfers import to_device

Tensor = torch.Tensor
# Of torch, at the first nested tensor: that they may change, which the probe would find out.
warnings.filterwarnings("ignore", message="The PyTorch API of nested tensors")
HALVES = (torch.float16, torch.bfloat16)


@dataclass(frozen=True, eq=False)
class Segments:
    """The windows of a row: their lengths, and where they begin and end.

    `bounds` are int32 (S + 1,), from 0 to the tokens of the row, on the device that computes.
    """

    lengths: tuple[int, ...]
    bounds: Tensor

    @cached_property
    def longest(self) -> int:
        """Tokens of the longest one."""
        return max(self.lengths)

    @cached_property
    def offsets(self) -> Tensor:
        """The bounds as int64, as nested tensors have them."""
        return self.bounds.long()


def make_segments(lengths: Sequence[int], *, device: torch.device) -> Segments:
    """The segments of these lengths."""
    bounds = np.cumsum([0, *lengths], dtype=np.int32)
    return Segments(tuple(lengths), to_device(bounds, device))


def attend_within(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    segments: Segments,
    *,
    scale: float,
    dropout: float = 0.0,
    bias: Tensor | None = None,
    window: int | None = None,
) -> Tensor:
    """Attention within each segment.

    *Shape:* (1, H, N, D) each -> (1, N, H, D). `bias` (1, H, N, N) is added to the scores; at
    `window` tokens and beyond nothing is seen (None: no such limit).
    """
    if window is not None and segments.longest <= window:
        window = None  # nothing is that far away
    if q.is_cuda and bias is None:
        if v.dtype in HALVES and not dropout:
            return attend_varlen(q, k, v, segments, scale=scale, window=window)
        if window is None:
            return attend_nested(q, k, v, segments, scale=scale, dropout=dropout)
    outputs = []
    end = 0
    for length in segments.lengths:
        start, end = end, end + length
        one = [x[:, :, start:end] for x in (q, k, v)]
        part = None if bias is None else bias[:, :, start:end, start:end]
        part = _limit(part, length, window, like=q)
        outputs.append(_attend_one(*one, bias=part, scale=scale, dropout=dropout).transpose(1, 2))
    return torch.cat(outputs, dim=1)  # a plain copy, as a CPU's kernel lays its output out


def attend_varlen(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    segments: Segments,
    *,
    scale: float,
    window: int | None = None,
    kernel: Callable[..., Any] | None = None,
) -> Tensor:
    """The same by Flash Attention over sequences of any lengths; `kernel` stands in for it.

    Its arguments changed from version to version of torch: what one lacks is done beforehand, or
    refused with an error of Python's, which leaves the network without packs.
    """
    from torch.nn.attention.varlen import varlen_attn

    compute: Callable[..., Any] = kernel or varlen_attn
    taken = inspect.signature(compute).parameters
    options: dict[str, Any] = {}
    if "scale" in taken:
        options["scale"] = scale
    else:
        q = q * (scale * q.shape[-1] ** 0.5)  # the kernel divides by that root
    if window is not None:
        options["window_size"] = (window - 1, window - 1)
    rows = [x[0].transpose(0, 1).to(v.dtype).contiguous() for x in (q, k, v)]  # (N, H, D)
    n = segments.longest
    found: Tensor = compute(*rows, segments.bounds, segments.bounds, n, n, **options)
    return found[None]


def attend_nested(
    q: Tensor, k: Tensor, v: Tensor, segments: Segments, *, scale: float, dropout: float
) -> Tensor:
    """The same by SDPA on nested tensors, which drops where the device does."""

    def nest(x: Tensor) -> Tensor:
        nested: Tensor = torch.nested.nested_tensor_from_jagged(
            x[0].transpose(0, 1).to(v.dtype).contiguous(),
            offsets=segments.offsets,
            min_seqlen=min(segments.lengths),
            max_seqlen=segments.longest,
        )
        return nested.transpose(1, 2)  # (S, H, n, D), n differs

    found = functional.scaled_dot_product_attention(
        nest(q), nest(k), nest(v), dropout_p=dropout, scale=scale
    )
    values: Tensor = found.transpose(1, 2).values()
    return values[None]


def _limit(bias: Tensor | None, length: int, window: int | None, *, like: Tensor) -> Tensor | None:
    """The bias with -inf beyond the window; None where there is nothing to add."""
    if window is None or length <= window:
        return bias
    place = torch.arange(length, device=like.device)
    is_far = (place[:, None] - place[None]).abs() >= window
    base = torch.zeros((), dtype=like.dtype, device=like.device) if bias is None else bias
    return base.masked_fill(is_far, float("-inf"))


def _attend_one(
    q: Tensor, k: Tensor, v: Tensor, *, bias: Tensor | None, scale: float, dropout: float
) -> Tensor:
    """One window: (1, H, n, D) each -> the same."""
    if not dropout or q.device.type != "cpu":
        return functional.scaled_dot_product_attention(
            q, k, v, attn_mask=bias, dropout_p=dropout, scale=scale
        )
    # Under autocast the products are of another precision than rotary queries and keys.
    is_plain = q.dtype == k.dtype == v.dtype == torch.float32
    if bias is None and is_plain and not torch.is_autocast_enabled("cpu"):
        result: Tensor = DroppedAttention.apply(q, k, v, scale, dropout)  # type: ignore[no-untyped-call]
        return result
    scores = (q * scale) @ k.mT
    weights = (scores if bias is None else scores + bias).softmax(dim=-1)
    keep = torch.from_numpy(draw_mask(weights.numel(), dropout)).view(weights.shape)
    return (weights * keep) @ v / (1 - dropout)


class DroppedAttention(torch.autograd.Function):
    """Attention whose weights are dropped by a cheap mask: half of what SDPA takes for that."""

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401
        q: torch.Tensor,
        k: torch.Tensor,
        v: torch.Tensor,
        scale: float,
        p: float,
    ) -> torch.Tensor:
        """softmax(q k^T scale), dropped, times v."""
        weights = (q * scale) @ k.mT
        torch.softmax(weights, dim=-1, out=weights)
        keep = draw_mask(weights.numel(), p).reshape(weights.shape)
        ctx.save_for_backward(q, k, v, weights)
        ctx.keep, ctx.scale, ctx.kept = keep, scale, 1 - p
        return (multiply(weights, keep) @ v).div_(1 - p)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:  # noqa: ANN401
        """The gradient of q, k, v."""
        q, k, v, weights = ctx.saved_tensors
        gradient = gradient / ctx.kept
        of_v = multiply(weights, ctx.keep).mT @ gradient
        of_weights = multiply(gradient @ v.mT, ctx.keep)
        of_scores = of_weights.sub_((of_weights * weights).sum(dim=-1, keepdim=True)).mul_(weights)
        return (of_scores @ k).mul_(ctx.scale), (of_scores.mT @ q).mul_(ctx.scale), of_v, None, None
