"""Trainings that go on after any end of the process, to the bit of one that ran in one go."""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from kills import in_a_child, start, wait_for
from safetensors.torch import load_file, save_file
from tiny_models import make_questions, write_lines
from trainings_to_kill import (
    CONTENTS,
    QUIET,
    assert_equal,
    go_on,
    kill_at_random_moments,
    kill_before_change,
    log_steps,
    make_training,
    read_losses,
)

import spanfit
from spanfit import checkpoints
from spanfit.checkpoints import Interval
from spanfit.cli import main
from spanfit.errors import OutOfMemoryError, RecipeError, RunError
from spanfit.hardware import describe_device
from spanfit.loop import Training
from spanfit.manifests import find_fault, seal
from spanfit.preparation import Plan
from spanfit.progress import Progress
from spanfit.publication import Publication
from spanfit.recipe import make_recipe
from spanfit.resumption import find_checkpoint
from spanfit.run_records import list_differences
from spanfit.runs import Run, RunFolder
from spanfit.seeds import train_seeds
from spanfit.steps import Stepper, steps_of_epoch

pytestmark = pytest.mark.training


class Whole:
    """A training in one go: its recipe, its folder, and the seconds that it took."""

    def __init__(self, place, task):
        self.recipe = make_training(place, task)
        self.folder = place / "whole"
        started = time.monotonic()
        assert in_a_child(lambda: go_on(self.recipe, self.folder))
        self.seconds = time.monotonic() - started
        self.steps = json.loads((self.folder / "run.json").read_text())["steps"]


@pytest.fixture(scope="module")
def wholes(tmp_path_factory):
    return {task: Whole(tmp_path_factory.mktemp(task), task) for task in CONTENTS}


@pytest.fixture(scope="module")
def whole(wholes):
    return wholes["qa"]


