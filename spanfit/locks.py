"""One process at a time in a folder: a lock that the system takes back when its process ends."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from spanfit.errors import RunError

try:
    import fcntl
except ImportError:  # not a POSIX system: nobody keeps a second process away
    fcntl = None  # type: ignore[assignment]

FILE_NAME = ".lock"
"""Holds who has the lock. A file that a killed process left locks nothing."""


@dataclass(frozen=True)
class Lock:
    """A lock that this process has; see `take`."""

    file: Path
    stream: BinaryIO

    def release(self) -> None:
        """Let others in; the file goes."""
        if fcntl is not None:  # elsewhere, an open file cannot be removed
            self.file.unlink(missing_ok=True)
        self.stream.close()


def take(folder: Path) -> Lock:
    """Keep other processes out of a folder until `release`, or the end of this process.

    On a file system without locks nobody is kept out.

    Raises:
        RunError: another process is in there.
        OSError: the lock's file cannot be written.
    """
    lock = Lock(folder / FILE_NAME, _open(folder / FILE_NAME))
    lock.stream.truncate(0)
    lock.stream.write(f"process {os.getpid()} on {socket.gethostname()}".encode())
    lock.stream.flush()
    return lock


def _open(file: Path) -> BinaryIO:
    """The open file, locked; the one that is there, should another process be removing it."""
    while True:
        stream = file.open("a+b")
        try:
            if fcntl is not None:
                _take(stream, file)
            if _is_at(file, stream):
                return stream
        except BaseException:
            stream.close()
            raise
        stream.close()


def _is_at(file: Path, stream: BinaryIO) -> bool:
    """Whether the open file still has this name."""
    try:
        return os.path.samestat(os.fstat(stream.fileno()), file.stat())
    except FileNotFoundError:
        return False


def _take(stream: BinaryIO, file: Path) -> None:
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        stream.seek(0)
        raise RunError(
            "another process is training in this folder",
            where=str(file.parent),
            found=stream.read().decode(errors="replace"),
            fix="another --out, or wait until that one has ended",
        ) from None
    except OSError:  # a file system without locks
        return
