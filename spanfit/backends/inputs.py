"""What a network is given of a batch: what its `forward` takes, asked of it and of the tokenizer.

Training and prediction both come through here.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from spanfit.batching import Batch
from spanfit.tokenizer import Tokenizer
from spanfit.transfers import to_device

Array = NDArray[np.int64]


def _global_attention(batch: Batch) -> Array | None:
    """Where attention reaches every token: the null position and the question.

    Longformer's own class would look for the question by counting separators, of which a text may
    hold more. Without a question nothing is said, as transformers does it.

    *Shape:* (B, T), 0 or 1.
    """
    if (batch.fixed_start < 0).any():
        return None
    column = np.arange(batch.input_ids.shape[1])
    start = batch.fixed_start[:, None]
    mask = (column >= start) & (column < start + batch.n_fixed[:, None])
    mask[np.arange(len(mask)), batch.null_position] = True
    return mask.astype(np.int64)


def _question_lengths(batch: Batch) -> Array | None:
    """How many tokens stand before the context, where the question does.

    BigBird's own class would look for the first separator, of which a question may hold one.

    *Shape:* (B, 1).
    """
    is_before = (batch.fixed_start >= 0) & (batch.fixed_start <= batch.sliced_start)
    return batch.sliced_start[:, None].astype(np.int64) if is_before.all() else None


INPUTS: dict[str, Callable[[Batch], Array | None]] = {
    "input_ids": lambda batch: batch.input_ids,
    "attention_mask": lambda batch: batch.attention_mask,
    "token_type_ids": lambda batch: batch.token_type_ids,
    "global_attention_mask": _global_attention,
    "question_lengths": _question_lengths,
}
"""What a batch can give, by the names that transformers has for it; None where it has none."""


PACKED_INPUTS = ("input_ids", "token_type_ids")
"""Those of a row of several windows; where each begins is said in another way."""


def taken_inputs(network: torch.nn.Module, tokenizer: Tokenizer) -> tuple[str, ...]:
    """The names of what this network is given."""
    parameters = inspect.signature(network.forward).parameters
    is_open = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values())
    has_type_ids = tokenizer.has_type_ids and takes_type_ids(network)
    return tuple(
        name
        for name in INPUTS
        if (name in parameters or (is_open and name == "attention_mask"))
        and (name != "token_type_ids" or has_type_ids)
    )


def takes_type_ids(network: torch.nn.Module) -> bool:
    """Whether the network knows token type ids, and more than one of them."""
    n_types = count_types(network)
    is_named = "token_type_ids" in inspect.signature(network.forward).parameters
    return is_named and (n_types is None or n_types > 1)


def count_types(network: torch.nn.Module) -> int | None:
    """How many token types the network's config has; None where it does not say (XLNet: any)."""
    count = getattr(getattr(network, "config", None), "type_vocab_size", None)
    return count if isinstance(count, int) else None


def input_tensors(
    batch: Batch, *, device: torch.device, names: tuple[str, ...]
) -> dict[str, torch.Tensor]:
    """The keyword arguments of a network's `forward` for a batch: (B, T) int64, or (B, 1)."""
    arrays: dict[str, Any] = {name: INPUTS[name](batch) for name in names}
    return {name: to_device(array, device) for name, array in arrays.items() if array is not None}


def packed_tensors(
    batch: Batch, places: Array, *, device: torch.device, names: tuple[str, ...]
) -> dict[str, torch.Tensor]:
    """The same of one row of all N tokens, (1, N): those at `places` (N,) of the batch, row by row.

    `names` are some of PACKED_INPUTS.
    """
    arrays: dict[str, Any] = {name: INPUTS[name](batch) for name in names}
    return {
        name: to_device(array.reshape(-1)[places][None], device)
        for name, array in arrays.items()
        if array is not None
    }
