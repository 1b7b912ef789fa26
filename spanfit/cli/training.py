"""`spanfit train`, `spanfit init`, `spanfit quickstart`: from a data file to a run folder."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from spanfit.cli import console
from spanfit.errors import DataError, RecipeError, list_some, require

if TYPE_CHECKING:
    from rich.table import Table

    from spanfit.runs import Run
    from spanfit.seeds import SeedRuns, Spread

TRAIN_HELP = """Fine-tune an encoder as a recipe says, and write a run folder.

Each epoch is evaluated; model/ holds the best one. Ctrl-C leaves a usable run.

Example: spanfit train recipe.toml --set optimizer.learning_rate=5e-5 --out runs/first
"""

INIT_HELP = """Print a recipe that fits a data file, every key with its meaning.

Several files are learnt from together; a question that stands in two of them counts once.

Example: spanfit init train.json --model bert-base-cased > recipe.toml
"""

QUICKSTART_HELP = """Train, evaluate and ask a small model on embedded data. Needs no network.

Example: spanfit quickstart
"""


def add_to(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command("quickstart", help=QUICKSTART_HELP)(quickstart)
    app.command("init", help=INIT_HELP)(init)
    app.command("train", help=TRAIN_HELP)(train)


def train(
    recipe: Annotated[
        Path, typer.Argument(metavar="RECIPE", help="A TOML file; see `spanfit init`.")
    ],
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Change one key; repeatable."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The run folder (of --seeds, for all); else runs/qa-NNN."),
    ] = None,
    bad_answers: Annotated[
        Literal["drop", "relocate"] | None,
        typer.Option(help="Short for --set data.bad_answers=…, for golds not at their offset."),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Only count windows, losses and steps, and estimate time."),
    ] = False,
    seeds: Annotated[
        str | None,
        typer.Option(metavar="N,N,…", help="A run with each seed, and mean and deviation of all."),
    ] = None,
    trackers: Annotated[
        list[str] | None,
        typer.Option(
            "--track", metavar="NAME", help="Log to tensorboard, wandb, mlflow, … too; repeatable."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the scores as JSON, for a program.")
    ] = False,
) -> None:
    """Fine-tune an encoder."""
    _require_training()
    from spanfit.progress import Progress
    from spanfit.seeds import train_seeds
    from spanfit.training import train as run_training

    changes = [*(overrides or []), *([f"data.bad_answers={bad_answers}"] if bad_answers else [])]
    chosen = None if seeds is None else _parse_seeds(seeds)
    names, progress = trackers or [], Progress()
    if dry_run:
        command = ["spanfit", "train", str(recipe)]
        for option, values in (("--set", changes), ("--track", names)):
            command += [word for value in values for word in (option, value)]
        command += ["--seeds", seeds] if seeds is not None else []
        command += ["--out", str(out)] if out is not None else []
        _estimate(recipe, changes, n_runs=len(chosen or [0]), as_json=as_json)
        console.next_step(shlex.join(command))
    elif chosen is not None:
        done = train_seeds(
            recipe, seeds=chosen, out=out, overrides=changes, trackers=names, progress=progress
        )
        _print_seeds(done, as_json=as_json)
    else:
        run = run_training(recipe, out=out, overrides=changes, trackers=names, progress=progress)
        if as_json:
            console.print_json({"folder": str(run.folder), "scores": _scores(run)})
        _say_next(run)


def _parse_seeds(text: str) -> list[int]:
    try:
        return [int(number) for number in text.split(",")]
    except ValueError:
        raise RecipeError(
            "--seeds needs whole numbers with commas between them",
            found=text,
            fix="--seeds 0,1,2",
        ) from None


def _estimate(recipe: Path, changes: list[str], *, n_runs: int, as_json: bool) -> None:
    """Print how long the training would take, for one run and for all."""
    from spanfit.estimation import estimate
    from spanfit.progress import Progress, format_seconds

    expected = estimate(recipe, overrides=changes, progress=Progress())
    seconds = expected.seconds * n_runs
    if as_json:
        console.print_json(expected.to_json() | {"runs": n_runs, "seconds_of_all_runs": seconds})
    else:
        all_runs = f", {format_seconds(seconds)} for {n_runs} seeds"
        console.plain(
            f"about {format_seconds(expected.seconds)} of training{all_runs if n_runs > 1 else ''}:"
            f" {expected.steps:,} steps, {expected.windows_per_second:.1f} windows/s here; "
            "evaluation not counted"
        )


def _print_seeds(done: SeedRuns, *, as_json: bool) -> None:
    """Print the figures over the seeds: JSON, a table on a terminal, plain lines in a pipe."""
    from spanfit.cli.figures import CHOSEN_HERE, format_figure

    rows = [
        (part, figure, spread)
        for part, figures in done.spreads.items()
        for figure, spread in figures.items()
        if not all(isinstance(value, int) for value in spread.values)  # counts
    ]
    if as_json:
        content = json.loads((done.folder / "scores.json").read_text(encoding="utf-8"))
        console.print_json({"folder": str(done.folder), **content})
    elif (out := console.out()).is_terminal:
        out.print(_to_table(done, rows))
    else:
        for part, figure, spread in rows:
            values = " ".join(format_figure(figure, value) for value in spread.values)
            std = format_figure(figure, spread.std)
            mark = f" # {CHOSEN_HERE}" if figure.startswith("best_") else ""
            mean = format_figure(figure, spread.mean)
            console.plain(f"{part} {figure} {mean} ± {std} of {values}{mark}")
    console.note(f"{len(done.runs)} runs and scores.json: {done.folder}")
    _say_next(done.runs[0])


def _to_table(done: SeedRuns, rows: list[tuple[str, str, Spread]]) -> Table:
    """The loss, all questions, and those with and without an answer, for each part."""
    from rich import box
    from rich.table import Table

    from spanfit.cli.figures import format_figure

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("part")
    table.add_column("figure")
    for heading in ("mean", "std", *(f"seed {seed}" for seed in done.seeds)):
        table.add_column(heading, justify="right")
    for part, figure, spread in rows:
        values = (spread.mean, spread.std, *spread.values)
        if not figure.startswith(("best_", "pr_")):  # those are for a program
            table.add_row(part, figure, *(format_figure(figure, value) for value in values))
    return table


def init(
    data: Annotated[
        list[Path],
        typer.Argument(metavar="DATA", help="The training examples, in one file or more."),
    ],
    model: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Folder, hub id, or quickstart (an embedded encoder)."),
    ] = None,
    validation: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Examples that are only scored.")
    ] = None,
) -> None:
    """Print a recipe."""
    from spanfit.data import read, stream
    from spanfit.recipe import annotate
    from spanfit.suggestion import suggest_recipe

    names = [str(file) for file in data]
    repeats: list[str] | None = [] if len(names) > 1 else None
    examples = list(stream(*names, repeats=repeats))
    if repeats:
        console.warning(
            f"{len(repeats):,} questions stand in more than one of these files, equal in "
            f"everything, and count once: {list_some(repeats)}"
        )
    suggestion = suggest_recipe(
        examples,
        train=names[0] if len(names) == 1 else names,
        model=model,
        validation=None if validation is None else str(validation),
        scored=() if validation is None else read(validation),
    )
    for line in suggestion.notes:
        console.note(line)
    console.plain(annotate(suggestion.recipe).rstrip())
    if console.out().is_terminal:
        console.note("to keep it: the same command, and > recipe.toml behind it")
    console.next_step("spanfit train recipe.toml --dry-run")


def quickstart(
    task: Annotated[Literal["qa"], typer.Option(help="What to learn.")] = "qa",
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The run folder; else runs/quickstart-NNN.")
    ] = None,
) -> None:
    """Train, evaluate and ask."""
    del task  # there is one so far
    _require_training(extra="quickstart")
    from spanfit.cli.answers import print_answer
    from spanfit.cli.score import print_scores
    from spanfit.metrics import score
    from spanfit.progress import Progress
    from spanfit.quickstart import DEMONSTRATION, VALIDATION
    from spanfit.quickstart.lesson import train_quickstart

    console.note("1. train on reports from a harbour that does not exist")
    run = train_quickstart(out=out, progress=Progress())
    console.note(f"2. score it on {VALIDATION.name}, which was written by hand")
    predictions = run.folder / "predictions/validation.jsonl"
    print_scores(score(VALIDATION, predictions, selected_on="calibration"))
    model = run.model()
    console.note("3. ask it about texts that it has not seen")
    for context, question in DEMONSTRATION:
        print_answer(model.ask(question, context), question=question, context=context)
    _say_next(run)
    console.next_step("spanfit init YOUR_DATA.json > recipe.toml")


def _require_training(*, extra: str = "train") -> None:
    for module in ("torch", "transformers", "accelerate"):
        require(module, extra=extra)


def _scores(run: Run) -> object:
    try:
        return run.scores
    except DataError:  # nothing was evaluated
        return None


def _say_next(run: Run) -> None:
    folder = shlex.quote(str(run.folder))
    console.next_step(f'spanfit ask {folder} --question "…" --context FILE')
    console.next_step(f"spanfit evaluate {folder} DATA --show errors")
