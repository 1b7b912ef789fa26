"""Trackers: TensorBoard's own reader gives back metrics.jsonl; wrong names are refused."""

from __future__ import annotations

import inspect
import json
import math

import pytest
from accelerate import Accelerator
from accelerate.tracking import LOGGER_TYPE_TO_CLASS, get_available_trackers
from tiny_models import make_recipe_content

import spanfit
from spanfit.errors import MissingExtraError, RecipeError, RunError
from spanfit.progress import Progress
from spanfit.publication import Publication
from spanfit.recipe import make_recipe
from spanfit.tracking import check_trackers, flatten

pytestmark = pytest.mark.training
QUIET = Progress(quiet=True)


def train(folder, **options):
    recipe = make_recipe(make_recipe_content(folder, unanswerable=True))
    return spanfit.train(recipe, out=folder / "run", progress=QUIET, **options)


def read_metrics(run):
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def read_scalars(run):
    """What TensorBoard reads: (figure, step) and its value."""
    reading = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    (file,) = (run / "tracking" / "spanfit").glob("events.out.tfevents.*")
    accumulator = reading.EventAccumulator(str(file))
    accumulator.Reload()
    return {
        (name, event.step): event.value
        for name in accumulator.Tags()["scalars"]
        for event in accumulator.Scalars(name)
    }


def expected_scalars(lines):
    return {
        (f"{line.get('part', 'training')}/{name}", line["step"]): value
        for line in lines
        for name, value in line.items()
        if name not in ("step", "epoch", "part") and value is not None
    }


def test_tensorboard_reads_back_the_figures_of_metrics_jsonl(tmp_path):
    run = train(tmp_path, trackers=["tensorboard"])
    lines = read_metrics(run.folder)
    scalars = read_scalars(run.folder)
    expected = expected_scalars(lines)
    assert len(expected) > 30
    epochs = {(name, step): value for (name, step), value in scalars.items() if name == "epoch"}
    assert epochs == {("epoch", line["step"]): line["epoch"] for line in lines}
    figures = {key: value for key, value in scalars.items() if key not in epochs}
    assert figures == {key: pytest.approx(value, rel=1e-6) for key, value in expected.items()}
    assert {name for name, _ in figures} >= {
        "training/loss",
        "training/learning_rate",
        "calibration/eval_loss",
        "validation/f1",
        "validation/exact",
    }


def test_the_recipe_goes_with_it(tmp_path):
    run = train(tmp_path, trackers=["tensorboard"])
    (file,) = (run.folder / "tracking").rglob("hparams.yml")
    assert "optimizer.learning_rate: 0.001" in file.read_text()
    assert "selection.patience_epochs" not in file.read_text()  # unset


def test_a_tracker_that_takes_a_name_gets_that_of_the_run_folder(tmp_path, monkeypatch):
    started = []
    init_trackers = Accelerator.init_trackers

    def watch(self, project_name, config=None, init_kwargs=None):
        started.append((project_name, init_kwargs))
        init_trackers(self, project_name, config, init_kwargs)

    monkeypatch.setattr(Accelerator, "init_trackers", watch)
    train(tmp_path, trackers=["tensorboard"])
    assert started == [("spanfit", {"wandb": {"name": "run"}, "mlflow": {"run_name": "run"}})]
    taken = inspect.signature(LOGGER_TYPE_TO_CLASS["mlflow"].__init__).parameters
    assert "run_name" in taken  # wandb passes what it gets on to wandb.init


def test_without_a_tracker_there_is_no_folder_for_them(tmp_path):
    assert not (train(tmp_path).folder / "tracking").exists()


def test_an_interruption_keeps_what_was_tracked(tmp_path, monkeypatch):
    evaluate = Publication.evaluate

    def interrupted(self, *, epoch, step):
        evaluate(self, epoch=epoch, step=step)
        raise KeyboardInterrupt

    monkeypatch.setattr(Publication, "evaluate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, trackers=["tensorboard"])
    expected = expected_scalars(read_metrics(tmp_path / "run"))
    assert expected.keys() <= read_scalars(tmp_path / "run").keys()


def test_unknown_trackers_are_refused_with_the_closest_known_one(tmp_path):
    with pytest.raises(RecipeError, match="did you mean 'tensorboard'") as caught:
        train(tmp_path, trackers=["tensorbord"])
    assert caught.value.exit_code == 2
    with pytest.raises(RecipeError, match=r"one of: .*mlflow.*wandb"):
        check_trackers(["all"])  # never what happens to be installed


def test_a_known_tracker_that_is_missing_names_what_to_install(tmp_path):
    available = {str(tracker) for tracker in get_available_trackers()}
    missing = next(name for name in LOGGER_TYPE_TO_CLASS if name not in available)
    with pytest.raises(MissingExtraError) as caught:
        train(tmp_path, trackers=[missing])
    assert caught.value.fix == f"pip install {missing.replace('_', '-')}"
    assert not (tmp_path / "run").exists()


def test_a_tracker_that_does_not_start_stops_the_training_with_one_message(tmp_path, monkeypatch):
    def start(self):
        raise OSError("no server")

    monkeypatch.setattr(LOGGER_TYPE_TO_CLASS["tensorboard"], "start", start)
    with pytest.raises(RunError, match="a tracker could not be started: no server"):
        train(tmp_path, trackers=["tensorboard"])
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["status"] == "failed"


def test_a_recipe_becomes_flat_and_plain(tmp_path):
    flat = flatten(make_recipe(make_recipe_content(tmp_path)))
    assert flat["run.epochs"] == 2
    assert all(isinstance(value, str | int | float) for value in flat.values())
    assert all(math.isfinite(x) for x in flat.values() if isinstance(x, float))
