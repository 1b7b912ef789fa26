"""The processes that a launcher started for one training: who does what, and what all know.

Each holds the whole network and goes through the same steps. Of a step's windows, and of the
examples of an evaluation, each computes a share; gradients are added up and predictions put
together, so that all know everything and decide alike. The first alone writes files and speaks.
Where no launcher was at work there is one process, for which all of this costs nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import chain
from typing import Any, TypeVar

import numpy as np
import torch
from accelerate.utils import set_seed
from accelerate.utils.environment import get_cpu_distributed_information
from torch import distributed

from spanfit import groups
from spanfit.errors import LostProcessError, RunError, SpanFitError, ToldElsewhereError
from spanfit.interruptions import ignore_termination
from spanfit.progress import Progress
from spanfit.shares import Rows, Sizes, cut_up, share_out

T = TypeVar("T")

TIMEOUT = timedelta(hours=1)
"""How long one process waits for another that is alive and says nothing. An end is seen at once."""
BUCKET = 16_000_000
"""Numbers of a gradient that are added up at once: 64 MB, so that there is no second gradient."""


class Processes:
    """One process, which does everything; `_Launched` are several."""

    rank = 0
    count = 1

    @property
    def is_first(self) -> bool:
        """Whether this process writes files and speaks."""
        return self.rank == 0

    def describe(self) -> list[str]:
        """What to say of them, if there is something to say."""
        return []

    def voice(self, progress: Progress) -> Progress:
        """What this process speaks with: `progress`, or nothing that is heard."""
        return progress if self.is_first else Progress(quiet=True)

    def command(self, words: str) -> str:
        """What to type for a command of SpanFit to run in as many processes."""
        return words

    def share(self, sizes: Sizes) -> Rows:
        """The places of what this process computes of things of these sizes, whatever the order."""
        return np.arange(len(sizes), dtype=np.int64)

    def stretch(self, sizes: Sizes) -> Rows:
        """The same, neighbours together: joined by rank, the stretches are in order."""
        return self.share(sizes)

    def vary(self, *, seed: int, step: int) -> None:
        """Let this process draw other masks of dropout than the first, which draws as one does.

        They follow from seed, rank and step, so a checkpoint needs nothing of them.
        """

    def unite(self, network: torch.nn.Module) -> None:
        """Give all processes the first one's weights."""

    def sum_gradient(self, weights: Iterable[torch.nn.Parameter], loss: float) -> float:
        """Add up the gradients of all processes, in each of them; returns the sum of the losses.

        Raises:
            LostProcessError: another process has ended.
        """
        return loss

    def any(self, is_so: bool) -> bool:
        """Whether any process says so.

        Raises:
            LostProcessError: another process has ended.
        """
        return is_so

    def gather(self, value: T) -> list[T]:
        """What each process gives, by rank, in all of them.

        Raises:
            LostProcessError: another process has ended.
        """
        return [value]

    def tell(self, work: Callable[[], T]) -> T:
        """What `work` gives in the first process, the only one to call it, in all of them.

        Raises:
            ToldElsewhereError: it failed; in the first process its own error.
            LostProcessError: another process has ended.
        """
        return work()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Inside, each process works by itself; an error in any of them ends the work of all.

        Raises:
            ToldElsewhereError: another process has failed, and this one not or in the same way.
            LostProcessError: another process has ended.
        """
        yield

    def shared(self, error: BaseException, *, exit_code: int = 1) -> BaseException:
        """The error to raise for what every process has found: the first one says it."""
        return error


ALONE = Processes()


def join() -> Processes:
    """All processes that a launcher started with this one, once they have met; else this one.

    torchrun and `accelerate launch` say it in the environment, mpirun in variables of its own.

    Raises:
        RunError: they are on several machines, or do not find each other.
    """
    launched = get_cpu_distributed_information()
    if launched.world_size == 1:
        return ALONE
    if launched.local_world_size not in (1, launched.world_size):  # 1: nobody says
        raise RunError(
            "training on several machines is not supported",
            found=f"{launched.world_size} processes, {launched.local_world_size} of them here",
            fix="torchrun --nproc-per-node N -m spanfit train …, on one machine",
        )
    if not distributed.is_initialized():
        _meet(launched.rank, launched.world_size)
    return _Launched(distributed.get_rank(), distributed.get_world_size())


def _meet(rank: int, count: int) -> None:
    """Let torch's processes find each other: gloo for what is on the CPU, NCCL for CUDA.

    Raises:
        RunError: they do not.
    """
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    try:
        distributed.init_process_group(backend, rank=rank, world_size=count, timeout=TIMEOUT)
    except (RuntimeError, ValueError) as error:  # no address, or nobody there
        raise RunError(
            "the processes of this training do not find each other",
            expected=f"the other processes of {count}, as the environment says",
            found=str(error).partition("\n")[0],
            fix=f"torchrun --nproc-per-node {count} -m spanfit train …",
        ) from error


def doubt_launch() -> list[str]:
    """What to warn of where `accelerate launch` was told of several processes and started one."""
    is_prepared = {"ACCELERATE_USE_CPU", "MASTER_ADDR"} <= os.environ.keys()
    if not is_prepared or get_cpu_distributed_information().world_size > 1:
        return []
    return [
        "this is one process alone: `accelerate launch --cpu` starts no more (without mpirun); "
        "torchrun --nproc-per-node N -m spanfit train … starts N"
    ]


class _Launched(Processes):
    """Several processes on one machine; each method is called in all of them, in one order."""

    def __init__(self, rank: int, count: int) -> None:
        self.rank, self.count = rank, count

    def describe(self) -> list[str]:
        return [f"processes: {self.count}, which share the windows of each step"]

    def command(self, words: str) -> str:
        return f"torchrun --nproc-per-node {self.count} -m {words}"

    def share(self, sizes: Sizes) -> Rows:
        return share_out(sizes, self.count)[self.rank]

    def stretch(self, sizes: Sizes) -> Rows:
        return cut_up(sizes, self.count)[self.rank]

    def vary(self, *, seed: int, step: int) -> None:
        if not self.is_first:
            set_seed(int(np.random.SeedSequence([seed, self.rank, step]).generate_state(1)[0]))

    def unite(self, network: torch.nn.Module) -> None:
        for tensor in chain(network.parameters(), network.buffers()):
            if tensor.is_floating_point():  # others are numbers of places, the same everywhere
                with _explained():
                    distributed.broadcast(tensor.detach(), src=0)

    def sum_gradient(self, weights: Iterable[torch.nn.Parameter], loss: float) -> float:
        learning = [weight for weight in weights if weight.requires_grad]
        has_gradient = [weight.grad is not None for weight in learning]
        known = torch.tensor([loss, *has_gradient], dtype=torch.float64)
        _sum(known)
        # One that no window of any process reaches stays without a gradient, as in one process.
        gradients = [
            _gradient(weight)
            for weight, n in zip(learning, known[1:].tolist(), strict=True)
            if n > 0
        ]
        for bucket in groups.gather(
            gradients, size=torch.numel, max_items=len(gradients), max_size=BUCKET
        ):
            flat = torch.cat([gradient.reshape(-1) for gradient in bucket])
            _sum(flat)
            parts = torch.split(flat, [gradient.numel() for gradient in bucket])
            for gradient, part in zip(bucket, parts, strict=True):
                gradient.copy_(part.view_as(gradient))
        return float(known[0])

    def any(self, is_so: bool) -> bool:
        known = torch.tensor([int(is_so)])
        _sum(known)
        return bool(known[0])

    def gather(self, value: T) -> list[T]:
        values: list[Any] = [None] * self.count
        with _explained():
            distributed.all_gather_object(values, value)
        return values

    def tell(self, work: Callable[[], T]) -> T:
        told: list[Any] = [None]
        with self.together():
            if self.is_first:
                told = [work()]
        with _explained():
            distributed.broadcast_object_list(told, src=0)
        value: T = told[0]
        return value

    @contextmanager
    def together(self) -> Iterator[None]:
        failed: Exception | None = None
        try:
            yield
        except Exception as error:
            failed = error
        codes = self.gather(None if failed is None else _exit_code(failed))
        broken = [(rank, code) for rank, code in enumerate(codes) if code is not None]
        if not broken:
            return
        rank, code = broken[0]
        if failed is not None and rank == self.rank:
            ignore_termination()  # the launcher's, which follows the end of the others
            raise failed
        raise ToldElsewhereError(f"process {rank} failed, and says why", exit_code=code) from failed

    def shared(self, error: BaseException, *, exit_code: int = 1) -> BaseException:
        if not self.is_first:
            return ToldElsewhereError(str(error), exit_code=exit_code)
        ignore_termination()  # as above
        return error


def _gradient(weight: torch.nn.Parameter) -> torch.Tensor:
    """The gradient of a weight; 0 where no window of this process reached it."""
    if weight.grad is None:
        weight.grad = torch.zeros_like(weight)
    return weight.grad


def _sum(tensor: torch.Tensor) -> None:
    """Add up a tensor over all processes, in place."""
    with _explained():
        distributed.all_reduce(tensor)


@contextmanager
def _explained() -> Iterator[None]:
    """Turn what torch says where a process is gone into one message.

    The launcher's signal to end, which follows, is ignored then: this process ends by itself, and
    has something to say before.

    Raises:
        LostProcessError: another process has ended, or waits for something else.
    """
    try:
        yield
    except RuntimeError as error:
        ignore_termination()
        raise LostProcessError(
            "another process of this training has ended (what it said stands beside this)",
            found=str(error).partition("\n")[0],
            fix="the same command again",
        ) from error


def _exit_code(error: Exception) -> int:
    return error.exit_code if isinstance(error, SpanFitError) else 1
