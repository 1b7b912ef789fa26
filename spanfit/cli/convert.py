"""`spanfit convert`: questions from one format into another, without loss."""

from __future__ import annotations

import shlex
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from spanfit.cli import console
from spanfit.cli.model import check_free

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spanfit.types import QuestionExample

HELP = """Write questions in another format, without loss. Needs no torch.

IN is whatever SpanFit reads: SQuAD's JSON, JSON Lines, CSV, Parquet, hub:ORG/NAME:SPLIT.

Keys that SpanFit does not carry are counted and named.

Example: spanfit convert dev-v2.0.json dev-v2.0.parquet
"""


def add_to(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("convert", help=HELP)(convert)


def convert(
    data: Annotated[Path, typer.Argument(metavar="IN", help="Questions.")],
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="A new file: .json, .jsonl, .parquet; .gz too.")
    ],
    to: Annotated[
        Literal["squad", "jsonl", "parquet"] | None,
        typer.Option(help="The format; else what OUT's name says."),
    ] = None,
) -> None:
    """Write the questions of a file to another one."""
    from spanfit.data import stream
    from spanfit.data.writing import choose_format, write_examples

    format_ = to or choose_format(out)
    check_free(out)
    unread: Counter[str] = Counter()
    counts: Counter[str] = Counter()

    def counted() -> Iterator[QuestionExample]:
        for example in stream(data, unread=unread):
            counts["questions"] += 1
            yield example

    aside = out.with_name(f"{out.stem}.part{out.suffix}")
    check_free(aside)
    try:
        write_examples(aside, counted(), to=format_)
        aside.replace(out)
    finally:
        aside.unlink(missing_ok=True)
    if unread:
        listed = ", ".join(f"{what} ({n:,})" for what, n in unread.most_common())
        console.warning(f"not carried over, because SpanFit does not read it: {listed}")
    console.plain(f"{counts['questions']:,} questions: {out}")
    console.next_step(f"spanfit show {shlex.quote(str(out))}")
