"""The one thing that a backend does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from spanfit.batching import Batch

if TYPE_CHECKING:
    import torch

    Logits = NDArray[np.float32] | torch.Tensor


class Backend(Protocol):
    """Computes the logits of a batch."""

    @property
    def name(self) -> str:
        """The backend's name, under which spanfit.json keeps its calibration."""

    @property
    def max_tokens(self) -> int:
        """Padded tokens of a batch that suit where it computes."""

    @property
    def overhead_tokens(self) -> int:
        """What a batch costs there beside its padded tokens, in tokens."""

    @property
    def digest(self) -> str:
        """A digest of what shapes the logits: the weights, and how they are computed with."""

    def logits(self, batch: Batch) -> Logits:
        """The logits of each token.

        *Shape:* (B, T, n_outputs), float32, as an array of the device that computed it, so that
        decoding can happen there.
        """
