"""`spanfit train`: from a recipe to a run folder."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from spanfit.cli import console
from spanfit.errors import DataError, RecipeError, require
from spanfit.runs import CHECKPOINT_MINUTES

if TYPE_CHECKING:
    from rich.table import Table

    from spanfit.runs import Run
    from spanfit.seeds import SeedRuns, Spread

HELP = """Fine-tune an encoder as a recipe says, and write a run folder.

Each epoch is evaluated; model/ holds the best one. Ctrl-C leaves a usable run.

Example: spanfit train recipe.toml --set optimizer.learning_rate=5e-5 --out runs/first

After an interruption or a crash: spanfit train --resume runs/first
"""


def add_to(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("train", help=HELP)(train)


def train(
    recipe: Annotated[
        Path | None,
        typer.Argument(
            metavar="RECIPE",
            help="A TOML file; see `spanfit init`. With --resume the run's own, if it is left out.",
        ),
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Change one key; repeatable."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="The run folder (of --seeds, for all); else runs/TASK-NNN."
        ),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN",
            help="Go on with this run (with --seeds: runs) after its newest checkpoint; with "
            "RECIPE, begin it if there is none.",
        ),
    ] = None,
    checkpoint_minutes: Annotated[
        float,
        typer.Option(
            min=0, help="Minutes between two checkpoints, beside those of epochs; 0: every step."
        ),
    ] = CHECKPOINT_MINUTES,
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
    _check_arguments(recipe, resume, out=out, dry_run=dry_run, seeds=seeds)
    require_training()
    from spanfit.processes import join
    from spanfit.progress import Progress
    from spanfit.seeds import train_seeds
    from spanfit.training import train as run_training

    if not join().is_first:
        console.silence()
    changes = [*(overrides or []), *([f"data.bad_answers={bad_answers}"] if bad_answers else [])]
    chosen = None if seeds is None else _parse_seeds(seeds)
    names, progress = trackers or [], Progress()
    if dry_run and recipe is not None:
        command = ["spanfit", "train", str(recipe)]
        for option, values in (("--set", changes), ("--track", names)):
            command += [word for value in values for word in (option, value)]
        command += ["--seeds", seeds] if seeds is not None else []
        command += ["--out", str(out)] if out is not None else []
        _estimate(recipe, changes, n_runs=len(chosen or [0]), as_json=as_json)
        console.next_step(shlex.join(command))
    elif chosen is not None and recipe is not None:
        done = train_seeds(
            recipe,
            seeds=chosen,
            out=out,
            resume=resume,
            overrides=changes,
            trackers=names,
            checkpoint_minutes=checkpoint_minutes,
            progress=progress,
        )
        _print_seeds(done, as_json=as_json)
    else:
        run = run_training(
            recipe,
            out=out,
            resume=resume,
            overrides=changes,
            trackers=names,
            checkpoint_minutes=checkpoint_minutes,
            progress=progress,
        )
        if as_json:
            console.print_json({"folder": str(run.folder), "scores": _scores(run)})
        say_next(run)


def _check_arguments(
    recipe: Path | None,
    resume: Path | None,
    *,
    out: Path | None,
    dry_run: bool,
    seeds: str | None,
) -> None:
    """Refuse a training of nothing, and what means nothing beside --resume.

    Raises:
        RecipeError: it names the argument.
    """
    if recipe is None and (resume is None or seeds is not None):
        again = f"--resume {'RUN' if resume is None else shlex.quote(str(resume))}"
        raise RecipeError(
            "RECIPE is missing",
            fix=f"spanfit train RECIPE, or spanfit train {again} for a run that was begun"
            if seeds is None
            else f"spanfit train RECIPE --seeds {seeds} {again}",
        )
    others = {"--out": out is not None, "--dry-run": dry_run}
    for name, is_given in others.items():
        if resume is not None and is_given:
            raise RecipeError(
                f"--resume goes on in a run's own folder, and {name} has no meaning beside it",
                fix=f"the same without {name}",
            )


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
    from spanfit.cli.tables import CHOSEN_HERE, format_figure

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
    say_next(done.runs[0])


def _to_table(done: SeedRuns, rows: list[tuple[str, str, Spread]]) -> Table:
    """Mean, deviation and single values of each figure of each part, but for best_* and pr_*."""
    from rich import box
    from rich.table import Table

    from spanfit.cli.tables import format_figure

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


def require_training(*, extra: str = "train") -> None:
    """Refuse to start where something is missing that a training needs.

    Raises:
        MissingExtraError: it names the extra.
    """
    for module in ("torch", "transformers", "accelerate"):
        require(module, extra=extra)


def _scores(run: Run) -> object:
    try:
        return run.scores
    except DataError:  # nothing was evaluated
        return None


def say_next(run: Run) -> None:
    """What to type after a training."""
    from spanfit.settings import find_settings

    folder = shlex.quote(str(run.folder))
    _, settings = find_settings(run.folder)
    console.next_step(f"spanfit {USE[settings.task].format(folder)}")
    console.next_step(f"spanfit evaluate {folder} DATA --show errors")


USE = {"qa": 'ask {} --question "…" --context FILE', "tagging": 'tag {} "…"'}
"""How a model is used, by its task's name."""
