"""What the runtimes of exported networks have in common: each window is computed alone.

Padding is never computed, and what a window gets does not depend on those beside it: in an ONNX
network of 8 bits a batch would share the scale of its activations. On a CPU little is lost, because
a call costs no more than five to ten tokens do (benchmarks/RESULTS.md).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spanfit.backends.base import compute_in_turn
from spanfit.backends.formats import Format, digest_files
from spanfit.batching import Batch, split_by_length
from spanfit.errors import ModelError
from spanfit.tokens import Int64

OVERHEAD_TOKENS = 64
"""What a batch costs beside its tokens: it is joined and decoded."""

Inputs = dict[str, NDArray[np.int64]]
"""One window, (1, N) each, by the names of a network's inputs."""


class ExportedBackend(ABC):
    """An exported network behind the `Backend` protocol; made by its runtime's class.

    `names` are those of its inputs, `files` what it was read from; `notes` are for its user.
    """

    max_tokens = 4096
    """Of a batch, which is only decoded at once: no more than what its logits take."""

    def __init__(
        self,
        form: Format,
        *,
        names: tuple[str, ...],
        files: tuple[Path, ...],
        notes: tuple[str, ...] = (),
    ) -> None:
        self.name = form.name
        self.notes = notes
        self._names = names
        self._files = files

    @cached_property
    def digest(self) -> str:
        """A digest of the network's files."""
        return digest_files(*self._files)

    def split(self, lengths: NDArray[np.integer], *, max_tokens: int | None) -> list[Int64]:
        """Batches of windows of like length: see `Backend.split`."""
        limit = max_tokens or self.max_tokens
        return split_by_length(lengths, max_tokens=limit, overhead_tokens=OVERHEAD_TOKENS)

    @abstractmethod
    def run(self, inputs: Inputs) -> NDArray[np.float32]:
        """The logits of one window of N tokens: (1, N, n_outputs)."""

    def logits(self, batch: Batch) -> NDArray[np.float32]:
        """Logits of each token; 0 where a row is filled up.

        *Shape:* (B, T, n_outputs), float32.
        """
        rows = [
            self.run(take_window(batch, row, self._names))[0] for row in range(len(batch.input_ids))
        ]
        logits = np.zeros((*batch.input_ids.shape, rows[0].shape[1]), np.float32)
        logits[batch.attention_mask > 0] = np.concatenate(rows)
        return logits

    compute_batches = compute_in_turn


def take_window(batch: Batch, row: int, names: Iterable[str]) -> Inputs:
    """What a network with inputs of these names is given of one window, without its padding."""
    columns = batch.attention_mask[row] > 0
    ids, types = batch.input_ids[row : row + 1, columns], batch.token_type_ids
    given = {
        "input_ids": ids,
        "attention_mask": np.ones_like(ids),
        "token_type_ids": np.zeros_like(ids) if types is None else types[row : row + 1, columns],
    }
    return {name: given[name] for name in names}


def unreadable(file: Path, form: Format, error: Exception) -> ModelError:
    """The error of a network that its runtime cannot read."""
    lines = str(error).strip().splitlines() or [repr(error)]
    int8 = " --int8" if form.is_int8 else ""
    return ModelError(
        "this exported network cannot be read",
        where=str(file),
        found=lines[0],
        fix=f"spanfit export MODEL --to {form.runtime}{int8}, to write it anew",
    )
