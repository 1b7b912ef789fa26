"""Writing a repaired file and the log of what was changed.

    texts                    changed where an example is another one (`patching`)
    CSV, Parquet, the hub    written anew as JSON Lines or Parquet, with what SpanFit reads

The log is one line a change, {"kind", "place", "id", "field", "old", "new"}; an example that was
left out has the field "example" and the new value null, and a change of the whole file "file".
"""

from __future__ import annotations

import codecs
import errno
import gzip
import json
import os
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from spanfit.data.fields import located
from spanfit.data.writing import choose_format, write_examples
from spanfit.doctor.files import OpenedFile, open_file
from spanfit.doctor.patching import Pair, find_patch
from spanfit.doctor.records import Patcher
from spanfit.doctor.repairs import Change
from spanfit.errors import DataError, RecipeError
from spanfit.examples import Example, Reading
from spanfit.storage import sync_file, sync_folder

_ASIDE = "being-written."
"""What the name of a file on its way begins with, so that its end still tells the format."""


@dataclass(frozen=True, slots=True)
class RepairedFile:
    """What was written: the file, its log, and what the log says.

    `unread` are keys and columns of a table that SpanFit does not carry, and so are not in it.
    `is_patched`: it is laid out as the old one, and not written anew.
    """

    file: Path
    log: Path
    changes: tuple[Change, ...]
    unread: tuple[str, ...] = ()
    is_patched: bool = True

    @property
    def n_dropped(self) -> int:
        """Examples that were left out."""
        return sum(change.what == "example" for change in self.changes)


def log_of(out: Path) -> Path:
    """Where the log of a repaired file is.

    Raises:
        DataError: that is the name of no file.
    """
    if not out.name:
        raise DataError("a folder, and no file", where=str(out), fix="--fix NAME.fixed.json")
    return out.with_name(f"{out.name}.log.jsonl")


def write_repaired(
    file: OpenedFile,
    mended: Sequence[Example | None],
    changes: Iterable[Change],
    out: Path,
    *,
    kinds: frozenset[str],
    reading: Reading,
) -> RepairedFile:
    """Write the repaired file and its log; both are there, or neither.

    `mended` has what became of each example of the file, None where it is left out. `kinds` are
    those that were mended. Nothing that is there is written to, also not through a link or if it
    comes meanwhile: both are written aside and then given their names, the log first.

    Raises:
        DataError: there is such a file or log already, it cannot be written, or it would not
            be read as the old one is.
        RecipeError: a table, and the name of `out` is none of a format that it can be written in.
    """
    log = log_of(out)
    asides = [path.with_name(f"{_ASIDE}{path.name}") for path in (log, out)]
    changes = list(changes)
    patcher = Patcher(kinds, reading, note=changes.append)
    made: list[Path] = []
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        for path in (out, log):
            if os.path.lexists(path):
                raise FileExistsError(errno.EEXIST, "", str(path))
        for path in asides:
            path.touch(exist_ok=False)
            made.append(path)
        _write(file, list(zip(file.examples, mended, strict=True)), asides[1], patcher)
        if find_patch(file) is not None:
            n_kept = len(mended) - mended.count(None)
            _require_readable(asides[1], n_examples=n_kept, out=out, reading=reading)
        lines = (json.dumps(change.to_json(), ensure_ascii=False) for change in changes)
        text = "".join(f"{line}\n" for line in lines)
        asides[0].write_text(text, encoding="utf-8", newline="\n")
        for aside, path in zip(asides, (log, out), strict=True):
            sync_file(aside)
            _place(aside, path)
            made.append(path)
        sync_folder(out.parent)
    except BaseException as error:
        for path in made:
            path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _explain(error, out) from None
        raise
    if find_patch(file):
        return RepairedFile(out, log, tuple(changes))
    return RepairedFile(out, log, tuple(changes), tuple(file.unread), is_patched=False)


def _place(aside: Path, out: Path) -> None:
    """Give a file its name, unless there is one of that name.

    Raises:
        FileExistsError: there is.
    """
    try:
        os.link(aside, out)  # a rename would replace what is there
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if out.exists():
            raise FileExistsError(errno.EEXIST, "", str(out)) from None
        aside.rename(out)
    else:
        aside.unlink()


def _explain(error: OSError, out: Path) -> DataError:
    if not isinstance(error, FileExistsError):
        return DataError(f"can't be written: {error.strerror or error}", where=str(out))
    path = Path(error.filename2 or error.filename)
    is_aside = path.name.startswith(_ASIDE)
    return DataError(
        "there is such a file already",
        where=str(path),
        found="what another check is writing, or one that was killed" if is_aside else "",
        fix=f"rm {shlex.quote(str(path))}, if none is"
        if is_aside
        else "another name, or remove it",
    )


def _write(file: OpenedFile, pairs: Sequence[Pair], path: Path, patcher: Patcher) -> None:
    patch = find_patch(file)
    if patch is None:
        kept = (new for _, new in pairs if new is not None)
        try:
            write_examples(path, kept, to=choose_format(path))
        except RecipeError as error:
            raise RecipeError(
                error.problem,
                where=f"--fix {path.name.removeprefix(_ASIDE)}",
                expected="a name that ends in .jsonl, or .parquet for questions",
                fix=f"--fix {shlex.quote(Path(file.name).stem)}.fixed.jsonl",
            ) from None
        return
    try:
        data = patch(file.content, pairs, patcher)
    except DataError as error:
        raise located(error, f"{file.name}, {error.where}") from None
    if file.decoded and file.decoded.has_mark and "byte_order_mark" not in patcher.kinds:
        data = codecs.BOM_UTF8 + data
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)


def _require_readable(path: Path, *, n_examples: int, out: Path, reading: Reading) -> None:
    """Refuse a repaired text that would be taken for another format, or be read only in part.

    A character that goes may leave a word at the begin of the file that opens JSON, for example.
    """
    try:
        n_found = len(open_file(path, reading).examples)
    except DataError as error:
        n_found, why = 0, error.problem
    else:
        why = f"{n_found:,} examples"
    if n_found != n_examples:
        raise DataError(
            "the repaired file would not be read as the old one is",
            where=str(out),
            expected=f"{n_examples:,} examples",
            found=why,
            fix="--ignore KIND, of characters, leaves these as they are",
        )
