"""One training in several processes: the same gradient, complete scores, and every end of one.

The processes are real ones, which meet by gloo on this machine. Dropout is off where a result is
compared with that of one process, because each process draws masks of its own.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from launches import children_of, kill, launch
from safetensors.torch import load_file
from trainings_to_kill import CONTENTS, QUIET, assert_equal, make_training

import spanfit
from spanfit import cache
from spanfit.errors import DataError, RunError
from spanfit.hardware import check_hardware
from spanfit.loop import Training
from spanfit.prediction import Predictor
from spanfit.preparation import prepare
from spanfit.processes import ALONE, doubt_launch, join
from spanfit.progress import Progress
from spanfit.publication import Publication
from spanfit.recipe import make_recipe
from spanfit.runs import RunFolder
from spanfit.shares import cut_up, share_out
from spanfit.steps import Stepper

pytestmark = pytest.mark.training

NO_DROPOUT = {"model.hidden_dropout": 0.0, "model.attention_dropout": 0.0}


class Setting:
    """A recipe of one task without dropout, and what one process makes of it."""

    def __init__(self, place, task):
        self.recipe = make_training(place, task, **NO_DROPOUT)
        self.prepared = prepare(self.recipe, progress=QUIET)
        self.folder = place / "alone"


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    return {task: Setting(tmp_path_factory.mktemp(task), task) for task in CONTENTS}


@pytest.fixture(scope="module")
def masked(tmp_path_factory):
    """A recipe with dropout, and its run in two processes in one go."""
    place = tmp_path_factory.mktemp("masked")
    recipe, folder = make_training(place, "qa"), place / "whole"

    def work(_rank):
        os.environ["SPANFIT_CACHE"], cache.MIN_CHARACTERS = str(place / "cache"), 1
        train(recipe, folder)

    values(launch(work))
    return recipe, folder


def values(ended):
    """What processes gave that all came to their end."""
    assert [end.error for end in ended] == [None] * len(ended), "".join(e.trace for e in ended)
    return [end.value for end in ended]


def train(recipe, folder, *, minutes=0.0, progress=QUIET):
    """Begin or go on, in this process and those that were launched with it."""
    spanfit.train(recipe, resume=folder, checkpoint_minutes=minutes, progress=progress)


SIZES = st.lists(st.integers(0, 500), max_size=40)


@given(SIZES, st.integers(1, 5))
def test_everything_is_in_one_share(sizes, n):
    shares = share_out(sizes, n)
    assert len(shares) == n
    assert sorted(np.concatenate(shares).tolist()) == list(range(len(sizes)))
    loads = [sum(sizes[place] for place in share) for share in shares]
    assert max(loads) - min(loads) <= max(sizes, default=0)


@given(SIZES, st.integers(1, 5))
def test_stretches_joined_are_in_order(sizes, n):
    stretches = cut_up(sizes, n)
    assert len(stretches) == n
    assert np.concatenate(stretches).tolist() == list(range(len(sizes)))


def test_stretches_by_hand():
    assert [list(part) for part in cut_up([1, 1, 1, 1, 8], 2)] == [[0, 1, 2, 3], [4]]
    assert [list(part) for part in cut_up([9, 1, 1], 3)] == [[], [0], [1, 2]]
    assert [list(part) for part in share_out([5, 1, 4, 2], 2)] == [[0, 1], [2, 3]]


def test_one_process_is_itself():
    assert join() is ALONE
    assert ALONE.share([3, 1, 2]).tolist() == ALONE.stretch([3, 1, 2]).tolist() == [0, 1, 2]
    assert ALONE.gather("x") == ["x"]
    assert ALONE.tell(lambda: 3) == 3
    assert ALONE.command("spanfit train") == "spanfit train"


ROWS = (np.arange(7), np.array([3]), np.arange(20))
"""Windows of a step: in unequal shares, with empty ones, in several micro-batches."""


def compute(setting):
    """What a process knows before the first step: gradients, scores, what it computed itself."""
    processes, seen = join(), Seen()
    training = Training(setting.prepared, RunFolder(setting.folder), QUIET, processes=processes)
    training.network.train()
    gradients = []
    for rows in ROWS:
        loss = training.accumulate_gradient(rows)
        weights = dict(training.network.named_parameters())
        gradients.append((loss, {name: copy(weight.grad) for name, weight in weights.items()}))
        training.optimizer.zero_grad()
    _, results = training.publication._evaluate_parts()
    scores = {
        name: (result.eval_loss, result.evaluation.scores.figures, result.evaluation.predictions)
        for name, result in results.items()
    }
    return gradients, scores, seen


def copy(gradient):
    return None if gradient is None else gradient.numpy().copy()


class Seen:
    """The windows that this process learns from, and the examples that it predicts."""

    def __init__(self):
        self.learnt, self.predicted = [], []
        loss_sum, predict_chunk = Stepper.loss_sum, Predictor._predict_chunk

        def learn(training, rows):
            self.learnt += [(training.step, row) for row in rows.tolist()]
            return loss_sum(training, rows)

        def predict(predictor, examples, *arguments):
            self.predicted += [example.id for example in examples]
            return predict_chunk(predictor, examples, *arguments)

        Stepper.loss_sum, Predictor._predict_chunk = learn, predict


@pytest.mark.parametrize(("task", "n"), [("qa", 3), ("tagging", 4)])
def test_gradient_and_scores_are_those_of_one_process(settings, task, n):
    """In several processes whose shares are uneven, and sometimes empty."""
    setting = settings[task]
    ((gradients, scores, seen),) = values(launch(lambda _rank: compute(setting), n=1))
    found = values(launch(lambda _rank: compute(setting), n=n))
    for their_gradients, their_scores, _ in found:
        assert_close(their_gradients, gradients)
        assert their_scores.keys() == scores.keys() == {"calibration", "validation"}
        for name, (loss, figures, predictions) in scores.items():
            their_loss, their_figures, their_predictions = their_scores[name]
            assert their_loss == pytest.approx(loss, abs=1e-6)
            assert their_figures == pytest.approx(figures, abs=1e-4)
            assert [one.id for one in their_predictions] == [one.id for one in predictions]
    assert_shared([their_seen for _, _, their_seen in found], seen)
    assert len({len(their_seen.predicted) for _, _, their_seen in found}) > 1


def assert_shared(found, alone):
    """Together they did what one process does, each thing once, and none of them did it all."""
    for name in ("learnt", "predicted"):
        shares = [getattr(seen, name) for seen in found]
        assert sorted(chain.from_iterable(shares)) == sorted(getattr(alone, name))
        assert all(0 < len(share) < len(getattr(alone, name)) for share in shares)


def assert_close(found, expected):
    for (loss, gradients), (expected_loss, expected_gradients) in zip(found, expected, strict=True):
        assert loss == pytest.approx(expected_loss, abs=1e-6)
        for name, gradient in expected_gradients.items():
            if gradient is None:
                assert gradients[name] is None, name
            else:
                np.testing.assert_allclose(gradients[name], gradient, rtol=0, atol=1e-6)


def record_of(folder):
    return json.loads((folder / "run.json").read_text())


@pytest.mark.parametrize("task", CONTENTS)
def test_a_training_is_that_of_one_process(settings, task, tmp_path):
    setting = settings[task]

    def work(folder):
        seen = Seen()
        run = spanfit.train(setting.recipe, out=folder, progress=Progress())
        return seen, run.figures(), run.figures("calibration"), run.scores

    alone = launch(lambda _rank: work(tmp_path / "alone"), n=1)
    both = launch(lambda _rank: work(tmp_path / "both"))
    ((seen, *figures, scores),) = values(alone)
    found = values(both)
    assert_shared([their_seen for their_seen, *_ in found], seen)
    for _, *their_figures, their_scores in found:
        assert their_figures == [pytest.approx(part, abs=1e-3) for part in figures]
        assert their_scores["epoch"] == scores["epoch"]
        for part in ("calibration", "validation"):
            loss = their_scores[part]["eval_loss"]
            assert loss == pytest.approx(scores[part]["eval_loss"], abs=1e-4)
    assert_weights_close(tmp_path / "both", tmp_path / "alone")
    assert record_of(tmp_path / "both")["hardware"]["processes"] == 2
    first, second = (end.printed for end in both)
    assert second == ""
    count, _, first = first.partition("\n")
    assert count == "processes: 2, which share the windows of each step"
    assert without_speeds(first) == without_speeds(alone[0].printed).replace("alone", "both")


def without_speeds(printed):
    """Notes without what differs from run to run: seconds, and the last digits of figures."""
    lines = re.sub(r"\S+ windows/s|in \d\S*( s)?:", "", printed).splitlines()
    return "\n".join(line for line in lines if "loss" not in line)


def assert_weights_close(folder, other):
    """Within rounding, which AdamW makes large where a gradient is nothing but rounding.

    That is so for a bias that moves all logits of a softmax alike.
    """
    found, expected = (load_file(run / "model/model.safetensors") for run in (folder, other))
    assert found.keys() == expected.keys()
    for name, weight in expected.items():
        if not name.endswith(("key.bias", "qa_outputs.bias")):
            torch.testing.assert_close(found[name], weight, rtol=0, atol=1e-4, msg=name)


def test_tokens_may_be_kept_by_all_at_once(masked):
    """Runs without that cache are compared with this one below, to the bit."""
    _, whole = masked
    assert {file.suffix for file in (whole.parent / "cache").iterdir()} == {".npz"}


def at_step(step, act, *, rank):
    """Have the process of this rank do something within a step, before the gradient."""
    take_step = Training.take_step

    def acting(self, rows):
        if self.step + 1 == step and self.processes.rank == rank:
            act()
        return take_step(self, rows)

    Training.take_step = acting


def assert_lost(ended, folder):
    """What is said by a process that has lost another."""
    assert ended.error == "LostProcessError"
    assert f"{folder}: another process of this training has ended" in ended.message
    command = f"torchrun --nproc-per-node 2 -m spanfit train --resume {folder}"
    assert f"try:      {command}" in ended.message


def test_the_first_killed_in_a_step_ends_all_and_the_run_goes_on(masked, tmp_path):
    recipe, whole = masked
    folder = tmp_path / "run"

    def work(_rank):
        at_step(6, kill, rank=0)
        train(recipe, folder)

    started = time.monotonic()
    killed, other = launch(work)
    assert time.monotonic() - started < 30
    assert killed.error is None
    assert_lost(other, folder)
    assert record_of(folder)["status"] == "running"
    values(launch(lambda _rank: train(recipe, folder)))
    assert_equal(folder, whole)


def test_one_killed_in_an_evaluation_leaves_it_to_be_done_again(masked, tmp_path):
    recipe, whole = masked
    folder = tmp_path / "run"

    def work(rank):
        if rank == 1:
            Predictor._predict_chunk = lambda *_arguments: kill()
        train(recipe, folder, minutes=60.0)

    assert_lost(launch(work)[0], folder)
    assert record_of(folder)["status"] == "failed"
    step = record_of(folder)["steps"]
    assert RunFolder(folder).list_checkpoints()[0].name == f"step-{step:06}"
    values(launch(lambda _rank: train(recipe, folder)))
    assert record_of(folder)["resumed"][0]["after_step"] == step
    assert_equal(folder, whole)


def test_a_signal_to_one_ends_all_behind_the_same_step(masked, tmp_path):
    """And the run goes on in one process, which says what is no longer the same."""
    recipe, _ = masked
    folder = tmp_path / "run"

    def work(_rank):
        at_step(3, lambda: os.kill(os.getpid(), signal.SIGTERM), rank=1)
        train(recipe, folder, minutes=60.0, progress=Progress())

    first, second = launch(work)
    assert (first.error, second.error) == ("KeyboardInterrupt", "ToldElsewhereError")
    assert second.printed == ""
    command = f"torchrun --nproc-per-node 2 -m spanfit train --resume {folder}"
    assert f"interrupted after step 3: {folder}\nto go on: {command}\n" in first.printed
    assert (record_of(folder)["status"], record_of(folder)["steps"]) == ("interrupted", 3)
    (alone,) = launch(lambda _rank: train(recipe, folder, progress=Progress()), n=1)
    assert "not to the very bit: processes 2 → 1" in alone.printed, alone.printed
    assert record_of(folder)["status"] == "finished"
    assert [entry["after_step"] for entry in record_of(folder)["resumed"]] == [3]


def test_a_signal_while_a_checkpoint_is_written_ends_all_alike(masked, tmp_path):
    """Only the first process writes, so the others are a step ahead, and wait for it."""
    recipe, whole = masked
    folder = tmp_path / "run"

    def work(rank):
        save = Publication._save_checkpoint

        def interrupted(self, settings, *, step):
            if rank == 0 and step == 2:
                os.kill(os.getpid(), signal.SIGTERM)
            save(self, settings, step=step)

        Publication._save_checkpoint = interrupted
        train(recipe, folder)

    first, second = launch(work)
    assert (first.error, second.error) == ("KeyboardInterrupt", "ToldElsewhereError"), second.trace
    assert (record_of(folder)["status"], record_of(folder)["steps"]) == ("interrupted", 2)
    values(launch(lambda _rank: train(recipe, folder)))
    assert_equal(folder, whole)


def test_memory_that_runs_out_in_one_is_said_with_the_command_for_all(masked, tmp_path):
    recipe, _ = masked
    folder = tmp_path / "run"

    def work(rank):
        loss_sum = Stepper.loss_sum

        def short_of_memory(self, rows):
            if rank == 1:
                torch.empty(1 << 60)
            return loss_sum(self, rows)

        Stepper.loss_sum = short_of_memory
        train(recipe, folder)

    first, second = launch(work)
    assert_lost(first, folder)
    assert second.error == "OutOfMemoryError"
    command = f"torchrun --nproc-per-node 2 -m spanfit train --resume {folder}"
    assert f"try:      {command} --set batch.max_tokens=96" in second.message


def test_what_all_have_found_is_said_once(masked, tmp_path):
    recipe, _ = masked

    def work(rank):
        loss_sum = Stepper.loss_sum
        Stepper.loss_sum = lambda self, rows: loss_sum(self, rows) * (torch.nan if rank else 1)
        train(recipe, tmp_path / "run")

    first, second = launch(work)
    assert (first.error, second.error) == ("RunError", "ToldElsewhereError")
    assert "the loss became nan at step 1" in first.message


@pytest.mark.parametrize("rank", [0, 1])
def test_what_goes_wrong_in_one_before_the_first_step_ends_all(masked, tmp_path, rank):
    recipe, _ = masked

    def work(mine):
        if mine == rank:
            recipe.data.__dict__["train"] = str(tmp_path / "gone.jsonl")
        try:
            train(recipe, tmp_path / "run")
        except DataError:  # the launcher ends it, because the other process is gone
            os.kill(os.getpid(), signal.SIGTERM)
            raise

    ended = launch(work)
    assert (ended[rank].error, ended[1 - rank].error) == ("DataError", "ToldElsewhereError")
    assert not (tmp_path / "run").exists()


def test_a_folder_in_use_and_a_new_one(masked, tmp_path):
    """One process looks after the folder; others do not take its files for another training's."""
    recipe, whole = masked
    (tmp_path / "run").mkdir()
    with RunFolder(tmp_path / "run").locked():
        first, second = launch(lambda _rank: train(recipe, tmp_path / "run"))
    assert "another process is training in this folder" in first.message
    assert second.error == "ToldElsewhereError"
    done = launch(lambda _rank: spanfit.train(resume=whole, progress=Progress()).folder)
    assert values(done) == [whole, whole]
    assert "this run is finished" in done[0].printed


