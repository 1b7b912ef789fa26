"""One recipe with several seeds: a run each, and the mean and standard deviation of every figure.

DIR/
  seed-0/ seed-1/ …   complete runs, each as `--set run.seed=N` makes it
  scores.json         what all finished ones reached, written anew after each
"""

from __future__ import annotations

import shlex
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from spanfit.errors import RecipeError
from spanfit.interruptions import terminable
from spanfit.metrics.signatures import Signature, require_same_signature
from spanfit.processes import join
from spanfit.progress import Progress
from spanfit.recipe import Recipe
from spanfit.runs import CHECKPOINT_MINUTES, Run, RunFolder, check_free, find_free_folder
from spanfit.training import resolve_recipe, train

CONFIDENCE = ("calibration_error", "brier", "aurc")
CHOSEN = ("threshold", "temperature")


@dataclass(frozen=True)
class Spread:
    """One figure over the seeds, in their order; a single value has no standard deviation."""

    values: tuple[float, ...]
    mean: float
    std: float | None
    """Of a sample (n - 1)."""


@dataclass(frozen=True)
class SeedRuns:
    """The runs of several seeds, and `spreads` by part of the data and figure."""

    folder: Path
    seeds: tuple[int, ...]
    runs: tuple[Run, ...]
    spreads: dict[str, dict[str, Spread]]


@terminable()
def train_seeds(
    recipe: Recipe | str | Path,
    *,
    seeds: Sequence[int],
    out: str | Path | None = None,
    resume: str | Path | None = None,
    overrides: Sequence[str] = (),
    trackers: Sequence[str] = (),
    checkpoint_minutes: float = CHECKPOINT_MINUTES,
    progress: Progress | None = None,
) -> SeedRuns:
    """Train a recipe once with each seed, one after the other, into a folder of runs.

    `resume` is the folder of seeds that go on: finished ones stay, the others are taken up again,
    or begun.

    The seed is `run.seed` (new weights, order, dropout). What is drawn from the data stays the
    same: `data.seed`.

    Raises:
        RecipeError: no seed, a seed twice, or as `train`.
        DataError: the scores of two runs are not comparable, because the data changed meanwhile.
        DataError, ModelError, MissingExtraError, RunError, KeyboardInterrupt: as `train`. The runs
            that are finished stay, and scores.json holds theirs.
    """
    progress, processes = progress or Progress(), join()
    voice = processes.voice(progress)
    with processes.together():
        recipe = resolve_recipe(recipe, overrides=overrides)
        _check_seeds(seeds)
        # All of them now, not the last one after hours.
        recipes = [resolve_recipe(recipe, overrides=[f"run.seed={seed}"]) for seed in seeds]
        name = f"{recipe.task.name}-seeds"
    folder = processes.tell(lambda: _choose_folder(out, resume, default_name=name))
    done = SeedRuns(folder=folder, seeds=(), runs=(), spreads={})
    try:
        for number, (seed, of_seed) in enumerate(zip(seeds, recipes, strict=True), start=1):
            voice.note(f"seed {seed} ({number} of {len(seeds)})")
            place = folder / f"seed-{seed}"
            run = train(
                of_seed,
                out=place if resume is None else None,
                resume=None if resume is None else place,
                trackers=trackers,
                checkpoint_minutes=checkpoint_minutes,
                progress=progress,
            )
            done = _add(done, seed, run)
            content = _to_json(done, seeds)
            processes.tell(partial(RunFolder(folder).write_json, "scores.json", content))
    except BaseException:  # an interruption too: it is raised again, the runs stay
        if done.runs:
            kept = ", ".join(str(run.folder) for run in done.runs)
            voice.note(f"finished before that, and in {folder / 'scores.json'}: {kept}")
        if folder.is_dir():
            words = shlex.join(["--resume", str(folder)])
            voice.note(f"to go on with all seeds: the same command, without --out, with {words}")
        raise
    return done


def _choose_folder(out: str | Path | None, resume: str | Path | None, *, default_name: str) -> Path:
    """The folder of all seeds: one that is begun, or one that is free.

    Raises:
        RunError: there is something in it already.
    """
    if resume is not None:
        return Path(resume)
    folder = Path(out) if out is not None else find_free_folder(default_name)
    check_free(folder)
    return folder


def _check_seeds(seeds: Sequence[int]) -> None:
    if not seeds or len(set(seeds)) < len(seeds) or min(seeds) < 0:
        raise RecipeError(
            "several seeds must be different numbers from 0",
            where="seeds",
            found=", ".join(map(str, seeds)) or "none",
            fix="--seeds 0,1,2",
        )


def _add(done: SeedRuns, seed: int, run: Run) -> SeedRuns:
    """The runs with one more."""
    runs = (*done.runs, run)
    return SeedRuns(
        folder=done.folder, seeds=(*done.seeds, seed), runs=runs, spreads=summarise(runs)
    )


def summarise(runs: Sequence[Run]) -> dict[str, dict[str, Spread]]:
    """The spread of every figure of each part that was scored, loss and confidence among them.

    Threshold and temperature count among the figures of the calibration part, which they are
    fitted on. A figure that some run lacks (the threshold, where a model always answers) is left
    out.

    Raises:
        DataError: the scores of a part have unequal signatures.
    """
    first, *others = [_scored_parts(run) for run in runs]
    for other in others:
        for name, part in first.items():
            require_same_signature(
                Signature(**part["signature"]), Signature(**other[name]["signature"])
            )
    return {name: _measure_part([run[name] for run in (first, *others)]) for name in first}


def _measure_part(parts: Sequence[dict[str, Any]]) -> dict[str, Spread]:
    first, *others = figures = [_figures(part) for part in parts]
    return {
        figure: measure([values[figure] for values in figures])
        for figure in first
        if all(figure in other for other in others)
    }


def measure(values: Sequence[float]) -> Spread:
    """Mean and sample standard deviation (n - 1; None of one value)."""
    std = statistics.stdev(values) if len(values) > 1 else None
    return Spread(values=tuple(values), mean=statistics.fmean(values), std=std)


def _scored_parts(run: Run) -> dict[str, dict[str, Any]]:
    """The parts in a run's scores.json; none where nothing was evaluated."""
    if not (run.folder / "scores.json").is_file():
        return {}
    content = run.scores
    parts: dict[str, dict[str, Any]]
    parts = {name: content[name] for name in ("calibration", "validation") if name in content}
    if "calibration" in parts:
        parts["calibration"] |= {name: content.get(name) for name in CHOSEN}
    return parts


def _figures(part: dict[str, Any]) -> dict[str, float]:
    """Every figure of one part of scores.json by name, without those that are null."""
    confidence = part["confidence"] or {}
    figures = {
        "eval_loss": part["eval_loss"],
        **part["figures"],
        **{name: confidence.get(name) for name in CONFIDENCE},
        **{name: part.get(name) for name in CHOSEN},
    }
    return {name: value for name, value in figures.items() if value is not None}


def _to_json(done: SeedRuns, seeds: Sequence[int]) -> dict[str, Any]:
    """The content of scores.json; `unfinished` are those of all `seeds` that are not done."""
    return {
        "seeds": list(done.seeds),
        "unfinished": [seed for seed in seeds if seed not in done.seeds],
        "runs": [run.folder.name for run in done.runs],
        "parts": {
            part: {figure: asdict(spread) for figure, spread in figures.items()}
            for part, figures in done.spreads.items()
        },
    }
