"""Writing examples to a file, in a format that the user chose; each format's file does the work.

Nothing of an example is lost: what is read of the new file is what was written. Of questions that
is id, title, context, question, all golds and their places, `synthetic`; of tagged texts id,
document, text, units and tags, and in JSON the ranges of the entities; and the order.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from itertools import chain
from pathlib import Path
from typing import Any, Literal, TextIO

from spanfit.data import jsonl, tagged_jsonl
from spanfit.data.conll_writing import write_conll
from spanfit.data.squad import write_squad
from spanfit.data.tabular import write_parquet
from spanfit.errors import DataError, RecipeError
from spanfit.examples import Example
from spanfit.tagged import TaggedExample
from spanfit.types import QuestionExample

Format = Literal["squad", "jsonl", "parquet", "conll"]
_SUFFIXES: dict[str, Format] = {
    ".json": "squad",
    ".jsonl": "jsonl",
    ".parquet": "parquet",
    ".conll": "conll",
    ".txt": "conll",
    ".tsv": "conll",
}


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
        expected=".json, .jsonl, .conll, .txt or .tsv (or these with .gz), or .parquet at its end",
        fix="--to squad, --to jsonl, --to parquet or --to conll",
    )


def write_examples(path: Path, examples: Iterable[Example], *, to: Format) -> None:
    """Write the examples as they come; text is gzip-compressed where the name ends with .gz.

    Raises:
        DataError: there is no example (an empty file would be none of anything), or one does not
            fit into the format.
        RecipeError: the format is not one for such examples.
        MissingExtraError: Parquet takes pyarrow, which is not installed.
    """
    examples = iter(examples)
    first = next(examples, None)
    if first is None:
        raise DataError("there is nothing to write", where=str(path))
    writers = _WRITERS[type(first)]
    if to not in writers:
        raise RecipeError(
            f"{first.kind} can't be written as {to}",
            where=str(path),
            expected=" or ".join(writers),
            fix=f"--to {next(iter(writers))}",
        )
    writers[to](path, chain([first], examples))


def _to_text(write: Callable[[TextIO, Any], None]) -> Callable[[Path, Any], None]:
    """A writer of a file, of one that writes into an open text."""

    def write_file(path: Path, examples: Iterable[Example]) -> None:
        with _open_text(path) as file:
            write(file, examples)

    return write_file


def _write_columns(file: TextIO, examples: Iterable[TaggedExample]) -> None:
    """All of them: what joins words is decided from all words.

    Raises:
        DataError: a text has no gold, which columns without tags could not be told from words.
    """
    texts = list(examples)
    if without := next((text for text in texts if text.tags is None), None):
        raise DataError(
            "a text without gold can't be written in columns",
            where=", ".join(filter(None, (without.place, f"id {without.id!r}"))),
            expected="a tag for each word",
            fix="--to jsonl",
        )
    write_conll(file, texts)


_WRITERS: dict[type[Example], dict[Format, Callable[[Path, Any], None]]] = {
    QuestionExample: {
        "squad": _to_text(write_squad),
        "jsonl": _to_text(jsonl.write_lines),
        "parquet": write_parquet,
    },
    TaggedExample: {
        "conll": _to_text(_write_columns),
        "jsonl": _to_text(tagged_jsonl.write_lines),
    },
}


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
