"""PyTorch: logits from a transformers network, on any device."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from spanfit.attention import Packing
from spanfit.backends.inputs import PACKED_INPUTS, input_tensors, packed_tensors, taken_inputs
from spanfit.backends.messages import quiet_transformers
from spanfit.backends.side_by_side import compute_side_by_side
from spanfit.batching import (
    Batch,
    join,
    split_by_equal_length,
    split_by_length,
    split_by_tokens,
)
from spanfit.errors import RecipeError
from spanfit.packing import enable_packing
from spanfit.tokenizer import Tokenizer
from spanfit.tokens import Int64
from spanfit.transfers import to_device
from spanfit.windows import Windows

PRECISIONS = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}


# oneDNN keeps what it compiled for 1,024 shapes, by default; as every batch has a shape of its own,
# that is memory (over 100 MB) without use. One batch needs a few dozen. Read at its first use.
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "128")

PACKING_DEVICES = {"cpu", "cuda"}
"""Those that attend to windows in a row without loss; MPS has nothing for it."""

MAX_TOKENS = {"cpu": 2048, "cuda": 16_384, "mps": 4096}
"""Padded tokens of a batch that suit a device: a CPU's caches, a GPU's width."""

OVERHEAD_TOKENS = {"cpu": 64, "cuda": 16_384, "mps": 4096}
"""What a batch costs beside its padded tokens, in tokens: measured on a CPU (see
benchmarks/RESULTS.md), elsewhere so many that there are as few batches as the budget allows."""

SIDE_BY_SIDE_TOKENS = 1024
"""Of each of the packs that a CPU computes at once."""

MAX_RELATIVE_TOKENS = 1024
"""Of a pack, where the network makes a table of all pairs of its tokens (T5)."""


class TorchBackend:
    """A network in evaluation mode behind the `Backend` protocol.

    `packs`: windows are computed in one row without padding where network and device allow it
    (`packing` says whether); else padded, those of like length together. `learns_in`: the precision
    of `compute` in a training, which may differ from that of `logits`; None: it does not learn.
    `sees_padding`: padding changes what it says, so windows of one length go together.
    `side_by_side`: a CPU may compute several packs at once, which the code of the network has to
    stand; that of transformers does.
    """

    name = "torch"

    def __init__(
        self,
        network: Any,  # noqa: ANN401 (a transformers PreTrainedModel)
        tokenizer: Tokenizer,
        *,
        precision: str = "fp32",
        packs: bool = False,
        sees_padding: bool = False,
        side_by_side: bool = False,
        learns_in: str | None = None,
    ) -> None:
        self.network = network
        self.sees_padding = sees_padding
        self._names = taken_inputs(network, tokenizer)
        self._dtype = PRECISIONS[precision]
        self.packing: Packing | None = None
        if packs and self.device.type in PACKING_DEVICES:
            dtype = None if learns_in is None else PRECISIONS[learns_in]
            self.packing = enable_packing(network, learns=learns_in is not None, dtype=dtype)
        self._side_by_side = side_by_side and self.packing is not None

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        device: torch.device = next(self.network.parameters()).device
        return device

    @property
    def max_tokens(self) -> int:
        """Padded tokens of a batch that suit the device."""
        return SIDE_BY_SIDE_TOKENS if self._is_shared_out else MAX_TOKENS[self.device.type]

    def split(self, lengths: npt.NDArray[np.integer], *, max_tokens: int | None) -> list[Int64]:
        """Batches of windows of these lengths: see `Backend.split`."""
        limit = max_tokens or self.max_tokens
        if self.packing is None and self.sees_padding:
            return split_by_equal_length(lengths, max_tokens=limit)
        if self.packing is None:
            overhead = OVERHEAD_TOKENS[self.device.type]
            return split_by_length(lengths, max_tokens=limit, overhead_tokens=overhead)
        if self.packing.is_relative:
            limit = min(limit, MAX_RELATIVE_TOKENS)
        return split_by_tokens(lengths, max_tokens=limit)

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
                return self.compute(batch)
        finally:
            self.network.train(was_training)

    def compute_batches(
        self, windows: Windows, parts: Sequence[Int64]
    ) -> Generator[tuple[Batch, torch.Tensor]]:
        """The batch of each part of the windows with its logits, in their order; see `Backend`."""

        def compute(rows: Int64) -> tuple[Batch, torch.Tensor]:
            batch = join(windows, rows)
            return batch, self.logits(batch)

        # Those that are in training take turns, since each batch turns dropout off and on again.
        if self._is_shared_out and not self.network.training:
            yield from compute_side_by_side(compute, parts)
        else:
            yield from map(compute, parts)

    @property
    def _is_shared_out(self) -> bool:
        return self._side_by_side and self.device.type == "cpu" and torch.get_num_threads() > 1

    def compute(self, batch: Batch) -> torch.Tensor:
        """The same as the network is now: in training, with gradient, under any autocast.

        *Shape:* (B, T, n_outputs), float32, on the network's device.
        """
        if self.packing is not None:
            return self._compute_packed(batch, self.packing)
        with _attention_of_config(self.network):
            return head_logits(self.network(**self.inputs(batch)))

    def _compute_packed(self, batch: Batch, packing: Packing) -> torch.Tensor:
        """The same from one row that holds no padding; where that would be, logits are 0."""
        names = tuple(name for name in PACKED_INPUTS if name in self._names)
        places = np.flatnonzero(batch.attention_mask)  # here, so that a GPU waits for nothing
        inputs: dict[str, Any] = packed_tensors(batch, places, device=self.device, names=names)
        lengths = batch.attention_mask.sum(axis=1).tolist()
        inputs |= packing.inputs(lengths, device=self.device)
        row = head_logits(self.network(**inputs))[0]  # (N, n_outputs)
        logits = row.new_zeros((batch.attention_mask.size, row.shape[1]))
        logits = logits.index_copy(0, to_device(places, self.device), row)
        return logits.view(*batch.attention_mask.shape, -1)

    def describe(self) -> str:
        """How windows are computed together, for somebody who watches a training."""
        if self.packing is not None:
            return "batches: windows packed into one row, without padding"
        if self.sees_padding:
            return "batches: windows of one length together, since padding changes what is said"
        return "batches: windows of like length together, padded to the longest"

    def inputs(self, batch: Batch) -> dict[str, torch.Tensor]:
        """What the network is given of a batch, by the names of its arguments."""
        return input_tensors(batch, device=self.device, names=self._names)


def head_logits(output: Any) -> torch.Tensor:  # noqa: ANN401 (transformers' output classes)
    """The logits of a head as one tensor, whichever way its class returns them.

    *Shape:* (B, T, n_outputs), float32. Question-answering heads return start and end apart.
    """
    if "start_logits" in output:
        return torch.stack((output.start_logits, output.end_logits), dim=-1).float()
    return torch.as_tensor(output.logits).float()


def resolve_device(wanted: str) -> torch.device:
    """`auto` as the best device here; any other name ("cuda", "cuda:1") must be available.

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
    kind, _, number = wanted.partition(":")
    is_counted = not number or number in map(str, range(torch.cuda.device_count()))
    if not (available.get(kind, False) and is_counted):
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


@contextmanager
def _attention_of_config(network: Any) -> Iterator[None]:  # noqa: ANN401
    """Have each batch computed by the attention that the config names, whatever came before it.

    BigBird turns to full attention at the first batch that is too short for its blocks, says so,
    and stays there: how long windows were computed would depend on the order of the batches.
    """
    choose = getattr(network.base_model, "set_attention_type", None)
    if choose is None:
        yield
        return
    choose(network.config.attention_type)
    with quiet_transformers():
        yield


def _autocast(device: torch.device, dtype: torch.dtype | None) -> AbstractContextManager[Any]:
    return nullcontext() if dtype is None else torch.autocast(device.type, dtype=dtype)
