"""One metric for a whole training, by the gold or the recipe, the same in every figure."""

from __future__ import annotations

import json

import pytest
from tiny_models import make_recipe_content, write_lines

import spanfit
from spanfit.errors import DataError, RecipeError
from spanfit.progress import Progress
from spanfit.recalibration import refit
from spanfit.recipe import make_recipe

pytestmark = pytest.mark.training

PLACES = ("東京", "大阪", "京都", "奈良")


def write_japanese(path, n, first=0):
    """Questions whose gold ends with a full stop, which jsquad does not see."""
    lines = []
    for number in range(first, first + n):
        place = PLACES[number % 4]
        context = f"第{number}回の会は {place}。 であった。"
        answer = {"text": f"{place}。", "start": context.index(place)}
        lines.append(
            {"id": str(number), "question": "どこ?", "context": context, "answers": [answer]}
        )
    return write_lines(path, lines)


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    folder = tmp_path_factory.mktemp("metric")
    content = make_recipe_content(folder, n=8)
    write_japanese(folder / "train.jsonl", 60)
    write_japanese(folder / "validation.jsonl", 12, first=100)
    content["data"] |= {
        "train": str(folder / "train.jsonl"),
        "validation": str(folder / "validation.jsonl"),
    }
    content["run"] = content.get("run", {}) | {"epochs": 1, "max_steps": 2}
    return content


def train(content, folder, *overrides):
    recipe = make_recipe(content, overrides=overrides)
    return spanfit.train(recipe, out=folder, progress=Progress(quiet=True))


def read_settings(run):
    return json.loads((run.folder / "model/spanfit.json").read_text(encoding="utf-8"))


def test_the_gold_chooses_for_every_part(content, tmp_path):
    run = train(content, tmp_path / "run")
    signatures = [run.scores[part]["signature"] for part in ("calibration", "validation")]
    assert {(s["metric"], s["language"]) for s in signatures} == {("jsquad", "ja")}
    assert set(read_settings(run)["ceiling"]) == {"jsquad exact", "jsquad f1"}
    assert read_settings(run)["metric"] is None  # other data may suit another


def test_the_recipe_chooses_and_the_model_keeps_it(content, tmp_path):
    run = train(content, tmp_path / "run", "task.metric=first_gold_exact")
    for part in ("calibration", "validation"):
        assert run.scores[part]["signature"]["metric"] == "first_gold_exact"
        assert run.scores[part]["figures"]["exact"] == run.scores[part]["figures"]["f1"]
    assert set(read_settings(run)["ceiling"]) == {"first_gold_exact exact", "first_gold_exact f1"}
    assert read_settings(run)["metric"] == "first_gold_exact"
    assert "first_gold_exact · normalisation none/any" in (
        run.folder / "model/README.md"
    ).read_text(encoding="utf-8")
    gold = content["data"]["validation"]
    model = run.model()
    assert model.evaluate(spanfit.read(gold)).signature.metric == "first_gold_exact"
    assert model.evaluate(spanfit.read(gold), metric="jsquad").signature.metric == "jsquad"
    predictions = run.folder / "predictions/validation.jsonl"
    assert refit(run.folder, gold, predictions).scores_before.signature.metric == "first_gold_exact"
    named = refit(run.folder, gold, predictions, metric="mlqa-zh")
    assert (named.scores_before.signature.metric, named.scores_before.signature.language) == (
        "mlqa",
        "zh",
    )


def test_one_part_without_an_answer_makes_it_squad_v2_in_both(tmp_path):
    content = make_recipe_content(tmp_path, n=40)
    content["run"] = content.get("run", {}) | {"epochs": 1, "max_steps": 1}
    asked = {"id": "x", "question": "Where?", "context": "Ada came.", "answers": []}
    write_lines(tmp_path / "scored.jsonl", [asked])
    content["data"]["validation"] = str(tmp_path / "scored.jsonl")
    run = train(content, tmp_path / "run")
    for part in ("calibration", "validation"):
        assert run.scores[part]["signature"]["metric"] == "squad_v2"
    with pytest.raises(DataError, match="squad_v1 needs an answer to each question"):
        train(content, tmp_path / "other", "task.metric=squad_v1")


@pytest.mark.parametrize(
    ("name", "message"),
    [("conlleval", "questions have no metric 'conlleval'"), ("jsqad", "no metric 'jsqad'")],
)
def test_a_metric_that_questions_do_not_have_is_refused_before_the_data(tmp_path, name, message):
    content = {"data": {"train": str(tmp_path / "no such file")}, "task": {"metric": name}}
    with pytest.raises(RecipeError, match=message):
        train(content, tmp_path / "run")
    with pytest.raises(RecipeError, match="tagged texts have no metric 'korquad'"):
        train({**content, "task": {"name": "tagging", "metric": "korquad"}}, tmp_path / "run")
