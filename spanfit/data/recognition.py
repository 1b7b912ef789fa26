"""Which format a file of questions holds; the content decides, never the file's name.

A SQuAD file is one JSON object with `data`; in JSON Lines each line is an object; the header of a
CSV table names `question` and `context`; a Parquet table says so itself. Whatever else a user may
have given by mistake is named in the error.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from itertools import islice

from spanfit.data.fields import JsonObject, Source, near_miss
from spanfit.data.files import (
    DataFile,
    all_lines,
    is_unfinished_json,
    numbered_lines,
    parse_json,
    skip_blank,
)
from spanfit.data.jsonl import parse_lines
from spanfit.data.squad import parse_squad
from spanfit.data.tabular import PARQUET_MAGIC, find_delimiter, parse_csv, parse_parquet
from spanfit.errors import DataError
from spanfit.types import QuestionExample

EXPECTED = (
    "SQuAD's JSON, or JSON Lines, CSV or Parquet with 'question' and 'context' (see docs/files.md)"
)

FIRST_LINES = 100
"""Lines that are looked at to find a question, where faulty ones may be left out."""

_SIGNATURES = {
    b"PK\x03\x04": "a zip archive",
    b"BZh": "bzip2-compressed data",
    b"\xfd7zXZ": "xz-compressed data",
    b"\x28\xb5\x2f\xfd": "zstd-compressed data",
    b"ARROW1": "an Arrow table",
    b"\xff\xfe": "text in UTF-16",
    b"\xfe\xff": "text in UTF-16",
}


def parse(file: DataFile, source: Source) -> Iterator[QuestionExample]:
    """The questions in `file`.

    Raises:
        DataError: the file is empty, holds something else, or holds a mistake.
        MissingExtraError: it holds a Parquet table, and pyarrow is not installed.
    """
    name = source.name
    if file.peek(len(PARQUET_MAGIC)).startswith(PARQUET_MAGIC):
        return parse_parquet(file, source)
    if source.on_fault is not None and is_json_lines(file):
        return parse_lines(numbered_lines(file), source)  # whatever the first line is
    with_blank = all_lines(file)
    lines = skip_blank(with_blank)
    number, first = next(lines, (0, b""))
    if not first:
        raise DataError("the file is empty", where=name, expected=EXPECTED)
    if not first.lstrip().startswith(b"{"):
        if (delimiter := find_delimiter(first)) is None:
            raise _foreign_error(first, name)
        rows = itertools.chain([(number, first)], with_blank)  # a cell may hold a blank line
        return parse_csv(rows, source, delimiter=delimiter)
    return _parse_json(file, source, number=number, first=first, lines=lines)


def _parse_json(
    file: DataFile,
    source: Source,
    *,
    number: int,
    first: bytes,
    lines: Iterator[tuple[int, bytes]],
) -> Iterator[QuestionExample]:
    """The questions of a file whose `first` line opens an object; `lines` are the others."""
    name = source.name
    try:
        record = parse_json(first, name=name, line=number)
    except DataError:
        if not is_unfinished_json(first):
            raise
        # The object goes on over several lines.
        return _parse_document(parse_json(first + file.read(), name=name, line=number), source)
    if "data" in record and "question" not in record:
        _refuse_rest(lines, name)
        return parse_squad(record, source)
    if not record.keys() & {"question", "context"} and not near_miss("question", record):
        raise _foreign_object_error(record, name)
    return parse_lines(itertools.chain([(number, first)], lines), source)


def is_json_lines(file: DataFile) -> bool:
    """Whether one of the first lines is a question; `file` then stands at its start again.

    Not where an array begins with the first line and goes on: its last item may look like a line.
    """
    lines = (line for _, line in islice(numbered_lines(file), FIRST_LINES))
    first = next(lines, b"")
    is_array = first.lstrip().startswith(b"[") and is_unfinished_json(first)
    found = not is_array and any(map(_is_question, itertools.chain([first], lines)))
    file.seek(0)
    return found


def _is_question(line: bytes) -> bool:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(record, dict) and record.keys() >= {"question", "context"}


def _parse_document(document: JsonObject, source: Source) -> Iterator[QuestionExample]:
    """The questions of one JSON object that fills several lines."""
    if "data" in document:
        return parse_squad(document, source)
    if "question" in document:
        raise DataError(
            "one question spread over several lines",
            where=source.name,
            expected="JSON Lines: each question on a line of its own",
            fix=f"jq -c . {source.name} > questions.jsonl",
        )
    raise _foreign_object_error(document, source.name)


def _foreign_object_error(record: JsonObject, name: str) -> DataError:
    """The error for a JSON object that is neither SQuAD's nor a question."""
    keys = ", ".join(repr(key) for key in islice(record, 6))
    near = near_miss("data", record)
    kind = _describe_object(record)
    return DataError(
        "not a file of questions",
        where=name,
        expected=EXPECTED,
        found=kind or (f"an object with the keys {keys}" if keys else "an empty object"),
        fix=f"rename {near!r} to 'data'" if near else "",
    )


def _foreign_error(first: bytes, name: str) -> DataError:
    """The error for a file whose first line does not begin with an object."""
    is_array = first.lstrip().startswith(b"[")
    return DataError(
        "not a file of questions",
        where=name,
        expected=EXPECTED,
        found="a JSON array" if is_array else _describe_start(first),
        fix=f"jq -c '.[]' {name} > questions.jsonl, which writes each item on a line of its own"
        if is_array
        else "",
    )


def _describe_object(record: JsonObject) -> str:
    """What else the first object of a file may be; empty if nothing that we know."""
    keys = record.keys()
    if keys >= {"id", "answer"} or "n_best" in keys:
        return "what looks like predictions (JSON Lines): second argument of `spanfit score`"
    if keys & {"text", "words", "tokens"} and keys & {"tags", "entities", "ner_tags"}:
        return "what looks like tagged text, not questions"
    if record and all(isinstance(value, str) for value in record.values()):
        return "what looks like predictions ({id: text}): second argument of `spanfit score`"
    if record and all(isinstance(value, int | float) for value in record.values()):
        return "what looks like {id: number}: --na-probs of `spanfit score`"
    return ""


def _describe_start(first: bytes) -> str:
    """What a file is that does not begin with an object."""
    for signature, kind in _SIGNATURES.items():
        if first.startswith(signature):
            return kind
    if b"\x00" in first:
        return "binary data"
    line = first.decode("utf-8", "replace").strip()
    if line.startswith("-DOCSTART-") or line.split()[-1:] == ["O"] or "\tB-" in line:
        return f"what looks like tagged text in columns (CoNLL): {line[:60]!r}"
    if "\t" in line or line.count(",") >= 2:
        return f"what looks like a table without a header that names them: {line[:60]!r}"
    return f"plain text: {line[:60]!r}"


def _refuse_rest(lines: Iterator[tuple[int, bytes]], name: str) -> None:
    """Raise if something follows a document that ended with its line."""
    for number, line in lines:
        raise DataError(
            "something follows the end of the JSON object",
            where=f"{name}, line {number}",
            expected="one object with 'data', and nothing after it",
            found=repr(line[:60].decode("utf-8", "replace")),
        )
