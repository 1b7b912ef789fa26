"""Predictions of a long file with bad lines: all answered or listed, also after being killed."""

from __future__ import annotations

import gzip
import json
import os
import random

import pytest
from kills import get_cpu_seconds
from predictions_to_kill import (
    assert_equal,
    assert_right,
    kill_at_random_moments,
    make_input,
)
from question_files import LINE, write
from test_resume import make_lines
from toy_predictor import interrupt, make_predictor

from spanfit.data import Counted, stream, tally
from spanfit.errors import DataError
from spanfit.prediction import predict_file

N = 2_000


def predict(data, out):
    return predict_file(make_predictor(seconds=0.001), data, out, bad_lines="skip")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A long input, its predictions in one go, what was said of them, and its CPU seconds."""
    folder = tmp_path_factory.mktemp("whole")
    made = make_input(folder / "input.jsonl", task="qa", n=N)
    (folder / "out").mkdir()
    out, before = folder / "out" / "p.jsonl", get_cpu_seconds()
    _, done = kill_at_random_moments(
        predict, made.file, out, kills=0, cpu_seconds=0, dice=random.Random()
    )
    return made, out, done, get_cpu_seconds() - before


def test_every_line_is_answered_or_listed_and_the_counts_add_up(whole):
    made, out, done, _ = whole
    assert len(made.ids) + len(made.bad) + made.blank == N
    assert len(made.bad) > 200 and made.blank > 20
    assert len({*made.ids}) < len(made.ids), "some ids come twice, and each line is answered"
    assert_right(made, out, done)


def test_killed_at_random_moments_the_files_are_those_of_one_go(whole, tmp_path):
    made, expected, _, seconds = whole
    out, dice = tmp_path / "p.jsonl", random.Random(3)
    killed, done = kill_at_random_moments(
        predict, made.file, out, kills=6, cpu_seconds=0.3 * seconds, dice=dice
    )
    assert killed >= 3
    assert_right(made, out, done)
    assert_equal(out, expected)


def test_the_command_says_what_was_read_predicted_and_left_out(tmp_path, monkeypatch):
    from typer.testing import CliRunner

    from spanfit.cli.app import app
    from spanfit.model import Model

    made = make_input(tmp_path / "input.jsonl", task="qa", n=300)
    monkeypatch.setattr("spanfit.cli.predict.load_model", lambda *_, **__: Model(make_predictor()))
    words = ["predict", "MODEL", str(made.file), "--out", str(tmp_path / "p.jsonl")]
    shown = CliRunner().invoke(app, [*words, "--bad-lines", "skip"], catch_exceptions=False)
    n, skipped = len(made.ids), len(made.bad)
    assert shown.exit_code == 0
    assert (
        f"read: {n + skipped:,} = {n:,} predicted + {skipped:,} left out; "
        f"blank lines passed over: {made.blank:,}" in shown.stderr
    )
    assert f"{n:,} predictions: {tmp_path / 'p.jsonl'}" in shown.stdout


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ([LINE, LINE], Counted(2)),
        (json.dumps(LINE) + "\n\n \nnot JSON\n", Counted(2, blank=2)),
        (b"\xef\xbb\xbf\n" + json.dumps(LINE).encode(), Counted(1, blank=1)),
        ("question,context\nWhere?,At sea.\na,b,c\n\nWho?,Ada.\n", Counted(2, faulty=1)),
    ],
)
def test_what_there_is_to_read_is_counted(tmp_path, content, expected):
    assert tally(write(tmp_path, content)) == expected


def test_an_input_that_grows_meanwhile_is_told_and_can_be_gone_on_with(tmp_path):
    lines = make_lines(300)
    data = write(tmp_path, lines[:280], "questions.jsonl")
    predictor, out = make_predictor(), tmp_path / "p.jsonl"
    compute, is_grown = predictor.backend.logits, []

    def logits(batch):
        if not is_grown:
            is_grown.append(True)
            write(tmp_path, lines, "questions.jsonl")
        return compute(batch)

    predictor.backend.logits = logits
    with pytest.raises(DataError, match="changed while it was read") as caught:
        predict_file(predictor, data, out)
    assert "expected: 280 lines or rows" in str(caught.value)
    assert not out.exists()
    done = predict_file(make_predictor(), data, out)
    assert done.n == 300
    ids = [json.loads(line)["id"] for line in out.read_text().splitlines()]
    assert ids == [line["id"] for line in lines]


@pytest.mark.parametrize("size", [0, 30_001])
def test_an_input_that_shrinks_meanwhile_loses_nothing(tmp_path, size):
    lines = make_lines(900)
    data = write(tmp_path, lines, "questions.jsonl")
    predictor, out = make_predictor(), tmp_path / "p.jsonl"
    compute, whole = predictor.backend.logits, data.read_bytes()
    assert len(whole) > 3 * 30_001

    def logits(batch):
        os.truncate(data, size)
        return compute(batch)

    predictor.backend.logits = logits
    with pytest.raises(DataError, match=r"changed while it was read|it ends too early"):
        predict_file(predictor, data, out)
    assert not out.exists()
    data.write_bytes(whole)
    assert predict_file(make_predictor(), data, out).n == 900


def test_an_input_that_is_gone_after_it_was_counted_is_told(tmp_path, monkeypatch):
    data = write(tmp_path, make_lines(3), "questions.jsonl")

    def count_and_remove(*arguments, **options):
        counted = tally(*arguments, **options)
        data.unlink()
        return counted

    monkeypatch.setattr("spanfit.prediction.tally", count_and_remove)
    with pytest.raises(DataError, match="no such file"):
        predict_file(make_predictor(), data, tmp_path / "p.jsonl")
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("keys.jsonl", '{"id": "b", "question": "?", "question": "!", "context": "c"}\n'),
        ("mark.jsonl", '\ufeff{"id": "b", "question": "?", "context": "c"}\n'),
        ("comma.jsonl", '{"id": "b", "question": "?", "context": "c"},\n'),
        ("table.csv", "\ufeffid,question,context\n"),
    ],
)
def test_what_another_file_left_behind_is_a_bad_line(tmp_path, name, bad):
    """Files that were put behind each other, or written by hand: nothing of it is read as text."""
    rows = [json.dumps(LINE | {"id": key}) + "\n" for key in "ac"]
    if name.endswith(".csv"):
        rows = ["id,question,context\na,Where?,At sea.\n", "c,Who?,Ada.\n"]
    data, out = write(tmp_path, bad.join(rows), name), tmp_path / "p.jsonl"
    done = predict_file(make_predictor(), data, out, bad_lines="skip")
    assert (done.n, done.skipped, done.read) == (2, 1, 3)
    assert [json.loads(line)["id"] for line in out.read_text().splitlines()] == ["a", "c"]


@pytest.mark.parametrize("name", ["p.jsonl", "p.jsonl.gz"])
def test_predictions_that_were_altered_are_not_gone_on_with(tmp_path, name):
    data = write(tmp_path, make_lines(600), "questions.jsonl")
    out, part = tmp_path / name, tmp_path / f"{name}.part"
    interrupt(data, out)
    before = part.read_bytes()
    for place in (0, len(before) // 2, len(before) - 1):
        part.write_bytes(before[:place] + bytes([before[place] ^ 1]) + before[place + 1 :])
        with pytest.raises(DataError, match="the lines in this file were altered") as caught:
            predict_file(make_predictor(), data, out)
        assert "to begin again" in str(caught.value)
    part.write_bytes(before + b'{"id": "half a li')
    assert predict_file(make_predictor(), data, out).n == 600
    content = out.read_bytes()
    content = gzip.decompress(content) if name.endswith(".gz") else content
    assert len(content.splitlines()) == 600


@pytest.mark.parametrize(
    "change",
    [
        {"lines": "../x"},
        {"lines": -1},
        {"bytes": 1.5},
        {"bytes": None},
        {"inputs": 7},
        {"outputs": []},
        {"made_by": "x"},
        {"made_by": {"weights": 7}},
        {"out": "/etc/passwd"},
    ],
)
def test_a_state_of_wrong_types_is_one_message(tmp_path, change):
    data = write(tmp_path, make_lines(600), "questions.jsonl")
    out, sidecar = tmp_path / "p.jsonl", tmp_path / "p.jsonl.part.json"
    interrupt(data, out)
    sidecar.write_text(json.dumps(json.loads(sidecar.read_text()) | change))
    with pytest.raises(DataError, match=r"p\.jsonl\.part\.json cannot be read"):
        predict_file(make_predictor(), data, out)


@pytest.mark.parametrize("content", ["[" * 100_000, "1" * 5_000, " " * 2_000_000])
def test_a_state_that_is_no_json_is_one_message(tmp_path, content):
    (tmp_path / "p.jsonl.part").write_text("{}\n")
    (tmp_path / "p.jsonl.part.json").write_text(content)
    data = write(tmp_path, make_lines(3), "questions.jsonl")
    with pytest.raises(DataError, match="cannot be read"):
        predict_file(make_predictor(), data, tmp_path / "p.jsonl")


@pytest.mark.parametrize("record", [{"text": None}, {"words": None}, {"text": None, "words": None}])
def test_a_tagged_text_of_null_is_a_bad_line(tmp_path, record):
    data = write(tmp_path, [{"text": "Ada."}, record | {"id": "x"}], "texts.jsonl")
    faults = []
    examples = stream(data, on_fault=lambda *fault: faults.append(fault))
    assert [example.text for example in examples] == ["Ada."]
    ((kind, number, error),) = faults
    assert (kind, number, error.id) == ("line", 2, "x")
    assert "neither words nor a text" in str(error)
