"""The rows of a CSV table; one that cannot be read is told, and left out where that is possible.

Where rows end is known as long as quotes come in pairs. So a row with a stray quote is left out if
the quotes are even in number up to the line on which the csv module stumbles: it ends there. Else
reading stops: to guess would lose what is behind it, or take the text of a cell for a row. Bytes
that are not UTF-8 spoil only their own row.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from spanfit.data import fields
from spanfit.data.fields import Source
from spanfit.data.files import decode
from spanfit.errors import DataError

Row = Mapping[str, Any]

LARGEST_CELL = 2**31 - 1
"""Characters; the csv module stops at 131,072, which a book exceeds."""
_QUOTING = 'a cell that holds " stands within double quotes, and each " in it is doubled'


def split_rows(
    lines: Iterator[tuple[int, bytes]],
    columns: Sequence[str],
    source: Source,
    *,
    delimiter: str,
    header: int,
) -> Iterator[tuple[int, str, Row]]:
    """Number, place and cells of each row after line `header`; empty lines are skipped.

    Raises:
        DataError: a row cannot be read, and must not or cannot be left out.
    """
    csv.field_size_limit(LARGEST_CELL)
    texts = _RowLines(lines, source.name, last=header)
    reader = csv.reader(texts, delimiter=delimiter, strict=True)
    number = 0
    while True:
        texts.begin_row()
        place = f"row {number + 1} (line {texts.first})"
        where = f"{source.name}, {place}"
        try:
            row = next(reader, None)
        except csv.Error as error:
            number += 1
            if source.on_fault is not None and texts.is_open:
                raise _open_row_error(error, where) from None
            source.fault("row", number, texts.fault or _csv_error(error, where, texts))
            continue
        if row is None:
            return
        if not row:
            continue
        number += 1
        if texts.fault is not None:
            source.fault("row", number, texts.fault)
        elif len(row) != len(columns):
            source.fault("row", number, _width_error(row, columns, where, texts))
        elif row[0].removeprefix("\ufeff").strip() == columns[0] and _names(row[1:], columns[1:]):
            source.fault("row", number, _header_error(where))
        else:
            yield number, place, dict(zip(columns, row, strict=True))


class _RowLines:
    """Numbered lines as the texts that the csv module reads, with what is known of a row's.

    `first` and `last` are the numbers of the row's lines so far. `is_open` says that the row may
    not end with them: their quotes are odd in number, or it took other lines to the end of the
    file. `fault` is the error of the first line that is not UTF-8; its text has stand-ins for the
    wrong bytes, because where rows end is clear nevertheless.
    """

    def __init__(self, lines: Iterator[tuple[int, bytes]], name: str, *, last: int) -> None:
        self._lines, self._name = lines, name
        self.last = last
        self.begin_row()

    def begin_row(self) -> None:
        """Forget the row before."""
        self.first = self.last + 1
        self.is_open = False
        self.fault: DataError | None = None

    @property
    def extent(self) -> str:
        """Where the row ends, for messages, if not on its first line."""
        return f" (to line {self.last})" if self.last > self.first else ""

    def __iter__(self) -> _RowLines:
        return self

    def __next__(self) -> str:
        numbered = next(self._lines, None)
        if numbered is None:
            self.is_open = self.last > self.first
            raise StopIteration
        self.last, line = numbered
        self.is_open ^= line.count(b'"') % 2 == 1
        try:
            return decode(line, name=self._name, line=self.last)
        except DataError as error:
            self.fault = self.fault or error
            return line.decode("utf-8", "surrogateescape")


def _width_error(
    row: Sequence[str], columns: Sequence[str], where: str, lines: _RowLines
) -> DataError:
    return DataError(
        f"the row{lines.extent} has another number of cells than the header",
        where=where,
        expected=f"{len(columns)} cells",
        found=f"{len(row)}, of which the first is {fields.describe(row[0])}",
        fix="cells that hold the separator or a line break stand within double quotes",
    )


def _names(row: Sequence[str], columns: Sequence[str]) -> bool:
    """Whether cells are these names of columns."""
    return all(cell.strip() == name for cell, name in zip(row, columns, strict=True))


def _header_error(where: str) -> DataError:
    return DataError(
        "the names of the columns stand here once more",
        where=where,
        expected="a question; one table may have been put behind another",
        fix="leave this row out",
    )


def _csv_error(error: csv.Error, where: str, lines: _RowLines) -> DataError:
    problem = f"the row{lines.extent} can't be read: {error}"
    return DataError(problem, where=where, expected=_QUOTING, fix="correct its quotes")


def _open_row_error(error: csv.Error, where: str) -> DataError:
    """For a row that cannot be left out: what is behind it would go, or its own text be a row."""
    return DataError(
        f"the row can't be read: {error}; its quotes do not show where it ends, so that it can't "
        "be left out",
        where=where,
        expected=_QUOTING,
        fix="correct its quotes",
    )
