"""What a file is that holds neither questions nor tagged texts, and how to say so."""

from __future__ import annotations

from itertools import islice

from spanfit.data.fields import JsonObject, near_miss
from spanfit.errors import DataError

EXPECTED = (
    "SQuAD's JSON, or JSON Lines, CSV or Parquet with 'question' and 'context'; or tagged texts: "
    "columns, or JSON with 'words' and 'tags', or with 'text' and 'entities' (see docs/files.md)"
)

_WRONG = "not a file of questions or tagged texts"
_SIGNATURES = {
    b"PK\x03\x04": "a zip archive",
    b"BZh": "bzip2-compressed data",
    b"\xfd7zXZ": "xz-compressed data",
    b"\x28\xb5\x2f\xfd": "zstd-compressed data",
    b"ARROW1": "an Arrow table",
    b"\xff\xfe": "text in UTF-16",
    b"\xfe\xff": "text in UTF-16",
}


def foreign_object_error(record: JsonObject, name: str) -> DataError:
    """The error for a JSON object that is neither SQuAD's nor a question."""
    keys = ", ".join(repr(key) for key in islice(record, 6))
    near = near_miss("data", record)
    kind = _describe_object(record)
    return DataError(
        _WRONG,
        where=name,
        expected=EXPECTED,
        found=kind or (f"an object with the keys {keys}" if keys else "an empty object"),
        fix=f"rename {near!r} to 'data'" if near else "",
    )


def foreign_error(first: bytes, name: str) -> DataError:
    """The error for a file whose first line does not begin with an object."""
    if first.lstrip().startswith(b"["):
        found = "a JSON array"
        fix = f"jq -c '.[]' {name} > questions.jsonl, which writes each item on a line of its own"
    else:
        found = _describe_start(first)
        is_text = not describe_binary(first)
        fix = is_text * (
            "--columns names=word,tag, if these are columns that are so called; "
            "--columns tags=, if each line is a word to tag"
        )
    return DataError(_WRONG, where=name, expected=EXPECTED, found=found, fix=fix)


def _describe_object(record: JsonObject) -> str:
    """What else the first object of a file may be; empty if nothing that we know."""
    keys = record.keys()
    if keys >= {"id", "answer"} or "n_best" in keys:
        return "what looks like predictions (JSON Lines): second argument of `spanfit score`"
    if record and all(isinstance(value, str) for value in record.values()):
        return "what looks like predictions ({id: text}): second argument of `spanfit score`"
    if record and all(isinstance(value, int | float) for value in record.values()):
        return "what looks like {id: number}: --na-probs of `spanfit score`"
    return ""


def _describe_start(first: bytes) -> str:
    """What a file is that does not begin with an object."""
    if kind := describe_binary(first):
        return kind
    line = first.decode("utf-8", "replace").strip()
    if "\t" in line or line.count(",") >= 2:
        return f"what looks like a table without a header that names them: {line[:60]!r}"
    return f"plain text: {line[:60]!r}"


def describe_binary(start: bytes) -> str:
    """What a file is that holds no text in UTF-8; empty if it may."""
    for signature, kind in _SIGNATURES.items():
        if start.startswith(signature):
            return kind
    return "binary data" if b"\x00" in start else ""
