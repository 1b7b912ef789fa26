"""Processes that find each other as those of a launcher do, and how each of them ended.

They are forked, so that none of them has to import torch.
"""

from __future__ import annotations

import os
import pickle
import signal
import socket
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

from accelerate.state import AcceleratorState

SECONDS = 60
"""After which a process counts as stuck."""


@dataclass(frozen=True)
class Ended:
    """How a process ended: what its work gave, or which error it raised, and what it printed.

    One that was killed gave nothing and raised nothing.
    """

    value: object
    error: str | None
    message: str
    trace: str
    printed: str


def launch(work, *, n=2):
    """Run `work(rank)` in n processes at once; how each of them ended, by rank.

    One process has no launcher. Fails where one of them is still there after a minute.
    """
    with tempfile.TemporaryDirectory() as place:
        port = find_port()
        children = [begin(work, rank, n, port, Path(place)) for rank in range(n)]
        deadline = time.monotonic() + SECONDS
        for child in children:
            wait(child, deadline)
        return [read_end(Path(place), rank) for rank in range(n)]


def find_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def begin(work, rank, n, port, place):
    """Start one process; its number."""
    child = os.fork()
    if child:
        return child
    try:
        sys.stdout = sys.stderr = (place / f"{rank}.txt").open("w", buffering=1)
        os.dup2(sys.stderr.fileno(), 1)
        os.dup2(sys.stderr.fileno(), 2)
        os.environ |= environment(rank, n, port) if n > 1 else {}
        AcceleratorState._reset_state(True)  # of the trainings of tests before
        (place / f"{rank}.pickle").write_bytes(pickle.dumps(run(work, rank)))
    finally:
        os._exit(0)


def environment(rank, n, port):
    """What torchrun says to a process."""
    return {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(n),
        "LOCAL_WORLD_SIZE": str(n),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }


def run(work, rank):
    """What a piece of work gives, or the name and the message of what it raises."""
    try:
        return work(rank), None, "", ""
    except BaseException as error:  # KeyboardInterrupt too
        return None, type(error).__name__, str(error), traceback.format_exc()


def wait(child, deadline):
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            raise AssertionError(f"process {child} was stuck")
        time.sleep(0.005)


def read_end(place, rank):
    outcome, printed = place / f"{rank}.pickle", (place / f"{rank}.txt").read_text()
    value = pickle.loads(outcome.read_bytes()) if outcome.exists() else (None, None, "", "")
    return Ended(*value, printed)


def kill():
    """End this process without a word."""
    os.kill(os.getpid(), signal.SIGKILL)


def children_of(process):
    """The numbers of the processes that a process has started, as Linux tells."""
    file = Path(f"/proc/{process}/task/{process}/children")
    return [int(child) for child in file.read_text().split()]
