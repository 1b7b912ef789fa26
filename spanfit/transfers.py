"""From NumPy to the device that computes, on a GPU without waiting for it."""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import NDArray


def to_device(array: NDArray[Any], device: torch.device) -> torch.Tensor:
    """An array as a tensor there.

    A plain copy to a GPU would first wait for all that it has been asked to compute, and what it
    is asked next would reach it late.
    """
    tensor = torch.from_numpy(array)
    if device.type != "cuda":
        return tensor.to(device)
    # Else the copy would not be asynchronous; torch keeps pinned memory until it is done.
    return tensor.pin_memory().to(device, non_blocking=True)
