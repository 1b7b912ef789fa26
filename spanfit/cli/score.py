"""`spanfit score`: predictions against gold, by the official metrics."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spanfit.cli import console
from spanfit.errors import RecipeError, list_some

if TYPE_CHECKING:
    from spanfit.metrics import Comparison, Scores
    from spanfit.types import QuestionExample

HELP = """Score predictions against gold by an official metric. Needs no torch.

PREDICTIONS is a file of `spanfit predict`, or the official {"id": "text", …} with "" for no answer.
A question without a prediction counts as 0. A second file is compared with the first on the same
questions (paired bootstrap). Intervals are 95 % bootstrap intervals.

Example: spanfit score dev-v2.0.json predictions.json --na-probs na_probs.json

Example: spanfit score dev-v2.0.json old.jsonl new.jsonl --by question_word --worst 5
"""

ByOption = Annotated[
    list[str] | None,
    typer.Option(
        "--by",
        metavar="KIND",
        help="Figures of each kind of question: question_word, answer_length, context_length, "
        "answer_position, has_answer, title, synthetic, or all. May be given several times.",
    ),
]
WorstOption = Annotated[
    int, typer.Option("--worst", min=0, metavar="N", help="List the N questions of lowest F1.")
]


def add_to(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("score", help=HELP)(score)


def score(
    gold: Annotated[Path, typer.Argument(metavar="GOLD", help="Questions with gold.")],
    predictions: Annotated[
        Path, typer.Argument(metavar="PREDICTIONS", help="What was answered to these questions.")
    ],
    other: Annotated[
        Path | None,
        typer.Argument(metavar="OTHER", help="What another system answered to them: compare."),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="squad_v1 or squad_v2; otherwise squad_v2 where a question has no answer.",
        ),
    ] = None,
    na_probs: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help='{"id": number, …}: how likely there is no answer. Once for each predictions '
            "file, in their order.",
        ),
    ] = None,
    na_prob_threshold: Annotated[
        float, typer.Option(metavar="X", help="No answer where the na-prob is greater than X.")
    ] = 1.0,
    by: ByOption = None,
    worst: WorstOption = 0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, in full precision, for a program.")
    ] = False,
) -> None:
    """Score predictions against gold and print the figures."""
    from spanfit import metrics
    from spanfit.data import read

    kinds = read_kinds(by)
    files = [predictions] if other is None else [predictions, other]
    numbers = _pair_na_probs(na_probs or [], files)
    # Two files share one reading of the gold; a single one leaves it its name in messages.
    examples: Path | list[QuestionExample] = gold if other is None else read(gold)
    scores = [
        metrics.score(
            examples,
            file,
            metric=metric,
            na_probs=number,
            na_prob_threshold=na_prob_threshold,
        )
        for file, number in zip(files, numbers, strict=True)
    ]
    if other is None:
        print_scores(scores[0], as_json=as_json, by=kinds, worst=worst)
    else:
        named = list(zip(files, scores, strict=True))
        comparison = metrics.compare(*scores)
        _print_comparison(comparison, named, as_json=as_json, by=kinds, worst=worst)


def read_kinds(by: Sequence[str] | None) -> tuple[str, ...]:
    """The names of slices that `--by` gave, each once; "all" stands for all of them.

    Raises:
        RecipeError: there are no slices of that name.
    """
    from spanfit.metrics import SLICES, check_slice

    names = [name for given in by or () for name in (SLICES if given == "all" else (given,))]
    for name in names:
        check_slice(name)
    return tuple(dict.fromkeys(names))


def print_scores(
    scores: Scores, *, as_json: bool = False, by: Sequence[str] = (), worst: int = 0
) -> None:
    """Print scores: JSON, or tables on a terminal, or `name value` lines in a pipe.

    `by` names slices, `worst` says how many of the worst questions to list. Questions without a
    prediction are warned of on standard error in each case.
    """
    from spanfit.cli import figures

    _warn_of_missing(scores)
    if as_json:
        console.print_json(figures.to_json(scores, by=by, worst=worst))
    elif console.out().is_terminal:
        _print_tables(scores, by=by, worst=worst)
        _print_dim(str(scores.signature))
    else:
        for line in figures.to_lines(scores, by=by, worst=worst):
            console.plain(line)
        for line in figures.signature_lines(scores):
            console.plain(line)


def _print_tables(scores: Scores, *, by: Sequence[str], worst: int) -> None:
    from spanfit.cli import figures

    out = console.out()
    out.print(figures.score_table(scores))
    if (confidence := scores.confidence) is not None:
        _print_dim(
            f"calibration error {confidence.calibration_error:.3f} · Brier {confidence.brier:.3f}"
            f" · area under risk-coverage {confidence.aurc:.3f}"
        )
    for kind in by:
        out.print(figures.slice_table(kind, scores.by(kind)))
    for rank, id_ in enumerate(scores.worst(worst), start=1):
        out.print(figures.case_text(rank, scores.case(id_)))


def _print_comparison(
    comparison: Comparison,
    scores: Sequence[tuple[Path, Scores]],
    *,
    as_json: bool,
    by: Sequence[str],
    worst: int,
) -> None:
    """Both scores, each with the name of its file, then how they differ."""
    from spanfit.cli import figures

    for file, each in scores:
        _warn_of_missing(each, file=file)
    named = list(zip("ab", scores, strict=True))
    if as_json:
        content = {
            name: {"file": str(file), **figures.to_json(each, by=by, worst=worst)}
            for name, (file, each) in named
        }
        console.print_json(content | {"comparison": comparison.to_json()})
    elif (out := console.out()).is_terminal:
        for name, (file, each) in named:
            out.print(f"{name.upper()} = {file}", markup=False, style="bold")
            _print_tables(each, by=by, worst=worst)
        out.print(figures.comparison_table(comparison))
        _print_dim(
            "paired bootstrap; p: how readily a difference this clear comes from systems that "
            "are equally good"
        )
        _print_dim(str(comparison.signature))
    else:
        for name, (_, each) in named:
            for line in figures.to_lines(each, by=by, worst=worst):
                console.plain(f"{name}.{line}")
        for line in (*figures.comparison_lines(comparison), *figures.signature_lines(each)):
            console.plain(line)


def _pair_na_probs(na_probs: Sequence[Path], files: Sequence[Path]) -> Sequence[Path | None]:
    """The numbers of each file of predictions: all have them, or none.

    Raises:
        RecipeError: some have them.
    """
    if na_probs and len(na_probs) != len(files):
        raise RecipeError(
            "the na-probs belong to one file of predictions each",
            expected=f"--na-probs {len(files)} times",
            found=f"{len(na_probs)} times",
        )
    return na_probs or [None] * len(files)


def _warn_of_missing(scores: Scores, *, file: Path | None = None) -> None:
    if missing := scores.missing:
        where = f"{file}: " if file else ""
        console.warning(
            f"{where}{len(missing):,} of {scores.signature.n:,} questions have no prediction and "
            f"count as 0: {list_some(missing)}"
        )


def _print_dim(text: str) -> None:
    console.out().print(text, markup=False, style="dim")
