"""The small file beside an unfinished one: how much of that counts, and what it was made of."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

FORMAT_VERSION = 1
_MOST_BYTES = 1_000_000  # it has less than one thousand


@dataclass(frozen=True, slots=True)
class State:
    """How much of the part counts: its first `lines` lines, `bytes` long.

    `made_by` says by what they were made, each thing with its digest; `inputs` is a digest of what
    they answer, `outputs` one of the bytes themselves ("": written by a SpanFit that took none).

    Raises:
        TypeError, ValueError: something else than these.
    """

    made_by: Mapping[str, str]
    lines: int = 0
    bytes: int = 0
    inputs: str = ""
    outputs: str = ""
    format_version: int = FORMAT_VERSION

    def __post_init__(self) -> None:
        texts = [self.inputs, self.outputs]
        if isinstance(self.made_by, Mapping):
            texts += [*self.made_by, *self.made_by.values()]
        numbers = (self.lines, self.bytes, self.format_version)
        if not isinstance(self.made_by, Mapping) or not all(isinstance(t, str) for t in texts):
            raise TypeError("digests must be texts")
        if any(type(number) is not int or number < 0 for number in numbers):
            raise ValueError("lines and bytes must be whole numbers from 0")


def read_state(file: Path) -> State:
    """The state that a small file says; of whatever format version.

    Raises:
        OSError: it cannot be read.
        ValueError, TypeError: it is no such file.
    """
    if file.stat().st_size > _MOST_BYTES:
        raise ValueError(f"more than {_MOST_BYTES:,} bytes")
    try:
        return State(**json.loads(file.read_bytes()))
    except RecursionError as error:
        raise ValueError(str(error)) from None


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
