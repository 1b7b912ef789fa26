"""Opening files and parsing JSON, so that every mistake is reported with its place."""

from __future__ import annotations

import difflib
import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any, Literal

from spanfit.data.fields import located
from spanfit.errors import DataError, list_some

GZIP_MAGIC = b"\x1f\x8b"
UTF8_MARK = b"\xef\xbb\xbf"
DataFile = BufferedReader | gzip.GzipFile
"""A file open for reading bytes, which can be peeked at."""
MakeObject = Callable[[list[tuple[str, Any]]], Any]
"""Makes what stands for a JSON object, from its keys and values."""

_EXCERPT = 30  # characters shown on each side of a mistake
_LISTED = 5  # files that a message names
_READABLE = (".json", ".jsonl", ".csv", ".tsv", ".parquet", ".gz")  # names that a folder suggests
_HUB_ID = re.compile(r"[\w-]+/[\w-]+")


@contextmanager
def open_data(path: Path) -> Iterator[DataFile]:
    """Open `path` for reading bytes, unpacked if they are gzip-compressed.

    Raises:
        DataError: there is no such file, it is a folder, it can't be read, or the compressed data
            is broken (then from inside the `with` block).
    """
    if path.is_dir():
        raise _folder_error(path)
    try:
        with path.open("rb") as raw:
            if raw.peek(2).startswith(GZIP_MAGIC):
                with gzip.open(raw) as unpacked:
                    yield unpacked
            else:
                yield raw
    except FileNotFoundError:
        raise _missing_error(path) from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(
            f"the gzip-compressed data is broken: {error}",
            where=str(path),
            fix=f"fetch the file again (gzip -t {path} checks it)",
        ) from None
    except OSError as error:
        raise DataError(f"can't be read: {error.strerror or error}", where=str(path)) from None


def all_lines(file: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """The lines with their numbers from 1; a byte order mark is taken off."""
    for number, line in enumerate(file, 1):
        yield number, line.removeprefix(UTF8_MARK) if number == 1 else line


def numbered_lines(file: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, with their numbers from 1; a byte order mark is taken off."""
    return skip_blank(all_lines(file))


def skip_blank(lines: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """Those of the numbered lines that are not blank."""
    return ((number, line) for number, line in lines if line.strip())


def parse_json(data: bytes, *, name: str, line: int, make_object: MakeObject | None = None) -> Any:  # noqa: ANN401 (any JSON value)
    """The JSON value in `data`, which begins on line `line` of file `name`.

    `make_object` is given the keys and values of each object and returns what stands for it; by
    default a dict, in which the last of equal keys wins.

    Raises:
        DataError: not UTF-8, or not JSON; with line and column.
    """
    text = decode(data, name=name, line=line).rstrip()  # else a cut line fails on the next one
    try:
        return json.loads(text, object_pairs_hook=make_object)
    except json.JSONDecodeError as error:
        where = f"{name}, line {line + error.lineno - 1}, column {error.colno}"
        raise located(_json_error(error, name), where) from None
    except (RecursionError, ValueError) as error:
        raise DataError(f"JSON that can't be read: {error}", where=f"{name}, line {line}") from None


def is_unfinished_json(data: bytes) -> bool:
    """Whether `data` could be the beginning of a longer JSON value: all of it is right so far."""
    return _read_so_far(data) == "unfinished"


def may_be_json(data: bytes) -> bool:
    """Whether `data` is a JSON value, or could be the beginning of one."""
    return _read_so_far(data) != "wrong"


def _read_so_far(data: bytes) -> Literal["whole", "unfinished", "wrong"]:
    """Whether `data` is a JSON value, the beginning of one, or neither."""
    text = data.decode("utf-8", "replace").rstrip()
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return "unfinished" if error.pos >= len(text) else "wrong"
    except (RecursionError, ValueError):
        return "wrong"
    return "whole"


def _json_error(error: json.JSONDecodeError, name: str) -> DataError:
    ends_early = error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated")
    has_more = error.msg == "Extra data"
    reason = f"{error.msg[0].lower()}{error.msg[1:]}"
    return DataError(
        f"not valid JSON: {'it ends too early, ' if ends_early else ''}{reason}",
        found=repr(error.doc[max(0, error.pos - _EXCERPT) : error.pos + _EXCERPT]),
        fix=f"jq -c . {name} > lines.jsonl, which writes each value on one line"
        if has_more
        else "",
    )


def decode(data: bytes, *, name: str, line: int) -> str:
    """The text in `data`, which begins on line `line` of file `name`.

    Raises:
        DataError: not UTF-8; with line and byte.
    """
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line += before.count(b"\n")
        column = error.start - before.rfind(b"\n")
        shown = before[-20:].decode("utf-8", "replace")
        raise DataError(
            f"not UTF-8: {error.reason}",
            where=f"{name}, line {line}, byte {column} of the line",
            expected="text in UTF-8",
            found=f"byte 0x{data[error.start]:02x} after {shown!r}",
            fix=f"iconv -f latin1 -t utf-8 {name} (with the encoding that the file really has)",
        ) from None


def _folder_error(path: Path) -> DataError:
    names = sorted(file.name for file in path.iterdir() if file.is_file())
    likely = [name for name in names if name.endswith(_READABLE)]
    return DataError(
        "this is a folder, not a file",
        where=str(path),
        found=f"the files {list_some(names, limit=_LISTED)}" if names else "no files in it",
        fix=str(path / likely[0]) if likely else "",
    )


def _missing_error(path: Path) -> DataError:
    folder = path.parent
    if not folder.is_dir():
        is_like_an_id = _HUB_ID.fullmatch(path.as_posix())
        return DataError(
            "no such file, nor such a folder",
            where=str(path),
            fix=f"hub:{path.as_posix()}:SPLIT, if that is a data set of the hub"
            if is_like_an_id
            else "",
        )
    names = sorted(file.name for file in folder.iterdir() if file.is_file())
    close = difflib.get_close_matches(path.name, names, n=1, cutoff=0.8)
    return DataError(
        "no such file",
        where=str(path),
        found=f"in that folder: {list_some(names, limit=_LISTED)}"
        if names
        else "no files in that folder",
        fix=str(folder / close[0]) if close else "",
    )
