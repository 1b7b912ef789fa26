"""The commands that train, predict, evaluate and ask, as a user types them."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from dataclasses import replace

import pytest
import tomli_w
import torch
from conftest import REPOSITORY
from tiny_models import make_questions, make_recipe_content, write_lines

import spanfit
from spanfit.backends.torch import TorchBackend
from spanfit.metrics import SLICES
from spanfit.quickstart import LESSONS
from spanfit.recipe import read_recipe
from spanfit.runs import Run

pytestmark = pytest.mark.training


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with data, a recipe, and a run that was trained from them."""
    folder = tmp_path_factory.mktemp("commands")
    content = make_recipe_content(folder, n=60, unanswerable=True)
    (folder / "recipe.toml").write_text(tomli_w.dumps(content))
    spanfit.train(folder / "recipe.toml", out=folder / "run", overrides=["run.epochs=1"])
    (folder / "report.txt").write_text("Ada lives in Elm 🚢. Then Ben came from Dover by sea.")
    return folder


def test_train_writes_a_run_and_says_what_to_type_next(command, folder, tmp_path):
    code, out, err = command(
        "train", folder / "recipe.toml", "--out", tmp_path / "run", "--set", "run.epochs=1",
        "--json",
    )  # fmt: skip
    assert code == 0
    printed = json.loads(out)
    assert printed["folder"] == str(tmp_path / "run")
    assert set(printed["scores"]) >= {"calibration", "validation", "epoch"}
    assert f"next: spanfit evaluate {tmp_path / 'run'}" in err
    assert "epoch 1, validation: eval_loss" in err


def test_a_dry_run_counts_and_writes_nothing(command, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = command("train", folder / "recipe.toml", "--dry-run")
    assert code == 0
    assert "of training" in out
    assert "steps:" in err
    assert "windows:" in err
    assert list(tmp_path.iterdir()) == []
    code, out, _ = command("train", folder / "recipe.toml", "--dry-run", "--json")
    assert json.loads(out)["steps"] > 0


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        (("nowhere.toml",), 2, "spanfit init DATA"),
        (("RECIPE", "--set", "optimizer.lr=1"), 2, "learning_rate"),
        (("RECIPE", "--set", "optimiser.learning_rate=1"), 2, "did you mean 'optimizer'?"),
        (("RECIPE", "--set", "run.epochs"), 2, "section.key=value"),
        (("RECIPE", "--set", "data.train=nowhere.json"), 1, "no such file"),
        (("RECIPE", "--set", "model.name=bert-base-nowhere"), 1, "a hub id with a network"),
    ],
)
def test_train_refuses_with_one_message(command, folder, words, code, expected):
    words = [folder / "recipe.toml" if word == "RECIPE" else word for word in words]
    found, _, err = command("train", *words)
    assert found == code
    assert expected in err
    assert "Traceback" not in err


def test_an_interruption_exits_with_130(command, folder, tmp_path, monkeypatch):
    def interrupt(self, rows):
        raise KeyboardInterrupt

    monkeypatch.setattr("spanfit.training.Training.take_step", interrupt)
    code, _, err = command("train", folder / "recipe.toml", "--out", tmp_path / "run")
    assert code == 130
    assert "interrupted" in err
    assert (tmp_path / "run/model/model.safetensors").is_file()


def test_evaluate_prints_the_figures_that_training_reported(command, folder, tmp_path):
    code, out, _ = command(
        "evaluate", folder / "run", folder / "validation.jsonl", "--json", "--out", tmp_path / "e"
    )
    assert code == 0
    figures = json.loads(out)["figures"]
    assert figures == pytest.approx(Run(folder / "run").figures())
    again, out, _ = command("score", folder / "validation.jsonl", tmp_path / "e/predictions.jsonl")
    assert again == 0
    assert f"f1 {figures['f1']:.2f}" in out