@pytest.fixture(scope="module")
def stopped(whole, tmp_path_factory):
    """The same training, stopped in the middle of its second epoch, before a line of the log."""
    folder = tmp_path_factory.mktemp("stopped") / "run"
    stop_after(whole.steps // 2 + 2, whole.recipe, folder)
    return folder


@pytest.fixture
def run(stopped, tmp_path):
    """A copy of that, to spoil."""
    return Path(shutil.copytree(stopped, tmp_path / "run"))


def stop_after(step, recipe, folder, *, minutes=0.0):
    """Press Ctrl-C within a step; it is finished all the same."""

    def work():
        take_step = Training.take_step

        def pressed(self, rows):
            if self.step + 1 == step:
                os.kill(os.getpid(), signal.SIGINT)
            return take_step(self, rows)

        Training.take_step = pressed
        with pytest.raises(KeyboardInterrupt):
            go_on(recipe, folder, minutes=minutes)

    assert in_a_child(work)


def newest(folder):
    return RunFolder(folder).list_checkpoints()[0]


@pytest.mark.parametrize(("task", "seed"), [("qa", 0), ("tagging", 1)])
def test_killed_at_random_moments_it_is_the_training_in_one_go(wholes, tmp_path, task, seed):
    """Also while a checkpoint is written, which is what most of the time goes into here."""
    whole, folder = wholes[task], tmp_path / "run"
    killed = kill_at_random_moments(
        whole.recipe,
        folder,
        kills=4,
        seconds=whole.seconds / whole.steps,
        dice=random.Random(seed),
    )
    assert killed >= 2
    assert_equal(folder, whole.folder)


@pytest.mark.parametrize("change", [150, 301])
def test_killed_between_two_changes_of_files(whole, tmp_path, change):
    assert not kill_before_change(whole.recipe, tmp_path / "run", change=change)
    go_on(whole.recipe, tmp_path / "run")
    assert_equal(tmp_path / "run", whole.folder)


def test_ctrl_c_finishes_the_step_and_nothing_is_done_again(whole, tmp_path):
    folder, log = tmp_path / "run", tmp_path / "log"
    stop_after(3, whole.recipe, folder, minutes=60.0)
    record = json.loads((folder / "run.json").read_text())
    assert (record["status"], record["steps"]) == ("interrupted", 3)
    assert Run(folder).model().ask("Where?", "Ada lives in Elm.").n_best
    assert spanfit.load(newest(folder)).settings.task == "qa"

    def work():
        log_steps(log)
        go_on(whole.recipe, folder, minutes=60.0)

    assert in_a_child(work)
    assert log.read_text().split() == [str(n) for n in range(4, whole.steps + 1)]
    final = "model/model.safetensors"
    assert (folder / final).read_bytes() == (whole.folder / final).read_bytes()
    assert read_losses(folder) == read_losses(whole.folder)
    record = json.loads((folder / "run.json").read_text())
    assert [entry["after_step"] for entry in record["resumed"]] == [3]


def test_ctrl_c_in_an_evaluation_leaves_it_to_be_done_again(whole, tmp_path):
    folder, log = tmp_path / "run", tmp_path / "log"

    def stop():
        def score(self, part, *_arguments):
            os.kill(os.getpid(), signal.SIGINT)

        Publication._score = score
        with pytest.raises(KeyboardInterrupt):
            go_on(whole.recipe, folder, minutes=60.0)

    def work():
        log_steps(log)
        go_on(whole.recipe, folder)

    assert in_a_child(stop)
    assert not find_fault(newest(folder))
    assert in_a_child(work)
    first = json.loads((folder / "run.json").read_text())["resumed"][0]["after_step"]
    assert log.read_text().split() == [str(n) for n in range(first + 1, whole.steps + 1)]
    assert first == whole.steps // 2
    assert_equal(folder, whole.folder)


def test_before_the_first_checkpoint_it_begins_again(whole, tmp_path):
    folder = tmp_path / "run"

    def work():
        Publication.write_calibration_part = lambda self: os.kill(os.getpid(), signal.SIGKILL)
        go_on(whole.recipe, folder)

    assert not in_a_child(work)
    assert (folder / "run.json").exists() and not (folder / "checkpoints").exists()
    go_on(whole.recipe, folder)
    assert_equal(folder, whole.folder)


def test_random_states_of_python_and_numpy_come_back_too(whole, tmp_path):
    """Layers may draw from them (BigBird's attention does)."""
    recipe = make_recipe(whole.recipe.model_dump(), overrides=["run.max_steps=3"])
    drawn = []

    def draw(self, rows):
        numbers = np.random.random()  # noqa: NPY002 (the global generator)
        values = (random.random(), numbers, float(torch.rand(())))
        drawn.append((self.step, *values))
        return take_step(self, rows)

    take_step, Stepper.take_step = Stepper.take_step, draw
    try:
        go_on(recipe, tmp_path / "whole", minutes=60.0)
        expected = drawn.copy()
        drawn.clear()
        stop_after(2, recipe, tmp_path / "run", minutes=60.0)
        go_on(recipe, tmp_path / "run", minutes=60.0)
    finally:
        Stepper.take_step = take_step
    assert drawn == expected[2:]


SPOILS = {
    "cut off": (
        lambda folder: (folder / "model.safetensors").write_bytes(
            (folder / "model.safetensors").read_bytes()[:-1000]
        ),
        "model.safetensors has",
    ),
    "one bit": (lambda folder: flip_bit(folder / "training/state.safetensors"), "was altered"),
    "learning rate": (
        lambda folder: (folder / "training/state.json").write_text(
            (folder / "training/state.json").read_text().replace("0.001", "0.002")
        ),
        "training/state.json was altered",
    ),
    "missing": (lambda folder: (folder / "training/state.json").unlink(), "is missing"),
    "no manifest": (lambda folder: (folder / "manifest.json").unlink(), "has no manifest"),
}


def flip_bit(file):
    content = bytearray(file.read_bytes())
    content[-100] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize("how", SPOILS)
def test_a_checkpoint_that_is_not_whole_is_named_and_the_one_before_is_taken(
    whole, run, capfd, how
):
    spoil, fault = SPOILS[how]
    broken, good = RunFolder(run).list_checkpoints()
    spoil(broken)
    assert find_checkpoint(RunFolder(run), progress=Progress()) == good
    told = capfd.readouterr().err
    assert f"warning: {broken}: " in told and fault in told
    assert find_fault(broken.with_name(f"{broken.name}.broken"))
    assert RunFolder(run).list_checkpoints() == [good]


def test_the_one_before_leads_to_the_same_end(whole, run, capfd):
    broken, good = RunFolder(run).list_checkpoints()
    flip_bit(broken / "model.safetensors")
    go_on(whole.recipe, run, progress=Progress())
    told = capfd.readouterr().err
    assert f"goes on after step {int(good.name.removeprefix('step-'))} of" in told
    assert broken.with_name(f"{broken.name}.broken").is_dir()
    assert_equal(run, whole.folder)


def test_nothing_is_loaded_where_no_checkpoint_is_whole(whole, run):
    for folder in RunFolder(run).list_checkpoints():
        flip_bit(folder / "training/state.safetensors")
    before = sorted(path.name for path in (run / "checkpoints").iterdir())
    with pytest.raises(RunError, match="no checkpoint of this run is whole") as caught:
        go_on(whole.recipe, run)
    assert all(name in str(caught.value) for name in before)
    assert sorted(path.name for path in (run / "checkpoints").iterdir()) == before


def test_a_checkpoint_that_lacks_a_weight_is_refused(whole, run):
    """Sealed again: the digests are right, and the network is not all there."""
    for folder in RunFolder(run).list_checkpoints():
        weights = load_file(folder / "model.safetensors")
        del weights["qa_outputs.bias"]
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
        seal(folder)
    with pytest.raises(RunError, match=r"without qa_outputs\.bias"):
        go_on(whole.recipe, run)


def test_nothing_is_read_by_pickle(whole, run, monkeypatch):
    def refuse(*_arguments, **_options):
        raise AssertionError("pickle")

    monkeypatch.setattr("pickle.load", refuse)
    monkeypatch.setattr("pickle.loads", refuse)
    monkeypatch.setattr("pickle.Unpickler", refuse)
    monkeypatch.setattr(torch, "load", refuse)
    go_on(whole.recipe, run)
    assert_equal(run, whole.folder)
    suffixes = {path.suffix for path in newest(run).rglob("*") if path.is_file()}
    assert suffixes == {".json", ".jsonl", ".safetensors"}


def test_the_recipe_of_the_run_is_enough(whole, run):
    spanfit.train(resume=run, progress=QUIET)
    final = "model/model.safetensors"
    assert (run / final).read_bytes() == (whole.folder / final).read_bytes()


@pytest.mark.parametrize(
    ("change", "expected", "found"),
    [
        ("run.epochs=3", "run.epochs = 2", "run.epochs = 3"),
        ("run.seed=1", "run.seed = 0", "run.seed = 1"),
        ("optimizer.learning_rate=1e-4", "optimizer.learning_rate = 0.001", "= 0.0001"),
        ("run.max_steps=5", "no run.max_steps", "run.max_steps = 5"),
    ],
)
def test_another_recipe_does_not_go_on(whole, run, change, expected, found):
    before = sorted(path.name for path in (run / "checkpoints").iterdir())
    with pytest.raises(RunError, match="the recipe is not the one") as caught:
        spanfit.train(whole.recipe, resume=run, overrides=[change], progress=QUIET)
    assert f"expected: {expected}" in str(caught.value)
    assert found in str(caught.value)
    assert sorted(path.name for path in (run / "checkpoints").iterdir()) == before


def test_a_recipe_that_was_edited_in_the_run_does_not_go_on(run):
    file = run / "recipe.toml"
    file.write_text(file.read_text().replace("epochs = 2", "epochs = 5"))
    with pytest.raises(RunError, match=r"found: +run\.epochs = 5"):
        spanfit.train(resume=run, progress=QUIET)


def test_memory_speed_and_place_may_change_with_a_warning(whole, run, capfd):
    place = run.with_name("moved")
    place.mkdir()
    for name in ("train.jsonl", "validation.jsonl"):
        shutil.copy(whole.folder.parent / name, place / name)
    changes = [
        "batch.max_tokens=64",
        "run.max_checkpoints=3",
        f"data.train={place}/train.jsonl",
        f"data.validation={place}/validation.jsonl",
    ]
    done = spanfit.train(resume=run, overrides=changes, progress=Progress())
    assert "not to the very bit: max_tokens 192 → 64" in capfd.readouterr().err
    assert done.record["recipe"]["batch"]["max_tokens"] == 64
    steps = [line["step"] for line in read_losses(run) if "loss" in line]
    assert steps == [line["step"] for line in read_losses(whole.folder) if "loss" in line]


@pytest.mark.parametrize("part", ["train", "validation", "encoder"])
def test_other_data_do_not_go_on(tmp_path, part):
    recipe = make_training(tmp_path, "qa")
    stop_after(2, recipe, tmp_path / "run")
    if part == "encoder":
        file = tmp_path / "encoder" / "tokenizer.json"
        content = json.loads(file.read_text())
        vocab = content["model"]["vocab"]
        one, other = list(vocab)[700:702]
        vocab[one], vocab[other] = vocab[other], vocab[one]
        file.write_text(json.dumps(content))
    else:
        lines = make_questions(36 if part == "train" else 12, unanswerable=True)
        lines[3]["question"] += "!"
        write_lines(tmp_path / f"{part}.jsonl", lines)
    with pytest.raises(RunError, match="not what this run began with") as caught:
        go_on(recipe, tmp_path / "run")
    name = {"train": "training", "validation": "validation", "encoder": "tokenizer"}[part]
    assert name in str(caught.value).splitlines()[0]
    assert not find_fault(newest(tmp_path / "run"))


def test_another_gpu_is_another_machine(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"G{device.index}")
    devices = [describe_device(torch.device(name)) for name in ("cuda:1", "cuda:2", "cpu")]
    assert devices == ["cuda (G1)", "cuda (G2)", "cpu"]
    records = [
        {"software": {}, "hardware": {"device": device, "processes": 1}, "resolved": {}}
        for device in devices
    ]
    assert list_differences(records[0], records[1]) == ["device cuda (G1) → cuda (G2)"]


def test_a_finished_run_stays_as_it_is(whole, capfd):
    before = (whole.folder / "run.json").read_bytes()
    go_on(whole.recipe, whole.folder, progress=Progress())
    assert "this run is finished" in capfd.readouterr().err
    assert (whole.folder / "run.json").read_bytes() == before
    with pytest.raises(RunError, match="the recipe is not the one"):
        spanfit.train(resume=whole.folder, overrides=["run.epochs=9"], progress=QUIET)


def test_there_must_be_something_to_train(tmp_path):
    with pytest.raises(RecipeError, match="no recipe"):
        spanfit.train()
    with pytest.raises(RecipeError, match="no run here") as caught:
        spanfit.train(resume=tmp_path / "nowhere")
    assert "spanfit train RECIPE --resume RUN" in str(caught.value)
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("content", ["", "[]", '{"status": "running"}', '{"recipe": 3}'])
def test_a_run_json_of_somebody_else_is_one_message(tmp_path, content):
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(RunError, match="cannot be resumed"):
        spanfit.train(resume=tmp_path, progress=QUIET)


def test_two_processes_do_not_train_in_one_folder(whole, run):
    sign = run.with_name("sign")

    def work():
        with RunFolder(run).locked():
            sign.touch()
            time.sleep(60)

    child = start(work)
    while not sign.exists():
        time.sleep(0.005)
    with pytest.raises(RunError, match=f"another process(.|\n)*process {child} on"):
        go_on(whole.recipe, run)
    os.kill(child, signal.SIGKILL)
    wait_for(child)
    with RunFolder(run).locked():  # it is free again
        pass


def told_in_a_child(whole, folder, hinder, *, step):
    """The message of a training that meets a hindrance before a step."""
    message = folder.with_name("message.txt")

    def work():
        take_step = Training.take_step

        def hindered(self, rows):
            if self.step + 1 == step:
                hinder()
            return take_step(self, rows)

        Training.take_step = hindered
        with pytest.raises(RunError) as caught:
            go_on(whole.recipe, folder)
        resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))
        resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
        message.write_text(str(caught.value))

    assert in_a_child(work)
    return message.read_text()


