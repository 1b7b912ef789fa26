"""`spanfit score`: predictions against gold, by the official metrics."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spanfit.cli import console
from spanfit.cli.reading import ColumnsOption, parse_columns
from spanfit.errors import RecipeError, did_you_mean, list_some

if TYPE_CHECKING:
    from spanfit.examples import Examples
    from spanfit.metrics import AnyScores, Comparison

HELP = """Score predictions against gold by an official metric. Needs no torch.

Of questions PREDICTIONS is a file of `spanfit predict`, or the official {"id": "text", …} with ""
for no answer. Of tagged texts it is a file of `spanfit predict`, or columns: a word, its gold tag
if you like, and the predicted tag, in the order of the gold. What has no prediction counts against
the score. A second file is compared with the first on the same examples (paired bootstrap).
Intervals are 95 % bootstrap intervals.

Example: spanfit score dev-v2.0.json predictions.json --na-probs na_probs.json

Example: spanfit score dev-v2.0.json old.jsonl new.jsonl --by question_word --worst 5

Example: spanfit score test.conll predictions.conll --metric seqeval_strict --by length
"""

ByOption = Annotated[
    list[str] | None,
    typer.Option(
        "--by",
        metavar="KIND",
        help="Figures of each kind of question: question_word, answer_length, context_length, "
        "answer_position, has_answer, title, synthetic; of tagged text: label, length, has_entity, "
        "document; or all. May be given several times.",
    ),
]
WorstOption = Annotated[
    int,
    typer.Option(
        "--worst",
        min=0,
        metavar="N",
        help="List the N questions of lowest F1, or most wrong texts.",
    ),
]
MetricOption = Annotated[
    str | None,
    typer.Option(
        "--metric",
        metavar="NAME",
        help="Of questions squad_v1, squad_v2, jsquad, korquad, cmrc2018, mlqa-LANGUAGE (mlqa-de, "
        "…) or first_gold_exact; of tagged texts conlleval, seqeval_strict, spans, char_macro or "
        "accuracy. Otherwise what suits: the script of the golds, the tags.",
    ),
]


def add_to(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("score", help=HELP)(score)


def score(
    gold: Annotated[Path, typer.Argument(metavar="GOLD", help="Examples with gold.")],
    predictions: Annotated[
        Path, typer.Argument(metavar="PREDICTIONS", help="What was said of these examples.")
    ],
    other: Annotated[
        Path | None,
        typer.Argument(metavar="OTHER", help="What another system said of them: compare."),
    ] = None,
    metric: MetricOption = None,
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
    columns: ColumnsOption = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, in full precision, for a program.")
    ] = False,
) -> None:
    """Score predictions against gold and print the figures."""
    from spanfit import metrics
    from spanfit.data import read

    kinds, reading = read_kinds(by), parse_columns(columns)
    files = [predictions] if other is None else [predictions, other]
    numbers = _pair_na_probs(na_probs or [], files)
    # Two files share one reading of the gold; a single one leaves it its name in messages.
    examples: Path | Examples = gold if other is None else read(gold, reading=reading)
    scores = [
        metrics.score(
            examples,
            file,
            metric=metric,
            na_probs=number,
            na_prob_threshold=na_prob_threshold,
            reading=reading,
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
    """The names of slices that `--by` gave, each once, and "all" as it is.

    Raises:
        RecipeError: no scores have slices of that name.
    """
    from spanfit.metrics import SLICES, TAG_SLICES

    known = ("all", *SLICES, *TAG_SLICES)
    for name in by or ():
        if name not in known:
            raise RecipeError(f"there are no slices by {name!r}", fix=did_you_mean(name, known))
    return tuple(dict.fromkeys(by or ()))


def print_scores(
    scores: AnyScores, *, as_json: bool = False, by: Sequence[str] = (), worst: int = 0
) -> None:
    """Print scores: JSON, or tables on a terminal, or `name value` lines in a pipe.

    `by` names slices, `worst` says how many of the worst examples to list. What was done to gold
    and predictions, and examples without a prediction, are told on standard error in each case.
    """
    from spanfit.cli import figures

    by = figures.list_kinds(scores, by)  # before anything is printed
    _print_notes([scores])
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


def _print_tables(scores: AnyScores, *, by: Sequence[str], worst: int) -> None:
    from spanfit.cli import figures

    out = console.out()
    out.print(figures.score_table(scores))
    for line in figures.remarks(scores):
        _print_dim(line)
    for kind in figures.list_kinds(scores, by):
        out.print(figures.slice_table(kind, scores.by(kind), noun=scores.noun))
    for rank, id_ in enumerate(scores.worst(worst), start=1):
        out.print(figures.case_text(rank, scores, id_))


def _print_comparison(
    comparison: Comparison,
    scores: Sequence[tuple[Path, AnyScores]],
    *,
    as_json: bool,
    by: Sequence[str],
    worst: int,
) -> None:
    """Both scores, each with the name of its file, then how they differ."""
    from spanfit.cli import figures

    for _, each in scores:
        figures.list_kinds(each, by)  # before anything is printed
    _print_notes([each for _, each in scores])
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


def _print_notes(scores: Sequence[AnyScores]) -> None:
    """Say once what was done to the gold, which these scores have in common, and to each side."""
    for note in dict.fromkeys(note for each in scores for note in each.notes):
        console.note(note)


def _warn_of_missing(scores: AnyScores, *, file: Path | None = None) -> None:
    from spanfit.cli import figures

    if missing := scores.missing:
        where = f"{file}: " if file else ""
        console.warning(
            f"{where}{len(missing):,} of {scores.signature.n:,} {scores.noun} have no prediction "
            f"{figures.view_of(scores).missing_counts}: {list_some(missing)}"
        )


def _print_dim(text: str) -> None:
    console.out().print(text, markup=False, style="dim")
