"""Packed rows: the windows of a batch one behind the other, each seeing nothing but itself.

A padded batch computes its padding too. A pack has none: all tokens stand in one row, and
attention runs over one window at a time. transformers hands attention to a function by its name
(`AttentionInterface`), with whatever the caller gave to `forward`; the one registered here takes
the lengths of the windows that way. Positions begin anew with each window.

An architecture may take the name and never call the function: then windows would see each other
without a word. So nothing goes by names: `enable_packing` counts the calls, and compares a pack
with its windows alone, before a network is trusted with packs (`packing.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from spanfit.segments import Segments, attend_within, make_segments
from spanfit.transfers import to_device

NAME = "spanfit"
APART = "spanfit_apart"


@dataclass(frozen=True)
class Packing:
    """How a network takes packs.

    `first_position`: that of a window's first token; None: the network takes no positions.
    `masks`: names of the masks that must be said to be missing (ModernBERT's local layers).
    `is_relative`: it makes a table of all pairs of tokens in the row, so rows should be short.
    `replaced` is the attention that the network was loaded with.
    """

    first_position: int | None
    masks: tuple[str, ...] = ()
    is_relative: bool = False
    replaced: str = field(default="sdpa", compare=False)

    def inputs(self, lengths: Sequence[int], *, device: torch.device) -> dict[str, Any]:
        """What `forward` is given besides ids and types, for windows of these lengths."""
        given: dict[str, Any] = {
            "attention_mask": dict.fromkeys(self.masks) if self.masks else None,
            "spanfit_segments": make_segments(lengths, device=device),
        }
        if self.first_position is not None:
            positions = np.concatenate([np.arange(n) for n in lengths]) + self.first_position
            given["position_ids"] = to_device(positions[None], device)
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
    if options.get("s_aux") is not None or options.get("softcap") is not None:
        raise TypeError("attention with sinks or capped scores takes no packs")
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


def keep_apart(network: Any) -> None:  # noqa: ANN401 (a PreTrainedModel)
    """Have a network that takes packs call the same attention in a way that compilers leave alone.

    Inside of compiled code it would be compiled anew for every other set of lengths.
    """
    apart = torch.compiler.disable(attend)  # type: ignore[no-untyped-call]
    AttentionInterface.register(APART, apart)
    AttentionMaskInterface.register(APART, sdpa_mask)
    network.set_attn_implementation(APART)


AttentionInterface.register(NAME, attend)
AttentionMaskInterface.register(NAME, sdpa_mask)  # else masks of padded batches would be lost
