"""Several seeds: each run is that of its seed alone, and mean and deviation are theirs."""

from __future__ import annotations

import json
import shlex
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_models import make_questions, make_recipe_content, write_lines
from typer.testing import CliRunner

import spanfit
from spanfit import seeds as seeds_module
from spanfit.cli.app import app
from spanfit.errors import DataError, RecipeError, RunError
from spanfit.progress import Progress
from spanfit.recipe import make_recipe
from spanfit.runs import Run
from spanfit.seeds import measure, summarise, train_seeds

pytestmark = pytest.mark.training
QUIET = Progress(quiet=True)


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    content = make_recipe_content(tmp_path_factory.mktemp("seeds"), unanswerable=True)
    return make_recipe(content, overrides=["run.epochs=1", "optimizer.learning_rate=3e-3"])


@pytest.fixture(scope="module")
def done(recipe, tmp_path_factory):
    folder = tmp_path_factory.mktemp("out") / "runs"
    return train_seeds(recipe, seeds=[3, 1], out=folder, progress=QUIET)


def test_each_run_is_that_of_its_seed_alone(recipe, done, tmp_path):
    assert [run.folder.name for run in done.runs] == ["seed-3", "seed-1"]
    alone = spanfit.train(recipe, overrides=["run.seed=1"], out=tmp_path / "alone", progress=QUIET)
    second = Run(done.folder / "seed-1")
    assert second.scores == alone.scores
    for name in ("recipe.toml", "predictions/validation.jsonl", "model/model.safetensors"):
        assert (second.folder / name).read_bytes() == (alone.folder / name).read_bytes()
    assert done.runs[0].scores != done.runs[1].scores


def find_figure(scores, part, name):
    places = (scores[part]["figures"], scores[part]["confidence"], scores[part], scores)
    return next(place[name] for place in places if name in place)


def test_mean_and_deviation_are_those_of_the_runs(done):
    content = json.loads((done.folder / "scores.json").read_text())
    assert (content["seeds"], content["unfinished"]) == ([3, 1], [])
    assert content["runs"] == ["seed-3", "seed-1"]
    assert set(content["parts"]) == {"calibration", "validation"}
    for part, figures in content["parts"].items():
        assert {"eval_loss", "f1", "exact", "HasAns_f1", "NoAns_f1", "NoAns_exact"} <= set(figures)
        assert {"calibration_error", "brier", "aurc"} <= set(figures)
        assert ({"threshold", "temperature"} <= set(figures)) == (part == "calibration")
        for name, spread in figures.items():
            values = [find_figure(run.scores, part, name) for run in done.runs]
            assert spread["values"] == values
            assert spread["mean"] == pytest.approx(sum(values) / 2)
            assert spread["std"] == pytest.approx(abs(values[0] - values[1]) / 2**0.5)
    assert done.spreads["validation"]["eval_loss"].std > 0
    for run in done.runs:
        fitted = run.model().settings.calibration["torch"]
        assert (run.scores["threshold"], run.scores["temperature"]) == (
            fitted.threshold,
            fitted.temperature,
        )


def test_by_pencil():
    assert measure([2.0, 4.0, 9.0]).mean == 5.0
    assert measure([2.0, 4.0, 9.0]).std == pytest.approx(13**0.5)  # (9 + 1 + 16) / 2
    assert measure([7.0]).std is None


@given(st.lists(st.floats(0, 100), min_size=2, max_size=9))
def test_the_deviation_is_that_of_a_sample(values):
    spread = measure(values)
    squares = sum((value - spread.mean) ** 2 for value in values)
    assert spread.std == pytest.approx((squares / (len(values) - 1)) ** 0.5, abs=1e-9)
    assert spread.mean == pytest.approx(statistics.mean(values))


@pytest.mark.parametrize("seeds", [[], [1, 1], [0, -1]])
def test_seeds_are_different_numbers_from_0(recipe, seeds, tmp_path):
    with pytest.raises(RecipeError, match="different numbers from 0"):
        train_seeds(recipe, seeds=seeds, out=tmp_path / "out", progress=QUIET)
    assert not (tmp_path / "out").exists()


def test_a_seed_that_is_too_large_is_refused_before_any_training(recipe, tmp_path):
    file = tmp_path / "recipe.toml"
    file.write_text(recipe.to_toml())
    arguments = ["train", str(file), "--seeds", f"0,{2**32}", "--out", str(tmp_path / "out")]
    with pytest.raises(RecipeError, match=r"run\.seed") as caught:
        CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert str(2**32) in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_model_that_always_answers_has_no_threshold_to_average(tmp_path):
    recipe = make_recipe(make_recipe_content(tmp_path), overrides=["run.max_steps=1"])
    done = train_seeds(recipe, seeds=[0, 1], out=tmp_path / "out", progress=QUIET)
    assert "threshold" not in done.spreads["calibration"]
    assert done.spreads["calibration"]["temperature"].values == (1.0, 1.0)


