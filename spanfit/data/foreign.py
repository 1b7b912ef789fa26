"""What a file is that holds neither questions nor tagged texts, and how to say so."""

from __future__ import annotations

import json
import re
import shlex
from itertools import islice

from spanfit.data.fields import JsonObject, describe, near_miss
from spanfit.errors import DataError
from spanfit.model_files import LFS_POINTER

EXPECTED = (
    "SQuAD's JSON, or JSON Lines, CSV or Parquet with 'question' and 'context'; or tagged texts: "
    "columns, or JSON with 'words' and 'tags', or with 'text' and 'entities' (see docs/files.md)"
)

_FEW_KEYS = 6  # of an object that a server answers with
_WRONG = "not a file of questions or tagged texts"
SAMPLES = "docs/files.md, which has a sample of each format"
_WORKBOOK = ("a document of a spreadsheet program", "save it there as CSV in UTF-8")
_ARROW = "datasets.Dataset.from_file({file!r}).to_parquet(…), in Python"
_SIGNATURES = {
    b"PK\x03\x04": ("a zip archive", "unzip {file}"),
    b"7z\xbc\xaf\x27\x1c": ("a 7z archive", "7z x {file}"),
    b"Rar!\x1a\x07": ("a rar archive", "7z x {file}"),
    b"\xd0\xcf\x11\xe0": _WORKBOOK,
    b"\x1f\x8b": ("gzip-compressed data, twice", "zcat {file} > once.gz"),
    b"BZh": ("bzip2-compressed data", "bzcat {file} > unpacked"),
    b"\xfd7zXZ": ("xz-compressed data", "xzcat {file} > unpacked"),
    b"\x28\xb5\x2f\xfd": ("zstd-compressed data", "zstdcat {file} > unpacked"),
    b"ARROW1": ("an Arrow table", "pandas.read_feather({file!r}).to_parquet(…), in Python"),
    b"\xff\xff\xff\xff": ("an Arrow table, as the library datasets keeps it", _ARROW),
    b"\x89PNG": ("a picture", SAMPLES),
    b"%PDF-": ("a PDF", SAMPLES),
    **{
        bytes([0x80, protocol]): ("a pickle, which is never read", "write it as JSON Lines")
        for protocol in range(2, 6)
    },
}
"""How files begin that hold no text: what they are, and what to type."""
_OFFICE = re.compile(
    rb"PK\x03\x04.{26}(?:\[Content_Types\]|_rels/|docProps/|xl/|mimetype)", re.DOTALL
)
"""How a zip archive begins that is a document: by the name of its first file."""
_TAR = b"ustar"  # at byte 257
_WIDE = (
    (re.compile(rb"\xff\xfe\x00\x00|\x00\x00\xfe\xff"), "UTF-32", "utf-32"),
    (re.compile(rb"\xff\xfe|\xfe\xff"), "UTF-16", "utf-16"),
    (re.compile(rb"[\t\r\n -~]\x00"), "UTF-16", "utf-16le"),
    (re.compile(rb"\x00[\t\r\n -~]"), "UTF-16", "utf-16be"),
)
"""How text in wide characters begins: its encoding, and what iconv calls that."""
_PAGE = re.compile(rb"\s*<(?:!doctype html|html)", re.IGNORECASE)
_XML = re.compile(rb"\s*<\?xml\b")
_COMMENT = re.compile(rb"\s*(?://|/\*)")
_SEPARATOR = re.compile(rb"\"?sep=.\"?\s*", re.IGNORECASE)
_ERROR_KEYS = {"error", "message", "detail"}


def foreign_object_error(record: JsonObject, name: str) -> DataError:
    """The error for a JSON object that is neither SQuAD's nor a question."""
    keys = ", ".join(repr(key) for key in islice(record, 6))
    near = near_miss("data", record)
    kind, fix = _describe_object(record)
    return DataError(
        _WRONG,
        where=name,
        expected=EXPECTED,
        found=kind or (f"an object with the keys {keys}" if keys else "an empty object"),
        fix=f"rename {near!r} to 'data'" if near else fix,
    )


def foreign_error(first: bytes, name: str) -> DataError:
    """The error for a file whose first line does not begin with an object."""
    found, fix = _describe_start(first)
    return DataError(
        _WRONG, where=name, expected=EXPECTED, found=found, fix=fix.format(file=shlex.quote(name))
    )


