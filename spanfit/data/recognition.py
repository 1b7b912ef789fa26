"""Which format a file holds, and of what; the content decides, never the file's name.

Questions: a SQuAD file is one JSON object with `data`; in JSON Lines each line is an object; the
header of a CSV table names `question` and `context`; a Parquet table says so itself. Tagged texts:
lines or an array of objects with `words`, `tokens` or `text`; or columns. Whatever else a user may
have given by mistake is named in the error.
"""

from __future__ import annotations

import itertools
import json
import re
import shlex
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Literal

from spanfit.data import jsonl, tabular, tagged_jsonl, tagged_tables
from spanfit.data.column_choice import ColumnChoice
from spanfit.data.columns import are_columns
from spanfit.data.conll import parse_conll
from spanfit.data.fields import JsonObject, Source, near_miss
from spanfit.data.files import (
    UTF8_MARK,
    DataFile,
    all_lines,
    numbered_lines,
    skip_blank,
)
from spanfit.data.foreign import EXPECTED, find_binary, foreign_error, foreign_object_error
from spanfit.data.parsing import is_unfinished_json, may_be_json, parse_json
from spanfit.data.record_keys import WORD_KEYS, TagChoice
from spanfit.data.squad import parse_squad
from spanfit.data.tables import PARQUET_MAGIC, Table, open_parquet
from spanfit.data.tagged_records import stream_tagged
from spanfit.errors import DataError
from spanfit.examples import AS_IT_IS, Example, Reading

FIRST_LINES = 100
"""Lines that are looked at to find an example, where faulty ones may be left out."""

_OBJECT = re.compile(rb'\s*\{\s*("|\}|$)')
_COLUMN_LINES = 1_000  # lines that show whether a file holds columns: comments may come first
_COLUMN_BYTES = 1 << 20  # and no more of it: a line may be of any length

Kind = Literal["question", "text"]
"""What one JSON object is."""
_KEYS: dict[Kind, tuple[str, ...]] = {
    "question": ("question", "context"),
    "text": ("text", *WORD_KEYS),
}
_MISSPELT: dict[Kind, tuple[str, ...]] = {"question": ("question",), "text": _KEYS["text"]}


def parse(file: DataFile, source: Source, reading: Reading = AS_IT_IS) -> Iterator[Example]:
    """The examples in `file`.

    Raises:
        DataError: the file is empty, holds something else, or holds a mistake.
        MissingExtraError: it holds a Parquet table, and pyarrow is not installed.
    """
    name = source.name
    if file.peek(len(PARQUET_MAGIC)).startswith(PARQUET_MAGIC):
        return parse_table(open_parquet(file, name), source, reading)
    if source.on_fault is not None and (kind := find_lines(file)) is not None:
        # Whatever the first line is.
        return _parse_lines(kind, numbered_lines(file), source, reading)
    with_blank = all_lines(file)
    lines = skip_blank(with_blank)
    number, first = next(lines, (0, b""))
    if not first:
        fix = f"ls -l {shlex.quote(name)}, and write or fetch it again"
        raise DataError("the file is empty", where=name, expected=EXPECTED, fix=fix)
    if b"\x00" in first[:2]:  # UTF-16, in which an object would else be taken for broken JSON
        raise foreign_error(first, name)
    are_columns_chosen = _chooses_columns(reading)
    opens = first.lstrip().startswith(b"{") and not are_columns_chosen
    if _OBJECT.match(first) or (opens and not _holds_columns(file)):
        return _parse_json(file, source, reading, number=number, first=first, lines=lines)
    if first.lstrip().startswith(b"[") and may_be_json(first):
        return _parse_array(first + file.read(), source, reading, number=number)
    if (delimiter := tabular.find_delimiter(first)) is not None:
        rows = itertools.chain([(number, first)], with_blank)  # a cell may hold a blank line
        return tabular.parse_csv(rows, source, delimiter=delimiter)
    file.seek(0)
    if are_columns_chosen or _holds_columns(file):
        choice = ColumnChoice.of(reading)
        return iter(parse_conll(file, source, choice, joiner=reading.joiner).examples)
    raise foreign_error(first, name)


def parse_table(table: Table, source: Source, reading: Reading) -> Iterator[Example]:
    """The examples in the rows of a table.

    Raises:
        DataError: a column is missing, or a row is wrong.
    """
    if tagged_tables.holds_texts(table.columns):
        return tagged_tables.parse_table(table, source, reading)
    return tabular.parse_table(table, source)


