"""`spanfit windows`: how many windows a data set makes, what they lose, and the ceiling."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from spanfit.cli import console
from spanfit.errors import DataError, ModelError, list_some
from spanfit.quickstart import encoder_folder

if TYPE_CHECKING:
    from rich.table import Table

    from spanfit.tasks.coverage import Coverage
    from spanfit.windows import Windows

HELP = """Count the windows of a data set, and what they lose. Needs no torch.

DATA is SQuAD's JSON, JSON Lines, CSV or Parquet, or hub:ORG/NAME:SPLIT.

Widened is a gold answer that begins or ends inside a token, lost one that
no window holds within the limit. The ceiling is the best score that
tokenizer, windows and limit allow. --json lists all ids.

Example: spanfit windows dev-v1.1.json --tokenizer runs/NAME/model
"""

_BINS, _BAR = 10, 32  # rows of the histogram, and characters of its longest bar
_LOSSES = {
    "widened": "widened: begins or ends inside a token",
    "too_long": "lost: longer than the limit",
    "outside": "lost: in no window",
}


def add_to(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("windows", help=HELP)(windows)


def windows(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="A file of questions.")],
    tokenizer: Annotated[
        str,
        typer.Option(
            "--tokenizer",
            "-t",
            metavar="T",
            help="A run or folder with a tokenizer.json, that file, or quickstart.",
        ),
    ],
    max_length: Annotated[
        int, typer.Option(metavar="N", help="Tokens of a window, special ones included.")
    ] = 384,
    overlap: Annotated[
        int, typer.Option(metavar="N", help="Tokens that two neighbouring windows share.")
    ] = 128,
    limit: Annotated[
        int, typer.Option(min=1, metavar="N", help="Tokens of the longest answer.")
    ] = 30,
    first: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Only the first N questions.")
    ] = None,
    bad_answers: Annotated[
        Literal["drop", "relocate"] | None,
        typer.Option(help="What to do with gold answers that are not where the file says."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON with all ids, for a program.")
    ] = False,
) -> None:
    """Count windows, their lengths, what they lose, and the ceiling."""
    from spanfit.data import stream
    from spanfit.data.answers import check_answers
    from spanfit.tasks import TASKS
    from spanfit.tasks.coverage import measure_coverage
    from spanfit.tokenizer import load_tokenizer
    from spanfit.windows import WindowSettings, make_windows

    settings = WindowSettings(max_length=max_length, overlap=overlap)
    loaded = load_tokenizer(_find_tokenizer(tokenizer))
    checked = check_answers(islice(stream(data), first), repair=bad_answers, name=str(data))
    for line in checked.summary():
        console.note(line)
    if not checked.examples:
        raise DataError("there is no question in it", where=str(data))
    made = make_windows([TASKS["qa"].texts(item) for item in checked.examples], loaded, settings)
    coverage = measure_coverage(checked.examples, made, max_answer_tokens=limit)
    report = {
        "data": str(data),
        "tokenizer": tokenizer,
        "max_answer_tokens": limit,
        **_to_json(made, coverage),
    }
    if as_json:
        console.print_json(report)
        return
    if console.out().is_terminal:
        _print_report(report, made)
    else:
        for line in _to_lines(report):
            console.plain(line)
    _say_more(coverage, data, made)


def _find_tokenizer(given: str) -> Path:
    """The path that is meant; a name that may be one of the hub's is an error of its own."""
    if given == "quickstart":
        return encoder_folder()
    path = Path(given)
    if (path / "model" / "tokenizer.json").is_file():
        return path / "model"
    if path.exists() or len(path.parts) > 2 or path.is_absolute() or path.suffix:
        return path
    raise ModelError(
        "this command reads a tokenizer.json from disk, nothing from the hub",
        where=f"--tokenizer {given}",
        expected="a folder that holds a tokenizer.json, or such a file",
        found="no such folder or file",
        fix=f"hf download {given} tokenizer.json tokenizer_config.json --local-dir {path.name}",
    )


