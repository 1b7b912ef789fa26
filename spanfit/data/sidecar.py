"""The small file beside an unfinished one: how much of that counts, and what it was made of."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class State:
    """How much of the part counts: its first `lines` lines, `bytes` long.

    `made_by` says by what they were made, each thing with its digest; `inputs` is a digest of what
    they answer.
    """

    made_by: Mapping[str, str]
    lines: int = 0
    bytes: int = 0
    inputs: str = ""
    format_version: int = FORMAT_VERSION


def read_state(file: Path) -> State:
    """The state that a small file says; of whatever format version.

    Raises:
        OSError: it cannot be read.
        ValueError, TypeError: it is no such file.
    """
    return State(**json.loads(file.read_bytes()))


def save_state(state: State, file: Path) -> None:
    """Write the small file, or replace it by one that says `state`; it is whole at any time.

    Raises:
        OSError: it cannot be written.
    """
    aside = file.with_name(file.name + ".new")
    with aside.open("wb") as out:
        out.write(json.dumps(asdict(state)).encode() + b"\n")
        sync(out)
    aside.replace(file)


def sync(file: BinaryIO) -> None:
    """Wait until what was written is on the disk.

    Raises:
        OSError: it cannot be put there.
    """
    file.flush()
    os.fsync(file.fileno())