def _describe_object(record: JsonObject) -> tuple[str, str]:
    """What else the first object of a file may be, "" if nothing that we know; and what to type."""
    keys = record.keys()
    if keys >= {"id", "answer"} or "n_best" in keys:
        return (
            "what looks like predictions (JSON Lines): second argument of `spanfit score`",
            SAMPLES,
        )
    if len(record) < _FEW_KEYS and any(isinstance(record.get(key), str) for key in _ERROR_KEYS):
        said = next(value for key, value in record.items() if key in _ERROR_KEYS)
        return f"what a server says in the place of a file: {describe(said)}", "fetch it again"
    if record and all(isinstance(value, str) for value in record.values()):
        return (
            "what looks like predictions ({id: text}): second argument of `spanfit score`",
            SAMPLES,
        )
    if record and all(isinstance(value, int | float) for value in record.values()):
        return "what looks like {id: number}: --na-probs of `spanfit score`", SAMPLES
    return "", SAMPLES


def _describe_start(first: bytes) -> tuple[str, str]:
    """What a file is that does not begin with an object, and what to type; {file} is its name."""
    if other := _find_other(first):
        return other
    if _SEPARATOR.fullmatch(first):
        return "the line that tells Excel a separator", "tail -n +2 {file} > table.csv"
    if _COMMENT.match(first):
        return "a comment, which JSON does not have", "take all comments out"
    if b"\r" in first.rstrip(b"\r\n"):
        return "lines that end in carriage returns", "tr '\\r' '\\n' < {file} > lines"
    if (value := _read_value(first)) is not None:
        return value
    line = first.decode("utf-8", "replace").strip()
    columns = (
        "--columns names=word,tag, if these are columns that are so called; "
        "--columns tags=, if each line is a word to tag"
    )
    if "\t" in line or line.count(",") >= 2:
        return f"what looks like a table without a header that names them: {line[:60]!r}", columns
    return f"plain text: {line[:60]!r}", columns


def _find_other(first: bytes) -> tuple[str, str] | None:
    """What a file is that can hold no data of any kind, and what to type; None if it may."""
    if binary := find_binary(first):
        return binary
    if _PAGE.match(first):
        return "a web page", "fetch the file itself, not the page that shows it"
    if _XML.match(first):
        return "XML, perhaps what a server says in the place of a file", "fetch it again"
    if first.startswith(LFS_POINTER):
        return "what Git LFS puts in the place of a file", "git lfs pull"
    return None


def refuse_other(first: bytes, name: str, *, expected: str) -> None:
    """Refuse a file of which the first line shows that it can hold nothing that is read.

    Raises:
        DataError: it is something else.
    """
    if (other := _find_other(first)) is not None:
        found, fix = other
        raise DataError(
            "not a file of predictions",
            where=name,
            expected=expected,
            found=found,
            fix="" if fix == SAMPLES else fix.format(file=shlex.quote(name)),
        )


def _read_value(first: bytes) -> tuple[str, str] | None:
    """The same of JSON that is no object."""
    if first.lstrip().startswith(b"["):
        fix = "jq -c '.[]' {file} > questions.jsonl, which writes each item on a line of its own"
        return "a JSON array", fix
    try:
        value = json.loads(first)
    except (ValueError, RecursionError):
        return None
    return f"a JSON value, {describe(value)}", SAMPLES


def find_binary(start: bytes) -> tuple[str, str] | None:
    """What a file is that holds no text in UTF-8, and what to type; None if it may be text."""
    if told := tell_by_start(start):
        return told
    return ("binary data", SAMPLES) if b"\x00" in start else None


def tell_by_start(start: bytes) -> tuple[str, str] | None:
    """The same of what begins as some other kind of file does, or as text in wide characters."""
    if _OFFICE.match(start):
        return _WORKBOOK
    if start.startswith(_TAR, 257):
        return "a tar archive", "tar -xf {file}"
    for signature, kind in _SIGNATURES.items():
        if start.startswith(signature):
            return kind
    for beginning, name, encoding in _WIDE:
        if beginning.match(start):
            return f"text in {name}", f"iconv -f {encoding} -t utf-8 {{file}} > utf8"
    return None


def is_signed(start: bytes) -> bool:
    """Whether a file begins as one does that holds no text in any encoding."""
    return start.startswith(tuple(_SIGNATURES))