def test_a_folder_that_holds_something_is_refused(recipe, done):
    with pytest.raises(RunError, match="never overwrites"):
        train_seeds(recipe, seeds=[5], out=done.folder, progress=QUIET)


def test_an_interruption_keeps_the_finished_runs_and_says_so(recipe, tmp_path, monkeypatch, capsys):
    train = seeds_module.train

    def interrupted(recipe, *, out, **options):
        if out.name == "seed-8":
            raise KeyboardInterrupt
        return train(recipe, out=out, **options)

    monkeypatch.setattr(seeds_module, "train", interrupted)
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        train_seeds(recipe, seeds=[7, 8, 9], out=out, progress=Progress())
    content = json.loads((out / "scores.json").read_text())
    assert (content["seeds"], content["unfinished"]) == ([7], [8, 9])
    f1 = content["parts"]["validation"]["f1"]
    assert f1 == {"values": [f1["mean"]], "mean": f1["mean"], "std": None}
    assert Run(out / "seed-7").record["status"] == "finished"
    said = capsys.readouterr().err
    assert f"finished before that, and in {out / 'scores.json'}: {out / 'seed-7'}\n" in said
    assert f"to go on with all seeds: the same command, without --out, with --resume {out}" in said


def test_scores_of_unequal_data_have_no_mean(done, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    scores = done.runs[0].scores
    scores["validation"]["signature"]["data_digest"] = "another"
    (other / "scores.json").write_text(json.dumps(scores))
    with pytest.raises(DataError, match="not comparable: they differ in data_digest"):
        summarise([done.runs[0], Run(other)])


def test_runs_that_scored_nothing_have_no_figures(recipe, tmp_path):
    changes = ["data.calibration_share=0", "run.max_steps=1"]
    content = recipe.model_dump()
    content["data"]["validation"] = None
    bare = make_recipe(content, overrides=changes)
    done = train_seeds(bare, seeds=[0, 1], out=tmp_path / "out", progress=QUIET)
    assert done.spreads == {}
    assert json.loads((tmp_path / "out" / "scores.json").read_text())["seeds"] == [0, 1]


def test_the_command_prints_mean_and_deviation_and_writes_them(recipe, tmp_path):
    file = tmp_path / "recipe.toml"
    file.write_text(recipe.to_toml())
    arguments = ["train", str(file), "--seeds", "0,1", "--set", "run.max_steps=2"]
    shown = CliRunner().invoke(app, [*arguments, "--out", str(tmp_path / "a")])
    assert shown.exit_code == 0, shown.output
    content = json.loads((tmp_path / "a" / "scores.json").read_text())
    f1 = content["parts"]["validation"]["f1"]
    values = " ".join(f"{value:.2f}" for value in f1["values"])
    assert f"validation f1 {f1['mean']:.2f} ± {f1['std']:.2f} of {values}" in shown.stdout
    assert "total" not in shown.stdout  # counts have no deviation
    printed = CliRunner().invoke(app, [*arguments, "--out", str(tmp_path / "b"), "--json"])
    assert json.loads(printed.stdout) == {"folder": str(tmp_path / "b"), **content}


def test_the_command_refuses_what_is_no_list_of_numbers(recipe, tmp_path):
    file = tmp_path / "recipe.toml"
    file.write_text(recipe.to_toml())
    with pytest.raises(RecipeError, match="--seeds needs whole numbers"):
        CliRunner().invoke(app, ["train", str(file), "--seeds", "0-2"], catch_exceptions=False)


def test_a_dry_run_tells_the_time_of_all_seeds(recipe, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_lines(tmp_path / "train.jsonl", make_questions(12))
    file = tmp_path / "recipe.toml"
    file.write_text(recipe.to_toml())
    changes = ["--set", "batch.windows_per_step=4", "--set", "task.answers=all"]
    arguments = ["train", str(file), *changes, "--seeds", "0,1,2"]
    shown = CliRunner().invoke(app, [*arguments, "--dry-run"])
    assert "for 3 seeds" in shown.stdout
    assert f"next: {shlex.join(['spanfit', *arguments])}" in shown.stderr
    printed = json.loads(CliRunner().invoke(app, [*arguments, "--dry-run", "--json"]).stdout)
    assert printed["runs"] == 3
    assert printed["seconds_of_all_runs"] == pytest.approx(3 * printed["seconds"])
    assert not (tmp_path / "runs").exists()
