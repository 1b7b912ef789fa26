"""What holds for every file of examples that is read.

It is read or refused with a message that names it. Read with leave to leave out lines, it gives the
same; counted, as many. What was read can be written in each format for it, and reads back: in one
of them a file, by its length.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from fuzz.target import read_or_refuse, scratch
from spanfit.data import count, count_kinds, digest, read, stream
from spanfit.data.writing import Format, write_examples
from spanfit.errors import DataError, SpanFitError
from spanfit.examples import AS_IT_IS, Example, Reading
from spanfit.types import QuestionExample

READINGS = (
    AS_IT_IS,
    Reading(tags=None),
    Reading(words="token", tags="ner"),
    Reading(words=-1, tags=1),
    Reading(words=1, tags=2, separator=","),
    Reading(names=("O", "B-x", "I-x")),
    Reading(joiner="", tags="tags", remembered=frozenset({"words", "tags", "names"})),
    Reading(numbers=("O", "B-x"), tags="ner_tags"),
)
"""Ways in which a user may want a file read."""

_QUESTIONS: tuple[Format, ...] = ("squad", "jsonl", "parquet")
_TEXTS: tuple[Format, ...] = ("jsonl", "conll")
_WITH_LIMITS = ("parquet", "conll")
"""Formats that cannot hold everything; what they cannot they refuse."""


def check_reading(data: bytes, reading: Reading) -> None:
    """Read a file in every way.

    Raises:
        AssertionError: something does not hold.
    """
    path = scratch() / "data"
    path.write_bytes(data)
    examples = _read(path, reading)
    lenient, n_faults = _read_leniently(path, reading)
    if examples is None:
        return
    if lenient is not None:
        assert n_faults == 0, "a line of a right file was left out"
        assert lenient == examples, "leave to leave out lines changes what is read"
    assert count(path, reading=reading) == len(examples), "not as many as were counted"
    digest(examples)
    count_kinds(examples)
    if examples:
        formats = _QUESTIONS if isinstance(examples[0], QuestionExample) else _TEXTS
        _check_writing(examples, formats[len(data) % len(formats)])


def _check_writing(examples: Sequence[Example], to: Format) -> None:
    """Write examples and read them again."""
    out = scratch() / f"out.{to}"
    try:
        write_examples(out, examples, to=to)
    except DataError:
        assert to in _WITH_LIMITS, f"{to} takes everything"
        return
    again = read(out, reading=Reading(tags=2) if to == "conll" else AS_IT_IS)
    assert [_core(one) for one in again] == [_core(one) for one in examples], f"lost in {to}"


def _core(example: Example) -> Example:
    """What every format holds."""
    return example if isinstance(example, QuestionExample) else replace(example, entities=None)


def _read(path: Path, reading: Reading) -> list[Example] | None:
    try:
        return read(path, reading=reading)
    except SpanFitError as error:
        assert str(path) in error.where, f"a refusal that does not say where: {error}"
        str(error).encode()
        return None


def _read_leniently(path: Path, reading: Reading) -> tuple[list[Example] | None, int]:
    """The examples, None where the file is refused nevertheless; how many were left out."""
    faults: list[str] = []

    def note(kind: str, number: int, error: DataError) -> None:
        assert number > 0 and kind in ("line", "row", "item")
        faults.append(str(error))

    examples = read_or_refuse(lambda: list(stream(path, reading=reading, on_fault=note)))
    return examples, len(faults)
