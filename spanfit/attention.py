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
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask
from transformers.utils import logging as transformers_logging

from spanfit.segments import Segments, attend_within, make_segments

NAME = "spanfit"
PROBE_LENGTHS = (5, 9, 6)
TOLERANCE = 1e-4
"""Of the largest logit, between a window in a pack and the same alone."""

LEARNING_TOLERANCES = {None: 1e-3, torch.float16: 2e-2, torch.bfloat16: 1e-1}
"""The same of the largest gradient: 16 bits round to 1 in 1,000 or 1 in 100."""

_PROBING = threading.Lock()
"""Calls are counted by a registration that is the whole process's: one network at a time."""


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
            "spanfit_segments": make_segments(lengths, device=device),
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
    spanfit_segments: Segments | None = None,
    **options: Any,  # noqa: ANN401 (transformers' calling convention)
) -> tuple[torch.Tensor, None]:
    """Attention within each segment of a row, or as sdpa computes it where there are none.

    *Shape:* query (1, H, N, D); key and value may have fewer heads -> (1, N, H, D). `position_bias`
    (1, H, N, N) is added to the scores; beyond `sliding_window` tokens nothing is seen.
    """
    if spanfit_segments is None:
        whole: tuple[torch.Tensor, None] = sdpa_attention_forward(
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
        return whole
    if key.shape[1] != query.shape[1]:
        key, value = (
            x.repeat_interleave(query.shape[1] // x.shape[1], dim=1) for x in (key, value)
        )
    found = attend_within(
        query,
        key,
        value,
        spanfit_segments,
        scale=query.shape[-1] ** -0.5 if scaling is None else scaling,
        dropout=dropout,
        bias=position_bias,
        window=sliding_window,
    )
    return found, None


AttentionInterface.register(NAME, attend)
AttentionMaskInterface.register(NAME, sdpa_mask)  # else masks of padded batches would be lost


def enable_packing(
    network: Any,  # noqa: ANN401 (a PreTrainedModel)
    *,
    dtype: torch.dtype | None = None,
) -> Packing | None:
    """Have a network take packs, if it can; None and unchanged where it cannot.

    Costs four small forward passes. `dtype` is what it will learn in under autocast (None: as its
    weights are): on a GPU, where each precision has kernels of its own, it is tried in that too.
    """
    with _PROBING:
        return _enable(network, dtype)


def _enable(network: Any, dtype: torch.dtype | None) -> Packing | None:  # noqa: ANN401
    before = network.config._attn_implementation
    packing = _describe(network)
    try:
        with _quiet():
            network.set_attn_implementation(NAME)
            found = _probe(network, packing)
            is_cpu = next(network.parameters()).device.type == "cpu"
            if found is not None and (is_cpu or can_learn(network, found, dtype=dtype)):
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
    windows = _draw_windows(network)
    device = windows[0].device
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


def can_learn(network: Any, packing: Packing, *, dtype: torch.dtype | None) -> bool:  # noqa: ANN401
    """Whether a pack has the gradients of its windows, with dropout off, in this precision.

    And whether a pack can be learnt from at all with dropout on, which other kernels compute.
    """
    windows = _draw_windows(network)
    device = windows[0].device
    row, inputs = torch.cat(windows, dim=1), packing.inputs(PROBE_LENGTHS, device=device)
    was_training = network.training
    devices = [device] if device.type == "cuda" else []
    try:
        with torch.random.fork_rng(devices=devices), torch.enable_grad():
            network.eval()
            packed = _gradient(network, [(row, inputs)], dtype)
            alone = [(ids, {"attention_mask": torch.ones_like(ids)}) for ids in windows]
            expected = _gradient(network, alone, dtype)
            network.train()
            dropped = _gradient(network, [(row, inputs)], dtype)
    finally:
        network.train(was_training)
    limit = LEARNING_TOLERANCES[dtype] * float(expected.abs().max())
    is_equal = float((packed - expected).abs().max()) <= limit
    return is_equal and bool(torch.isfinite(dropped).all())


def _gradient(
    network: Any,  # noqa: ANN401
    batches: Sequence[tuple[torch.Tensor, dict[str, Any]]],
    dtype: torch.dtype | None,
) -> torch.Tensor:
    """That of the embeddings, of a sum over all logits of all batches."""
    weight = network.get_input_embeddings().weight
    device = weight.device.type
    total = torch.zeros((), device=weight.device)
    with torch.autocast(device, dtype=dtype, enabled=dtype is not None):
        for ids, inputs in batches:
            logits = _logits(network, ids, inputs).float()
            total = total + (logits * logits).sum()
    gradient: torch.Tensor = torch.autograd.grad(total, weight)[0]
    return gradient


def _draw_windows(network: Any) -> list[torch.Tensor]:  # noqa: ANN401
    """Windows of random pieces, (1, N) each, where the network is."""
    n_pieces = network.get_input_embeddings().num_embeddings
    generator = torch.Generator().manual_seed(0)
    device = next(network.parameters()).device
    return [
        torch.randint(min(10, n_pieces - 1), n_pieces, (1, n), generator=generator).to(device)
        for n in PROBE_LENGTHS
    ]


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
    """What the head gives first, (1, N) or (1, N, n_outputs)."""
    logits: torch.Tensor = network(input_ids=ids, **inputs)[0]
    return logits


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without transformers' warnings: what they say is asked here."""
    level = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        transformers_logging.set_verbosity(level)
