"""Files and folders that are whole or not there: written aside, synced, then renamed.

    NAME.being-written     on its way to NAME, or on its way out; counts for nothing
    NAME.being-replaced    what stood at NAME, between the two renames that put a new folder there

A process that is killed at any moment leaves the old or the new one, and perhaps such names, which
`recover` clears. Syncing the file, then its folder, makes that true of a power cut as well.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

_OPEN = os.O_RDWR if os.name == "nt" else os.O_RDONLY
"""How a file is opened to be synced."""
ASIDE, OLD = ".being-written", ".being-replaced"


def write_file(file: Path, data: bytes) -> None:
    """Write one file whole, or replace it; its folder is made.

    Raises:
        OSError: it cannot be written; what stood there before is still there.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    aside = _beside(file, ASIDE)
    try:
        with aside.open("wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        aside.replace(file)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    sync_folder(file.parent)


def append_line(file: Path, line: str) -> None:
    """Add a line to a file, or begin the file with it.

    Raises:
        OSError: it cannot be written; nothing of it is in the file.
    """
    size = file.stat().st_size if file.exists() else 0
    try:
        with file.open("ab") as out:
            out.write(f"{line}\n".encode())
    except OSError:
        if file.exists():
            os.truncate(file, size)
        raise


def write_folder(folder: Path, fill: Callable[[Path], None]) -> None:
    """Have `fill` write a folder aside, then put it at its place; an old one is replaced.

    Raises:
        OSError: it cannot be written; what stood there before is still there, and what was written
            of the new one is gone.
    """
    aside, old = _beside(folder, ASIDE), _beside(folder, OLD)
    _remove(aside)
    try:
        aside.mkdir(parents=True)
        fill(aside)
        sync_tree(aside)
        if folder.exists():
            _remove(old)
            folder.rename(old)
        aside.rename(folder)
    except BaseException:
        if old.exists() and not folder.exists():
            old.rename(folder)
        _remove(aside)
        raise
    sync_folder(folder.parent)
    _remove(old)


def discard(folder: Path) -> None:
    """Delete a folder, of which nothing is left under its name at once.

    Raises:
        OSError: it cannot be deleted.
    """
    aside = _beside(folder, ASIDE)
    _remove(aside)
    folder.rename(aside)
    _remove(aside)


def recover(folder: Path) -> None:
    """Clear up in a folder after a process that was killed while it wrote there.

    Raises:
        OSError: something cannot be renamed or deleted.
    """
    for old in folder.glob(f"*{OLD}"):
        if not (place := old.with_name(old.name.removesuffix(OLD))).exists():
            old.rename(place)
    for left in (*folder.glob(f"*{ASIDE}"), *folder.glob(f"*{OLD}")):
        _remove(left)


def sync_tree(folder: Path) -> None:
    """Wait until every file and folder below is on the disk.

    Raises:
        OSError: one cannot be put there.
    """
    for parent, _, names in os.walk(folder):
        for name in names:
            _sync(Path(parent, name), _OPEN)
        sync_folder(Path(parent))


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk.

    Raises:
        OSError: they cannot be put there.
    """
    if os.name != "nt":  # there, folders cannot be opened, and renames need no such help
        _sync(folder, os.O_RDONLY | os.O_DIRECTORY)


def sync_file(file: Path) -> None:
    """Wait until what a file holds is on the disk.

    Raises:
        OSError: it cannot be put there.
    """
    _sync(file, _OPEN)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _remove(path: Path) -> None:
    """Delete a file or a folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
