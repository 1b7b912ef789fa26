"""`spanfit show`: questions with their answers marked, or words over their tags."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from spanfit.cli import console
from spanfit.cli.reading import ColumnsOption, parse_columns
from spanfit.errors import RecipeError
from spanfit.tagged import TaggedExample
from spanfit.types import QuestionExample

if TYPE_CHECKING:
    from spanfit.cli.shown_questions import QuestionsView
    from spanfit.cli.shown_texts import TextsView
    from spanfit.examples import Example, Examples, Reading

HELP = """Print questions with their answers marked, or words over their tags. Needs no torch.

Questions: SQuAD's JSON, JSON Lines, CSV or Parquet.

Tagged texts: columns (CoNLL), JSON Lines, a JSON array or Parquet.

Both: hub:ORG/NAME:SPLIT.

Answers and entities are coloured; in a pipe answers are bracketed.

Flagged: answers that do not stand where the file says, tags that break their scheme, and synthetic
questions.

Example: spanfit show dev-v2.0.json -n 5

Example: spanfit show train.txt --columns tags=chunk
"""


def add_to(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("show", help=HELP)(show)


def show(
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="A file of questions or tagged texts.")
    ],
    number: Annotated[
        int, typer.Option("--number", "-n", min=1, metavar="N", help="How many, from the first.")
    ] = 3,
    wanted: Annotated[
        str | None, typer.Option("--id", metavar="ID", help="Only the example with this id.")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Do not shorten long texts.")] = False,
    columns: ColumnsOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a program.")] = False,
) -> None:
    """Print some examples of a file, and what the file holds in all."""
    from spanfit.data import read

    reading = parse_columns(columns)
    view = _view(read(data, reading=reading), data, reading, columns or [])
    examples = cast("Sequence[Example]", view.examples)
    chosen = examples[:number] if wanted is None else [_find(examples, wanted, data)]
    if as_json:
        items = [view.to_json(item) for item in chosen]  # type: ignore[arg-type]
        console.print_json(view.counts() | {"examples": items})
        return
    console.plain(view.summarise())
    for example in chosen:
        console.print_rows(view.to_rows(example, full=full))  # type: ignore[arg-type]
    view.say_next()


def _view(
    examples: Examples, data: Path, reading: Reading, columns: Sequence[str]
) -> QuestionsView | TextsView:
    """What shows examples of this kind."""
    kind = type(examples[0]) if examples else QuestionExample
    return _VIEWS[kind](examples, data, reading, columns)


def _view_questions(
    examples: Examples, data: Path, reading: Reading, columns: Sequence[str]
) -> QuestionsView:
    from spanfit.cli.shown_questions import QuestionsView

    return QuestionsView(cast("Sequence[QuestionExample]", examples), data)


def _view_texts(
    examples: Examples, data: Path, reading: Reading, columns: Sequence[str]
) -> TextsView:
    """Tags are repaired where the user names a repair."""
    from spanfit.cli.shown_texts import TextsView
    from spanfit.data.checking import check_examples

    if reading.repair is not None:
        checked = check_examples(examples, reading=reading, name=str(data))
        examples = checked.examples
        for note in checked.notes:
            console.warning(note)
    texts = cast("Sequence[TaggedExample]", examples)
    return TextsView(texts, data, named_scheme=reading.scheme, columns=columns)


_VIEWS: dict[type, Callable[..., QuestionsView | TextsView]] = {
    QuestionExample: _view_questions,
    TaggedExample: _view_texts,
}
"""By the type of the examples."""


def _find(examples: Examples, wanted: str, data: Path) -> Example:
    ids = {example.id: example for example in examples}
    if wanted in ids:
        return ids[wanted]
    close = difflib.get_close_matches(wanted, ids, n=1)
    kind = examples[0].kind if examples else "examples"
    raise RecipeError(
        f"none of the {kind} has the id {wanted!r}",
        where=str(data),
        found=f"{len(ids):,} other ids, the first {next(iter(ids), '')!r}",
        fix=f"--id {shlex.quote(close[0])}" if close else "",
    )
