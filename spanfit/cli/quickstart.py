"""`spanfit quickstart`: train, evaluate and use a small model on embedded data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from spanfit.cli import console
from spanfit.cli.training import require_training, say_next

if TYPE_CHECKING:
    from spanfit.model import Model
    from spanfit.quickstart import Lesson

HELP = """Train, evaluate and use a small model on embedded data. Needs no network.

Example: spanfit quickstart --task tagging
"""


def add_to(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("quickstart", help=HELP)(quickstart)


def quickstart(
    task: Annotated[
        Literal["qa", "tagging"], typer.Option(help="What to learn: answers, or entities.")
    ] = "qa",
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The run folder; else runs/quickstart-NNN.")
    ] = None,
) -> None:
    """Train, evaluate and use a model."""
    require_training(extra="quickstart")
    from spanfit.cli.score import print_scores
    from spanfit.metrics import score
    from spanfit.progress import Progress
    from spanfit.quickstart import LESSONS
    from spanfit.quickstart.lesson import train_quickstart

    lesson = LESSONS[task]
    console.note("1. train on reports from a harbour that does not exist")
    run = train_quickstart(task=task, out=out, progress=Progress())
    console.note(f"2. score it on {lesson.validation.name}, which was written by hand")
    predictions = run.folder / "predictions/validation.jsonl"
    print_scores(score(lesson.validation, predictions, selected_on="calibration"))
    console.note("3. try it on texts that it has not seen")
    _DEMONSTRATIONS[task](run.model(), lesson)
    say_next(run)
    console.next_step("spanfit init YOUR_DATA > recipe.toml")


def _ask(model: Model, lesson: Lesson) -> None:
    from spanfit.cli.answers import print_answer

    for context, question in lesson.demonstration:
        print_answer(model.ask(question, context), question=question, context=context)


def _tag(model: Model, lesson: Lesson) -> None:
    from spanfit.cli.entities import print_entities

    for text in lesson.demonstration:
        print_entities(model.tag(text))


_DEMONSTRATIONS = {"qa": _ask, "tagging": _tag}
"""How a model is shown at work, by its task's name."""
