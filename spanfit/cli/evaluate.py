"""`spanfit evaluate`: how good a model is, and where it is wrong."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from spanfit.cli import console
from spanfit.cli.model import BackendOption, ModelArgument, check_free, load_model
from spanfit.cli.score import ByOption, WorstOption, print_scores, read_kinds
from spanfit.errors import RecipeError

if TYPE_CHECKING:
    from spanfit.evaluation import Evaluation
    from spanfit.types import QuestionExample

HELP = """Score a model on examples with gold, and show where it is wrong.

With --refit the model is not run: its threshold of "no answer" and its temperature are fitted anew
on what it predicted for DATA, and written to its spanfit.json. Needs no torch.

Example: spanfit evaluate runs/qa-001 dev-v2.0.json --show errors --limit 5

Example: spanfit evaluate runs/qa-001 held-out.json --refit predictions.jsonl
"""


def add_to(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("evaluate", help=HELP)(evaluate)


def evaluate(
    model: ModelArgument,
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Examples with gold.")],
    metric: Annotated[
        str | None, typer.Option(metavar="NAME", help="squad_v1 or squad_v2; else what suits.")
    ] = None,
    show: Annotated[
        Literal["errors", "all", "none"], typer.Option(help="Which predictions to print.")
    ] = "none",
    limit: Annotated[
        int, typer.Option(min=1, metavar="N", help="How many of them, worst first.")
    ] = 10,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write predictions.jsonl and scores.json there."),
    ] = None,
    refit: Annotated[
        Path | None,
        typer.Option(
            metavar="PREDICTIONS",
            help="Fit threshold and temperature anew on these predictions of DATA, and store them.",
        ),
    ] = None,
    by: ByOption = None,
    worst: WorstOption = 0,
    backend: BackendOption = "auto",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the scores as JSON, for a program.")
    ] = False,
) -> None:
    """Score a model."""
    if refit is not None:
        if show != "none" or out is not None or backend != "auto" or by or worst:
            raise RecipeError(
                "--refit runs no model, so it goes with --metric and --json only",
                fix=f"without --refit, after it: spanfit evaluate {_quote(model, data)}",
            )
        _refit(model, data, refit, metric=metric, as_json=as_json)
        return
    from spanfit.data import read
    from spanfit.progress import Progress

    if out is not None:
        check_free(out / "predictions.jsonl", out / "scores.json")
    kinds = read_kinds(by)
    examples = read(data)
    evaluation = load_model(model, backend).examine(examples, metric=metric, progress=Progress())
    if not as_json:
        _print_predictions(evaluation, show=show, limit=limit)
    print_scores(evaluation.scores, as_json=as_json, by=kinds, worst=worst)
    if out is not None:
        _write_evaluation(evaluation, out)
    elif show == "none" and not as_json:
        console.next_step(f"spanfit evaluate {_quote(model, data)} --show errors")


def _refit(model: str, data: Path, predictions: Path, *, metric: str | None, as_json: bool) -> None:
    """Fit the calibration anew, and say what that changed."""
    from spanfit.calibration import refit
    from spanfit.cli.refit import print_refit
    from spanfit.settings import FILE_NAME

    done = refit(model, data, predictions, metric=metric)
    for warning in done.warnings:
        console.warning(warning)
    print_refit(done, as_json=as_json)
    if not done.is_changed:
        console.note(f"nothing to write: {done.folder / FILE_NAME} is as it was")
        return
    console.note(f"written: {done.folder / FILE_NAME}, from {done.after.n_examples:,} questions")
    console.note(f"scores of {data} are from now on signed selected_on=validation: it chose these")
    if not as_json:
        console.next_step(f"spanfit evaluate {_quote(model, data)}")


def _quote(*words: str | Path) -> str:
    return shlex.join(str(word) for word in words)


def _print_predictions(evaluation: Evaluation, *, show: str, limit: int) -> None:
    """The predictions asked for, worst first, each beside its gold."""
    from spanfit.cli.answers import print_answer
    from spanfit.cli.marks import visible

    if show == "none":
        return
    chosen = evaluation.ranked(only_wrong=show == "errors")
    for example, prediction in chosen[:limit]:
        print_answer(prediction, question=example.question, context=example.context)
        console.plain(visible(f"gold: {_golds(example)}   id: {example.id}"))
    if len(chosen) > limit:
        console.note(f"… and {len(chosen) - limit:,} more: --limit")


def _golds(example: QuestionExample) -> str:
    texts = dict.fromkeys(answer.text for answer in example.answers or ())
    return " | ".join(texts) if texts else "no answer"


def _write_evaluation(evaluation: Evaluation, folder: Path) -> None:
    import json

    from spanfit.data.predictions import write_predictions

    write_predictions(folder / "predictions.jsonl", evaluation.predictions)
    content = json.dumps(evaluation.scores.to_json(), ensure_ascii=False, indent=2)
    (folder / "scores.json").write_text(content + "\n", encoding="utf-8")
    console.note(f"written: {folder}/predictions.jsonl, {folder}/scores.json")
