"""Taking a run up again: is it the same training, and which checkpoint does it go on from?"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from spanfit.errors import RecipeError, RunError, list_some
from spanfit.manifests import find_fault
from spanfit.preparation import Prepared
from spanfit.progress import Progress
from spanfit.recipe import Recipe, make_recipe, read_recipe
from spanfit.run_records import NEEDED
from spanfit.runs import RECORD, RunFolder, resume_command
from spanfit.tracking import flatten

COMPARED_BY_CONTENT = {"data.train", "data.validation", "data.calibration"}
"""Keys that may change where the examples stay what they were: files move."""
FREE = {
    "batch.compiled",
    "batch.max_tokens",
    "batch.max_prediction_tokens",
    "batch.packed",
    "model.gradient_checkpointing",
    "run.device",
    "run.max_checkpoints",
    "run.threads",
}
"""Keys of memory, speed and place: the training stays the same but for rounding."""


TRUST = "model.trust_remote_code=true"
"""How it is typed that Python code of a model may run."""


def nothing_to_train(resume: str | Path | None) -> RecipeError:
    """The error for a training without a recipe and without a run."""
    if resume is None:
        return RecipeError(
            "there is no recipe to train by",
            fix="spanfit train RECIPE, or spanfit train --resume RUN",
        )
    return RecipeError(
        "there is no run here to go on with",
        where=str(resume),
        expected=f"the folder of a run, with its {RECORD}",
        fix="spanfit train RECIPE --resume RUN, which begins the run where there is none yet",
    )


def read_record(folder: RunFolder) -> dict[str, Any]:
    """The run.json of a run that was begun.

    Raises:
        RunError: it cannot be read, or lacks something.
    """
    file = folder.folder / RECORD
    try:
        record: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        lacking = [name for name, kind in NEEDED.items() if not isinstance(record.get(name), kind)]
        if not lacking:
            return record
        found = f"it says nothing of {list_some(lacking)}"
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        found = f"{type(error).__name__}: {error}"
    raise RunError(
        "this run cannot be resumed",
        where=str(file),
        expected="what `spanfit train` of this version writes",
        found=found,
        fix="a new run of its recipe.toml: spanfit train RECIPE --out ANOTHER",
    )


def choose_recipe(
    folder: RunFolder,
    record: Mapping[str, Any],
    recipe: Recipe | str | Path | None,
    *,
    overrides: Sequence[str],
) -> Recipe:
    """The recipe to go on with: the run's own, or one that differs only where it may.

    `recipe` None: recipe.toml of the run.

    Raises:
        RecipeError: the recipe, or an override, is wrong.
        RunError: another key has another value than the run began with; or the run's own recipe
            runs Python code of a model, which nobody has said of this folder.
    """
    began_with = make_recipe(record["recipe"])
    file = folder.folder / "recipe.toml"
    is_own = recipe is None
    if recipe is None:
        recipe = read_recipe(file) if file.exists() else began_with
    elif not isinstance(recipe, Recipe):
        recipe = read_recipe(recipe)
    if overrides:
        recipe = make_recipe(recipe.model_dump(), overrides=overrides)
    before, now = flatten(began_with), flatten(recipe)
    allowed = FREE | COMPARED_BY_CONTENT
    changed = sorted(key for key in before.keys() | now.keys() if before.get(key) != now.get(key))
    if wrong := [key for key in changed if key not in allowed]:
        raise RunError(
            "the recipe is not the one that this run began with",
            where=str(folder.folder),
            expected=_format(before, wrong),
            found=_format(now, wrong),
            fix=f"{resume_command(folder.folder)}, without a change of these; or a new run: "
            "spanfit train RECIPE --out ANOTHER",
        )
    if is_own and recipe.model.trust_remote_code and TRUST not in overrides:
        raise RunError(
            "this run was trained with Python code that came with its model",
            where=str(file),
            expected="your word that you trust it: a run folder may come from anybody",
            found=f"{TRUST}, model.name={recipe.model.name}",
            fix=f"{resume_command(folder.folder)} --set {TRUST}",
        )
    return recipe


def check_data(folder: RunFolder, record: Mapping[str, Any], prepared: Prepared) -> None:
    """Refuse to go on with other examples, or with another tokenizer.

    Raises:
        RunError: they are not what the run began with.
    """
    parts = prepared.parts
    before = dict(record["data_digests"]) | {"tokenizer": record["tokenizer_digest"]}
    now = parts.digests() | {"tokenizer": prepared.pretrained.tokenizer.digest}
    wrong = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
    if wrong:
        counts = {name: len(examples) for name, examples in parts.by_name.items()}
        counted = {name: entry["all"] for name, entry in record["examples"].items()}
        raise RunError(
            f"{list_some(wrong)}: not what this run began with",
            where=str(folder.folder),
            expected=_describe(before, counted, wrong),
            found=_describe(now, counts, wrong),
            fix="the data as they were (--set data.train=FILE where a file has moved), or a new "
            "run: spanfit train RECIPE --out ANOTHER",
        )


def find_checkpoint(folder: RunFolder, *, progress: Progress) -> Path | None:
    """The newest checkpoint that is whole; those that are not are named and put out of the way.

    None: there is no checkpoint yet.

    Raises:
        RunError: there are some, and none is whole.
    """
    faults: list[tuple[Path, str]] = []
    for checkpoint in folder.list_checkpoints():
        if not (fault := find_fault(checkpoint)):
            for broken, why in faults:
                kept = folder.set_aside(broken)
                progress.warn(f"{broken}: {why}; it is not used, and is {kept.name} now")
            return checkpoint
        faults.append((checkpoint, fault))
    if not faults:
        return None
    raise RunError(
        "no checkpoint of this run is whole",
        where=str(folder.folder),
        expected="the files that were written, with their digests",
        found="; ".join(f"{checkpoint.name}: {fault}" for checkpoint, fault in faults),
        fix="a new run: spanfit train RECIPE --out ANOTHER",
    )


def _format(values: Mapping[str, Any], keys: Sequence[str]) -> str:
    return ", ".join(f"{key} = {values[key]}" if key in values else f"no {key}" for key in keys)


def _describe(digests: Mapping[str, str], counts: Mapping[str, int], names: Sequence[str]) -> str:
    """Parts by their digests, with their numbers of examples where they have some."""
    return ", ".join(
        f"{name} {digests.get(name, 'none')[:8]}"
        + (f" ({counts[name]:,} examples)" if counts.get(name) else "")
        for name in names
    )
