"""How things are shared out among several processes: every thing once, much the same for each."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]
Sizes = Sequence[int] | NDArray[np.integer]


def share_out(sizes: Sizes, n: int) -> list[Rows]:
    """The places of things, shared out among n so that their sizes add up to much the same.

    The largest first, each to whoever has least; a share may be empty.
    """
    shares: list[list[int]] = [[] for _ in range(n)]
    loads = [(0, number) for number in range(n)]
    order = np.argsort(-np.asarray(sizes, dtype=np.int64), kind="stable")
    for place in order.tolist():
        load, number = loads[0]
        shares[number].append(place)
        heapq.heapreplace(loads, (load + int(sizes[place]), number))
    return [np.array(sorted(share), dtype=np.int64) for share in shares]


def cut_up(sizes: Sizes, n: int) -> list[Rows]:
    """The places of things, cut into n stretches whose sizes add up to much the same.

    Each thing goes where its middle lies; a stretch may be empty.
    """
    ends = np.cumsum(np.maximum(np.asarray(sizes, dtype=np.int64), 1))
    twice_middles = ends + np.concatenate(([0], ends[:-1])) if len(ends) else ends
    owner = twice_middles * n // (2 * ends[-1]) if len(ends) else ends
    return [np.flatnonzero(owner == number) for number in range(n)]
