"""The commands that run a tagging model, over one that needs no weights: lines, ids, next steps."""

from __future__ import annotations

import io
import json
import sys
from types import SimpleNamespace

import pytest

from spanfit.cli import evaluate, main, predict, tag
from spanfit.data import read
from spanfit.metrics import score
from spanfit.recipe import ColumnsSection
from spanfit.settings import ModelSettings, TagSettings
from spanfit.tagged import TaggingPrediction

CONLL = "Ada NNP B-PER\nleft VBD O\n\n"


class SilentModel:
    """Says "O" of all characters; learnt parts of speech from the second of three columns."""

    settings = ModelSettings(
        task="tagging",
        tagging=TagSettings(tags=["NNP", "VBD"], scheme="plain", columns=ColumnsSection(tags=2)),
    )

    def tag(self, texts, progress):
        return [self._predict(str(number), text) for number, text in enumerate(texts, 1)]

    def predict_file(self, data, out, *, reading, **_):
        self.read = read(data, reading=reading)
        return SimpleNamespace(skipped=0, blank=0, n=len(self.read))

    def examine(self, examples, **_):
        said = [
            TaggingPrediction(e.id, e.text, e.starts, e.ends, ("O",) * len(e.starts))
            for e in examples
        ]
        return SimpleNamespace(scores=score(examples, said))

    def _predict(self, key, text):
        places = tuple(range(len(text)))
        return TaggingPrediction(
            key, text, places, tuple(p + 1 for p in places), ("O",) * len(text)
        )


@pytest.fixture
def run(monkeypatch, capsys):
    """Run `spanfit …` as a shell does: (exit code, standard output, standard error)."""
    model = SilentModel()
    for command in (evaluate, predict, tag):
        monkeypatch.setattr(command, "load_model", lambda *_, **__: model)

    def run_command(*arguments, stdin=b""):
        monkeypatch.setattr(sys, "argv", ["spanfit", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        with pytest.raises(SystemExit) as stop:
            main()
        return stop.value.code or 0, *capsys.readouterr()

    run_command.model = model
    return run_command


def tagged_lines(run, *arguments, stdin=b""):
    code, out, err = run("tag", "MODEL", *arguments, "--json", stdin=stdin)
    assert code == 0, err
    return json.loads(out)


def test_lines_are_those_of_files_and_their_numbers_the_ids(run):
    text = "A\u2028b\x0cc\x85d\r\n \t\r\n\nlast"
    found = tagged_lines(run, "-", "--lines", stdin=text.encode())
    assert [(one["id"], one["text"]) for one in found] == [
        ("1", "A\u2028b\x0cc\x85d"),
        ("4", "last"),
    ]
    found = tagged_lines(run, "a\n\nb\n", "c", "--lines")  # the numbers go on
    assert [(one["id"], one["text"]) for one in found] == [("1", "a"), ("3", "b"), ("4", "c")]


def test_one_text_is_an_object_and_several_are_a_list(run):
    assert tagged_lines(run, "a\nb")["id"] == "1"
    assert [one["id"] for one in tagged_lines(run, "a", "b")] == ["1", "2"]
    assert [one["id"] for one in tagged_lines(run, "a", "--lines")] == ["1"]
    code, _, err = run("tag", "MODEL", "-", "--lines", stdin=b"\n \n")
    assert code == 2 and "there is no text to tag" in err


def test_the_next_score_reads_the_columns_that_the_model_learnt(run, tmp_path):
    file, out = tmp_path / "gold.txt", tmp_path / "said.jsonl"
    file.write_text(CONLL, encoding="utf-8")
    code, _, err = run("predict", "MODEL", file, "--out", out)
    assert code == 0, err
    assert run.model.read[0].tags == ("NNP", "VBD")
    assert f"next: spanfit score GOLD {out} --columns tags=2" in err
    file.write_text("Ada\nleft\n\n", encoding="utf-8")
    code, _, err = run("predict", "MODEL", file, "--out", out, "--columns", "tags=")
    assert code == 0, err
    assert (run.model.read[0].words, run.model.read[0].tags) == (["Ada", "left"], None)
    assert f"next: spanfit score GOLD {out} --columns tags=2" in err


def test_the_next_evaluation_reads_what_was_typed(run, tmp_path):
    file = tmp_path / "gold.txt"
    file.write_text(CONLL, encoding="utf-8")
    code, _, err = run("evaluate", "MODEL", file, "--columns", "tags=3")
    assert code == 0, err
    assert f"next: spanfit evaluate MODEL {file} --columns tags=3 --show errors" in err
