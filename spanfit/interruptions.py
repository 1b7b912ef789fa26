"""Ctrl-C that waits: for a file that is being written, for the end of a step.

The signal that asks a process to end (SIGTERM, of launchers, schedulers and `kill`) counts as one.
Only the main thread gets signals, so elsewhere nothing is held back.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

Handler = Callable[[int, FrameType | None], None]
SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def terminable() -> Iterator[None]:
    """Take SIGTERM for a Ctrl-C."""
    with _handled(_interrupt, (signal.SIGTERM,)):
        yield


@contextmanager
def uninterrupted(*, is_ending: bool = False) -> Iterator[None]:
    """Hold Ctrl-C back until what is being written is whole; then it counts as if it came then.

    `is_ending`: it does not count then, because an error or an interruption is being raised.
    """
    held: list[int] = []
    with _handled(lambda number, _frame: held.append(number), SIGNALS):
        yield
    if held and not is_ending:
        handle = signal.getsignal(held[0])
        if not callable(handle):  # nobody has made a Ctrl-C of SIGTERM
            raise KeyboardInterrupt
        handle(held[0], None)


@contextmanager
def noticed() -> Iterator[Callable[[], bool]]:
    """Hold Ctrl-C back until the function that is given is asked; a second one does not wait.

    One that nobody asked about counts at the end.
    """
    seen: list[int] = []

    def notice(number: int, _frame: FrameType | None) -> None:
        seen.append(number)
        if len(seen) > 1:
            raise KeyboardInterrupt

    with _handled(notice, SIGNALS):
        yield lambda: bool(seen)
    if seen:
        raise KeyboardInterrupt


def ignore_termination() -> None:
    """Ignore SIGTERM from now on: this process is about to end with a message of its own."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


@contextmanager
def _handled(handle: Handler, numbers: tuple[signal.Signals, ...]) -> Iterator[None]:
    """Have `handle` called for these signals; what was called before is put back.

    But not over what was set inside. A signal that is ignored stays so (Ctrl-C in what a script
    runs in the background), and one that somebody handles outside of Python is left to them.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    found = {number: signal.getsignal(number) for number in numbers}
    before = {
        number: handler
        for number, handler in found.items()
        if handler is not None and handler is not signal.SIG_IGN
    }
    for number in before:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) is handle:
                signal.signal(number, handler)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
