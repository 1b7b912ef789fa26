"""Opening files, plain or gzip, and their lines and texts; mistakes are told with their places."""

from __future__ import annotations

import difflib
import gzip
import re
import shlex
import stat
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import cast

from spanfit.data.unpacking import Unpacked
from spanfit.errors import DataError, list_some

GZIP_MAGIC = b"\x1f\x8b"
UTF8_MARK = b"\xef\xbb\xbf"
DataFile = BufferedReader
"""A file open for reading bytes, which can be peeked at."""
_UNPACKED_AT_ONCE = 1 << 16  # bytes
_LISTED = 5  # files that a message names
_READABLE = (".json", ".jsonl", ".csv", ".tsv", ".parquet", ".gz")  # names that a folder suggests
_HUB_ID = re.compile(r"[\w-]+/[\w-]+")


@contextmanager
def open_data(path: Path) -> Iterator[DataFile]:
    """Open `path` for reading bytes, unpacked if they are gzip-compressed.

    Raises:
        DataError: there is no such file, it is a folder or a pipe, it can't be read, or it does not
            fit into memory, or the compressed data is broken or a bomb (then from inside the `with`
            block).
    """
    try:
        _require_file(path)
        with path.open("rb") as raw:
            if raw.peek(2).startswith(GZIP_MAGIC):
                with BufferedReader(Unpacked(raw, str(path)), _UNPACKED_AT_ONCE) as unpacked:
                    yield cast("BufferedReader", unpacked)
            else:
                yield raw
    except FileNotFoundError:
        raise _missing_error(path) from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(
            f"the gzip-compressed data is broken: {error}",
            where=str(path),
            fix=f"fetch the file again (gzip -t {shlex.quote(str(path))} checks it)",
        ) from None
    except OSError as error:
        raise DataError(
            f"can't be read: {error.strerror or error}",
            where=str(path),
            fix=f"ls -l {shlex.quote(str(path))}",
        ) from None
    except MemoryError:
        raise DataError(
            "there is not enough memory for this file",
            where=str(path),
            expected="memory for several times its size",
            found=f"{path.stat().st_size:,} bytes",
            fix="split it into several files, or use a machine with more memory",
        ) from None


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
            fix=f"iconv -f cp1252 -t utf-8 {shlex.quote(name)} > utf8 (with the encoding that the "
            "file really has)",
        ) from None


def _require_file(path: Path) -> None:
    """Refuse what is not a file: a pipe would be waited for, and a device may never end.

    Raises:
        DataError: it is a folder or something else, or no system has files of such a name.
        OSError: there is nothing of that name, or nobody may look.
    """
    try:
        mode = path.stat().st_mode
    except ValueError:  # a NUL or half of a surrogate pair
        raise DataError(
            "no file can have this name", where=repr(str(path)), fix="ls, and the name of a file"
        ) from None
    if stat.S_ISDIR(mode):
        raise _folder_error(path)
    if not stat.S_ISREG(mode):
        kind = "a pipe" if stat.S_ISFIFO(mode) else "a device or a socket"
        raise DataError(
            f"this is {kind}, not a file",
            where=str(path),
            expected="a file, which can be read more than once",
            fix=f"cat {shlex.quote(str(path))} > FILE, and give that",
        )


def _folder_error(path: Path) -> DataError:
    names = _list_files(path)
    likely = [name for name in names if name.endswith(_READABLE)]
    return DataError(
        "this is a folder, not a file",
        where=str(path),
        found=f"the files {list_some(names, limit=_LISTED)}" if names else "no files in it",
        fix=str(path / likely[0]) if likely else f"ls {shlex.quote(str(path))}",
    )


def _missing_error(path: Path) -> DataError:
    folder = path.parent
    if not folder.is_dir():
        is_like_an_id = _HUB_ID.fullmatch(path.as_posix())
        above = next(parent for parent in folder.parents if parent.is_dir())
        return DataError(
            "no such file, nor such a folder",
            where=str(path),
            fix=f"hub:{path.as_posix()}:SPLIT, if that is a data set of the hub"
            if is_like_an_id
            else f"ls {shlex.quote(str(above))}",
        )
    names = _list_files(folder)
    close = difflib.get_close_matches(path.name, names, n=1, cutoff=0.8)
    return DataError(
        "no such file",
        where=str(path),
        found=f"in that folder: {list_some(names, limit=_LISTED)}"
        if names
        else "no files in that folder",
        fix=str(folder / close[0]) if close else f"ls {shlex.quote(str(folder))}",
    )


def _list_files(folder: Path) -> list[str]:
    """The names of the files in a folder; none where nobody may look."""
    try:
        return sorted(file.name for file in folder.iterdir() if file.is_file())
    except OSError:
        return []
