"""A file of lines that takes hours to write, and can be continued after any end of the process.

While it is written there are two files beside it:

    predictions.jsonl.part         the lines, with nothing behind them but what a last write left
    predictions.jsonl.part.json    how much of them counts, and what they were made of

    {"format_version": 1, "made_by": {"weights": "9c1e…", …}, "lines": 512, "bytes": 160231, "inputs": "77ab…", "outputs": "05d3…"}

Lines come in blocks. A block is written, then the small file is replaced by one that counts it: a
process that is killed loses what it had not counted, and what it had begun to write is cut off by
the next. `inputs` is a digest of what the lines counted so far answer, no more: what comes after
them in the input may be corrected or added before going on. `outputs` is one of those lines as
bytes: what was altered since is not gone on with.

A name that ends in .gz has each block compressed by itself, which is one gzip file all the same.
"""  # noqa: E501 (a line of the format is a line)

from __future__ import annotations

import gzip
import hashlib
import os
import shlex
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from spanfit.data.sidecar import FORMAT_VERSION, State, read_state, save_state, sync
from spanfit.errors import DataError

try:
    import fcntl
except ImportError:  # not a POSIX system: nobody keeps a second process away
    fcntl = None  # type: ignore[assignment]

COMPRESSION_LEVEL = 6
_BLOCK = 1 << 20  # bytes that are read at once


