"""Packed rows: the windows of a batch one behind the other, each seeing nothing but itself.

A padded batch computes its padding too. A pack has none: all tokens stand in one row, and
attention runs over one window at a time. transformers hands attention to a function by its name
(`AttentionInterface`), with whatever the caller gave to `forward`; the one registered here takes
the lengths of the windows that way. Positions begin anew with each window.

An architecture may take the name and never call the function: then windows would see each other
without a word. So nothing goes by names: `enable_packing` counts the calls, and compares a pack
with its windows alone, before a network is trusted with packs.
"""

from __future__ import annotations

import contextlib
import inspect
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask
from transformers.utils import logging as transformers_logging

from spanfit.dropout import draw_mask, multiply

NAME = "spanfit"
PROBE_LENGTHS = (5, 9, 6)
TOLERANCE = 1e-4
"""Of the largest logit, between a window in a pack and the same alone."""


@dataclass(frozen=True)
class Packing:
    """How a network takes packs.

    `first_position`: that of a window's first token; None: the network takes no positions.
    `masks`: names of the masks that must be said to be missing (ModernBERT's local layers).
    `is_relative`: it makes a table of all pairs of tokens in the row, so rows should be short.
    """

    first_position: int | None
    masks: tuple[str, ...] = ()
    is_relative: bool = False

    def inputs(self, lengths: Sequence[int], *, device: torch.device) -> dict[str, Any]:
        """What `forward` is given besides ids and types, for windows of these lengths."""
        given: dict[str, Any] = {
            "attention_mask": dict.fromkeys(self.masks) if self.masks else None,
            "spanfit_segments": list(lengths),
        }
        if self.first_position is not None:
            positions = torch.cat([torch.arange(n) for n in lengths]) + self.first_position
            given["position_ids"] = positions.unsqueeze(0).to(device)
        return given


def attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    dropout: float = 0.0,
    scaling: float | None = None,
    position_bias: torch.Tensor | None = None,
    sliding_window: int | None = None,
    spanfit_segments: Sequence[int] | None = None,
    **options: Any,  # noqa: ANN401 (transformers' calling convention)
) -> tuple[torch.Tensor, None]:
    """Attention within each segment of a row, or as sdpa computes it where there are none.

    *Shape:* query (1, H, N, D); key and value may have fewer heads -> (1, N, H, D). Segments are
    the lengths of what stands in the row, N in all. `position_bias` (1, H, N, N) is added to the
    scores; beyond `sliding_window` tokens nothing is seen.
    """
    if spanfit_segments is None:
        return sdpa_attention_forward(
            module,
            query,
            key,
            value,
            attention_mask,
            dropout=dropout,
            scaling=scaling,
            position_bias=position_bias,
            **options,
        )
    if key.shape[1] != query.shape[1]:
        key, value = (
            x.repeat_interleave(query.shape[1] // x.shape[1], dim=1) for x in (key, value)
        )
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    outputs = []
    end = 0
    for length in spanfit_segments:
        start, end = end, end + length
        q, k, v = (x[:, :, start:end] for x in (query, key, value))
        bias = None if position_bias is None else position_bias[:, :, start:end, start:end]
        bias = _limit(bias, length, sliding_window, like=q)
        outputs.append(_attend_one(q, k, v, bias=bias, scale=scale, dropout=dropout))
    return torch.cat(outputs, dim=2).transpose(1, 2), None


def _limit(
    bias: torch.Tensor | None, length: int, window: int | None, *, like: torch.Tensor
) -> torch.Tensor | None:
    """The bias with -inf beyond the window; None where there is nothing to add."""
    if window is None or length <= window:
        return bias
    place = torch.arange(length, device=like.device)
    is_far = (place[:, None] - place[None]).abs() >= window
    base = torch.zeros((), dtype=like.dtype, device=like.device) if bias is None else bias
    return base.masked_fill(is_far, float("-inf"))


def _attend_one(
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    *,
    bias: torch.Tensor | None,
    scale: float,
    dropout: float,
) -> torch.Tensor:
    """One window: (1, H, n, D) each -> the same."""
    if not dropout or q.device.type != "cpu":
        return functional.scaled_dot_product_attention(
            q, k, v, attn_mask=bias, dropout_p=dropout, scale=scale
        )
    if bias is None and q.dtype == torch.float32:
        result: torch.Tensor = DroppedAttention.apply(q, k, v, scale, dropout)
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


AttentionInterface.register(NAME, attend)
AttentionMaskInterface.register(NAME, sdpa_mask)  # else masks of padded batches would be lost


def enable_packing(network: Any) -> Packing | None:  # noqa: ANN401 (a PreTrainedModel)
    """Have a network take packs, if it can; None and unchanged where it cannot.

    Costs four small forward passes.
    """
    before = network.config._attn_implementation
    packing = _describe(network)
    try:
        with _quiet():
            network.set_attn_implementation(NAME)
            if (found := _probe(network, packing)) is not None:
                return found
    except Exception:  # whatever an architecture raises here, it does not take packs
        pass
    with _quiet():
        network.set_attn_implementation(before)
    return None


def _describe(network: Any) -> Packing:  # noqa: ANN401
    """Where positions begin (in RoBERTa's family behind the padding's), and which masks it has."""
    parameters = inspect.signature(network.base_model.forward).parameters
    tables = (
        module
        for name, module in network.named_modules()
        if isinstance(module, torch.nn.Embedding) and "position_embedding" in name
    )
    padding = next((table.padding_idx for table in tables), None)
    kinds = getattr(network.config, "layer_types", None) or ()
    has_kinds = any("sliding" in kind for kind in kinds)
    return Packing(
        first_position=(0 if padding is None else padding + 1)
        if "position_ids" in parameters
        else None,
        masks=tuple(sorted(set(kinds))) if has_kinds else (),
    )


@torch.no_grad()
def _probe(network: Any, packing: Packing) -> Packing | None:  # noqa: ANN401
    """The packing, if a pack gives each window what it is alone, through calls of `attend`."""
    device = next(network.parameters()).device
    n_pieces = network.get_input_embeddings().num_embeddings
    generator = torch.Generator().manual_seed(0)
    windows = [
        torch.randint(min(10, n_pieces - 1), n_pieces, (1, n), generator=generator).to(device)
        for n in PROBE_LENGTHS
    ]
    was_training = network.training
    network.eval()
    try:
        with _counted() as calls:
            row = torch.cat(windows, dim=1)
            packed = _logits(network, row, packing.inputs(PROBE_LENGTHS, device=device))
        alone = [_logits(network, ids, {"attention_mask": torch.ones_like(ids)}) for ids in windows]
    finally:
        network.train(was_training)
    expected = torch.cat(alone, dim=1)
    is_equal = (packed - expected).abs().max() <= TOLERANCE * expected.abs().max()
    if calls.n < network.config.num_hidden_layers or not is_equal:
        return None
    return Packing(packing.first_position, packing.masks, is_relative=calls.has_bias)


@dataclass
class _Calls:
    """How often attention was asked for segments, and whether it was given a bias."""

    n: int = 0
    has_bias: bool = False


@contextlib.contextmanager
def _counted() -> Iterator[_Calls]:
    """Count calls of `attend` while this lasts."""
    calls = _Calls()

    def counting(*arguments: Any, **options: Any) -> tuple[torch.Tensor, None]:  # noqa: ANN401
        calls.n += options.get("spanfit_segments") is not None
        calls.has_bias |= options.get("position_bias") is not None
        return attend(*arguments, **options)

    AttentionInterface.register(NAME, counting)
    try:
        yield calls
    finally:
        AttentionInterface.register(NAME, attend)


def _logits(network: Any, ids: torch.Tensor, inputs: dict[str, Any]) -> torch.Tensor:  # noqa: ANN401
    """The last hidden states, (1, N, D): a head takes each token by itself."""
    states: torch.Tensor = network.base_model(input_ids=ids, **inputs)[0]
    return states


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without transformers' warnings: what they say is asked here."""
    level = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        transformers_logging.set_verbosity(level)
