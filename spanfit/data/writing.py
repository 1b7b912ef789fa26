"""Writing questions to a file, in a format that the user chose; each format's file does the work.

Nothing of an example is lost: id, title, context, question, all golds and their places, `synthetic`
and the order come back when the file is read.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from itertools import chain
from pathlib import Path
from typing import Literal, TextIO

from spanfit.data.jsonl import write_lines
from spanfit.data.squad import write_squad
from spanfit.data.tabular import write_parquet
from spanfit.errors import DataError, RecipeError
from spanfit.types import QuestionExample

Format = Literal["squad", "jsonl", "parquet"]
_SUFFIXES: dict[str, Format] = {".json": "squad", ".jsonl": "jsonl", ".parquet": "parquet"}


def choose_format(path: Path) -> Format:
    """The format that a file's name promises.

    Raises:
        RecipeError: it promises none that can be written.
    """
    name = path.name.removesuffix(".gz")
    for suffix, format_ in _SUFFIXES.items():
        if name.endswith(suffix) and not (format_ == "parquet" and path.suffix == ".gz"):
            return format_
    raise RecipeError(
        "the name does not say in which format to write",
        where=str(path),
        expected=".json, .jsonl (or these with .gz) or .parquet at its end",
        fix="--to squad, --to jsonl or --to parquet",
    )


def write_examples(path: Path, examples: Iterable[QuestionExample], *, to: Format) -> None:
    """Write the examples as they come; text is gzip-compressed where the name ends with .gz.

    Raises:
        DataError: there is no example (an empty file would be none of questions), or one does not
            fit into the format.
        MissingExtraError: Parquet takes pyarrow, which is not installed.
    """
    examples = iter(examples)
    first = next(examples, None)
    if first is None:
        raise DataError("there is no question to write", where=str(path))
    examples = chain([first], examples)
    if to == "parquet":
        write_parquet(path, examples)
        return
    with _open_text(path) as file:
        (write_squad if to == "squad" else write_lines)(file, examples)


@contextmanager
def _open_text(path: Path) -> Iterator[TextIO]:
    with path.open("wb") as raw:
        if path.suffix != ".gz":
            with TextIOWrapper(raw, encoding="utf-8", newline="") as text:
                yield text
        else:
            # No name and no time in it: the same questions give the same bytes.
            with (
                gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed,
                TextIOWrapper(packed, encoding="utf-8", newline="") as text,
            ):
                yield text
