"""`spanfit convert`: examples from one format, or one tag scheme, into another, without loss."""

from __future__ import annotations

import shlex
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from spanfit.cli import console
from spanfit.cli.model import check_free
from spanfit.cli.reading import ColumnsOption, parse_columns
from spanfit.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from spanfit.examples import Example, Reading

HELP = """Write questions or tagged texts in another format, without loss. Needs no torch.

Questions: from SQuAD's JSON, JSON Lines, CSV or Parquet to the same, but for CSV.

Tagged texts: from columns (CoNLL), JSON Lines, a JSON array or Parquet to columns or JSON Lines.

Both: from hub:ORG/NAME:SPLIT.

Tags stay as they are, or are put into another scheme. They are repaired only where a repair is
named.

Keys that SpanFit does not carry are counted and named.

Example: spanfit convert dev-v2.0.json dev-v2.0.parquet

Example: spanfit convert train.txt train.jsonl --columns tags=chunk --scheme BIOES
"""


def add_to(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("convert", help=HELP)(convert)


def convert(
    data: Annotated[
        Path, typer.Argument(metavar="IN", help="A file of questions or tagged texts.")
    ],
    out: Annotated[
        Path,
        typer.Argument(
            metavar="OUT",
            help="A new file: .json, .jsonl, .parquet for questions; .conll, .txt, .tsv, .jsonl "
            "for tagged texts; .gz too.",
        ),
    ],
    to: Annotated[
        Literal["squad", "jsonl", "parquet", "conll"] | None,
        typer.Option(help="The format; else what OUT's name says."),
    ] = None,
    scheme: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Of tags: IOB2, IOB1, BIOES, BILOU, BMES or plain."),
    ] = None,
    columns: ColumnsOption = None,
) -> None:
    """Write the examples of a file to another one."""
    from dataclasses import replace

    from spanfit.data import stream
    from spanfit.data.fields import located
    from spanfit.data.writing import choose_format, write_examples
    from spanfit.tags import find_scheme

    format_ = to or choose_format(out)
    into = None if scheme is None else find_scheme(scheme).name
    reading = replace(parse_columns(columns), into=into)
    check_free(out)
    unread: Counter[str] = Counter()
    counts: Counter[str] = Counter()

    def counted(examples: Iterable[Example]) -> Iterator[Example]:
        for example in examples:
            counts[example.kind] += 1
            yield example

    examples = _put_right(stream(data, unread=unread, reading=reading), reading, data)
    aside = out.with_name(f"{out.stem}.part{out.suffix}")
    check_free(aside)
    try:
        write_examples(aside, counted(examples), to=format_)
        aside.replace(out)
    except DataError as error:
        if error.where != str(aside):
            raise
        fix = f"spanfit check {shlex.quote(str(data))}"
        raise located(error, str(out), fix=fix) from None
    finally:
        aside.unlink(missing_ok=True)
    if unread:
        listed = ", ".join(f"{what} ({n:,})" for what, n in unread.most_common())
        console.warning(f"not carried over, because SpanFit does not read it: {listed}")
    for kind, n in counts.items():
        console.plain(f"{n:,} {kind}: {out}")
    console.next_step(f"spanfit show {shlex.quote(str(out))}")


def _put_right(examples: Iterator[Example], reading: Reading, data: Path) -> Iterator[Example]:
    """The examples as they are, or, where a scheme or repair is named, all read and checked.

    Raises:
        DataError: tags break their scheme, and no repair is named.
        RecipeError: these are questions, which have no tags.
    """
    from spanfit.data.checking import check_examples

    if reading.into is None and reading.repair is None:
        return examples
    checked = check_examples([*examples], reading=reading, name=str(data))
    for note in checked.notes:
        console.warning(note)
    return iter(checked.examples)
