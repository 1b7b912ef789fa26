"""`spanfit evaluate`: how good a model is, and where it is wrong."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from spanfit.cli import console
from spanfit.cli.model import (
    BackendOption,
    DeviceOption,
    MaxTokensOption,
    ModelArgument,
    ThreadsOption,
    TrustOption,
    check_free,
    load_model,
)
from spanfit.cli.reading import ColumnsOption, parse_model_columns, quote_data
from spanfit.cli.score import ByOption, MetricOption, WorstOption, print_scores, read_kinds
from spanfit.errors import RecipeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spanfit.evaluation import Evaluation
    from spanfit.recalibration import Refit

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
    metric: MetricOption = None,
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
    columns: ColumnsOption = None,
    backend: BackendOption = "auto",
    device: DeviceOption = "auto",
    max_tokens: MaxTokensOption = None,
    threads: ThreadsOption = None,
    trust_remote_code: TrustOption = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the scores as JSON, for a program.")
    ] = False,
) -> None:
    """Score a model."""
    if refit is not None:
        runs_model = device != "auto" or max_tokens or threads or trust_remote_code
        if runs_model or show != "none" or out is not None or by or worst:
            raise RecipeError(
                "--refit runs no model, so it goes with --metric, --backend and --json only",
                fix="without --refit, after it: "
                f"spanfit evaluate {shlex.quote(model)} {quote_data(data, columns)}",
            )
        _refit(model, data, refit, metric=metric, backend=backend, as_json=as_json)
        return
    from spanfit.data import read
    from spanfit.progress import Progress

    kinds = read_kinds(by)
    if out is not None:
        check_free(out / "predictions.jsonl", out / "scores.json")
    loaded = load_model(
        model,
        backend,
        device=device,
        max_tokens=max_tokens,
        threads=threads,
        trust_remote_code=trust_remote_code,
    )
    reading = parse_model_columns(columns, loaded.settings)
    evaluation = loaded.examine(
        read(data, reading=reading),
        metric=metric,
        reading=reading,
        name=str(data),
        progress=Progress(),
    )
    if not as_json:
        _print_predictions(evaluation, show=show, limit=limit)
    print_scores(evaluation.scores, as_json=as_json, by=kinds, worst=worst)
    if out is not None:
        _write_evaluation(evaluation, out, by=kinds, worst=worst)
    elif show == "none" and not as_json:
        file = quote_data(data, columns)
        console.next_step(f"spanfit evaluate {shlex.quote(model)} {file} --show errors")


def _refit(
    model: str,
    data: Path,
    predictions: Path,
    *,
    metric: str | None,
    backend: str,
    as_json: bool,
) -> None:
    """Fit the calibration anew, and say what that changed."""
    from spanfit.recalibration import refit
    from spanfit.settings import FILE_NAME

    done = refit(model, data, predictions, metric=metric, backend=backend)
    for warning in done.warnings:
        console.warning(warning)
    _print_refit(done, as_json=as_json)
    if not done.is_changed:
        console.note(f"nothing to write: {done.folder / FILE_NAME} is as it was")
        return
    console.note(f"written: {done.folder / FILE_NAME}, from {done.after.n_examples:,} questions")
    console.note(f"scores of {data} are from now on signed selected_on=validation: it chose these")
    if not as_json:
        console.next_step(f"spanfit evaluate {_quote(model, data)}")


def _print_refit(done: Refit, *, as_json: bool) -> None:
    """Print JSON, or a table on a terminal, or `name before after` lines in a pipe."""
    from spanfit.cli import figures

    if as_json:
        console.print_json(figures.refit_to_json(done))
    elif (out := console.out()).is_terminal:
        out.print(figures.refit_table(done))
    else:
        for line in ("figure before after", *figures.refit_lines(done)):
            console.plain(line)


def _quote(*words: str | Path) -> str:
    return shlex.join(str(word) for word in words)


def _print_predictions(evaluation: Evaluation, *, show: str, limit: int) -> None:
    """The predictions asked for, worst first, each beside its gold."""
    from spanfit.cli.predictions import print_prediction

    if show == "none":
        return
    chosen = evaluation.ranked(only_wrong=show == "errors")
    for example, prediction in chosen[:limit]:
        print_prediction(prediction, example)
    if len(chosen) > limit:
        console.note(f"… and {len(chosen) - limit:,} more: --limit")


def _write_evaluation(
    evaluation: Evaluation, folder: Path, *, by: Sequence[str], worst: int
) -> None:
    """Write what --json prints, and the predictions behind it."""
    import json

    from spanfit.cli import figures
    from spanfit.data.prediction_lines import write_predictions

    write_predictions(folder / "predictions.jsonl", evaluation.predictions)
    content = figures.to_json(evaluation.scores, by=by, worst=worst)
    text = json.dumps(content, ensure_ascii=False, indent=2)
    (folder / "scores.json").write_text(text + "\n", encoding="utf-8")
    console.note(f"written: {folder}/predictions.jsonl, {folder}/scores.json")