def test_evaluate_writes_what_it_prints(command, folder, tmp_path):
    code, out, _ = command(
        "evaluate", folder / "run", folder / "validation.jsonl", "--json", "--out", tmp_path / "e",
        "--by", "all", "--worst", "3",
    )  # fmt: skip
    assert code == 0
    written = json.loads((tmp_path / "e" / "scores.json").read_text(encoding="utf-8"))
    assert written == json.loads(out)
    assert list(written["slices"]) == list(SLICES)
    assert len(written["worst"]) == 3


def test_evaluate_shows_errors_beside_their_gold(command, folder):
    code, out, _ = command(
        "evaluate", folder / "run", folder / "validation.jsonl", "--show", "all", "--limit", "3"
    )
    assert code == 0
    assert out.count("gold: ") == 3
    assert "f1 " in out


def test_evaluate_takes_slices_and_lists_the_worst(command, folder):
    code, out, _ = command(
        "evaluate", folder / "run", folder / "validation.jsonl", "--by", "all", "--worst", "2"
    )
    assert code == 0
    values = dict(line.split(maxsplit=1) for line in out.splitlines())
    n = int(values["n"])
    assert int(values["has_answer.HasAns.n"]) + int(values["has_answer.NoAns.n"]) == n
    assert values["worst.2.question"].endswith("?")
    assert 0 <= float(values["calibration_error"]) <= 1  # predictions bring probabilities
    code, _, err = command("evaluate", folder / "run", folder / "validation.jsonl", "--by", "titel")
    assert code == 2
    assert "did you mean 'title'?" in err


def test_smaller_batches_change_no_figure(command, folder, tmp_path, monkeypatch):
    """--max-tokens reaches the batches of all three commands."""
    sizes, run, data = set(), folder / "run", folder / "validation.jsonl"
    compute = TorchBackend.logits

    def logits(backend, batch):
        sizes.add(batch.input_ids.size)
        return compute(backend, batch)

    monkeypatch.setattr(TorchBackend, "logits", logits)
    small = ("--max-tokens", "64", "--device", "cpu")

    def outputs(*words):
        sizes.clear()
        found = {}
        code, out, err = command("evaluate", run, data, "--json", *words)
        assert code == 0, err
        found["evaluate"] = json.loads(out)["figures"], max(sizes)
        sizes.clear()
        file = tmp_path / f"{len(words)}.jsonl"
        code, _, err = command("predict", run, data, "--out", file, *words)
        assert code == 0, err
        lines = map(json.loads, file.read_text().splitlines())
        found["predict"] = [line["answer"] for line in lines], max(sizes)
        sizes.clear()
        ask = ("ask", run, "--question", "Who?", "--question", "Where did Ben come from?")
        code, out, err = command(*ask, "--context", folder / "report.txt", "--json", *words)
        assert code == 0, err
        found["ask"] = [one["answer"] for one in json.loads(out)], max(sizes)
        return found

    usual, smaller = outputs(), outputs(*small)
    for name, (found, size) in smaller.items():
        expected = usual[name][0]
        assert found == (pytest.approx(expected) if name == "evaluate" else expected), name
        assert size <= 64, name
    assert min(usual["evaluate"][1], usual["predict"][1]) > 64


@pytest.mark.skipif(torch.backends.mps.is_available(), reason="there is such a device here")
@pytest.mark.parametrize("name", ["evaluate", "predict", "ask"])
def test_a_device_that_is_not_here_is_refused(command, folder, tmp_path, name):
    words = {
        "evaluate": [folder / "run", folder / "validation.jsonl"],
        "predict": [folder / "run", folder / "validation.jsonl", "--out", tmp_path / "p.jsonl"],
        "ask": [folder / "run", "--question", "Who?", "--context", folder / "report.txt"],
    }
    code, out, err = command(name, *words[name], "--device", "mps")
    assert (code, out) == (2, "")
    assert "no mps device here" in err and "--device auto" in err
    assert list(tmp_path.iterdir()) == []


