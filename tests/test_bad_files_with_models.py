"""The broken files of tests/bad in the commands that run a model or train one.

What they say of a file is what every reader says of it (see test_bad_files.py), whether the model
is loaded before or after; and nothing of what they were to write is there.
"""

from __future__ import annotations

import functools
import io
import json
import os
import tomllib

import pytest
import tomli_w
import torch
import transformers
import typer.main
from bad_files import FOLDER, GOLD, TAGS, list_bad, place_of, require_message, write_lines
from test_bad_files import make_odd_paths
from tiny_models import make_encoder

import spanfit.loading

pytestmark = pytest.mark.training

SAMPLE = (  # one of each reader, for what takes longer
    "questions/squad-cut-in-a-string.json",
    "questions/lines-question-is-a-number.jsonl",
    "questions/table-ragged.csv",
    "questions/gzip-cut.json.gz",
)
ODD = ("pipe", "endless device", "folder", "missing")

make_parser = functools.cache(typer.main.get_command)


@pytest.fixture(autouse=True)
def one_parser(monkeypatch):
    """As in test_bad_files.py."""
    monkeypatch.setattr(typer.main, "get_command", make_parser)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A folder with a random model for each folder of data, and a recipe to train one."""
    folder = tmp_path_factory.mktemp("models")
    make_encoder(folder / "encoder")
    torch.manual_seed(0)
    tags = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
    for kind, head, settings, labels in (
        ("questions", transformers.BertForQuestionAnswering, {"task": "qa"}, ["start", "end"]),
        (
            "tagged",
            transformers.BertForTokenClassification,
            {"task": "tagging", "tagging": {"tags": tags}},
            tags,
        ),
    ):
        config = transformers.AutoConfig.from_pretrained(folder / "encoder")
        config.id2label = dict(enumerate(labels))
        config.label2id = {label: row for row, label in enumerate(labels)}
        model = folder / kind
        head(config).save_pretrained(model)
        for file in (folder / "encoder").glob("*token*"):
            (model / file.name).write_bytes(file.read_bytes())
        settings["windows"] = {"max_length": 64, "overlap": 16}
        (model / "spanfit.json").write_text(json.dumps(settings))
        recipe = {
            "task": {"name": settings["task"]},
            "data": {"train": "nothing.json"},
            "model": {"name": str(folder / "encoder")},
            "windows": settings["windows"],
            "run": {"device": "cpu", "threads": 1},
        }
        (folder / f"{kind}.toml").write_text(tomli_w.dumps(recipe))
    return folder


@pytest.fixture
def exports(monkeypatch):
    """Examples are read before anything is exported, so that needs no runtime here."""
    for module in ("folders", "making"):
        monkeypatch.setattr(f"spanfit.exports.{module}.require_packages", lambda _: None)


@pytest.fixture
def loaded_once(monkeypatch, models):
    """Models are loaded once, and not for each file."""
    monkeypatch.setattr(spanfit.loading, "load", load_once)


load_once = functools.cache(spanfit.loading.load)


@pytest.mark.parametrize("bad", list_bad("questions", "tagged"), ids=lambda bad: bad.name)
def test_predict_and_evaluate(bad, models, loaded_once, command, tmp_path):
    model, out = models / bad.path.parent.name, tmp_path / "out.jsonl"
    for words in (
        ["predict", model, bad.path, "--out", out],
        ["predict", model, bad.path, "--out", out, "--bad-lines", "skip"],
        ["evaluate", model, bad.path, "--out", tmp_path / "scores"],
    ):
        code, _, err = command(*words)
        is_skipped = "skip" in words and code == 0
        if (bad.fine or bad.check == "repeated_id" or is_skipped) and code == 0:
            for made in [*tmp_path.glob("*"), *tmp_path.glob("scores/*")]:
                if made.is_file():
                    made.unlink()
            continue
        assert code == 1
        require_message(err, at=place_of(bad.path, bad.at), says=bad.says)
        assert [*tmp_path.rglob("*.json*")] == []


@pytest.mark.parametrize("bad", list_bad("questions", "tagged"), ids=lambda bad: bad.name)
def test_train(bad, models, command, tmp_path):
    recipe, run = models / f"{bad.path.parent.name}.toml", tmp_path / "run"
    words = ["train", recipe, "--set", f"data.train={bad.path}", "--out", run]
    code, out, err = command(*words)
    assert (code, out) == (1, "")
    require_message(err, at=place_of(bad.path, bad.at), says=bad.says, hint=bad.hint)
    assert not run.exists() or not any(run.iterdir())


@pytest.mark.parametrize("bad", list_bad("recipes"), ids=lambda bad: bad.name)
def test_recipes(bad, command, tmp_path):
    code, out, err = command("train", bad.path, "--out", tmp_path / "run")
    assert (code, out) == (2, "")
    require_message(err, at=place_of(bad.path, bad.at), says=bad.says, hint=bad.hint)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("name", "code", "says"),
    [
        ("empty.toml", 2, "the recipe names no training data"),
        ("train-is-an-empty-list.toml", 2, "the recipe names no training data"),
        ("train-missing-file.toml", 1, "train.json: no such file"),
        ("train-name-of-5000-characters.toml", 1, "can't be read: File name too long"),
        ("train-with-a-nul-character.toml", 1, "no file can have this name"),
    ],
)
def test_recipes_whose_data_are_no_files(name, code, says, command, tmp_path):
    left, out, err = command("train", FOLDER / "recipes_to_train" / name, "--out", tmp_path / "run")
    assert (left, out) == (code, "")
    require_message(err, says=says)


@pytest.mark.parametrize("bad", list_bad("settings"), ids=lambda bad: bad.name)
def test_settings(bad, models, exports, command, tmp_path, monkeypatch):
    file = link_model(models / "questions", tmp_path)
    file.write_bytes(bad.path.read_bytes())
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"At sea.")))
    gold = write_lines(tmp_path / "gold.jsonl", GOLD)
    for words in (
        ["ask", tmp_path, "--question", "Where?", "--context", "-"],
        ["tag", tmp_path, "At sea."],
        ["predict", tmp_path, gold, "--out", tmp_path / "out"],
        ["evaluate", tmp_path, gold],
        ["export", tmp_path, "--to", "onnx", "--data", gold],
    ):
        code, out, err = command(*words)
        assert (code, out) == (1, "")
        require_message(err, at=place_of(file, bad.at), says=bad.says)


@pytest.mark.parametrize(
    ("name", "code"), [("overlap-longer-than-window.json", 1), ("tagging-without-tags.json", 1)]
)
def test_settings_that_suit_no_model(name, code, models, command, tmp_path):
    file = link_model(models / "tagged", tmp_path)
    content = json.loads(file.read_text())
    broken = json.loads((FOLDER / "settings_of_models" / name).read_text())
    kept = {} if "task" in broken else content
    file.write_text(json.dumps(kept | broken))
    left, out, err = command("tag", tmp_path, "At sea.")
    assert (left, out) == (code, "")
    require_message(err)


def link_model(model, folder):
    """The files of a model in another folder, where its spanfit.json can be a broken one."""
    for part in model.iterdir():
        if part.name != "spanfit.json":
            (folder / part.name).hardlink_to(part)  # symbolic ones out of it are refused
    (folder / "spanfit.json").write_bytes((model / "spanfit.json").read_bytes())
    return folder / "spanfit.json"


@pytest.mark.parametrize("name", SAMPLE)
def test_export(name, models, loaded_once, exports, command, tmp_path):
    (bad,) = [bad for bad in list_bad("questions") if bad.name == name]
    words = ["--to", "onnx", "--data", bad.path, "--out", tmp_path / "out"]
    code, out, err = command("export", models / "questions", *words)
    assert (code, out) == (1, "")
    require_message(err, at=place_of(bad.path, bad.at), says=bad.says, hint=bad.hint)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", ODD)
def test_what_is_no_file(kind, models, loaded_once, exports, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path, says, _ = make_odd_paths(tmp_path)[kind]
    gold = write_lines(tmp_path / "gold.jsonl", GOLD)
    recipe = tomllib.loads((models / "questions.toml").read_text())
    scored_on_it = tmp_path / "recipe.toml"
    scored_on_it.write_text(tomli_w.dumps(recipe | {"data": {"train": str(gold)}}))
    commands = [
        ["predict", models / "questions", path, "--out", tmp_path / "out"],
        ["evaluate", models / "questions", path],
        ["export", models / "questions", "--to", "onnx", "--data", path],
        ["train", models / "questions.toml", "--set", f"data.train={path}"],
        ["train", scored_on_it, "--set", f"data.validation={path}"],
    ]
    if kind != "folder":  # which ask looks for texts in
        commands.append(["ask", models / "questions", "--question", "?", "--context", path])
    for words in commands:
        code, out, err = command(*words)
        assert (code, out) == (1, "")
        require_message(err, at=str(path), says=says)


@pytest.mark.parametrize("bad", list_bad("texts"), ids=lambda bad: bad.name)
def test_texts(bad, models, loaded_once, command, monkeypatch):
    file = bad.path
    code, out, err = command("ask", models / "questions", "--question", "?", "--context", file)
    assert (code, out) == (1, "")
    require_message(err, at=place_of(file, bad.at), says=bad.says, hint=bad.hint)
    for words, at in (
        (["ask", models / "questions", "--question", "?", "--context", "-"], "--context -"),
        (["tag", models / "tagged", "-"], "- (standard input)"),
        (["tag", models / "tagged", "-", "--lines"], "- (standard input)"),
    ):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(file.read_bytes())))
        code, out, err = command(*words)
        assert (code, out) == (1, "")
        require_message(err, at=at, says=bad.says, hint="iconv")


def test_bytes_that_are_no_text_on_the_command_line(models, loaded_once, command, tmp_path):
    (tmp_path / "text.txt").write_text("At sea.")
    for words in (
        ["tag", models / "tagged", "caf\udce9"],
        ["ask", models / "questions", "--question", "\udcff", "--context", tmp_path / "text.txt"],
    ):
        code, out, err = command(*words)
        assert (code, out) == (1, "")
        require_message(err, at="a text holds half of a surrogate pair")


def test_examples_for_the_other_model(models, loaded_once, command, tmp_path):
    questions = write_lines(tmp_path / "questions.jsonl", GOLD)
    texts = write_lines(tmp_path / "texts.jsonl", TAGS)
    for model, data in (("questions", texts), ("tagged", questions)):
        for words in (
            ["predict", models / model, data, "--out", tmp_path / "out"],
            ["evaluate", models / model, data],
            ["train", models / f"{model}.toml", "--set", f"data.train={data}"],
        ):
            code, out, err = command(*words)
            assert (code, out) == (1, "")
            require_message(err, at=str(data))


def test_folders_that_are_no_models(command, tmp_path):
    """A file, an empty folder, a pipe, a folder with a config that is none."""
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "pipe")
    write_lines(tmp_path / "file.json", GOLD)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "config.json").write_bytes(b"\0" * 20)
    for name in ("empty", "pipe", "file.json", "broken", "missing"):
        for words in (["tag", tmp_path / name, "At sea."], ["push", tmp_path / name, "a/b"]):
            code, out, err = command(*words)
            assert (code, out) == (1, "")
            require_message(err)