def find_lines(file: DataFile) -> Kind | None:
    """What the first of the first lines that is an example is; `file` is at its start again.

    None where none is one, and where an array begins with the first line and goes on: its last item
    may look like a line.
    """
    lines = (line for _, line in islice(numbered_lines(file), FIRST_LINES))
    first = next(lines, b"")
    is_array = first.lstrip().startswith(b"[") and is_unfinished_json(first)
    kinds = (kind for kind in map(_kind_of_line, itertools.chain([first], lines)) if kind)
    found = None if is_array else next(kinds, None)
    file.seek(0)
    return found


def _kind_of_line(line: bytes) -> Kind | None:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or ("data" in record and "question" not in record):
        return None  # the latter is SQuAD's, whatever else stands beside its data
    if record.keys() >= {*_KEYS["question"]}:
        return "question"
    return "text" if record.keys() & {*_KEYS["text"]} and "question" not in record else None


def _kind_of(record: JsonObject) -> Kind | None:
    """What an object is, or would be but for a misspelt key."""
    for kind, keys in _KEYS.items():
        if record.keys() & {*keys}:
            return kind
    for kind, keys in _MISSPELT.items():
        if any(near_miss(key, record) for key in keys):
            return kind
    return None


def _parse_lines(
    kind: Kind, lines: Iterable[tuple[int, bytes]], source: Source, reading: Reading
) -> Iterator[Example]:
    if kind == "question":
        return jsonl.parse_lines(lines, source)
    records = tagged_jsonl.parse_lines(lines, source)
    return stream_tagged(records, source, TagChoice.of(reading), joiner=reading.joiner)


def _parse_json(
    file: DataFile,
    source: Source,
    reading: Reading,
    *,
    number: int,
    first: bytes,
    lines: Iterator[tuple[int, bytes]],
) -> Iterator[Example]:
    """The examples of a file whose `first` line opens an object; `lines` are the others."""
    name = source.name
    try:
        record = parse_json(first, name=name, line=number)
    except DataError:
        if not (rest := file.read()).strip() or not is_unfinished_json(first):
            raise
        # The object goes on over several lines.
        return _parse_document(parse_json(first + rest, name=name, line=number), source)
    if "data" in record and "question" not in record:
        _refuse_rest(lines, name)
        return parse_squad(record, source)
    if (kind := _kind_of(record)) is None:
        raise foreign_object_error(record, name)
    return _parse_lines(kind, itertools.chain([(number, first)], lines), source, reading)


def _parse_document(document: JsonObject, source: Source) -> Iterator[Example]:
    """The questions of one JSON object that fills several lines."""
    if "data" in document:
        return parse_squad(document, source)
    if (kind := _kind_of(document)) is not None:
        raise DataError(
            f"one {kind} spread over several lines",
            where=source.name,
            expected=f"JSON Lines: each {kind} on a line of its own",
            fix=f"jq -c . {shlex.quote(source.name)} > {kind}s.jsonl",
        )
    raise foreign_object_error(document, source.name)


def _parse_array(
    data: bytes, source: Source, reading: Reading, *, number: int
) -> Iterator[Example]:
    """The texts of an array that begins on line `number`; questions do not come in arrays."""
    records = list(tagged_jsonl.parse_array(data, source, line=number))
    first = records[0].value if records else None
    if not isinstance(first, dict) or _kind_of(first) != "text":
        raise foreign_error(b"[", source.name)
    return stream_tagged(records, source, TagChoice.of(reading), joiner=reading.joiner)


def _chooses_columns(reading: Reading) -> bool:
    """Whether the user said which columns to read, so that nothing need be guessed."""
    names = ("words", "tags", "names", "separator")
    return any(getattr(reading, name) != getattr(AS_IT_IS, name) for name in names)


def _holds_columns(file: DataFile) -> bool:
    """Whether the first lines look like columns; `file` is at its start again."""
    start = file.read(_COLUMN_BYTES)
    file.seek(0)
    if find_binary(start.partition(b"\n")[0]):
        return False
    text = start.removeprefix(UTF8_MARK).decode("utf-8", "replace").replace("\r\n", "\n")
    lines = text.split("\n", _COLUMN_LINES)[:_COLUMN_LINES]
    is_cut = len(start) == _COLUMN_BYTES and len(lines) < _COLUMN_LINES
    return are_columns(lines[:-1] if is_cut else lines)


def _refuse_rest(lines: Iterator[tuple[int, bytes]], name: str) -> None:
    """Raise if something follows a document that ended with its line."""
    for number, line in lines:
        raise DataError(
            "something follows the end of the JSON object",
            where=f"{name}, line {number}",
            expected="one object with 'data', and nothing after it",
            found=repr(line[:60].decode("utf-8", "replace")),
            fix=f"head -n {number - 1} {shlex.quote(name)} > first.json, which leaves it out",
        )
