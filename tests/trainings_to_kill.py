"""A tiny training with dropout, in processes that are killed; and what of a run must be equal.

python tests/trainings_to_kill.py [KILLS]        the long part: both tasks, 20 random moments
                                                 each, and a kill before every 7th change of a
                                                 file
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from kills import die_at, in_a_child, is_alive, start, wait_for
from tiny_models import make_questions, make_recipe_content, make_tagging_content, write_lines

import spanfit
from spanfit.loop import Training
from spanfit.manifests import find_fault
from spanfit.progress import Progress
from spanfit.recipe import make_recipe
from spanfit.runs import RunFolder

QUIET = Progress(quiet=True)
SPEEDS = {"windows_per_second", "tokens_per_second"}
CONTENTS = {"qa": make_recipe_content, "tagging": make_tagging_content}


def make_training(folder, task, **changes):
    """A recipe of 2 epochs and 8 steps, in which the masks of dropout matter."""
    folder.mkdir(parents=True, exist_ok=True)
    content = CONTENTS[task](folder, n=36)
    overrides = {
        "model.hidden_dropout": 0.1,
        "model.attention_dropout": 0.1,
        "run.epochs": 2,
        "run.log_every_steps": 3,
        "batch.max_tokens": 192,  # several micro-batches a step
        **changes,
    }
    if task == "qa":
        lines = make_questions(36, unanswerable=True)
        write_lines(folder / "train.jsonl", lines)
    recipe = make_recipe(content, overrides=[f"{k}={v}" for k, v in overrides.items()])
    (folder / "recipe.toml").write_text(recipe.to_toml())
    return recipe


def go_on(recipe, folder, *, minutes=0.0, progress=QUIET):
    """Begin the training in this folder, or go on with it, with a checkpoint after every step."""
    return spanfit.train(recipe, resume=folder, checkpoint_minutes=minutes, progress=progress)


def log_steps(file):
    """Have every step of this process write its number into a file, as it begins."""
    take_step = Training.take_step

    def logged(self, rows):
        with file.open("a") as out:
            out.write(f"{self.step + 1}\n")
        return take_step(self, rows)

    Training.take_step = logged


def read_losses(folder):
    """metrics.jsonl without times."""
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k not in SPEEDS} for line in lines]


def read_result(folder):
    """All that must be bit-identical: weights, optimizer, predictions, scores, losses."""
    files = [
        path
        for path in folder.rglob("*")
        if path.is_file()
        and path.name not in ("run.json", "metrics.jsonl", "state.json", "manifest.json", ".lock")
        and not any(part.endswith(".broken") for part in path.parts)
    ]
    result = {str(path.relative_to(folder)): path.read_bytes() for path in files}
    for file in folder.glob("checkpoints/step-*/training/state.json"):
        if file.parents[1].suffix != ".broken":
            state = json.loads(file.read_text())
            state["position"].pop("seconds")
            result[str(file.relative_to(folder))] = state
    return result | {"losses": read_losses(folder)}


def assert_equal(folder, whole):
    """The run in `folder` is, to the bit, the one in `whole`."""
    found, expected = read_result(folder), read_result(whole)
    assert sorted(found) == sorted(expected), folder
    assert [name for name in found if found[name] != expected[name]] == []
    assert json.loads((folder / "run.json").read_text())["status"] == "finished"
    left = [path.name for path in folder.rglob("*") if ".being-" in path.name]
    assert left == []
    assert not (folder / ".lock").exists()


def kill_at_random_moments(recipe, folder, *, kills, seconds, dice):
    """Train in processes that are killed at random moments, then to the end.

    A moment is up to twice the `seconds` of a step after the beginning of one of the next steps, or
    of the process. No process may do a step again that a whole checkpoint holds.

    Returns:
        How many were killed before they were done.
    """
    killed = 0
    for number in range(kills + 1):
        checkpoints = RunFolder(folder).list_checkpoints()
        whole = next((c for c in checkpoints if not find_fault(c)), None)
        log = folder.with_name(f"{folder.name}-{number}.log")

        def work(log=log):
            log_steps(log)
            go_on(recipe, folder)

        child = start(work)
        if number < kills:
            steps = dice.randint(0, 2)
            while len(read_steps(log)) < steps and is_alive(child):
                time.sleep(0.001)
            time.sleep(dice.uniform(0, 2 * seconds))
            os.kill(child, signal.SIGKILL)  # one that is done is no more than a zombie by now
        is_done = wait_for(child)
        if begun := read_steps(log):
            assert begun[0] == (int(whole.name.removeprefix("step-")) if whole else 0) + 1
        if is_done:
            break
        killed += 1
    return killed


def read_steps(log):
    """The numbers of the steps that a process began."""
    return [int(line) for line in log.read_text().splitlines()] if log.exists() else []


def kill_before_change(recipe, folder, *, change):
    """Kill a training before it changes so many files; whether it was over before that."""

    def work():
        die_at(change)
        go_on(recipe, folder)

    return in_a_child(work)


def run_long(kills):
    """The long part, with figures."""
    for task in CONTENTS:
        place = Path(tempfile.mkdtemp(prefix=f"spanfit-{task}-"))
        recipe, whole = make_training(place, task), place / "whole"
        started = time.monotonic()
        assert in_a_child(lambda recipe=recipe, whole=whole: go_on(recipe, whole))
        steps = json.loads((whole / "run.json").read_text())["steps"]
        seconds = (time.monotonic() - started) / steps
        dice = random.Random(0)
        done = 0
        number = 0
        while done < kills:
            folder = place / f"killed-{number}"
            done += kill_at_random_moments(
                recipe, folder, kills=min(4, kills - done), seconds=seconds, dice=dice
            )
            assert_equal(folder, whole)
            number += 1
        print(  # noqa: T201
            f"{task}: killed at {done} random moments in {number} runs: identical", flush=True
        )
        change = 0
        while True:
            folder = place / "changes"
            shutil.rmtree(folder, ignore_errors=True)
            is_done = kill_before_change(recipe, folder, change=change)
            assert in_a_child(lambda recipe=recipe, folder=folder: go_on(recipe, folder))
            assert_equal(folder, whole)
            if is_done:
                break
            change += 7
        print(  # noqa: T201
            f"{task}: killed before {change // 7} of {change} changes of files: identical",
            flush=True,
        )
        shutil.rmtree(place)


if __name__ == "__main__":
    run_long(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
