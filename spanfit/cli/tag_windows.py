"""What `spanfit windows` prints of tagged texts: what is learnt of their gold, what is not."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from spanfit.cli import console
from spanfit.errors import list_some

if TYPE_CHECKING:
    from rich.table import Table


def describe_counts(report: Mapping[str, Any]) -> str:
    """How many texts there are, and how many units in them."""
    without = f", {report['without_gold']:,} without gold" if report["without_gold"] else ""
    return f"[bold]{report['texts']:,}[/bold]: {report['units']:,} units{without}"


def print_losses(report: Mapping[str, Any]) -> None:
    """Losses and ceiling, as a person reads them."""
    from rich.markup import escape

    out = console.out()
    if report["entities"]:
        out.print(_losses_table(report))
    if ceiling := report["ceiling"]:
        name = "accuracy" if ceiling["metric"] == "accuracy" else "F1"
        out.print(
            f"ceiling ({ceiling['metric']}, {ceiling['n']:,} texts): "
            f"{name} [bold]{ceiling['figure']:.3f}[/bold]"
        )
    for reason, losses in report["losses"].items():
        listed = list_some([f"{loss['id']} {loss['text']!r}" for loss in losses])
        out.print(f"[dim]{reason}: {escape(listed)}[/dim]")


def say_more(report: Mapping[str, Any], file: str) -> None:
    """What a person should know or type next, on standard error; `file` is the data as typed."""
    if ids := report["units_without_piece"]:
        console.warning(
            f"{len(ids):,} units that are no white space have no piece, so they take their tags "
            f"from what is around them: {list_some(ids)}"
        )
    if unknown := report["unknown_tags"]:
        listed = [f"{tag} ({n:,})" for tag, n in unknown.items()]
        console.warning(f"tags that the model does not have: {list_some(listed)}")
    for losses in [*report["losses"].values()][:1]:
        id_ = shlex.quote(losses[0]["id"])
        console.next_step(f"spanfit show {file} --id {id_}")


def _losses_table(report: Mapping[str, Any]) -> Table:
    """What of the gold is learnt as it is, and what is not, by reason."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("gold: " + ("tags" if report["scheme"] == "plain" else "entities"))
    table.add_column(f"{report['entities']:,}", justify="right")
    table.add_row("exact", f"{report['exact']:,}")
    for reason, losses in report["losses"].items():
        table.add_row(f"lost: {reason}", f"{len(losses):,}")
    return table
