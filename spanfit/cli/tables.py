"""Tables and numbers, as all commands that print scores show them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spanfit.cli.marks import visible

if TYPE_CHECKING:
    from rich.table import Table

    from spanfit.metrics import Interval

CHOSEN_HERE = "threshold chosen on this data"
"""What is said beside every best-threshold score."""

_PERCENT = (
    *("exact", "exact_match", "f1", "_ap", "precision", "recall", "accuracy", "_without_o"),
    *("EM", "F1", "AVERAGE"),
)
"""How the names of figures from 0 to 100 end."""


def format_figure(name: str, value: float | None) -> str:
    """Counts in full, 0 to 100 with two decimals, all else with four; "-" where there is none."""
    if value is None:
        return "-"
    if isinstance(value, int):
        return str(value)
    return f"{value:.2f}" if name.endswith(_PERCENT) else f"{value:.4f}"


def format_interval(interval: Interval | None) -> str:
    """Both ends with one decimal; empty where there is none."""
    return f"{interval.low:.1f}–{interval.high:.1f}" if interval else ""


def in_one_line(text: str) -> str:
    """The text on one line, its control characters visible."""
    return " ".join(visible(text).split())


def make_table(title: str, *headings: str) -> Table:
    """A table without rows; all columns but the first hold numbers."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(title)
    for heading in headings:
        style = "dim" if heading == "95 %" else ""
        table.add_column(heading, justify="right", style=style, no_wrap=True)
    return table
