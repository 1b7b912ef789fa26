"""A file that is looked at: its examples, its text, and what is wrong with the file as such.

Reading goes on behind lines and records that cannot be read, where the format allows it, and in
whatever encoding the file is written. Ids that come twice are findings, not the end.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import BufferedReader, BytesIO
from pathlib import Path
from typing import cast

from spanfit.data.fields import Source, suggesting
from spanfit.data.files import DataFile, open_data
from spanfit.data.foreign import SAMPLES, is_signed
from spanfit.data.hub import is_hub_name, open_hub
from spanfit.data.recognition import parse, parse_table
from spanfit.data.tables import PARQUET_MAGIC
from spanfit.doctor.encodings import DecodedFile, decode_file
from spanfit.doctor.findings import Finding, Reporter
from spanfit.errors import DataError
from spanfit.examples import Example, Reading
from spanfit.types import QuestionExample

_MADE_PLACE = re.compile(r"(?:line|item|row) (\d+)")


@dataclass(frozen=True)
class OpenedFile:
    """A file and its examples.

    `decoded` is None for tables of typed columns (Parquet, the hub), which hold no text as such.
    `unread` counts the keys and columns that SpanFit does not carry. `ends_early`: behind the last
    example is a mistake that nothing could be read behind.
    """

    name: str
    examples: tuple[Example, ...]
    findings: tuple[Finding, ...]
    decoded: DecodedFile | None = None
    unread: Counter[str] = field(default_factory=Counter)
    ends_early: bool = False

    @property
    def report(self) -> Reporter:
        """Makes the findings of this file."""
        return Reporter(self.name)

    @property
    def content(self) -> bytes:
        """The text as UTF-8 without a mark; empty where there is none."""
        return b"" if self.decoded is None else self.decoded.content


def open_file(path: str | Path, reading: Reading) -> OpenedFile:
    """Read a file as far as it can be read.

    Raises:
        DataError: there is no such file, or no example can be read of it.
        MissingExtraError: it takes pyarrow or datasets, which is not installed.
    """
    with suggesting(SAMPLES):
        return _open(str(path), reading)


def _open(name: str, reading: Reading) -> OpenedFile:
    findings: list[Finding] = []
    faults: list[DataError] = []

    def note_fault(kind: str, number: int, error: DataError) -> None:
        place = f"{kind} {number}"
        faults.append(error)
        findings.append(_unreadable(error, name, place))

    source = Source(name, on_fault=note_fault)
    if is_hub_name(name):
        examples = parse_table(open_hub(name), source, reading)
        return _collect(examples, source, findings, faults)
    with open_data(Path(name)) as file:
        data = file.read()
    if data.startswith(PARQUET_MAGIC):
        return _collect(_parse(data, source, reading), source, findings, faults)
    if is_signed(data):  # else some of it passes for a text in some encoding
        return _collect(_parse(data, source, reading), source, findings, faults)
    decoded = decode_file(data)
    findings.extend(_list_encoding(decoded, name))
    examples = _parse(decoded.content, source, reading)
    return _collect(examples, source, findings, faults, decoded)


def text_of(example: Example) -> str:
    """The text that others may share: the context of a question, or the tagged text itself."""
    return example.context if isinstance(example, QuestionExample) else example.text


def group_by_text(examples: Sequence[Example]) -> dict[str, list[int]]:
    """Each distinct text, in order, with the rows of all examples that have it."""
    rows: dict[str, list[int]] = {}
    for row, example in enumerate(examples):
        rows.setdefault(text_of(example), []).append(row)
    return rows


def has_own_id(example: Example) -> bool:
    """Whether the file gives the id, which else is the number of the line, row or item."""
    match = _MADE_PLACE.match(example.place)
    return match is None or match[1] != example.id


def _parse(data: bytes, source: Source, reading: Reading) -> Iterator[Example]:
    with BufferedReader(BytesIO(data)) as file:
        yield from parse(cast("DataFile", file), source, reading)


def _collect(
    examples: Iterator[Example],
    source: Source,
    findings: list[Finding],
    faults: list[DataError],
    decoded: DecodedFile | None = None,
) -> OpenedFile:
    """All that can be read.

    Raises:
        DataError: that is nothing at all.
    """
    found: list[Example] = []
    ends_early = False
    try:
        for example in examples:
            found.append(example)  # one by one: what comes before a mistake is kept
    except DataError as error:
        if not found:
            raise
        ends_early = True
        place = error.where.removeprefix(source.name).lstrip(", ")
        findings.append(
            _unreadable(error, source.name, place, ending="; nothing behind it is read")
        )
    if not found:
        if not faults:
            raise DataError("there is no question and no text in it", where=source.name)
        first = faults[0]
        raise DataError(
            f"no question and no text in it can be read; the first: {first.problem}",
            where=first.where,
            expected=first.expected,
            found=first.found,
            fix=first.fix,
        )
    findings.extend(_list_repeated_ids(found, source.name))
    return OpenedFile(
        source.name, tuple(found), tuple(findings), decoded, source.unread, ends_early
    )


def _unreadable(error: DataError, name: str, place: str, ending: str = "") -> Finding:
    problem = error.problem + (f", found {error.found}" if error.found else "")
    expected = f"expected {error.expected}" if error.expected else ""
    return Finding("unreadable", name, place, problem + ending, repair=error.fix or expected)


def _list_encoding(decoded: DecodedFile, name: str) -> Iterator[Finding]:
    if decoded.has_mark:
        mark = "the file begins with a byte order mark"
        repair = "other programs take it for a character of the first key or word: take it off"
        yield Finding("byte_order_mark", name, "byte 1", mark, repair=repair, is_mended=True)
    if not decoded.encoding:
        yield Finding(
            "encoding",
            name,
            "the file",
            "not UTF-8, and in no encoding that can be told",
            repair=f"iconv -f ENCODING -t utf-8 {name}",
        )
    elif decoded.encoding != "utf-8":
        yield Finding(
            "encoding",
            name,
            "the file",
            f"not UTF-8; it seems to be {decoded.encoding}",
            repair=f"iconv -f {decoded.encoding} -t utf-8 {name}",
            is_mended=True,
        )
    for bad in decoded.bad_lines:
        seems = f"; the line seems to be {bad.encoding}" if bad.encoding else ""
        yield Finding(
            "encoding",
            name,
            f"line {bad.line}",
            f"byte {bad.byte} of the line, 0x{bad.value:02x}, is not UTF-8{seems}",
            repair=f"read as {bad.encoding}" if bad.encoding else "",
            is_mended=bool(bad.encoding),
        )


def _list_repeated_ids(examples: list[Example], name: str) -> Iterator[Finding]:
    report, places = Reporter(name), dict[str, str]()
    for row, example in enumerate(examples):
        if example.id not in places:
            places[example.id] = example.place
            continue
        problem = f"the id {example.id!r} is also that of {places[example.id]}"
        yield report.of("repeated_id", row, example, problem, repair="an id of its own for each")
