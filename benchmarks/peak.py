"""How much a device can multiply, and how much a network must: for the share of the limit.

Imported by the other benchmarks. The peak is that of one large matrix product in the same process,
measured then and there, since machines are shared.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import torch

SIZES = {"cpu": 1536, "cuda": 8192, "mps": 4096}
TRAINING = 3
"""A gradient takes two products more for each of the forward pass."""


def measure_peak(device: torch.device, dtype: torch.dtype, *, rounds: int = 5) -> float:
    """FLOP/s of the quickest of some products of two square matrices."""
    n = SIZES[device.type]
    one, other = (torch.randn(n, n, device=device, dtype=dtype) for _ in range(2))
    seconds = []
    for _ in range(rounds + 1):  # the first warms up
        wait_for(device)
        started = time.perf_counter()
        one @ other
        wait_for(device)
        seconds.append(time.perf_counter() - started)
    return 2 * n**3 / min(seconds[1:])


def wait_for(device: torch.device) -> None:
    """Until all that was asked of a device is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def count_flops(network: Any, lengths: Iterable[int], *, is_training: bool) -> float:  # noqa: ANN401
    """What windows of these lengths take at least: linear layers and attention, without padding."""
    weights = sum(
        module.weight.numel() for module in network.modules() if isinstance(module, torch.nn.Linear)
    )
    config = network.config
    sizes = [int(n) for n in lengths]
    pairs = sum(n * n for n in sizes)
    attention = 4 * config.hidden_size * config.num_hidden_layers * pairs
    forward = 2 * weights * sum(sizes) + attention
    return float(forward * (TRAINING if is_training else 1))
