"""`spanfit score`: predictions against gold, by the official metrics."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spanfit.cli import console

if TYPE_CHECKING:
    from rich.table import Table

    from spanfit.metrics import Scores

_CHOSEN_HERE = "best threshold (chosen on this data)"
_ROWS = (
    ("all questions", "exact_match", "f1", "n"),
    ("all questions", "exact", "f1", "total"),
    ("with an answer (HasAns)", "HasAns_exact", "HasAns_f1", "HasAns_total"),
    ("without an answer (NoAns)", "NoAns_exact", "NoAns_f1", "NoAns_total"),
    (_CHOSEN_HERE, "best_exact", "best_f1", ""),
    ("  that threshold", "best_exact_thresh", "best_f1_thresh", ""),
    ("precision-recall area", "pr_exact_ap", "pr_f1_ap", ""),
    ("  if every answer were right", "pr_oracle_ap", "pr_oracle_ap", ""),
)  # label, then the figures of the columns exact, F1 and questions

HELP = """Score predictions against gold by an official metric. Needs no torch.

PREDICTIONS is a file of `spanfit predict`, or the official {"id": "text", …} with "" for no answer.
A question without a prediction counts as 0.

Example: spanfit score dev-v2.0.json predictions.json --na-probs na_probs.json
"""


def add_to(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("score", help=HELP)(score)


def score(
    gold: Annotated[Path, typer.Argument(metavar="GOLD", help="SQuAD JSON or JSON Lines.")],
    predictions: Annotated[
        Path, typer.Argument(metavar="PREDICTIONS", help="What was answered to these questions.")
    ],
    metric: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="squad_v1 or squad_v2; otherwise squad_v2 where a question has no answer.",
        ),
    ] = None,
    na_probs: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help='{"id": number, …}: how likely there is no answer.'),
    ] = None,
    na_prob_threshold: Annotated[
        float, typer.Option(metavar="X", help="No answer where the na-prob is greater than X.")
    ] = 1.0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, in full precision, for a program.")
    ] = False,
) -> None:
    """Score predictions against gold and print the figures."""
    from spanfit import metrics

    scores = metrics.score(
        gold,
        predictions,
        metric=metric,
        na_probs=na_probs,
        na_prob_threshold=na_prob_threshold,
    )
    print_scores(scores, as_json=as_json)


def print_scores(scores: Scores, *, as_json: bool = False) -> None:
    """Print scores: JSON, or a table on a terminal, or `name value` lines in a pipe.

    Questions without a prediction are warned of on standard error in each case.
    """
    if scores.missing:
        console.warning(
            f"{len(scores.missing):,} of {scores.signature.n:,} questions have no prediction and "
            f"count as 0: {', '.join(scores.missing[:3])}{' …' if len(scores.missing) > 3 else ''}"
        )
    if as_json:
        console.print_json(scores.to_json())
    elif (out := console.out()).is_terminal:
        out.print(_to_table(scores))
        out.print(str(scores.signature), markup=False, style="dim")
    else:
        for line in _to_lines(scores):
            console.plain(line)


def _to_table(scores: Scores) -> Table:
    """One row for all questions, one for each kind, then what a threshold could do."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(scores.signature.metric)
    for heading in ("exact", "F1", "questions"):
        table.add_column(heading, justify="right")
    shown = {name: _format(name, value) for name, value in scores.figures.items()}
    shown["n"] = str(scores.signature.n)
    for label, exact, f1, count in _ROWS:
        if exact in shown:
            table.add_row(label, shown[exact], shown[f1], shown.get(count, ""))
    return table


def _to_lines(scores: Scores) -> list[str]:
    """`name value` lines under the official names; what the data itself chose is marked."""
    lines = []
    for name, value in scores.figures.items():
        mark = f" # {_CHOSEN_HERE}" if name.startswith("best_") else ""
        lines.append(f"{name} {_format(name, value)}{mark}")
    lines.append(f"missing {len(scores.missing)}")
    return lines + [f"{name} {value}" for name, value in asdict(scores.signature).items()]


def _format(name: str, value: float) -> str:
    """Counts in full, thresholds with four decimals, scores with two."""
    if isinstance(value, int):
        return str(value)
    return f"{value:.4f}" if name.endswith("_thresh") else f"{value:.2f}"