def fill_disk():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, -1))


def test_a_full_disk_leaves_the_last_checkpoint(whole, tmp_path):
    """The system refuses to write more of a file, as where a disk is full."""
    folder = tmp_path / "run"
    told = told_in_a_child(whole, folder, fill_disk, step=4)
    assert "checkpoints/step-000004: can't be written: " in told
    assert "File too large" in told
    assert f"more room there, then spanfit train --resume {folder}" in told
    assert newest(folder).name == "step-000003" and not find_fault(newest(folder))
    assert json.loads((folder / "run.json").read_text())["status"] == "failed"
    go_on(whole.recipe, folder)
    assert_equal(folder, whole.folder)


def use_up_memory():
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    size = pages * resource.getpagesize() + 50_000_000
    resource.setrlimit(resource.RLIMIT_AS, (size, -1))
    [torch.empty(200_000) for _ in range(1_000_000)]


def test_out_of_memory_says_what_to_make_smaller(whole, tmp_path):
    folder = tmp_path / "run"
    told = told_in_a_child(whole, folder, use_up_memory, step=5)
    assert told.startswith(f"{folder}: out of memory")
    assert "192 padded tokens at once (batch.max_tokens)" in told
    assert f"spanfit train --resume {folder} --set batch.max_tokens=96" in told
    assert newest(folder).name == "step-000004" and not find_fault(newest(folder))


