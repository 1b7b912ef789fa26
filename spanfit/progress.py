"""What long work says: a live bar on a terminal, plain lines in a pipe, or nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import (
    Progress as RichProgress,
)

SECONDS_BETWEEN_LINES = 15.0
SECONDS_OF_SPEED = 300.0
"""The time left follows from the speed in this time: a batch of long texts takes a while."""


class Bar:
    """The progress of one piece of work; `advance` is all that its caller does."""

    def __init__(
        self, progress: Progress, *, title: str, total: int | None, unit: str, done: int
    ) -> None:
        self._progress, self._title, self._total, self._unit = progress, title, total, unit
        self._done, self._before, self._text = done, done, ""
        self._started = self._last_line = time.monotonic()
        self._live: RichProgress | None = None
        self._row: TaskID | None = None

    def advance(self, amount: int = 1, text: str = "") -> None:
        """Say that `amount` more units are done.

        `text` holds the figures of the moment; without any, the speed is shown.
        """
        self._done += amount
        speed = (self._done - self._before) / max(time.monotonic() - self._started, 1e-9)
        self._text = text or f"{speed:,.{0 if speed >= 100 else 1}f} {self._unit}/s"
        if self._live is not None and self._row is not None:
            self._live.update(self._row, advance=amount, figures=self._text)
        elif time.monotonic() - self._last_line >= SECONDS_BETWEEN_LINES:
            self._print_line()

    def __enter__(self) -> Bar:
        console = self._progress.console
        if console is not None and console.is_terminal:
            self._live = RichProgress(
                TextColumn("{task.description}"),
                BarColumn(bar_width=24),
                MofNCompleteColumn(),
                TextColumn("{task.fields[unit]}  {task.fields[figures]}"),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                console=console,
                transient=True,
                speed_estimate_period=SECONDS_OF_SPEED,
            )
            self._live.start()
            self._row = self._live.add_task(
                escape(self._title),
                total=self._total,
                completed=self._done,
                unit=self._unit,
                figures="",
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()
        elif self._last_line > self._started:
            self._print_line()

    def _print_line(self) -> None:
        self._last_line = time.monotonic()
        seconds = self._last_line - self._started
        line = f"{self._title}: {self._done:,}"
        if self._total:
            line += f" of {self._total:,} {self._unit}"
            left = seconds * (self._total - self._done) / max(self._done - self._before, 1)
            line += f", {format_seconds(left)} left" if left >= 1 else ""
        else:
            line += f" {self._unit}"
        self._progress.note(line + (f", {self._text}" if self._text else ""))


class Progress:
    """Notes, warnings and bars on standard error; silent when `quiet`."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.console = (
            None if quiet else Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)
        )

    def note(self, text: str) -> None:
        """Print one plain line."""
        if self.console is not None:
            self.console.print(text, markup=False)

    def warn(self, text: str) -> None:
        """Print one line that asks for attention."""
        if self.console is not None:
            self.console.print(f"[yellow]warning:[/yellow] {escape(text)}")

    @contextmanager
    def bar(self, title: str, *, total: int | None, unit: str, done: int = 0) -> Iterator[Bar]:
        """A bar for `total` units of work (None: nobody knows how many).

        `done` of them were done before, at a speed that says nothing about the rest.
        """
        with Bar(self, title=title, total=total, unit=unit, done=done) as bar:
            yield bar


def format_seconds(seconds: float) -> str:
    """`75.3` as "1:15", `3700` as "1:01:40", `0.42` as "0.4 s"."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
