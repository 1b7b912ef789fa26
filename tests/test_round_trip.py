"""A model goes to the hub and comes back by its name: the card, and equal predictions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fake_hub import FakeHub
from huggingface_hub import ModelCard
from tiny_models import make_recipe_content, make_tagging_content

import spanfit
from spanfit.model_card import describe_scripts
from spanfit.progress import Progress
from spanfit.recipe import make_recipe

pytestmark = pytest.mark.training
REPOSITORY = Path(__file__).resolve().parent.parent
CONTENTS = {"qa": make_recipe_content, "tagging": make_tagging_content}
ASK = """
import json, sys
import spanfit
from spanfit.data.prediction_lines import format_line
for name in sys.argv[2:]:
    try:
        model = spanfit.load(name)
        said = [format_line(item) for item in model.predict(spanfit.read(sys.argv[1]))]
        print(json.dumps([said, model.settings.model_dump(), list(model.notes)]))
    except spanfit.errors.SpanFitError as error:
        print(json.dumps(str(error)))
"""


@pytest.fixture(scope="module", params=CONTENTS)
def run(request, tmp_path_factory):
    """A short run of each task."""
    folder = tmp_path_factory.mktemp(request.param)
    content = CONTENTS[request.param](folder)
    recipe = make_recipe(content, overrides=["run.epochs=1"])
    return spanfit.train(recipe, out=folder / "run", progress=Progress(quiet=True))


@pytest.fixture
def hub():
    with FakeHub(tokens={"hf_writer": {"toy-org"}}) as started:
        yield started


def python(code, *words, **environment):
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, words)],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)} | environment,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_what_was_pushed_predicts_the_same_by_its_name(run, hub, tmp_path):
    """By a reader without a token; and once more from the cache, without the hub."""
    push = "import spanfit, sys; print(spanfit.push(sys.argv[1], 'toy-org/lamps').model);"
    push += "spanfit.push(sys.argv[1], 'toy-org/lamps', revision='v2', private=True)"
    environment = hub.environment(tmp_path / "writer", token="hf_writer")
    assert python(push, run.folder, **environment) == ["toy-org/lamps"]
    data = next(run.folder.parent.glob("validation.*"))
    names = ("toy-org/lamps", "toy-org/lamps@v2", "toy-org/lamps@v3", "toy-org/absent")
    environment = hub.environment(tmp_path / "reader", token=None)
    answers = [json.loads(line) for line in python(ASK, data, *names, run.folder, **environment)]
    by_name, by_branch, wrong, absent, here = answers
    assert here[0] and by_name == here == by_branch
    assert "toy-org/lamps@v3: there is no such revision" in wrong
    assert absent.startswith("toy-org/absent")
    environment["HF_HUB_OFFLINE"] = "1"
    offline = [json.loads(line) for line in python(ASK, data, *names[:3], **environment)]
    assert offline[:2] == [by_name, by_branch] and "@v3: there is no such" in offline[2]


def test_the_card_says_what_the_hub_reads(run):
    card = ModelCard((run.model_folder / "README.md").read_text())
    data, scores = card.data, run.scores["validation"]
    assert data.library_name == "transformers" and "spanfit" in data.tags
    found = {result.metric_type: result.metric_value for result in data.eval_results}
    assert {*found} in ({"exact_match", "f1"}, {"precision", "recall", "f1"})
    assert found["f1"] == pytest.approx(scores["figures"]["f1"], abs=0.005)
    for result in data.eval_results:
        assert result.task_type == data.pipeline_tag
        assert (result.dataset_type, result.dataset_name[:10]) == ("validation", "validation")
        assert scores["signature"]["metric"] in result.metric_name
    assert data.base_model is None, "a folder of this machine has no name on the hub"


def test_the_card_says_what_was_learnt_and_what_cannot_be_done(run):
    text = (run.model_folder / "README.md").read_text()
    rows = {line.split(" | ")[0]: line for line in text.partition("## Data")[2].splitlines()}
    for part, digest in run.record["data_digests"].items():
        assert digest in rows[f"| {part}"]
    assert "Latin 100 %" in text and "20% of" in text
    assert str(run.folder.parent) not in text, "folders are nobody's business"
    assert ("word for word" in text) != ("nor have gaps" in text)
    for heading in ("Scores", "Data", "Limits", "Use"):
        assert f"\n## {heading}\n" in text
    block = text.partition("```python\n")[2].partition("```")[0]
    exec(compile(block.replace("PATH OF THIS FOLDER", str(run.folder)), "README.md", "exec"), {})


def test_a_refit_says_so_in_the_card(tmp_path):
    content = make_recipe_content(tmp_path, n=60, unanswerable=True)
    recipe = make_recipe(content, overrides=["run.epochs=1", "data.calibration_share=0.1"])
    run = spanfit.train(recipe, out=tmp_path / "run", progress=Progress(quiet=True))
    before = (run.model_folder / "README.md").read_text()
    assert "above 0.000" in before and "nothing was fitted" in before
    said = tmp_path / "said.jsonl"
    run.model().predict_file(tmp_path / "train.jsonl", said)
    done = spanfit.refit(run.folder, tmp_path / "train.jsonl", said)
    assert done.is_changed
    after = (run.model_folder / "README.md").read_text()
    assert f"above {done.after.threshold:.3f}" in after and "above 0.000" not in after
    assert "| fitted anew | threshold and probabilities, on 60 examples" in after
    assert after.count("| fitted anew |") == 1
    (run.model_folder / "README.md").write_text("mine\n")
    spanfit.refit(run.folder, tmp_path / "train.jsonl", said)
    assert (run.model_folder / "README.md").read_text() == "mine\n", "a card of somebody's own"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The harbour", "Latin 100 %"),
        ("東京の灯台ABC", "Han 50 %, Latin 38 %, Hiragana 12 %"),
        ("서울 12", "Hangul 100 %"),
        ("12 …", "none"),
    ],
)
def test_scripts(text, expected):
    assert describe_scripts([text]) == expected