def test_by_a_launcher(masked, tmp_path):
    """By torchrun, as a user types it; one process is killed from outside."""
    recipe, whole = masked
    folder, said = tmp_path / "run", tmp_path / "said.txt"
    words = [whole.parent / "recipe.toml", "--out", folder, "--checkpoint-minutes", "0"]
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    environment = os.environ | {"PYTHONPATH": str(Path(spanfit.__file__).parent.parent)}
    with said.open("w") as out:
        command = [*launcher, "-m", "spanfit", "train", *map(str, words)]
        started = subprocess.Popen(command, stdout=out, stderr=out, env=environment)
        while not (folder / "checkpoints" / "step-000002").exists():
            assert started.poll() is None, said.read_text()
            time.sleep(0.005)
        first = int((folder / ".lock").read_text().split()[1])
        (other,) = set(children_of(started.pid)) - {first}
        os.kill(other, signal.SIGKILL)
        assert started.wait(30) != 0
    text = said.read_text()
    assert f"torchrun --nproc-per-node 2 -m spanfit train --resume {folder}" in text
    assert text.count("windows: ") == 1
    values(launch(lambda _rank: train(recipe, folder)))
    assert_equal(folder, whole)


def test_hardware_for_each(settings, monkeypatch):
    recipe = settings["qa"].recipe
    check_hardware(recipe, n_processes=8)
    on_gpus = make_recipe(recipe.model_dump(), overrides=["run.device=cuda"])
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    check_hardware(on_gpus, n_processes=2)
    with pytest.raises(RunError, match="a device of its own") as caught:
        check_hardware(on_gpus, n_processes=3)
    assert "2 processes at most" in str(caught.value)


def test_launches_that_are_not_what_they_seem(monkeypatch):
    assert doubt_launch() == []
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    monkeypatch.setenv("ACCELERATE_USE_CPU", "True")
    (doubt,) = doubt_launch()
    assert "torchrun --nproc-per-node N" in doubt
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    assert doubt_launch() == []
    with pytest.raises(RunError, match="several machines"):
        join()
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    monkeypatch.delenv("MASTER_ADDR")
    with pytest.raises(RunError, match="do not find each other"):
        join()