class UnfinishedFile:
    """Lines on their way to `out`; a context, in which one process at a time writes them.

        with UnfinishedFile(out, made_by=…) as file:
            file.pass_over(inputs)          what is answered already
            file.append(lines, inputs)      a block: all of it, or nothing
            file.finish()

    An input is a tuple of texts: the id of what a line answers, and what it was made from.
    """

    def __init__(self, out: Path, *, made_by: Mapping[str, str]) -> None:
        self.out = out
        self.part = out.with_name(out.name + ".part")
        self._sidecar = out.with_name(out.name + ".part.json")
        self._state = State(made_by)
        self._hasher = hashlib.blake2b(digest_size=16)
        self._written = hashlib.blake2b(digest_size=16)
        self._file: BinaryIO | None = None

    @property
    def lines(self) -> int:
        """How many lines are there and count."""
        return self._state.lines

    def __enter__(self) -> UnfinishedFile:
        """Open the part, at the end of what counts of it.

        Raises:
            DataError: the file is finished; another process is writing it; the part was made by
                something else, or is not what the small file says; nothing can be written here.
        """
        try:
            is_renamed = self._was_killed_at_the_end()
            if self.out.exists() and not is_renamed:
                raise self._finished()
            self.out.parent.mkdir(parents=True, exist_ok=True)
            self._file = (self.out if is_renamed else self.part).open("a+b")
            self._lock(self._file)
            if is_renamed:
                self._undo_rename()
            self._check_place(self._file)
            self._state = self._find_state()
            self._check_written()
            self._file.truncate(self._state.bytes)
        except OSError as error:
            self._close()
            raise self._explain(error) from None
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None and not self.lines:  # nothing to go on from
            self._file.truncate(0)
            self._release()
            self._sidecar.unlink(missing_ok=True)
            self.part.unlink(missing_ok=True)
        self._close()

    def pass_over(self, inputs: Iterable[Sequence[str]]) -> None:
        """Compare the first inputs, as many as there are lines, with those that were answered.

        Raises:
            DataError: they are not the same.
        """
        n = 0
        for item in inputs:
            self._count_in(item)
            n += 1
        if n < self.lines or (n and self._hasher.hexdigest() != self._state.inputs):
            raise DataError(
                "the input is not the one that these lines answer",
                where=str(self.part),
                expected=f"the same first {self.lines:,} inputs (what follows may have changed)",
                found="other ones" if n == self.lines else f"only {n:,}",
                fix=self._ways_out(),
            )

    def append(self, lines: Sequence[str], inputs: Iterable[Sequence[str]]) -> None:
        """Write a block of lines, each with its line feed, and count it.

        Raises:
            DataError: it cannot be written.
        """
        data = "".join(lines).encode()
        if self.out.suffix == ".gz":
            data = gzip.compress(data, COMPRESSION_LEVEL, mtime=0)
        for item in inputs:
            self._count_in(item)
        try:
            if self._file is None:
                raise ValueError("append belongs inside of the context")
            self._file.write(data)
            sync(self._file)
            self._written.update(data)
            self._save(
                replace(
                    self._state,
                    lines=self.lines + len(lines),
                    bytes=self._state.bytes + len(data),
                    inputs=self._hasher.hexdigest(),
                    outputs=self._written.hexdigest(),
                )
            )
        except OSError as error:
            raise self._explain(error) from None

    def finish(self) -> None:
        """Give the file its name; the small one goes.

        Raises:
            DataError: that cannot be done.
        """
        try:
            self._release()
            self.part.replace(self.out)
            self._sidecar.unlink(missing_ok=True)
        except OSError as error:
            raise self._explain(error) from None
        self._close()

    def _find_state(self) -> State:
        """What counts of the part that is there; nothing of a part that is new.

        Raises:
            DataError: see `__enter__`.
        """
        size = self.part.stat().st_size
        if not self._sidecar.exists():
            if size:
                raise self._refuse("nothing says what these lines are", f"no {self._sidecar.name}")
            self._save(self._state)  # from now on, whatever stands in the part is ours
            return self._state
        state = self._read_sidecar()
        if not state.lines:
            return self._state
        made_by = self._state.made_by
        names = state.made_by.keys() | made_by.keys()
        other = sorted(name for name in names if state.made_by.get(name) != made_by.get(name))
        if other:
            raise self._refuse("another model made these lines", f"other {', '.join(other)}")
        if size < state.bytes:
            found = f"{size:,} of {state.bytes:,} bytes"
            raise self._refuse("a piece of this file is missing", found)
        return state

    def _check_written(self) -> None:
        """Refuse to go on with lines that are not those that were written.

        Raises:
            DataError: their digest is another one.
        """
        left = self._state.bytes
        with self.part.open("rb") as file:
            while block := file.read(min(left, _BLOCK)):
                self._written.update(block)
                left -= len(block)
        wanted = self._state.outputs
        if self._state.lines and wanted and self._written.hexdigest() != wanted:
            raise self._refuse("the lines in this file were altered", "another digest of them")

    def _read_sidecar(self) -> State:
        try:
            state = read_state(self._sidecar)
        except (ValueError, TypeError) as error:
            raise self._refuse(f"{self._sidecar.name} cannot be read", str(error)) from None
        if state.format_version != FORMAT_VERSION:
            found = f"format version {state.format_version}"
            raise self._refuse("these lines were made by another version of SpanFit", found)
        return state

    def _was_killed_at_the_end(self) -> bool:
        """Whether a process that wrote the same as this one renamed its part and got no further."""
        if self.part.exists() or not (self.out.exists() and self._sidecar.exists()):
            return False
        state = self._read_sidecar()
        is_same = dict(state.made_by) == dict(self._state.made_by)
        return is_same and self.out.stat().st_size == state.bytes

    def _undo_rename(self) -> None:
        """Take that last step back, unless the process was alive and is done by now."""
        if not self._sidecar.exists():
            raise self._finished()
        self._release()
        self.out.replace(self.part)
        self._file = self._file or self.part.open("a+b")

    def _check_place(self, file: BinaryIO) -> None:
        """Refuse what another process renamed or removed between opening and locking."""
        if self.out.exists():
            raise self._finished()
        is_there = self.part.exists()
        if not is_there or not os.path.samestat(os.fstat(file.fileno()), self.part.stat()):
            raise self._busy()

    def _save(self, state: State) -> None:
        """Replace the small file by one that says `state`."""
        save_state(state, self._sidecar)
        self._state = state

    def _count_in(self, item: Sequence[str]) -> None:
        """Add an input to the digest: how many texts, and each led by its length."""
        self._hasher.update(len(item).to_bytes(8, "little"))
        for text in item:
            data = text.encode("utf-8", "surrogatepass")
            self._hasher.update(len(data).to_bytes(8, "little") + data)

    def _lock(self, file: BinaryIO) -> None:
        """Keep other processes away until this one ends, in whatever way."""
        if fcntl is None:
            return
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise self._busy() from None
        except OSError:  # a file system without locks
            return

    def _release(self) -> None:
        """Close the file where an open one cannot be renamed; else its lock is kept until after."""
        if fcntl is None:
            self._close()

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):  # what counts is on the disk
                file.close()

    def _finished(self) -> DataError:
        return DataError(
            "there is such a file already", where=str(self.out), fix="another --out, or remove it"
        )

    def _busy(self) -> DataError:
        return DataError(
            "another process is writing this file", where=str(self.part), fix="another --out"
        )

    def _refuse(self, problem: str, found: str) -> DataError:
        return DataError(problem, where=str(self.part), found=found, fix=self._ways_out())

    def _ways_out(self) -> str:
        names = " ".join(shlex.quote(str(path)) for path in (self.part, self._sidecar))
        return f"another --out, or rm {names} to begin again"

    def _explain(self, error: OSError) -> DataError:
        return DataError(f"can't be written: {error.strerror or error}", where=str(self.part))
