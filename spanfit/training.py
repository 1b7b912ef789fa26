"""Fine-tuning by a recipe: a run that begins, or one that goes on from a checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from spanfit.hardware import check_hardware, set_up_torch
from spanfit.interruptions import terminable
from spanfit.loop import Training
from spanfit.preparation import Prepared, prepare
from spanfit.processes import Processes, doubt_launch, join
from spanfit.progress import Progress
from spanfit.recipe import Recipe, make_recipe, read_recipe
from spanfit.resumption import (
    check_data,
    choose_recipe,
    find_checkpoint,
    nothing_to_train,
    read_record,
)
from spanfit.runs import CHECKPOINT_MINUTES, Run, RunFolder, check_free
from spanfit.shared_runs import held
from spanfit.tracking import check_trackers


@terminable()
def train(
    recipe: Recipe | str | Path | None = None,
    *,
    out: str | Path | None = None,
    resume: str | Path | None = None,
    overrides: Sequence[str] = (),
    trackers: Sequence[str] = (),
    checkpoint_minutes: float = CHECKPOINT_MINUTES,
    progress: Progress | None = None,
) -> Run:
    """Fine-tune an encoder as a recipe says; the run folder is `out`, or a new one under runs/.

    `resume` is the folder of a run that goes on after its newest whole checkpoint, to the very bit
    on the same machine. It needs no recipe; one that is given must be the run's, and begins the run
    where there is none yet. A run that is finished stays as it is.

    `trackers` names what else gets the metrics: tensorboard, wandb, … as Accelerate knows them.
    `checkpoint_minutes` lie between two checkpoints, beside those of epochs; 0: one every step.

    Called in each process that a launcher started, it trains in all of them: see `processes`. The
    first one writes and speaks; an error that it says is a `ToldElsewhereError` in the others.

    Raises:
        RecipeError: the recipe, an override or a tracker's name is wrong, or there is no recipe.
        DataError, ModelError: data or encoder cannot be used.
        MissingExtraError: a tracker is not installed.
        RunError: the folder is taken, another process trains there, recipe or data are not the
            run's, memory or disk ran out, the loss is not a number, or another process has ended.
        KeyboardInterrupt: interrupted; the run folder holds a usable model then.
    """
    progress, processes = progress or Progress(), join()
    voice = processes.voice(progress)
    for line in processes.describe():
        voice.note(line)
    for doubt in doubt_launch():
        voice.warn(doubt)
    make = partial(
        Training,
        progress=progress,
        trackers=trackers,
        checkpoint_minutes=checkpoint_minutes,
        processes=processes,
    )
    with processes.together():
        check_trackers(trackers)
        is_begun = resume is not None and RunFolder(Path(resume)).is_begun
    if resume is not None and is_begun:
        with held(Path(resume), processes) as folder:
            return _go_on(
                folder,
                recipe,
                overrides=overrides,
                progress=voice,
                processes=processes,
                make=make,
            )
    with processes.together():
        if recipe is None:
            raise nothing_to_train(resume)
        recipe = resolve_recipe(recipe, overrides=overrides)
        out = out if resume is None else resume
        if out is not None:
            check_free(Path(out))  # now, not after minutes of preparation
        check_hardware(recipe, n_processes=processes.count)
        set_up_torch(recipe)
        prepared = prepare(recipe, progress=voice)
    name = prepared.task.name
    place = processes.tell(lambda: RunFolder.create(out, default_name=name).folder)
    with held(place, processes) as folder:
        with processes.together():
            check_free(folder.folder)  # nobody was quicker
            training = make(prepared, folder)
        return training.run()


def _go_on(
    folder: RunFolder,
    recipe: Recipe | str | Path | None,
    *,
    overrides: Sequence[str],
    progress: Progress,
    processes: Processes,
    make: Callable[[Prepared, RunFolder], Training],
) -> Run:
    """Take a run up again; see `train`."""
    with processes.together():
        record = read_record(folder)
        chosen = choose_recipe(folder, record, recipe, overrides=overrides)
    if record["status"] == "finished":
        progress.note(f"{folder.folder}: this run is finished, there is nothing to go on with")
        return Run(folder.folder)
    checkpoint = processes.tell(lambda: find_checkpoint(folder, progress=progress))
    with processes.together():
        check_hardware(chosen, n_processes=processes.count)
        set_up_torch(chosen)
        prepared = prepare(chosen, progress=progress)
        check_data(folder, record, prepared)
        training = make(prepared, folder)
        training.go_on_from(checkpoint, record=record)
    return training.run()


def resolve_recipe(recipe: Recipe | str | Path, *, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe of a file or an object, overrides applied.

    Raises:
        RecipeError: the file, a key or a value is wrong.
    """
    if not isinstance(recipe, Recipe):
        return read_recipe(recipe, overrides=overrides)
    return make_recipe(recipe.model_dump(), overrides=overrides) if overrides else recipe
