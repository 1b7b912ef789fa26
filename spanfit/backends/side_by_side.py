"""Batches computed side by side on a CPU: several at once, each by threads of its own.

Threads that share a product wait for the slowest of them at the end of each, a hundred times in a
batch; a thread with a batch of its own waits for nobody (benchmarks/RESULTS.md has what it gives).
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")

_TURN = threading.Lock()
"""The number of threads is the whole process's: who comes second computes one after the other."""


def share_threads(n_threads: int, *, n_batches: int) -> tuple[int, int]:
    """How many batches are computed at once, and by how many threads each."""
    each = max(n_threads // max(n_batches, 1), 1)
    return n_threads // each, each


def compute_side_by_side(
    compute: Callable[[Item], Result], items: Sequence[Item]
) -> Generator[Result]:
    """What `compute` makes of each item, in their order, by as many threads as torch has.

    No more results than threads, and one, wait for the caller. Close it where it may not be read
    to its end: until then torch has fewer threads for everything else.
    """
    n_threads = torch.get_num_threads()
    at_once, each = share_threads(n_threads, n_batches=len(items))
    if at_once < 2 or not _TURN.acquire(blocking=False):
        yield from map(compute, items)
        return
    try:
        torch.set_num_threads(each)
        pool = ThreadPoolExecutor(at_once, initializer=torch.set_num_threads, initargs=(each,))
        try:
            yield from _in_order(pool, compute, items, ahead=at_once + 1)
        finally:
            pool.shutdown(cancel_futures=True)
    finally:
        torch.set_num_threads(n_threads)
        _TURN.release()


def _in_order(
    pool: ThreadPoolExecutor,
    compute: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    ahead: int,
) -> Generator[Result]:
    waiting: deque[Future[Result]] = deque()
    for item in items:
        if len(waiting) == ahead:
            yield waiting.popleft().result()
        waiting.append(pool.submit(compute, item))
    while waiting:
        yield waiting.popleft().result()
