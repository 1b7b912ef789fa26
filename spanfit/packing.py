"""Whether a network takes packs: tried on a few random windows, never told by its name."""

from __future__ import annotations

import contextlib
import inspect
import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from transformers import AttentionInterface
from transformers.utils import logging as transformers_logging

from spanfit.attention import NAME, Packing, attend

LOGGER = logging.getLogger(__name__)
PROBE_LENGTHS = (5, 9, 6)
LONGEST_PROBE = 600
TOLERANCE = 1e-4
"""Of the largest logit, between a window in a pack and the same alone."""

LEARNING_TOLERANCES = {None: 1e-3, torch.float16: 2e-2, torch.bfloat16: 1e-1}
"""The same of the largest gradient: 16 bits round to 1 in 1,000 or 1 in 100."""

_PROBING = threading.Lock()
"""Calls are counted by a registration that is the whole process's: one network at a time."""


def enable_packing(
    network: Any,  # noqa: ANN401 (a PreTrainedModel)
    *,
    learns: bool = False,
    dtype: torch.dtype | None = None,
) -> Packing | None:
    """Have a network take packs, if it can; None and unchanged where it cannot.

    Costs a few small forward passes. Where it `learns`, and on a GPU, where each precision has
    kernels of its own, it is tried in that too; `dtype` is what it learns in under autocast (None:
    as its weights are).
    """
    with _PROBING:
        return _enable(network, dtype if learns else None, learns=learns)


def _enable(network: Any, dtype: torch.dtype | None, *, learns: bool) -> Packing | None:  # noqa: ANN401
    before = network.config._attn_implementation
    packing = replace(_describe(network), replaced=before)
    try:
        with _quiet():
            windows = _draw_windows(network)
            expected = _alone(network, windows)  # by the attention that it was loaded with
            network.set_attn_implementation(NAME)
            found = _probe(network, packing, windows, expected)
            is_tried = not learns or windows[0].device.type == "cpu"
            if found is not None and (is_tried or can_learn(network, found, dtype=dtype)):
                return found
    except Exception as error:  # whatever an architecture raises here, it does not take packs
        LOGGER.info("windows are not packed: %r", error)
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


@torch.inference_mode()
def _alone(network: Any, windows: Sequence[torch.Tensor]) -> torch.Tensor:  # noqa: ANN401
    """The logits of each window by itself, one behind the other."""
    with _evaluating(network):
        inputs = [{"attention_mask": torch.ones_like(ids)} for ids in windows]
        return torch.cat(
            [_logits(network, *each) for each in zip(windows, inputs, strict=True)], dim=1
        )


@torch.inference_mode()
def _probe(
    network: Any,  # noqa: ANN401
    packing: Packing,
    windows: Sequence[torch.Tensor],
    expected: torch.Tensor,
) -> Packing | None:
    """The packing, if a pack gives each window what it is alone, through calls of `attend`."""
    with _evaluating(network), _counted() as calls:
        packed = _logits(network, *_pack(windows, packing))
    is_equal = (packed - expected).abs().max() <= TOLERANCE * expected.abs().max()
    if calls.n < network.config.num_hidden_layers or not is_equal:
        return None
    return replace(packing, is_relative=calls.has_bias)


def _pack(windows: Sequence[torch.Tensor], packing: Packing) -> tuple[torch.Tensor, dict[str, Any]]:
    """The row of these windows, and what else `forward` is given."""
    lengths = [ids.shape[1] for ids in windows]
    return torch.cat(list(windows), dim=1), packing.inputs(lengths, device=windows[0].device)


def can_learn(network: Any, packing: Packing, *, dtype: torch.dtype | None) -> bool:  # noqa: ANN401
    """Whether a pack has the gradients of its windows, with dropout off, in this precision.

    And whether a pack can be learnt from at all with dropout on, which other kernels compute.
    """
    windows = _draw_windows(network)
    device = windows[0].device
    packed = [_pack(windows, packing)]
    alone = [(ids, {"attention_mask": torch.ones_like(ids)}) for ids in windows]
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices), torch.enable_grad():
        with _evaluating(network):
            found, expected = (_gradients(network, each, dtype) for each in (packed, alone))
        with _evaluating(network, training=True):
            dropped = _gradients(network, packed, dtype)
    limit = LEARNING_TOLERANCES[dtype] * max(float(each.abs().max()) for each in expected)
    pairs = zip(found, expected, strict=True)
    is_equal = all(float((one - other).abs().max()) <= limit for one, other in pairs)
    return is_equal and all(bool(torch.isfinite(each).all()) for each in dropped)


def _gradients(
    network: Any,  # noqa: ANN401
    batches: Sequence[tuple[torch.Tensor, dict[str, Any]]],
    dtype: torch.dtype | None,
) -> list[torch.Tensor]:
    """Those of all that learns, of a sum over all logits of all batches."""
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    device = next(network.parameters()).device
    total = torch.zeros((), device=device)
    with torch.autocast(device.type, dtype=dtype, enabled=dtype is not None):
        for ids, inputs in batches:
            logits = _logits(network, ids, inputs).float()
            total = total + (logits * logits).sum()
    found = torch.autograd.grad(total, weights, allow_unused=True)
    return [
        torch.zeros_like(weight) if gradient is None else gradient
        for weight, gradient in zip(weights, found, strict=True)
    ]


def _draw_windows(network: Any) -> list[torch.Tensor]:  # noqa: ANN401
    """Windows of random pieces, (1, N) each, where the network is.

    One is longer than what a token sees in layers that look no further than their neighbourhood.
    """
    config = network.config
    n_pieces = network.get_input_embeddings().num_embeddings
    sizes = (getattr(config, name, None) for name in ("sliding_window", "local_attention"))
    width = max((size for size in sizes if isinstance(size, int)), default=0)
    longer = (min(2 * width + 3, LONGEST_PROBE),) if width else ()
    generator = torch.Generator().manual_seed(0)
    device = next(network.parameters()).device
    return [
        torch.randint(min(10, n_pieces - 1), n_pieces, (1, n), generator=generator).to(device)
        for n in (*PROBE_LENGTHS, *longer)
    ]


@contextlib.contextmanager
def _evaluating(network: Any, *, training: bool = False) -> Iterator[None]:  # noqa: ANN401
    """The network without dropout, or with it, and afterwards as it was."""
    before = network.training
    network.train(training)
    try:
        yield
    finally:
        network.train(before)


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
