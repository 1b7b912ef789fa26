"""Lines of the input that cannot be read: the first one ends the work, or all are left out.

What was left out is listed beside the predictions, in predictions.jsonl.skipped.jsonl:

    {"line": 601, "id": "q600", "reason": "the key 'question' is missing, found the keys 'id', 'context'"}

The id stands there where one can be read.
"""  # noqa: E501 (a line of the format is a line)

from __future__ import annotations

import json
import os
from pathlib import Path
from types import TracebackType
from typing import NoReturn, TextIO

from spanfit.errors import DataError, RecordError


def refuse_line(kind: str, number: int, error: DataError) -> NoReturn:
    """Raise the error of a line, with what can be done about it.

    Raises:
        DataError: always.
    """
    del kind, number  # the error says where
    ways = "correct the line, or leave out all that cannot be read: --bad-lines skip"
    raise DataError(
        error.problem,
        where=error.where,
        expected=error.expected,
        found=error.found,
        fix=f"{error.fix}; {ways}" if error.fix else ways,
    ) from None


class SkippedLines:
    """A list of lines that were left out, made when the first one comes; a context.

    Reading an input again from its beginning makes the same list again, so it starts empty.
    """

    def __init__(self, out: Path) -> None:
        self.n = 0
        self._path = out.with_name(out.name + ".skipped.jsonl")
        self._list: TextIO | None = None

    @property
    def file(self) -> Path | None:
        """Where the list is; None where nothing was left out."""
        return self._path if self.n else None

    def __enter__(self) -> SkippedLines:
        self._path.unlink(missing_ok=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._list is not None:
            with self._list as file:
                file.flush()
                os.fsync(file.fileno())

    def add(self, kind: str, number: int, error: DataError) -> None:
        """Leave out a line or row (`kind`) of that number.

        Raises:
            DataError: the list cannot be written.
        """
        reason = f"{error.problem}, found {error.found}" if error.found else error.problem
        id_ = {"id": error.id} if isinstance(error, RecordError) else {}
        line = json.dumps({kind: number, **id_, "reason": reason}, ensure_ascii=False)
        try:
            if self._list is None:
                # Half of a surrogate pair in an id is written as JSON escapes it.
                self._list = self._path.open(
                    "w", encoding="utf-8", errors="backslashreplace", newline="\n"
                )
            self._list.write(line + "\n")
        except OSError as failure:
            why = failure.strerror or str(failure)
            raise DataError(f"can't be written: {why}", where=str(self._path)) from None
        self.n += 1
