"""The one thing that a backend does."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from spanfit.batching import Batch, join
from spanfit.tokens import Int64
from spanfit.windows import Windows

if TYPE_CHECKING:
    import torch

    Logits = npt.NDArray[np.float32] | torch.Tensor


class Backend(Protocol):
    """Computes the logits of a batch."""

    @property
    def name(self) -> str:
        """The backend's name, under which spanfit.json keeps its calibration."""

    @property
    def max_tokens(self) -> int:
        """Tokens of a batch that suit where it computes, padding included."""

    def split(self, lengths: npt.NDArray[np.integer], *, max_tokens: int | None) -> list[Int64]:
        """Batches of windows of these lengths: numbers of windows, each in exactly one.

        None of more than `max_tokens` tokens (None: of `max_tokens` of the backend), padding
        included where it pads, unless a window alone has more.
        """

    @property
    def digest(self) -> str:
        """A digest of what shapes the logits: the weights, and how they are computed with."""

    def logits(self, batch: Batch) -> Logits:
        """The logits of each token.

        *Shape:* (B, T, n_outputs), float32, as an array of the device that computed it, so that
        decoding can happen there.
        """

    def compute_batches(
        self, windows: Windows, parts: Sequence[Int64]
    ) -> Generator[tuple[Batch, Logits]]:
        """The batch of each part of the windows with its logits, in their order.

        What `logits` says of each, though several may be computed at once. To be closed.
        """


def compute_in_turn(
    backend: Backend, windows: Windows, parts: Sequence[Int64]
) -> Generator[tuple[Batch, Logits]]:
    """`Backend.compute_batches` of those that compute one batch after the other."""
    for rows in parts:
        batch = join(windows, rows)
        yield batch, backend.logits(batch)
