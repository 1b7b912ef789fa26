"""Texts to look for answers in: from memory, from files, from folders of text files.

    reports/          →  "reports/may.txt", "reports/old/april.md"   sorted; hidden files skipped
    letter.txt        →  "letter.txt"                                a named file, whatever its end
    ["one", "two"]    →  "0", "1"

Files are read when their text is looked at, and no longer kept than that, so that a folder may be
larger than the memory. Nothing is stripped and line ends stay as they are: offsets count what is in
the file.
"""

from __future__ import annotations

import shlex
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from spanfit.data.files import decode, open_data
from spanfit.data.foreign import tell_by_start
from spanfit.errors import DataError, shorten

SUFFIXES = (".txt", ".md")
"""What the names of a folder's text files end in."""

_LISTED = 6  # names that a message shows
_LOOKED_AT = 1_000  # bytes that show whether a file is a text


class Contexts(Mapping[str, str]):
    """Texts by name, in order; those that are given as a path are read at each access.

    `places` holds the texts, or the files that they are in. `left_out` are files of folders that
    are not taken for text.
    """

    def __init__(self, places: Mapping[str, str | Path], *, left_out: Sequence[Path] = ()) -> None:
        self.places = dict(places)
        self.left_out = tuple(left_out)

    def __getitem__(self, name: str) -> str:
        place = self.places[name]
        return place if isinstance(place, str) else read_text(place)

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)


def name_contexts(
    contexts: str | Path | Sequence[str] | Sequence[Path] | Mapping[str, str],
) -> Mapping[str, str]:
    """Texts by name: "" for a single one, "0", "1" … for several, files by their path.

    A string is a text and never a path; a `Path` is a text file or a folder of them.

    Raises:
        DataError: there is none, or one of them is no text.
    """
    if isinstance(contexts, str):
        return {"": contexts}
    if isinstance(contexts, Path):
        return find_contexts([contexts])
    if isinstance(contexts, Mapping):
        named: Mapping[str, str] = contexts
    else:
        paths = [context for context in contexts if isinstance(context, Path)]
        if paths and len(paths) == len(contexts):
            return find_contexts(paths)
        named = {str(n): context for n, context in enumerate(contexts) if isinstance(context, str)}
        if len(named) < len(contexts):
            raise DataError(
                "these contexts are neither all texts nor all paths",
                expected="strings, or pathlib.Path objects, or a mapping of names to strings",
                found=", ".join(sorted({type(context).__name__ for context in contexts})),
            )
    if not named:
        raise DataError("there is no context to look in", found=repr(contexts))
    return named


def find_contexts(paths: Iterable[str | Path]) -> Contexts:
    """The text files that the paths name, and those in the folders that they name.

    Names are the paths as given, with what follows inside a folder; a file that is named twice is
    taken once. In a folder, at any depth, the files that end in .txt or .md are taken, in sorted
    order; hidden files and folders are skipped.

    Raises:
        DataError: a path does not exist, or a folder holds no text file.
    """
    places: dict[str, Path] = {}
    left_out: list[Path] = []
    for path in map(Path, paths):
        found = [path]
        if _is_folder(path):
            found, others = _list_folder(path)
            left_out += others
        places |= {str(file): file for file in found}
    return Contexts(places, left_out=left_out)


def read_text(path: Path) -> str:
    """The text of a file, every character of it.

    Raises:
        DataError: it cannot be read, is not UTF-8, or is something else than a text.
    """
    with open_data(path) as file:
        data = file.read()
    return _to_text(data, name=str(path))


def read_stdin(name: str, *, command: str) -> str:
    """The text on standard input, which messages call `name`; `command` reads it.

    Raises:
        DataError: it is not UTF-8, or is something else than a text.
    """
    try:  # bytes, so that line ends stay what they are: offsets count them
        return _to_text(sys.stdin.buffer.read(), name=name)
    except DataError as error:
        raise DataError(
            error.problem,
            where=error.where,
            expected=error.expected,
            found=error.found,
            fix=f"iconv -f cp1252 -t utf-8 FILE | {command} (with the encoding that it has)",
        ) from None


def _to_text(data: bytes, *, name: str) -> str:
    """The text in the bytes of a file; UTF-16 of ASCII would be UTF-8, but full of NULs.

    Raises:
        DataError: see `read_text`.
    """
    if told := tell_by_start(data[:_LOOKED_AT]):
        found, fix = told
        raise DataError(
            "not a text in UTF-8",
            where=name,
            expected="a file of text",
            found=found,
            fix=fix.format(file=shlex.quote(name)),
        )
    return decode(data, name=name, line=1)


def _is_folder(path: Path) -> bool:
    """Whether this is a folder; False for a file."""
    try:
        if path.exists():
            return path.is_dir()
    except OSError:  # a name too long: it is a text, not a path
        pass
    raise DataError(
        "no such file or folder",
        where=shorten(str(path)),
        expected="a text file, or a folder of text files",
        fix='for a text itself: echo "the text" | spanfit ask MODEL --question TEXT --context -',
    )


def _list_folder(folder: Path) -> tuple[list[Path], list[Path]]:
    """The text files under a folder, and the other files that are not hidden."""
    texts: list[Path] = []
    others: list[Path] = []
    for path in sorted(folder.rglob("*")):
        is_hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if not is_hidden and path.is_file():
            (texts if path.suffix.lower() in SUFFIXES else others).append(path)
    if not texts:
        names = [str(path.relative_to(folder)) for path in others]
        more = f" … {len(names):,} files in all" if len(names) > _LISTED else ""
        raise DataError(
            "no text file in this folder",
            where=str(folder),
            expected=f"files that end in {' or '.join(SUFFIXES)}, at any depth",
            found=", ".join(names[:_LISTED]) + more if names else "no file that is not hidden",
            fix=f"--context {others[0]}, if that is text" if others else "",
        )
    return texts, others


def describe_left_out(paths: Sequence[Path]) -> str:
    """Files by their endings: "2 .pdf, 1 .csv"."""
    endings = Counter(path.suffix or path.name for path in paths)
    return ", ".join(f"{n:,} {ending}" for ending, n in endings.most_common())
