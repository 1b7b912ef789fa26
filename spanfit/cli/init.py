"""`spanfit init`: a recipe that fits a data file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spanfit.cli import console
from spanfit.cli.reading import ColumnsOption, parse_columns, read_columns
from spanfit.errors import list_some

HELP = """Print a recipe that fits a data file, every key with its meaning.

DATA are questions or tagged texts. Several files are learnt from together; an example that stands
in two of them counts once.

Example: spanfit init train.json --model bert-base-cased > recipe.toml

Example: spanfit init train.conll --columns tags=pos --validation valid.conll > pos.toml
"""


def add_to(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("init", help=HELP)(init)


def init(
    data: Annotated[
        list[Path],
        typer.Argument(metavar="DATA", help="The training examples, in one file or more."),
    ],
    model: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Folder, hub id, or quickstart (an embedded encoder)."),
    ] = None,
    validation: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Examples that are only scored.")
    ] = None,
    columns: ColumnsOption = None,
) -> None:
    """Print a recipe."""
    from spanfit.data import read, stream
    from spanfit.recipe import annotate
    from spanfit.suggestion import suggest_recipe

    names, reading = [str(file) for file in data], parse_columns(columns)
    repeats: list[str] | None = [] if len(names) > 1 else None
    examples = list(stream(*names, repeats=repeats, reading=reading))
    if repeats:
        console.warning(
            f"{len(repeats):,} examples stand in more than one of these files, equal in "
            f"everything, and count once: {list_some(repeats)}"
        )
    suggestion = suggest_recipe(
        examples,
        train=names[0] if len(names) == 1 else names,
        model=model,
        validation=None if validation is None else str(validation),
        scored=() if validation is None else read(validation, reading=reading),
        columns=read_columns(columns),
    )
    for line in suggestion.notes:
        console.note(line)
    console.plain(annotate(suggestion.recipe).rstrip())
    if console.out().is_terminal:
        console.note("to keep it: the same command, and > recipe.toml behind it")
    console.next_step("spanfit train recipe.toml --dry-run")
