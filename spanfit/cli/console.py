"""What commands print with: results to standard output, everything else to standard error.

Colour and marks where a person looks (a terminal), plain lines in a pipe.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

if TYPE_CHECKING:
    from rich.text import Text

Rows = list[tuple[str, "Text"]]
"""Labels, and what stands behind them."""
LABEL_WIDTH = 10
"""Columns of a label, with what parts it from its row."""

_state = {"debug": False, "silent": False}


def set_debug(debug: bool) -> None:
    """Remember whether errors show their traceback."""
    _state["debug"] = debug


def is_debug() -> bool:
    """Whether errors show their traceback."""
    return _state["debug"]


def silence() -> None:
    """Print nothing but errors from now on, because another process speaks."""
    _state["silent"] = True


def out() -> Console:
    """Standard output, for results; markup is read, highlighting of numbers is off."""
    return Console(highlight=False, soft_wrap=True, emoji=False, quiet=_state["silent"])


def err() -> Console:
    """Standard error, for progress and notes."""
    return _err(quiet=_state["silent"])


def _err(*, quiet: bool) -> Console:
    return Console(stderr=True, highlight=False, soft_wrap=True, emoji=False, quiet=quiet)


def plain(text: str) -> None:
    """Print `text` as it is to standard output."""
    out().print(text, markup=False)


def note(text: str) -> None:
    """Print a note to standard error; `text` is literal, not markup."""
    err().print(text, markup=False)


def warning(text: str) -> None:
    """Print a warning to standard error."""
    err().print(f"[yellow]warning:[/yellow] {escape(text)}")


def error(text: str) -> None:
    """Print an error to standard error."""
    _err(quiet=False).print(f"[bold red]error:[/bold red] {escape(text)}")


def next_step(command: str) -> None:
    """Say what to type next."""
    err().print(f"[dim]next:[/dim] [bold]{escape(command)}[/bold]")


def print_rows(rows: Rows) -> None:
    """Print labelled rows: in two columns, wrapped, on a terminal; in a pipe a line each."""
    from rich.table import Table
    from rich.text import Text

    console = out()
    console.print()
    if not console.is_terminal:
        for label, body in rows:
            console.print(Text(f"{label:<{LABEL_WIDTH}}") + body)
        return
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True, min_width=LABEL_WIDTH - 2)
    table.add_column(overflow="fold")
    for label, body in rows:
        table.add_row(label, body)
    console.print(table, soft_wrap=False)


def print_json(value: Any) -> None:  # noqa: ANN401 (any JSON value)
    """Print one JSON document to standard output, for programs."""
    plain(json.dumps(value, ensure_ascii=False, indent=2))