def test_predict_writes_what_score_reads(command, folder, tmp_path):
    out_file = tmp_path / "predictions.jsonl.gz"
    code, out, err = command(
        "predict", folder / "run", folder / "validation.jsonl", "--out", out_file
    )
    assert code == 0
    assert "12 predictions" in out
    assert "next: spanfit score" in err
    assert [path.name for path in tmp_path.iterdir()] == ["predictions.jsonl.gz"]
    code, out, _ = command("score", folder / "validation.jsonl", out_file)
    assert code == 0
    code, _, err = command(
        "predict", folder / "run", folder / "validation.jsonl", "--out", out_file
    )
    assert code == 1
    assert "such a file already" in err


def test_predict_takes_questions_without_gold_and_without_ids(command, folder, tmp_path):
    lines = make_questions(3)
    for line in lines:
        del line["answers"], line["id"]
    data = write_lines(tmp_path / "questions.jsonl", lines)
    code, _, _ = command("predict", folder / "run", data, "--out", tmp_path / "p.jsonl")
    assert code == 0
    written = [json.loads(line) for line in (tmp_path / "p.jsonl").read_text().splitlines()]
    assert [line["id"] for line in written] == ["1", "2", "3"]
    for line, question in zip(written, lines, strict=True):
        for candidate in line["n_best"]:
            assert candidate["text"] == question["context"][candidate["start"] : candidate["end"]]


