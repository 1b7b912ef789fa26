"""`spanfit check`: what is wrong with data, where, and what mends it; and a repaired file."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spanfit.cli import console
from spanfit.cli.model import check_free
from spanfit.cli.reading import ColumnsOption, parse_columns
from spanfit.errors import RecipeError
from spanfit.progress import Progress

if TYPE_CHECKING:
    from spanfit.doctor import Diagnosis, RepairedFile
    from spanfit.doctor.files import OpenedFile
    from spanfit.doctor.findings import Finding
    from spanfit.tokenizer import Tokenizer

HELP = """Find what is wrong with questions or tagged texts, and what mends it. Needs no torch.

DATA is checked by itself, and compared with every OTHER file, which is checked too: so name
first what is learnt from, then what is scored with.

Found: answers that are not where the file says, cut words, golds that disagree, repeated and
contradicting questions, texts of several files, near-duplicates, wrong characters and encodings,
tags that break their scheme, labels that hardly occur or are used unevenly; with --tokenizer also
what no window and no tokens can say, and the ceiling.

--fix OUT writes DATA repaired, and OUT.log.jsonl with each change. DATA itself never changes.

Exit status 1 if there are errors; warnings and notes are none. docs/check.md lists every kind.

Example: spanfit check train.json dev.json

Example: spanfit check train.json dev.json --fix clean.json --drop leaked_question

