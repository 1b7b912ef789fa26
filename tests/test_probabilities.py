"""Probabilities of a trained model: fitted on its calibration part, shown, and fitted again."""

from __future__ import annotations

import json
import shutil

import pytest
from tiny_models import make_questions, make_recipe_content, write_lines

import spanfit
from spanfit.calibration import decide
from spanfit.data.nbest import read_question_predictions
from spanfit.progress import Progress
from spanfit.recipe import make_recipe
from spanfit.settings import Calibration, read_settings

pytestmark = pytest.mark.training


def stored(run):
    return read_settings(run.model_folder).calibration["torch"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run that has learnt too little to be always right, with its own file for calibration."""
    folder = tmp_path_factory.mktemp("half-learnt")
    content = make_recipe_content(folder, n=120, unanswerable=True)
    held_out = make_questions(180, unanswerable=True, start=2000)
    content["data"]["calibration"] = str(write_lines(folder / "held-out.jsonl", held_out))
    recipe = make_recipe(content, overrides=["run.epochs=3", "optimizer.learning_rate=3e-3"])
    return spanfit.train(recipe, out=folder / "run", progress=Progress(quiet=True))


@pytest.fixture(scope="module")
def held_out(run):
    """The examples of the run's calibration part."""
    return spanfit.read(run.folder.parent / "held-out.jsonl")


def test_scores_and_metrics_show_the_error_before_and_after(run, held_out):
    found = run.scores["calibration"]
    assert stored(run).temperature != 1.0
    assert stored(run).n_examples == len(held_out)
    assert found["confidence"]["n"] == len(held_out)
    assert (
        found["confidence"]["calibration_error"] != found["confidence_before"]["calibration_error"]
    )
    assert set(found["confidence_before"]) == {"calibration_error", "brier", "aurc"}
    curve = found["confidence"]["risk_coverage"]
    assert curve["coverage"][-1] == 1.0
    assert curve["risk"][-1] == pytest.approx(1 - found["figures"]["exact"] / 100)

    text = (run.folder / "metrics.jsonl").read_text(encoding="utf-8")
    lines = [each for each in map(json.loads, text.splitlines()) if "part" in each]
    (line,) = [
        each
        for each in lines
        if (each["epoch"], each["part"]) == (run.scores["epoch"], "calibration")
    ]
    assert line["calibration_error"] == found["confidence"]["calibration_error"]
    before = found["confidence_before"]["calibration_error"]
    assert line["calibration_error_before"] == pytest.approx(before)
    assert line["temperature"] == stored(run).temperature


def test_the_figures_before_are_those_of_temperature_one(run, held_out):
    file = run.folder / "predictions" / "calibration.jsonl"
    plain = Calibration(threshold=stored(run).threshold)
    scores = spanfit.score(held_out, decide(read_question_predictions(file), plain))
    found = run.scores["calibration"]
    assert scores.figures == pytest.approx(found["figures"])
    assert scores.confidence.figures == pytest.approx(found["confidence_before"])
    written = spanfit.score(held_out, file)
    assert written.confidence.figures == pytest.approx(
        {name: found["confidence"][name] for name in scores.confidence.figures}
    )


def test_a_refit_on_the_calibration_part_finds_what_training_found(run, held_out, tmp_path):
    model = tmp_path / "model"
    model.mkdir()
    shutil.copy(run.model_folder / "spanfit.json", model)
    file = run.folder / "predictions" / "calibration.jsonl"
    again = spanfit.refit(model, held_out, file)
    assert not again.is_changed
    settings = read_settings(model)
    reset = settings.model_copy(update={"calibration": {"torch": Calibration()}})
    reset.save(model)
    assert spanfit.refit(model, held_out, file).after == stored(run)


def test_a_score_of_the_calibration_part_by_itself_says_that_it_chose(run, held_out):
    model = run.model()
    few = held_out[:3]
    assert model.evaluate(few).signature.selected_on == "calibration"
    own = model.evaluate(held_out).signature
    assert own.selected_on == "validation"
    assert own.data_digest == stored(run).data_digest