def test_ask_marks_the_answer_and_gives_its_characters(command, folder, monkeypatch):
    words = ("ask", folder / "run", "--question", "Where does Ada live?", "--context")
    code, out, _ = command(*words, folder / "report.txt", "--json", "--top-k", "2")
    assert code == 0
    prediction = json.loads(out)
    text = (folder / "report.txt").read_text()
    assert len(prediction["n_best"]) == 2
    for candidate in prediction["n_best"]:
        assert candidate["text"] == text[candidate["start"] : candidate["end"]]
    code, out, _ = command(*words, folder / "report.txt")
    assert code == 0
    assert "Where does Ada live?" in out
    answer = prediction["answer"]
    assert (f"[[{answer['text']}]]" if answer else "no answer") in out
    report = (folder / "report.txt").read_bytes()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(report), encoding="utf-8"))
    code, again, _ = command(*words, "-")
    assert (code, again) == (0, out.replace(f"{folder / 'report.txt'}:", "-:"))


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        (("ask", "RUN", "--question", "Who?", "--context", "nowhere.txt"), 1, "--context -"),
        (("ask", "RUN", "--question", " ", "--context", "REPORT"), 2, "question is empty"),
        (("ask", "nowhere", "--question", "Who?", "--context", "REPORT"), 1, "cannot be loaded"),
        (("evaluate", "RUN", "nowhere.json"), 1, "no such file"),
        (("evaluate", "RUN", "REPORT"), 1, "not a file of questions"),
        (("predict", "RUN", "nowhere.json", "--out", "p.jsonl"), 1, "no such file"),
        (("ask", "RUN", "--qestion", "Who?"), 2, "No such option"),
    ],
)
def test_wrong_words_get_one_message(command, folder, words, code, expected, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    places = {"RUN": folder / "run", "REPORT": folder / "report.txt"}
    found, _, err = command(*(places.get(word, word) for word in words))
    assert found == code
    assert expected in err
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_init_prints_a_recipe_that_trains(command, folder, tmp_path):
    code, out, err = command("init", folder / "train.jsonl", "--model", folder / "encoder")
    assert code == 0
    assert "next: spanfit train recipe.toml" in err
    (tmp_path / "recipe.toml").write_text(out)
    recipe = read_recipe(tmp_path / "recipe.toml", overrides=["windows.max_length=64"])
    assert recipe.data.train == str(folder / "train.jsonl")
    run = spanfit.train(
        recipe, out=tmp_path / "run", overrides=["windows.overlap=20", "run.epochs=1"]
    )
    assert run.record["status"] == "finished"


def test_the_quickstart_trains_scores_and_answers_three_questions(
    command, quickstart_run, monkeypatch
):
    monkeypatch.setattr(
        "spanfit.quickstart.lesson.train_quickstart", lambda **options: quickstart_run
    )
    validation = quickstart_run.folder.parent / "validation.json"
    monkeypatch.setitem(LESSONS, "qa", replace(LESSONS["qa"], validation=validation))
    code, out, err = command("quickstart")
    assert code == 0
    assert f"f1 {quickstart_run.figures()['f1']:.2f}" in out
    assert all(question in out for _, question in LESSONS["qa"].demonstration)
    assert "[[" in out
    assert "next: spanfit init YOUR_DATA" in err


def test_the_training_data_of_the_quickstart_is_what_its_program_writes():
    program = REPOSITORY / "tools/make_harbour.py"
    done = subprocess.run([sys.executable, program, "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_line_ends_count_as_the_characters_that_they_are(command, folder, tmp_path):
    file = tmp_path / "dos.txt"
    file.write_bytes(b"One.\r\nTwo.\r\nAda lives in Elm.\r\n")
    text = file.read_bytes().decode()
    code, out, _ = command(
        "ask", folder / "run", "--question", "Where does Ada live?", "--context", file, "--json",
        "--top-k", "20",
    )  # fmt: skip
    assert code == 0
    for candidate in json.loads(out)["n_best"]:
        assert candidate["text"] == text[candidate["start"] : candidate["end"]]


def test_evaluate_never_overwrites(command, folder):
    code, _, err = command(
        "evaluate", folder / "run", folder / "validation.jsonl", "--out", folder / "run"
    )
    assert code == 1
    assert "such a file already" in err


def test_what_was_predicted_before_a_failure_is_kept_and_named(command, folder, tmp_path):
    data = write_lines(tmp_path / "q.jsonl", make_questions(600))
    with data.open("a") as stream:
        stream.write("not a line of JSON\n")
    code, _, err = command("predict", folder / "run", data, "--out", tmp_path / "p.jsonl")
    assert code == 1
    assert "line 601" in err
    part = tmp_path / "p.jsonl.part"
    assert f"512 predictions are kept in {part}: the same command goes on from there" in err
    assert len(part.read_text().splitlines()) == 512
    code, out, err = command(
        "predict", folder / "run", data, "--out", tmp_path / "p.jsonl", "--bad-lines", "skip"
    )
    assert code == 0
    assert "going on after the 512 predictions" in err
    skipped = tmp_path / "p.jsonl.skipped.jsonl"
    assert f"lines that cannot be read, left out: 1; see {skipped}" in err
    assert "600 predictions" in out
    assert json.loads(skipped.read_text())["line"] == 601
    assert not part.exists()


def test_an_error_of_somebody_else_is_one_line_too(command, folder, monkeypatch):
    def fail(*words, **options):
        raise OSError("the disk is full")

    monkeypatch.setattr("spanfit.training.train", fail)
    code, _, err = command("train", folder / "recipe.toml")
    assert code == 1
    assert "OSError: the disk is full" in err
    assert "Traceback" not in err


def test_the_quickstart_data_is_complete_and_clean():
    lesson = LESSONS["qa"]
    training, validation = spanfit.read(lesson.training), spanfit.read(lesson.validation)
    everything = training + validation
    assert len({example.context for example in everything}) >= 150
    assert len(everything) >= 600
    unanswerable = sum(not example.is_answerable for example in everything)
    assert unanswerable == pytest.approx(len(everything) / 3, rel=0.02)
    assert all(a.stands_in(e.context) for e in everything for a in e.answers)
    learnt = {example.context for example in training}
    assert learnt.isdisjoint(example.context for example in validation)
    assert learnt.isdisjoint(context for context, _ in lesson.demonstration)
    assert len({example.id for example in everything}) == len(everything)
    assert read_recipe(lesson.recipe).model.name == "quickstart"