def _to_json(made: Windows, coverage: Coverage) -> dict[str, Any]:
    """All figures, and the ids of the questions behind those that are losses."""
    from spanfit.tasks.coverage import summarise_lengths

    lengths = summarise_lengths(made)
    n_questions = coverage.n_answerable + coverage.n_unanswerable + coverage.n_without_gold
    return {
        **asdict(made.settings),
        "questions": n_questions,
        "answerable": coverage.n_answerable,
        "unanswerable": coverage.n_unanswerable,
        "without_gold": coverage.n_without_gold,
        "windows": len(made),
        "windows_per_question": len(made) / n_questions,
        "tokens_per_window": asdict(lengths),
        "padding_factor": made.settings.max_length / lengths.mean,
        "cut_questions": list(coverage.cut),
        "crowded_questions": list(coverage.crowded),
        "empty_contexts": list(coverage.empty_contexts),
        "empty_questions": list(coverage.empty_questions),
        "first_gold": asdict(coverage.first_gold),
        "best_gold": asdict(coverage.best_gold),
        "ceiling": asdict(coverage.ceiling) if coverage.ceiling else None,
    }


def _to_lines(report: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """`name value` lines; of a list its length, with the first ids behind a mark."""
    for name, value in report.items():
        if isinstance(value, Mapping):
            yield from _to_lines(value, prefix=f"{prefix}{name}_")
        elif isinstance(value, list | tuple):
            yield f"{prefix}{name} {len(value)}" + (f" # {list_some(value)}" if value else "")
        else:
            shown = f"{value:.4f}".rstrip("0").rstrip(".") if isinstance(value, float) else value
            yield f"{prefix}{name} {shown}"


def _print_report(report: Mapping[str, Any], made: Windows) -> None:
    """Figures, histogram, losses and ceiling, as a person reads them."""
    from rich.markup import escape

    out = console.out()
    out.print(_figures_table(report), soft_wrap=False)
    out.print(_histogram(made))
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


def _figures_table(report: Mapping[str, Any]) -> Table:
    from rich.table import Table

    kinds = {
        "with an answer": report["answerable"],
        "without one": report["unanswerable"],
        "whose gold is not given": report["without_gold"],
    }
    tokens, max_length = report["tokens_per_window"], report["max_length"]
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row(
        "questions",
        f"[bold]{report['questions']:,}[/bold]: "
        + ", ".join(f"{number:,} {kind}" for kind, number in kinds.items() if number),
    )
    table.add_row(
        "windows",
        f"[bold]{report['windows']:,}[/bold]: {report['windows_per_question']:.3f} a question, "
        f"of at most {max_length} tokens, overlap {report['overlap']}",
    )
    table.add_row(
        "tokens a window",
        f"{tokens['min']} to {tokens['max']}, median {tokens['median']:.0f}, "
        f"mean {tokens['mean']:.1f}, 95 % have at most {tokens['p95']:.0f}",
    )
    table.add_row(
        "padding",
        f"every window at {max_length} would make {report['padding_factor']:.2f} times the tokens",
    )
    return table


def _histogram(made: Windows) -> Table:
    """How many windows have how many tokens, in rows of equal width."""
    import numpy as np
    from rich.table import Table

    low, high = int(made.lengths.min()), int(made.lengths.max())
    width = max(1, -(-(high - low + 1) // _BINS))
    counts = np.bincount((made.lengths - low) // width)
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", width=len("tokens a window"), justify="right")
    table.add_column(style="cyan")
    for row, count in enumerate(counts.tolist()):
        begin = low + row * width
        length = -(-count * _BAR // int(counts.max()))
        last = min(begin + width - 1, high)
        table.add_row(f"{begin} to {last}", f"{'█' * length} [default]{count:,}[/default]")
    return table


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


def _say_more(coverage: Coverage, data: Path, made: Windows) -> None:
    """What a person should know or type next, on standard error."""
    if coverage.cut:
        console.warning(
            f"{len(coverage.cut):,} questions are too long to stand beside their context and are "
            f"cut: {list_some(coverage.cut)}"
        )
    for what, ids in (
        ("contexts", coverage.empty_contexts),
        ("questions", coverage.empty_questions),
    ):
        if ids:
            console.warning(f"{len(ids):,} {what} are empty: {list_some(ids)}")
    longest = made.tokenizer.max_length
    if longest is not None and made.settings.max_length > longest:
        console.warning(
            f"the tokenizer's folder says that its model takes at most {longest} tokens"
        )
    console.note("tokenizer.json was read as it stands; transformers may read its folder otherwise")
    file, best = shlex.quote(str(data)), coverage.best_gold
    for id_ in (*best.outside, *best.too_long, *best.widened)[:1]:
        console.next_step(f"spanfit show {file} --id {shlex.quote(id_)}")
    console.next_step(f"spanfit init {file} > recipe.toml")
