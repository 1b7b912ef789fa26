"""What `spanfit windows` prints of questions: their gold answers, what is lost of them, advice."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from spanfit.cli import console
from spanfit.errors import list_some

if TYPE_CHECKING:
    from rich.table import Table

_LOSSES = {
    "widened": "widened: begins or ends inside a token",
    "too_long": "lost: longer than the limit",
    "outside": "lost: in no window",
}


def describe_counts(report: Mapping[str, Any]) -> str:
    """How many questions are of which kind."""
    kinds = {
        "with an answer": report["answerable"],
        "without one": report["unanswerable"],
        "whose gold is not given": report["without_gold"],
    }
    listed = ", ".join(f"{number:,} {kind}" for kind, number in kinds.items() if number)
    return f"[bold]{report['questions']:,}[/bold]: {listed}"


def print_losses(report: Mapping[str, Any]) -> None:
    """Losses and ceiling, as a person reads them."""
    from rich.markup import escape

    out = console.out()
    if report["answerable"]:
        out.print(_losses_table(report))
    if ceiling := report["ceiling"]:
        out.print(
            f"ceiling ({ceiling['metric']}, {ceiling['n']:,} questions): "
            f"EM [bold]{ceiling['exact']:.3f}[/bold]  F1 [bold]{ceiling['f1']:.3f}[/bold]"
        )
    for kind, label in _LOSSES.items():
        if ids := report["best_gold"][kind] or report["first_gold"][kind]:
            out.print(f"[dim]{label}: {escape(list_some(ids))}[/dim]")


def _losses_table(report: Mapping[str, Any]) -> Table:
    """What is lost of the gold that training learns, and of the gold that a score takes."""
    from rich import box
    from rich.table import Table

    first, best = report["first_gold"], report["best_gold"]
    columns = (
        {"questions": first} if first == best else {"first, learnt": first, "best, scored": best}
    )
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("gold answers")
    for heading in columns:
        table.add_column(heading, justify="right")
    table.add_row("exact", *(f"{column['exact']:,}" for column in columns.values()))
    for kind, label in _LOSSES.items():
        note = f" of {report['max_answer_tokens']}" if kind == "too_long" else ""
        table.add_row(label + note, *(f"{len(column[kind]):,}" for column in columns.values()))
    return table


def say_more(report: Mapping[str, Any], file: str) -> None:
    """What a person should know or type next, on standard error; `file` is the data as typed."""
    if cut := report["cut_questions"]:
        console.warning(
            f"{len(cut):,} questions are too long to stand beside their context and are "
            f"cut: {list_some(cut)}"
        )
    for what in ("contexts", "questions"):
        if ids := report[f"empty_{what}"]:
            console.warning(f"{len(ids):,} {what} are empty: {list_some(ids)}")
    best = report["best_gold"]
    for id_ in (*best["outside"], *best["too_long"], *best["widened"])[:1]:
        console.next_step(f"spanfit show {file} --id {shlex.quote(id_)}")
