"""`spanfit predict`: what a model says of a whole file."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spanfit.cli import console
from spanfit.cli.model import BackendOption, ModelArgument, check_free, load_model

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spanfit.types import QuestionPrediction

HELP = """Write the predictions for a file of questions, one JSON line each.

Example: spanfit predict runs/qa-001 questions.jsonl --out predictions.jsonl
"""


def add_to(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("predict", help=HELP)(predict)


def predict(
    model: ModelArgument,
    data: Annotated[Path, typer.Argument(metavar="INPUT", help="Questions, with or without gold.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The predictions; .gz to compress.")],
    backend: BackendOption = "auto",
) -> None:
    """Write predictions."""
    from spanfit.data import stream
    from spanfit.data.predictions import write_predictions
    from spanfit.progress import Progress

    check_free(out)
    examples = stream(data)
    loaded = load_model(model, backend)
    with Progress().bar("predicting", total=None, unit="questions") as bar:

        def counted() -> Iterator[QuestionPrediction]:
            for prediction in loaded.predict(examples):
                yield prediction
                bar.advance()

        aside = out.with_name(f"{out.stem}.part{out.suffix}")
        try:
            n = write_predictions(aside, counted())
        except BaseException:
            _keep_part(aside)
            raise
        aside.replace(out)
    console.plain(f"{n:,} predictions: {out}")
    console.next_step(f"spanfit score GOLD {shlex.quote(str(out))}")


def _keep_part(part: Path) -> None:
    """What was predicted before a failure stays, and is named; an empty file goes."""
    if part.is_file() and part.stat().st_size:
        console.note(f"what was predicted until then: {part}")
    else:
        part.unlink(missing_ok=True)
