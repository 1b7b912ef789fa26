r"""Tables with SQuAD's columns: CSV, TSV and Parquet, a question a row.

The golds stand in one column, as the `datasets` library and pandas write them (JSON, or Python's
way to write the same; in Parquet a struct of two lists):

    id,title,context,question,answers
    q1,Lamps,The lamp was lit in 1864.,When was the lamp lit?,"{""text"": [""1864""], ""answer_start"": [20]}"
    q2,Lamps,The lamp was lit in 1864.,Who lit the lamp?,"{'text': [], 'answer_start': []}"

or a question's only gold in two columns; a blank cell says that there is no answer:

    id,context,question,answer,answer_start
    q1,The lamp was lit in 1864.,When was the lamp lit?,1864,20
    q2,The lamp was lit in 1864.,Who lit the lamp?,,

Without any of these columns, or with a blank cell of `answers`, the gold is not given. The order of
columns does not matter. `is_impossible` (as in SQuAD) and `synthetic` are read too; other columns
are passed over. `answer_text` is another name of `answer`. Cells are quoted as RFC 4180 says, so a
context may hold line breaks; tabs and semicolons separate as well as commas.
"""  # noqa: E501 (a row of the format is a line)

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from spanfit.data import cells, fields
from spanfit.data.fields import Source
from spanfit.data.files import decode
from spanfit.data.records import KEYS, read_record
from spanfit.data.rows import LARGEST_CELL, Row, split_rows
from spanfit.data.tables import Table
from spanfit.errors import DataError, require
from spanfit.types import QuestionExample

ALL_COLUMNS = KEYS | {*cells.GOLD_COLUMNS, "answer_start"}
"""Everything that is read of a table."""
_REQUIRED = ("question", "context")
_DELIMITERS = (",", "\t", ";")
_LONGEST_HEADER = 10_000  # bytes
_ROW_GROUP = 10_000  # rows of Parquet that are written together
_LARGEST_START = 2**31 - 1  # the hub's SQuAD stores starts in 32 bits


def find_delimiter(header: bytes) -> str | None:
    """What separates the cells of a header that has SQuAD's columns; None if it has not."""
    line = header[:_LONGEST_HEADER].decode("utf-8", "replace")
    for delimiter in _DELIMITERS:
        try:
            columns = dict.fromkeys(_split_header(line, delimiter))
        except csv.Error:
            continue
        if all(fields.near_miss(column, columns) for column in _REQUIRED):
            return delimiter
    return None


def parse_csv(
    lines: Iterable[tuple[int, bytes]], source: Source, *, delimiter: str
) -> Iterator[QuestionExample]:
    """The questions of numbered lines, of which the first is the header.

    Raises:
        DataError: a row is not as above; with its number (the first after the header is 1), the
            line on which it begins, and the column.
    """
    lines = iter(lines)
    number, header = next(lines)
    text = decode(header, name=source.name, line=number)
    try:
        columns = _split_header(text, delimiter)
    except csv.Error as error:
        problem = f"the header can't be read: {error}"
        raise DataError(problem, where=f"{source.name}, line {number}") from None
    _check_columns(columns, f"{source.name}, line {number}")
    rows = split_rows(lines, columns, source, delimiter=delimiter, header=number)
    return _read_rows(rows, source)


def parse_table(table: Table, source: Source) -> Iterator[QuestionExample]:
    """The question of each row.

    Raises:
        DataError: a column is missing, or a row is not as above; with its number.
    """
    _check_columns(table.columns, source.name)
    columns = [name for name in table.columns if name in ALL_COLUMNS]
    for name in {*table.columns} - ALL_COLUMNS:
        source.unread[f"{name!r} of the questions"] += table.n_rows
    rows = enumerate(table.rows(columns), 1)
    return _read_rows(((n, f"row {n}", row) for n, row in rows), source)


def write_parquet(path: Path, examples: Iterable[QuestionExample]) -> None:
    """Write SQuAD's columns as the hub has them, and `synthetic` (null for real questions).

    Raises:
        DataError: a start does not fit into 32 bits.
        MissingExtraError: pyarrow is not installed.
    """
    arrow, parquet = (
        require("pyarrow", extra="tabular"),
        require("pyarrow.parquet", extra="tabular"),
    )
    text = arrow.string()
    answers = {"text": arrow.list_(text), "answer_start": arrow.list_(arrow.int32())}
    columns = dict.fromkeys(("id", "title", "context", "question"), text)
    columns |= {"answers": arrow.struct(answers), "synthetic": text}
    rows = map(_to_row, examples)
    with parquet.ParquetWriter(path, arrow.schema(columns)) as writer:
        while batch := list(islice(rows, _ROW_GROUP)):
            writer.write_batch(arrow.RecordBatch.from_pylist(batch, schema=writer.schema))


def _split_header(line: str, delimiter: str) -> list[str]:
    csv.field_size_limit(LARGEST_CELL)
    return [name.strip() for name in next(csv.reader([line], delimiter=delimiter), [])]


def _check_columns(columns: Sequence[str], where: str) -> None:
    """Refuse a table whose columns leave something open, or would lose the gold."""
    doubled = [name for name, times in Counter(columns).items() if times > 1 and name]
    if doubled:
        raise DataError(
            f"there are several columns {doubled[0]!r}",
            where=where,
            expected="names that differ",
            fix="rename one of them, or leave it out",
        )
    names = dict.fromkeys(columns)
    try:
        for column in _REQUIRED:
            fields.require_key(names, column)
    except DataError as error:
        raise DataError(
            error.problem.replace("key", "column"),
            where=where,
            found=f"the columns {', '.join(map(repr, columns))}",
            fix=error.fix or "a column of that name; docs/files.md shows a table",
        ) from None
    golds = [name for name in ("answers", *cells.GOLD_COLUMNS) if name in names]
    if len(golds) > 1 or (not golds and "answer_start" in names):
        raise DataError(
            "the columns do not say which answers are the gold",
            where=where,
            expected="'answers', or 'answer' with or without 'answer_start'",
            found=", ".join(map(repr, golds)) if golds else "'answer_start' alone",
            fix="rename or leave out what is not the gold",
        )


def _read_rows(rows: Iterable[tuple[int, str, Row]], source: Source) -> Iterator[QuestionExample]:
    previous = ""
    for number, place, row in rows:
        try:
            example = read_record(
                cells.to_record(row), source, number=number, place=place, previous=previous
            )
        except DataError as error:
            located = fields.located(error, f"{source.name}, {place}")
            source.fault("row", number, located, record=row)
            continue
        previous = example.context
        yield example


def _to_row(example: QuestionExample) -> dict[str, Any]:
    answers = example.answers
    for gold in answers or ():
        if abs(gold.start) > _LARGEST_START:
            raise DataError(
                "the start of an answer is too large for the table",
                where=f"question {example.id!r}",
                expected=f"at most {_LARGEST_START:,}",
                found=str(gold.start),
            )
    return {
        "id": example.id,
        "title": example.title,
        "context": example.context,
        "question": example.question,
        "answers": None
        if answers is None
        else {"text": [gold.text for gold in answers], "answer_start": [g.start for g in answers]},
        "synthetic": example.synthetic or None,
    }