def test_out_of_memory_in_an_evaluation_does_no_step_again(whole, tmp_path):
    folder, log = tmp_path / "run", tmp_path / "log"

    def fail():
        Publication._score = lambda *_arguments: torch.empty(1 << 60)
        with pytest.raises(OutOfMemoryError, match=r"--set batch\.max_prediction_tokens="):
            go_on(whole.recipe, folder, minutes=60.0)

    def work():
        log_steps(log)
        go_on(whole.recipe, folder)

    assert in_a_child(fail)
    assert json.loads((folder / "run.json").read_text())["status"] == "failed"
    assert in_a_child(work)
    assert log.read_text().split() == [str(n) for n in range(whole.steps // 2 + 1, whole.steps + 1)]
    assert_equal(folder, whole.folder)


def told_of(whole, folder):
    with pytest.raises(RunError) as caught:
        go_on(whole.recipe, folder)
    return str(caught.value)


@pytest.mark.parametrize("what", ["loss", "gradient"])
def test_what_is_no_number_never_gets_into_a_checkpoint(whole, tmp_path, monkeypatch, what):
    folder = tmp_path / "run"
    accumulate = Stepper.accumulate_gradient

    def spoiled(self, rows):
        loss = accumulate(self, rows)
        if self.step != 3:
            return loss
        if what == "gradient":
            next(w for w in self.network.parameters() if w.grad is not None).grad[0] = torch.nan
        return float("nan") if what == "loss" else loss

    monkeypatch.setattr(Stepper, "accumulate_gradient", spoiled)
    told = told_of(whole, folder)
    assert f"the {what} became nan at step 4" in told
    assert "on the windows of q" in told
    assert newest(folder).name == "step-000003" and not find_fault(newest(folder))
    weights = load_file(newest(folder) / "model.safetensors")
    assert all(bool(tensor.isfinite().all()) for tensor in weights.values())


@pytest.mark.parametrize(
    "changes",
    [
        {
            "optimizer.layer_decay": 0.9,
            "model.frozen_layers": 1,
            "model.gradient_checkpointing": "true",
            "optimizer.schedule": "cosine",
            "run.max_steps": 6,
        },
        {"run.precision": "bf16", "batch.packed": "false", "data.calibration_share": 0.0},
        {"selection.patience_epochs": 1, "run.epochs": 9, "optimizer.learning_rate": 1e-9},
    ],
)
def test_whatever_the_recipe_says(tmp_path, changes):
    recipe = make_training(tmp_path, "qa", **changes | {"run.max_checkpoints": 1})
    go_on(recipe, tmp_path / "whole", minutes=60.0)
    stop_after(5, recipe, tmp_path / "run", minutes=60.0)
    go_on(recipe, tmp_path / "run", minutes=60.0)
    assert_equal(tmp_path / "run", tmp_path / "whole")


def test_a_resumption_jumps_to_its_place():
    plan = Plan(n_windows=1003, windows_per_step=8, epochs=2, max_steps=None, warmup_ratio=0.1)
    steps = list(steps_of_epoch(plan, epoch=2, seed=3))
    for done in (0, 1, 77, 125, 126):
        rest = list(steps_of_epoch(plan, epoch=2, seed=3, done=done))
        assert [rows.tolist() for rows in rest] == [rows.tolist() for rows in steps[done:]]
    long = Plan(n_windows=2_000_000, windows_per_step=8, epochs=2, max_steps=None, warmup_ratio=0.1)
    started = time.process_time()
    assert len(next(steps_of_epoch(long, epoch=2, seed=3, done=249_000))) == 8
    assert time.process_time() - started < 0.5


def test_reading_a_checkpoint_takes_less_than_a_second(whole, run, monkeypatch):
    spent = []
    find, restore = find_checkpoint, checkpoints.restore

    def measured(function):
        def measure(*arguments, **options):
            started = time.process_time()
            result = function(*arguments, **options)
            spent.append(time.process_time() - started)
            return result

        return measure

    monkeypatch.setattr("spanfit.training.find_checkpoint", measured(find))
    monkeypatch.setattr("spanfit.loop.restore", measured(restore))
    go_on(whole.recipe, run)
    assert len(spent) == 2
    assert sum(spent) < 1


def test_checkpoints_take_a_share_of_the_time(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("spanfit.checkpoints.time.monotonic", lambda: now[0])
    interval = Interval(10)
    now[0] = 599.0
    assert not interval.is_over
    now[0] = 600.0
    assert interval.is_over
    with interval.measured():
        now[0] += 60  # a slow disk: 5 % of 20 minutes
    now[0] += 1199
    assert not interval.is_over
    now[0] += 1
    assert interval.is_over
    assert Interval(0).is_over


def test_the_command_is_killed_and_goes_on(whole, tmp_path):
    """As a user types it; it goes on in a process of its own."""
    recipe, folder = whole.folder.parent / "recipe.toml", tmp_path / "run"
    words = ["--checkpoint-minutes", "0"]

    def work():
        sys.argv = ["spanfit", "train", str(recipe), "--out", str(folder), *words]
        main()

    child = start(work)
    while not (folder / "checkpoints" / "step-000002").exists():
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    assert not wait_for(child)
    assert json.loads((folder / "run.json").read_text())["status"] == "running"
    python = [sys.executable, "-c", "from spanfit.cli import main; main()"]
    again = [*python, "train", "--resume", str(folder), *words]
    done = subprocess.run(again, capture_output=True, text=True, check=True)
    assert f"{folder} goes on after step" in done.stderr
    assert "next: spanfit ask" in done.stderr
    assert_equal(folder, whole.folder)


@pytest.mark.parametrize("option", [["--out", "x"], ["--dry-run"], ["--seeds", "0,1"]])
def test_resume_stands_alone(command, tmp_path, option):
    code, _, err = command("train", "--resume", tmp_path, *option)
    assert code == 2
    assert option[0] in err


def test_seeds_go_on_where_they_were(whole, tmp_path):
    folder = tmp_path / "seeds"
    stop_after(2, make_recipe(whole.recipe.model_dump()), folder / "seed-0")
    with pytest.raises(KeyboardInterrupt):
        train_seeds(whole.recipe, seeds=[0, 1], resume=folder, progress=Interrupting("seed 1"))
    assert_equal(folder / "seed-0", whole.folder)
    before = (folder / "seed-0" / "run.json").read_bytes()
    done = train_seeds(whole.recipe, seeds=[0, 1], resume=folder, progress=QUIET)
    assert (folder / "seed-0" / "run.json").read_bytes() == before
    assert done.runs[1].record["status"] == "finished"
    assert json.loads((folder / "scores.json").read_text())["unfinished"] == []


class Interrupting(Progress):
    """Presses Ctrl-C where a note begins with some words."""

    def __init__(self, words):
        super().__init__(quiet=True)
        self._words = words

    def note(self, text):
        if text.startswith(self._words):
            raise KeyboardInterrupt


def test_a_command_without_anything_to_train_says_what_to_type(command):
    code, _, err = command("train")
    assert code == 2
    assert "spanfit train --resume RUN" in err


def test_same_recipe_same_seed_same_machine_same_weights(whole, tmp_path):
    """In another process, and without checkpoints between epochs."""
    assert in_a_child(lambda: spanfit.train(whole.recipe, out=tmp_path / "run", progress=QUIET))
    weights = "model/model.safetensors"
    assert (tmp_path / "run" / weights).read_bytes() == (whole.folder / weights).read_bytes()
    assert read_losses(tmp_path / "run") == read_losses(whole.folder)
    other = make_recipe(whole.recipe.model_dump(), overrides=["run.seed=1"])
    assert in_a_child(lambda: spanfit.train(other, out=tmp_path / "other", progress=QUIET))
    assert (tmp_path / "other" / weights).read_bytes() != (whole.folder / weights).read_bytes()


def test_run_json_holds_what_is_needed_to_do_it_again(whole):
    record = json.loads((whole.folder / "run.json").read_text())
    assert make_recipe(record["recipe"]) == whole.recipe
    assert set(record["data_digests"]) == {"training", "calibration", "validation"}
    assert record["tokenizer_digest"] and record["command"]
    assert {"python", "spanfit", "torch", "transformers", "numpy"} <= set(record["software"])
    assert {"processor", "threads", "device", "platform"} <= set(record["hardware"])
    assert record["folder"] == str(Path.cwd())  # which paths in the recipe are relative to
    assert record["resolved"]["seed"] == 0