Example: spanfit check train.conll --columns tags=ner --tokenizer runs/NAME
"""

_STYLES = {"error": "bold red", "warning": "yellow", "note": "cyan"}
_SHORTENED = 400  # characters of a finding that a summary shows


def add_to(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("check", help=HELP)(check)


def check(
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="A file of questions or tagged texts.")
    ],
    others: Annotated[
        list[Path] | None,
        typer.Argument(metavar="OTHER", help="Files that should have nothing of DATA."),
    ] = None,
    tokenizer: Annotated[
        str | None,
        typer.Option(
            "--tokenizer",
            "-t",
            metavar="T",
            help="A run or folder with a tokenizer.json, that file, or quickstart: also find what "
            "its windows and tokens cannot say.",
        ),
    ] = None,
    max_length: Annotated[
        int | None,
        typer.Option(metavar="N", help="Tokens of a window; 384 for questions, else 256."),
    ] = None,
    overlap: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Tokens that two windows share; 128 for questions, else 64."
        ),
    ] = None,
    fix: Annotated[
        Path | None,
        typer.Option(metavar="OUT", help="Write DATA repaired to this new file, and a log."),
    ] = None,
    drop: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND", help="With --fix: leave out examples with such findings; repeatable."
        ),
    ] = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND", help="Neither tell nor mend findings of a kind; repeatable."),
    ] = None,
    worst: Annotated[
        int, typer.Option(min=0, metavar="N", help="How many findings of each kind are shown.")
    ] = 5,
    columns: ColumnsOption = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print all findings as JSON, for a program.")
    ] = False,
) -> None:
    """Check files, print what was found, and write a repaired one."""
    from spanfit.doctor import WindowShape, log_of
    from spanfit.doctor import check as find
    from spanfit.doctor.kinds import check_kinds

    reading = parse_columns(columns)
    check_kinds(drop or (), "--drop", drops=True)
    if drop and fix is None:
        raise RecipeError("--drop says what --fix leaves out", fix="--fix OUT")
    if tokenizer is None and (max_length is not None or overlap is not None):
        raise RecipeError("windows are made of tokens", fix="--tokenizer T, or no --max-length")
    if fix is not None:
        check_free(fix, log_of(fix))
    with Progress().bar("checking", total=4 + (tokenizer is not None), unit="steps") as bar:
        diagnosis = find(
            data,
            *(others or ()),
            reading=reading,
            tokenizer=_load(tokenizer),
            shape=WindowShape(max_length, overlap),
            ignore=ignore or (),
            advance=lambda step: bar.advance(1, step),
        )
    repaired = None if fix is None else diagnosis.fix(fix, drop=drop or ())
    if as_json:
        fixed = {} if repaired is None else {"fix": _describe_fix(repaired)}
        console.print_json(diagnosis.to_json() | fixed)
    else:
        _print(diagnosis, worst)
        again = _Again(others or (), columns or (), ignore or ())
        _print_fix(diagnosis, repaired, again)
    if diagnosis.n_errors:
        raise typer.Exit(1)


def _load(given: str | None) -> Tokenizer | None:
    if given is None:
        return None
    from spanfit.cli.windows import find_tokenizer, load_segmented

    return load_segmented(find_tokenizer(given), None)


def _print(diagnosis: Diagnosis, worst: int) -> None:
    """What the files hold, how much is wrong, and the worst of each kind."""
    for file in diagnosis.files:
        ceiling = diagnosis.ceilings.get(file.name, {})
        figures = "".join(f"; ceiling {name} {value:.2f}" for name, value in ceiling.items())
        console.plain(f"{file.name}: {len(file.examples):,} {file.examples[0].kind}{figures}")
    levels = diagnosis.count_levels()
    console.plain(", ".join(f"{n:,} {level}{'s' * (n != 1)}" for level, n in levels.items()))
    if diagnosis.findings:
        _print_counts(diagnosis)
    for kind in diagnosis.count_kinds() if worst else ():
        _print_worst(diagnosis.of(kind), worst, is_one=len(diagnosis.files) == 1)


def _print_counts(diagnosis: Diagnosis) -> None:
    """A line for each kind: how many, and how many of them `--fix` mends."""
    from rich.table import Table
    from rich.text import Text

    from spanfit.doctor import KINDS

    table = Table.grid(padding=(0, 2, 0, 0))
    out = console.out()
    out.print()
    for name, n in diagnosis.count_kinds().items():
        kind = KINDS[name]
        n_mended = sum(finding.is_mended for finding in diagnosis.of(name))
        title = Text(kind.title).append(f" ({n_mended:,} mended by --fix)" * bool(n_mended), "dim")
        cells = (Text(kind.level, _STYLES[kind.level]), Text(name, "bold"), Text(f"{n:,}"))
        if out.is_terminal:
            table.add_row(*cells, title)
        else:
            out.print(Text(" ").join([*cells, title]))
    if out.is_terminal:
        table.columns[2].justify = "right"
        out.print(table, soft_wrap=False)


def _print_worst(findings: list[Finding], worst: int, *, is_one: bool) -> None:
    """The worst findings of a kind, each with what mends it."""
    from rich.markup import escape

    from spanfit.cli.tables import in_one_line

    out, first = console.out(), findings[0]
    out.print(f"\n[{_STYLES[first.level]}]{first.kind}[/]")
    for finding in findings[:worst]:
        where = finding.place if is_one else f"{finding.file}, {finding.place}"
        is_made = finding.id.isdecimal() and not finding.place.startswith("paragraph")
        key = f", id {finding.id!r}" if finding.id and not is_made else ""
        out.print(escape(_shorten(in_one_line(f"{where}{key}: {finding.problem}"), indent="  ")))
        if finding.repair:
            out.print(f"[dim]    → {escape(_shorten(in_one_line(finding.repair)))}[/dim]")
    if len(findings) > worst:
        out.print(f"[dim]  and {len(findings) - worst:,} more[/dim]")


def _shorten(text: str, indent: str = "") -> str:
    text = text if len(text) <= _SHORTENED else text[: _SHORTENED - 1] + "…"
    return indent + text


@dataclass(frozen=True, slots=True)
class _Again:
    """What was typed beside DATA and counts for the next check as well."""

    others: Sequence[Path]
    columns: Sequence[str]
    ignore: Sequence[str]

    def quote(self, data: str | Path, *, is_patched: bool = True) -> str:
        """The command for other data; `is_patched`: its columns are those that were typed."""
        kept = [text for text in self.columns if is_patched or text.startswith("scheme=")]
        words = [shlex.quote(str(name)) for name in (data, *self.others)]
        words += [f"--columns {shlex.quote(text)}" for text in kept]
        words += [f"--ignore {kind}" for kind in self.ignore]
        return " ".join(["spanfit check", *words])


def _describe_fix(repaired: RepairedFile) -> dict[str, object]:
    return {
        "file": str(repaired.file),
        "log": str(repaired.log),
        "changes": len(repaired.changes) - repaired.n_dropped,
        "dropped": repaired.n_dropped,
    }


def _name_fixed(file: OpenedFile) -> str:
    """A name for the repaired file: dev.fixed.json.gz of dev.json.gz; of a table, JSON Lines."""
    data = Path(file.name)
    inner = Path(data.name.removesuffix(".gz"))
    if file.examples[0].place.startswith("row"):
        return f"{inner.stem}.fixed.jsonl"
    return f"{inner.stem}.fixed{inner.suffix}{data.name.removeprefix(inner.name)}"


def _print_fix(diagnosis: Diagnosis, repaired: RepairedFile | None, again: _Again) -> None:
    if repaired is None:
        first = diagnosis.files[0].name
        n = sum(item.is_mended and item.file == first for item in diagnosis.findings)
        if n:
            console.note(f"--fix mends {n:,} of these")
            name = shlex.quote(_name_fixed(diagnosis.files[0]))
            console.next_step(f"{again.quote(first)} --fix {name}")
        return
    changes = len(repaired.changes) - repaired.n_dropped
    left_out = f", {repaired.n_dropped:,} left out" if repaired.n_dropped else ""
    console.plain(f"\n{repaired.file}: {changes:,} changes{left_out}, listed in {repaired.log}")
    if repaired.unread:
        listed = ", ".join(repaired.unread)
        console.warning(f"not carried over, because SpanFit does not read it: {listed}")
    console.next_step(again.quote(repaired.file, is_patched=repaired.is_patched))
