"""What a target is: a function of bytes, which may end only in one way."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

from spanfit.errors import SpanFitError

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Target:
    """Something to fuzz.

    `check` takes any bytes and returns, whatever they are; all that it raises is a mistake of the
    project, and so is a warning. `seeds` are inputs to begin with, `words` what a mutation puts in.
    """

    name: str
    check: Callable[[bytes], None]
    seeds: tuple[bytes, ...]
    words: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if not self.seeds:
            raise ValueError(f"the target {self.name} needs a seed")

    def run(self, data: bytes) -> None:
        """Check some bytes, with warnings as errors.

        Raises:
            Exception: a finding.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            self.check(data)


def read_or_refuse(read: Callable[[], _Result]) -> _Result | None:
    """What `read` gives; None where it refuses with one of the project's own messages."""
    try:
        return read()
    except SpanFitError as error:
        assert error.problem.strip(), "a refusal without a word"
        str(error).encode()  # it can be printed
        return None


@cache
def _make_scratch() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="spanfit-fuzz-")


def scratch() -> Path:
    """A folder of this process, which goes with it, for the files that targets read and write."""
    return Path(_make_scratch().name)
