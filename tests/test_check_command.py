"""`spanfit check` as it is typed: what it prints, writes, and returns."""

from __future__ import annotations

import json

import pytest
from question_files import write
from test_check import CLEAN, LAMP, line
from toy_tokenizers import DATA as TOKENIZERS

BAD = line("bad", "Which?", LAMP, ("1864", 3))
PADDED = line("pad", "Which one?", LAMP, (" 1864", 34))


@pytest.fixture
def data(tmp_path):
    return write(tmp_path, [*CLEAN, BAD, PADDED], "my data.jsonl")


def test_errors_make_the_exit_status(command, data, tmp_path):
    code, out, err = command("check", data)
    assert code == 1
    lines = out.splitlines()
    assert lines[:2] == [f"{data}: 6 questions", "1 error, 1 warning, 0 notes"]
    assert "error misplaced_answer 1" in out
    assert "line 5, id 'bad': gold 1, '1864' at 3: " in out
    assert "    → relocate: 3 → 35" in lines
    assert f"next: spanfit check '{data}' --fix 'my data.fixed.jsonl'" in err
    warned = write(tmp_path, [PADDED], "warned.jsonl")
    assert command("check", warned)[0] == 0
    assert command("check", data, "--ignore", "misplaced_answer")[0] == 0


def test_a_clean_file(command, tmp_path):
    file = write(tmp_path, CLEAN, "clean.jsonl")
    assert command("check", file) == (
        0,
        f"{file}: 4 questions\n0 errors, 0 warnings, 0 notes\n",
        "",
    )


def test_five_of_each_kind_are_shown_and_all_are_counted(command, tmp_path):
    file = write(tmp_path, [BAD | {"id": f"b{n}", "question": f"{n}?"} for n in range(9)], "many")
    _, out, _ = command("check", file)
    assert out.count("→ relocate") == 5
    assert "error misplaced_answer 9" in out
    assert "and 4 more" in out
    assert command("check", file, "--worst", 0)[1].count("relocate") == 0


def test_json_has_every_finding(command, data):
    code, out, _ = command("check", data, "--json", "-t", TOKENIZERS / "wordpiece")
    report = json.loads(out)
    assert code == 1
    assert report["levels"] == {"error": 1, "warning": 1, "note": 0}
    assert report["kinds"] == {"misplaced_answer": 1, "padded_answer": 1}
    assert report["files"][0]["ceiling"] == {"squad_v2 exact": 100.0, "squad_v2 f1": 100.0}
    assert report["findings"][0] == {
        "kind": "misplaced_answer",
        "level": "error",
        "file": str(data),
        "place": "line 5",
        "id": "bad",
        "problem": "gold 1, '1864' at 3: ' lam'; the text occurs once, at 35",
        "repair": "relocate: 3 → 35",
        "mended_by_fix": True,
    }


def test_a_repaired_file_and_its_log(command, data, tmp_path):
    before = data.read_bytes()
    out = tmp_path / "new" / "fixed.jsonl"
    code, printed, err = command("check", data, "--fix", out)
    assert code == 1
    assert f"{out}: 2 changes, listed in {out}.log.jsonl" in printed
    assert f"next: spanfit check {out}" in err
    assert data.read_bytes() == before
    assert command("check", out)[0] == 0
    code, _, err = command("check", data, "--fix", out)
    assert (code, "there is such a file already" in err) == (1, True)


def test_the_next_command_keeps_what_was_typed(command, tmp_path):
    train = write(tmp_path, "Mira B-X N\nleft O V\nOslo I-Y N\n", "train.conll")
    test = write(tmp_path, "Ada B-X N\n", "test.conll")
    typed = ["--columns", "tags=2", "--ignore", "unseen_label"]
    _, _, err = command("check", train, test, *typed)
    assert f"next: spanfit check {train} {test} {' '.join(typed)} --fix train.fixed.conll" in err
    out = tmp_path / "fixed.conll"
    _, _, err = command("check", train, test, *typed, "--fix", out)
    assert f"next: spanfit check {out} {test} {' '.join(typed)}\n" in err
    assert command("check", out, test, *typed)[0] == 0


def test_what_is_left_out_is_said(command, data, tmp_path):
    train, out = data, tmp_path / "fixed.jsonl"
    dev = write(tmp_path, [CLEAN[0] | {"id": "dev"}], "dev.jsonl")
    code, printed, _ = command("check", train, dev, "--fix", out, "--drop", "leaked_question")
    assert code == 1
    assert f"{train}, line 1, id 'q1'" in printed
    assert "1 left out" in printed
    assert '"id": "q1"' not in out.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [".", "/", ""])
def test_a_folder_is_no_file_to_write(command, data, name):
    code, _, err = command("check", data, "--fix", name)
    assert code == 1
    assert "a folder, and no file" in err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--drop", "leaked_text"], "--fix OUT"),
        (["--max-length", "64"], "--tokenizer T"),
        (["--ignore", "leaks"], "no kind of findings"),
        (["--fix", "x.jsonl", "--drop", "encodig"], "no kind of findings"),
    ],
)
def test_wrong_options(command, data, tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    code, _, err = command("check", data, *options)
    assert code == 2
    assert message in err


def test_a_missing_file(command, tmp_path):
    code, _, err = command("check", tmp_path / "nothing.json")
    assert code == 1
    assert "no such file" in err


def test_a_terminal_gets_a_table_and_no_control_characters(command, tmp_path, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    file = write(tmp_path, [line("[bold]x", "What\x1b[31m is [red]it?", LAMP, "1864")], "odd.jsonl")
    code, out, _ = command("check", file)
    assert code == 0
    assert "control_character" in out
    assert "\x1b[31m is" not in out
    assert "[red]" in out or "U+001B" in out


def test_every_kind_stands_in_the_guide():
    from pathlib import Path

    from spanfit.doctor import KINDS

    guide = Path(__file__).resolve().parent.parent / "docs" / "check.md"
    rows = [row.split("|") for row in guide.read_text(encoding="utf-8").splitlines()]
    told = {row[1].strip(" `"): row[2].strip() for row in rows if len(row) > 3}
    assert {name: told.get(name) for name in KINDS} == {
        name: kind.level for name, kind in KINDS.items()
    }
