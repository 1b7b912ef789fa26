"""`spanfit show`: questions with their answers marked in the context."""

from __future__ import annotations

import difflib
import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spanfit.cli import console
from spanfit.errors import RecipeError
from spanfit.types import Answer, QuestionExample, Span

if TYPE_CHECKING:
    from rich.text import Text

HELP = """Print questions with their answers marked in the context. Needs no torch.

DATA is SQuAD's JSON, JSON Lines, CSV or Parquet, or hub:ORG/NAME:SPLIT.

Answers are coloured, or bracketed in a pipe.

An answer that does not stand where the file says is flagged, and so is a synthetic question.

Example: spanfit show dev-v2.0.json -n 5
"""

_Rows = list[tuple[str, "Text"]]


def add_to(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("show", help=HELP)(show)


def show(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="A file of questions.")],
    number: Annotated[
        int, typer.Option("--number", "-n", min=1, metavar="N", help="How many, from the first.")
    ] = 3,
    wanted: Annotated[
        str | None, typer.Option("--id", metavar="ID", help="Only the question with this id.")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Do not shorten long contexts.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a program.")] = False,
) -> None:
    """Print some questions of a file, and what the file holds in all."""
    from spanfit.data import read

    examples = read(data)
    chosen = examples[:number] if wanted is None else [_find(examples, wanted, data)]
    if as_json:
        console.print_json(_count(examples) | {"examples": [_to_json(item) for item in chosen]})
        return
    console.plain(_summarise(examples, data))
    for example in chosen:
        _print_example(example, full=full)
    _say_next(examples, data)


def _find(examples: Sequence[QuestionExample], wanted: str, data: Path) -> QuestionExample:
    ids = {example.id: example for example in examples}
    if wanted in ids:
        return ids[wanted]
    close = difflib.get_close_matches(wanted, ids, n=1)
    raise RecipeError(
        f"no question has the id {wanted!r}",
        where=str(data),
        found=f"{len(ids):,} other ids, the first {next(iter(ids), '')!r}",
        fix=f"--id {shlex.quote(close[0])}" if close else "",
    )


def _count(examples: Sequence[QuestionExample]) -> dict[str, int]:
    from spanfit.data.answers import is_good

    return {
        "questions": len(examples),
        "contexts": len({example.context for example in examples}),
        "titles": len({example.title for example in examples if example.title}),
        "answerable": sum(bool(example.answers) for example in examples),
        "unanswerable": sum(example.answers == () for example in examples),
        "without_gold": sum(example.answers is None for example in examples),
        "synthetic": sum(bool(example.synthetic) for example in examples),
        "misplaced_answers": sum(
            not is_good(answer, example.context)
            for example in examples
            for answer in example.answers or ()
        ),
    }


def _summarise(examples: Sequence[QuestionExample], data: Path) -> str:
    counts = _count(examples)
    kinds = {
        "with an answer": counts["answerable"],
        "without one": counts["unanswerable"],
        "whose gold is not given": counts["without_gold"],
    }
    listed = ", ".join(f"{number:,} {kind}" for kind, number in kinds.items() if number)
    made = f"; {counts['synthetic']:,} synthetic" if counts["synthetic"] else ""
    line = (
        f"{data}: questions {counts['questions']:,} ({listed}{made}), "
        f"contexts {counts['contexts']:,}, titles {counts['titles']:,}"
    )
    if bad := counts["misplaced_answers"]:
        line += (
            f"\ngold answers that do not stand where the file says: {bad:,}; "
            "commands that use their places need --bad-answers drop or relocate"
        )
    return line


def _print_example(example: QuestionExample, *, full: bool) -> None:
    """Two columns, wrapped, on a terminal; in a pipe a line for each part."""
    from rich.table import Table
    from rich.text import Text

    out = console.out()
    rows = _to_rows(example, brackets=out.color_system is None, full=full)
    if out.is_terminal:
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(style="dim", no_wrap=True)
        table.add_column(overflow="fold")
        for label, body in rows:
            table.add_row(label, body)
        out.print()
        out.print(table, soft_wrap=False)
    else:
        out.print()
        for label, body in rows:
            out.print(Text(f"{label:<10}") + body)


def _to_rows(example: QuestionExample, *, brackets: bool, full: bool) -> _Rows:
    from rich.text import Text

    from spanfit.cli.marks import mark, visible
    from spanfit.data.answers import is_good

    golds = [gold for gold in example.answers or () if is_good(gold, example.context)]
    spans = [Span(gold.start, gold.start + len(gold.text)) for gold in golds]
    rows = [("id", Text(visible(example.id), "bold"))]
    if example.title:
        rows.append(("title", Text(visible(example.title))))
    if example.synthetic:
        rows.append(("synthetic", Text(visible(example.synthetic), "bold yellow")))
    rows.append(("question", Text(visible(example.question), "bold")))
    rows.append(("context", mark(example.context, spans, brackets=brackets, shorten=not full)))
    if not example.answers:
        rows.append(("answer", Text("not given" if example.answers is None else "no answer")))
    counted = Counter(example.answers or ())
    return rows + [("answer", _to_line(gold, example, n)) for gold, n in counted.items()]


def _to_line(gold: Answer, example: QuestionExample, n: int) -> Text:
    from rich.text import Text

    from spanfit.cli.marks import visible
    from spanfit.data.answers import BadAnswer, is_good

    times = f" ({n} times)" if n > 1 else ""
    if is_good(gold, example.context):
        line = Text().append(visible(gold.text), "green")
        return line.append(f"  {gold.start}–{gold.start + len(gold.text)}{times}", "dim")
    line = Text().append("MISPLACED ", "bold red").append(visible(gold.text), "red")
    why = BadAnswer(example, gold).explain()
    return line.append(visible(f"  at {gold.start}: {why}{times}"), "dim")


def _to_json(example: QuestionExample) -> dict[str, Any]:
    answers = None if example.answers is None else [asdict(gold) for gold in example.answers]
    return {
        "id": example.id,
        "title": example.title,
        "question": example.question,
        "context": example.context,
        "answers": answers,
        "synthetic": example.synthetic,
    }


def _say_next(examples: Sequence[QuestionExample], data: Path) -> None:
    file = shlex.quote(str(data))
    if any(example.answers is not None for example in examples):
        console.next_step(f"spanfit windows {file} --tokenizer quickstart")
        console.next_step(f"spanfit init {file} > recipe.toml")
    else:
        console.next_step(f"spanfit predict MODEL {file} --out predictions.jsonl")
