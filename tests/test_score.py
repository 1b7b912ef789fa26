"""`spanfit score`: what it prints on a terminal, in a pipe, for a program; its exit codes."""

from __future__ import annotations

import io
import json
import sys

import pytest
from rich.console import Console
from typer.testing import CliRunner

from spanfit.cli import app as cli
from spanfit.cli import console

GOLD = [
    {"id": "q1", "question": "?", "context": "the quay", "answers": [{"text": "quay", "start": 4}]},
    {"id": "q2", "question": "?", "context": "the lamp", "answers": [{"text": "lamp", "start": 4}]},
    {"id": "q3", "question": "?", "context": "the sea", "answers": []},
    {"id": "q4", "question": "?", "context": "the tide", "answers": []},
]
TEXTS = {"q1": "quay", "q2": "red lamp", "q3": "sea", "q4": "tide"}
NA_PROBS = {"q1": 0.1, "q2": 0.3, "q3": 0.4, "q4": 0.9}


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gold.jsonl").write_text("\n".join(map(json.dumps, GOLD)))
    (tmp_path / "texts.json").write_text(json.dumps(TEXTS))
    (tmp_path / "na_probs.json").write_text(json.dumps(NA_PROBS))
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(cli.app, ["score", *map(str, arguments)], catch_exceptions=False)


WITH_NA_PROBS = ("--na-probs", "na_probs.json", "--na-prob-threshold", "0.5")


def test_a_pipe_gets_name_and_value(files):
    result = run("gold.jsonl", "texts.json", *WITH_NA_PROBS)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    values = dict(line.split()[:2] for line in lines)
    assert values["exact"] == "50.00"
    assert values["f1"] == "66.67"
    assert values["NoAns_f1"] == "50.00"
    assert values["HasAns_total"] == "2"
    assert values["missing"] == "0"
    assert values["metric"] == "squad_v2"
    assert values["n"] == "4"
    assert "best_f1 91.67 # best threshold (chosen on this data)" in lines
    assert "best_f1_thresh 0.3000 # best threshold (chosen on this data)" in lines
    assert len({line.split()[0] for line in lines}) == len(lines)


def test_a_program_gets_json_in_full_precision(files):
    result = run("gold.jsonl", "texts.json", *WITH_NA_PROBS, "--json")
    printed = json.loads(result.stdout)
    assert printed["figures"]["f1"] == pytest.approx(200 / 3, abs=1e-12)
    assert printed["figures"]["total"] == 4
    assert printed["signature"]["metric"] == "squad_v2"
    assert printed["signature"]["selected_on"] == "none"
    assert printed["missing"] == []


def test_a_terminal_gets_a_table(files, monkeypatch):
    screen = io.StringIO()
    terminal = Console(file=screen, force_terminal=True, width=100, color_system=None)
    monkeypatch.setattr(console, "out", lambda: terminal)
    run("gold.jsonl", "texts.json", *WITH_NA_PROBS)
    rows = [line.split() for line in screen.getvalue().splitlines()]
    assert ["squad_v2", "exact", "F1", "questions"] in rows
    assert ["all", "questions", "50.00", "66.67", "4"] in rows
    assert ["with", "an", "answer", "(HasAns)", "50.00", "83.33", "2"] in rows
    assert ["without", "an", "answer", "(NoAns)", "50.00", "50.00", "2"] in rows
    assert "best threshold (chosen on this data)" in screen.getvalue()
    assert "best_f1" not in screen.getvalue()
    assert "selected on none" in screen.getvalue()


def test_missing_predictions_are_warned_of(files):
    (files / "few.json").write_text('{"q4": ""}')
    result = run("gold.jsonl", "few.json")
    assert result.exit_code == 0
    assert "3 of 4 questions have no prediction and count as 0: q1, q2, q3" in result.stderr
    assert "missing 3" in result.stdout
    quiet = run("gold.jsonl", "few.json", "--json")
    assert json.loads(quiet.stdout)["missing"] == ["q1", "q2", "q3"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["gold.jsonl", "nothing.json"], 1, "nothing.json: no such file"),
        (["texts.json", "gold.jsonl"], 1, "texts.json: not a file of questions"),
        (["gold.jsonl", "gold.jsonl"], 1, "these are questions, not predictions"),
        (["gold.jsonl", "na_probs.json"], 1, "'q1' is not a text"),
        (["gold.jsonl", "other.json"], 1, "other.json: 1 of 2 ids are not in the gold"),
        (["gold.jsonl", "texts.json", "--na-probs", "other_na.json"], 1, "1 of 5 ids"),
        (["gold.jsonl", "texts.json", "--metric", "sqad_v2"], 2, "did you mean 'squad_v2'?"),
        (["gold.jsonl", "texts.json", "--metric", "squad_v1"], 1, "--metric squad_v2"),
        (["gold.jsonl", "texts.json", "--na-prob-threshold", "0"], 2, "--na-probs FILE"),
        (["gold.jsonl", "texts.json", "--na-probs-threshold", "0"], 2, "No such option"),
        (["gold.jsonl"], 2, "PREDICTIONS"),
    ],
)
def test_wrong_input_is_one_message_and_an_exit_code(
    files, monkeypatch, capsys, arguments, code, message
):
    (files / "other.json").write_text('{"q1": "quay", "p7": "sea"}')
    (files / "other_na.json").write_text(json.dumps(NA_PROBS | {"p7": 0.5}))
    monkeypatch.setattr(sys, "argv", ["spanfit", "score", *arguments])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    printed = capsys.readouterr()
    assert caught.value.code == code
    assert message in printed.err
    assert "Traceback" not in printed.err
    assert printed.out == ""


@pytest.mark.parametrize(
    ("key", "gold", "options"),
    [
        ("squad_v1_dev", "squad_v1/dev-v1.1.json", ["--metric", "squad_v1"]),
        ("squad_v2_dev", "squad_v2/dev-v2.0.json", ["--na-prob-threshold", "0.5", "--na-probs"]),
        ("squad_v2_dev_without_na_probs", "squad_v2/dev-v2.0.json", []),
    ],
)
def test_the_command_prints_the_official_figures(shared, key, gold, options):
    folder, stem = shared / "expected", key.removesuffix("_without_na_probs")
    expected = json.loads((folder / "official_scores.json").read_text())[key]
    if "--na-probs" in options:
        options = [*options, folder / f"{stem}.na_probs.json"]
    result = run(shared / "data" / gold, folder / f"{stem}.predictions.json", *options, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["figures"] == pytest.approx(expected, rel=0, abs=1e-9)
