"""PyTorch: logits from a transformers network, on any device."""

from __future__ import annotations

import hashlib
import inspect
import os
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from spanfit.batching import Batch
from spanfit.errors import ModelError, RecipeError

PRECISIONS = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}


# oneDNN keeps what it compiled for 1,024 shapes, by default; as every batch has a shape of its own,
# that is memory (over 100 MB) without use. One batch needs a few dozen. Read at its first use.
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "128")

MAX_TOKENS = {"cpu": 2048, "cuda": 16_384, "mps": 4096}
"""Padded tokens of a batch that suit a device: a CPU's caches, a GPU's width."""

OVERHEAD_TOKENS = {"cpu": 64, "cuda": 16_384, "mps": 4096}
"""What a batch costs beside its padded tokens, in tokens: measured on a CPU (see
benchmarks/RESULTS.md), elsewhere so many that there are as few batches as the budget allows."""


class TorchBackend:
    """A network in evaluation mode behind the `Backend` protocol."""

    name = "torch"

    def __init__(
        self, network: torch.nn.Module, *, has_type_ids: bool, precision: str = "fp32"
    ) -> None:
        self.network = network
        self._has_type_ids = has_type_ids
        self._dtype = PRECISIONS[precision]

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.network.parameters()).device

    @property
    def max_tokens(self) -> int:
        """Padded tokens of a batch that suit the device."""
        return MAX_TOKENS[self.device.type]

    @property
    def overhead_tokens(self) -> int:
        """What a batch costs beside its padded tokens, in tokens."""
        return OVERHEAD_TOKENS[self.device.type]

    @cached_property
    def digest(self) -> str:
        """BLAKE2b of weights, architecture and precision, 32 hexadecimal digits.

        The device does not enter: what it changes is no more than rounding.
        """
        hasher = hashlib.blake2b(digest_size=16)
        hasher.update(f"{type(self.network).__name__} {self._dtype}".encode())
        for name, tensor in self.network.state_dict().items():
            hasher.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
            content = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
            hasher.update(content.numpy().data)
        return hasher.hexdigest()

    @torch.inference_mode()
    def logits(self, batch: Batch) -> torch.Tensor:
        """Logits of each token, dropout off.

        *Shape:* (B, T, n_outputs), float32, on the network's device.
        """
        was_training = self.network.training
        self.network.eval()
        try:
            with _autocast(self.device, self._dtype):
                output = self.network(**self.inputs(batch))
        finally:
            self.network.train(was_training)
        return head_logits(output)

    def inputs(self, batch: Batch) -> dict[str, torch.Tensor]:
        """What the network is given of a batch, by the names of its arguments."""
        return input_tensors(batch, device=self.device, has_type_ids=self._has_type_ids)


def input_tensors(
    batch: Batch, *, device: torch.device, has_type_ids: bool
) -> dict[str, torch.Tensor]:
    """The keyword arguments of a network's `forward` for a batch: (B, T) int64 each.

    Training and prediction both come through here.
    """
    arrays = {"input_ids": batch.input_ids, "attention_mask": batch.attention_mask}
    if has_type_ids and batch.token_type_ids is not None:
        arrays["token_type_ids"] = batch.token_type_ids
    return {name: _to_device(array, device) for name, array in arrays.items()}


def _to_device(array: NDArray[np.int64], device: torch.device) -> torch.Tensor:
    tensor = torch.from_numpy(array)
    return tensor.to(device, non_blocking=True) if device.type != "cpu" else tensor


def head_logits(output: Any) -> torch.Tensor:  # noqa: ANN401 (transformers' output classes)
    """The logits of a head as one tensor, whichever way its class returns them.

    *Shape:* (B, T, n_outputs), float32. Question-answering heads return start and end apart.
    """
    if "start_logits" in output:
        return torch.stack((output.start_logits, output.end_logits), dim=-1).float()
    return torch.as_tensor(output.logits).float()


def takes_type_ids(network: torch.nn.Module) -> bool:
    """Whether the network's `forward` knows token type ids (asked, not guessed from its name)."""
    return "token_type_ids" in inspect.signature(network.forward).parameters


def max_positions(network: torch.nn.Module) -> int | None:
    """The longest input that the network's position embeddings allow; None without any.

    Families that count positions from padding_idx + 1 (RoBERTa) lose those places; others have
    rows to spare (BART, Nystromformer: two), which the config's number leaves out.
    """
    tables = [
        module
        for name, module in network.named_modules()
        if isinstance(module, torch.nn.Embedding)
        and name.rsplit(".", 1)[-1] in {"position_embeddings", "wpe", "embed_positions"}
    ]
    if not tables:
        return None
    table = tables[0]
    unused = 0 if table.padding_idx is None else table.padding_idx + 1
    limit = table.num_embeddings - unused
    told = _told_positions(network)
    return limit if told is None else min(limit, told)


def _told_positions(network: torch.nn.Module) -> int | None:
    """`max_position_embeddings` of the config; XLNet, which has no limit, says -1."""
    told = getattr(getattr(network, "config", None), "max_position_embeddings", None)
    return told if isinstance(told, int) and told > 0 else None


def describe_positions(network: torch.nn.Module, max_length: int) -> tuple[str, ...]:
    """What to know of windows longer than the network was made for, where nothing would fail.

    Rotary and relative positions have no table that ends, only a number in the config.
    """
    told = _told_positions(network)
    if max_positions(network) is not None or told is None or max_length <= told:
        return ()
    return (
        f"windows of {max_length:,} tokens are longer than the {told:,} that this encoder's config "
        "names; its kind of positions computes them, but hardly as well",
    )


def resolve_device(wanted: str) -> torch.device:
    """`auto` as the best device here; any other name must be available.

    Raises:
        RecipeError: the device is not available.
    """
    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if wanted == "auto":
        wanted = next(name for name, is_here in available.items() if is_here)
    if not available.get(wanted, False):
        raise RecipeError(
            f"no {wanted} device here",
            expected=f"one of: {', '.join(name for name, is_here in available.items() if is_here)}",
            found=wanted,
            fix="--device auto (spanfit train: --set run.device=auto)",
        )
    return torch.device(wanted)


def resolve_precision(wanted: str, device: torch.device) -> str:
    """`auto` as bf16 on a GPU that has it, else fp32; fp16 needs a GPU.

    Raises:
        RecipeError: the device cannot compute in that precision.
    """
    if wanted == "auto":
        return "bf16" if device.type == "cuda" and torch.cuda.is_bf16_supported() else "fp32"
    if wanted == "fp16" and device.type == "cpu":
        raise RecipeError(
            "fp16 needs a GPU", found="run.device = cpu", fix="--set run.precision=fp32"
        )
    return wanted


def _autocast(device: torch.device, dtype: torch.dtype | None) -> AbstractContextManager[Any]:
    return nullcontext() if dtype is None else torch.autocast(device.type, dtype=dtype)


def check_length(network: torch.nn.Module, max_length: int) -> None:
    """Refuse windows that are longer than the network's positions.

    Raises:
        ModelError: `max_length` tokens do not fit.
    """
    limit = max_positions(network)
    if limit is not None and max_length > limit:
        raise ModelError(
            "windows are longer than the encoder's positions",
            expected=f"windows.max_length of at most {limit} tokens",
            found=str(max_length),
            fix=f"--set windows.max_length={limit}",
        )
