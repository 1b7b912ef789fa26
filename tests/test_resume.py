"""Predictions that go on after SIGKILL: no line lost or doubled, the bytes of a run in one go."""

from __future__ import annotations

import gzip
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from question_files import write
from toy_predictor import interrupt, make_predictor

from spanfit.data.unfinished import UnfinishedFile
from spanfit.errors import DataError
from spanfit.prediction import CHUNK_EXAMPLES, predict_file

MADE_BY = {"weights": "w", "settings": "s"}
PLACES = ("quay", "mill", "loft", "pier")
SCRIPT = Path(__file__).with_name("toy_predictor.py")


def make_lines(n):
    """Questions on contexts of different lengths, some of them shared by neighbours."""
    return [
        {
            "id": f"q{number}",
            "question": f"Where did number {number} go?",
            "context": f"Number {number // 3} went to the {PLACES[number // 3 % 4]}. "
            + "It rained all day. " * (number // 3 % 5),
        }
        for number in range(n)
    ]


def ids_of(file):
    return [json.loads(line)["id"] for line in file.read_text().splitlines()]


def test_killed_at_random_moments_the_file_is_that_of_a_run_in_one_go(tmp_path):
    n = 8 * CHUNK_EXAMPLES + 100
    data = write(tmp_path, make_lines(n), "questions.jsonl")
    whole, out = tmp_path / "whole.jsonl", tmp_path / "p.jsonl"
    state = tmp_path / "p.jsonl.part.json"
    predict_file(make_predictor(), data, whole)
    dice, kills = random.Random(0), 0
    for start in range(10):
        seen = state.read_bytes() if state.exists() else b""
        process = subprocess.Popen([sys.executable, SCRIPT, data, out])
        if start < 3:  # let it get somewhere first
            while process.poll() is None and (not state.exists() or state.read_bytes() == seen):
                time.sleep(0.005)
            time.sleep(dice.uniform(0, 0.2))
            process.kill()
        if process.wait() == 0:
            break
        kills += process.returncode == -signal.SIGKILL
    assert kills >= 2
    assert ids_of(out) == [f"q{number}" for number in range(n)]
    assert out.read_bytes() == whole.read_bytes()
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"questions.jsonl", "whole.jsonl", "p.jsonl"}


def test_long_and_short_contexts_go_on_at_the_same_places(tmp_path, monkeypatch):
    monkeypatch.setattr("spanfit.prediction.CHARACTERS_AT_ONCE", 3_000)
    lines, dice = make_lines(420), random.Random(1)
    for line in lines[:60]:
        line["context"] += "It rained all day. " * dice.choice((0, 1, 5, 40, 120, 300))
    data = write(tmp_path, lines, "questions.jsonl")
    whole, out = tmp_path / "whole.jsonl", tmp_path / "p.jsonl"
    predict_file(make_predictor(), data, whole)
    kept = []
    for batches in (4, 9, 2, 14, 6):
        interrupt(data, out, batches=batches)
        kept.append(len(ids_of(tmp_path / "p.jsonl.part")))
    assert kept == sorted(kept) and 0 < kept[0] < kept[-1] < 420
    predict_file(make_predictor(), data, out)
    assert out.read_bytes() == whole.read_bytes()


def in_a_child(work):
    """Run `work` in a child process; whether it ended by itself."""
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return not os.WIFSIGNALED(status)


def die_at(step):
    """Let this process be killed before its `step`th change of a file."""
    left = [step]

    def kill_before(change):
        def changed(*arguments, **options):
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1
            return change(*arguments, **options)

        return changed

    os.fsync = kill_before(os.fsync)
    for name in ("open", "replace", "unlink"):
        setattr(Path, name, kill_before(getattr(Path, name)))


@pytest.mark.parametrize("name", ["p.txt", "p.txt.gz"])
def test_a_kill_before_any_change_of_any_file_costs_a_block_at_most(tmp_path, name):
    blocks = [[f"line {block}.{n}\n" for n in range(3)] for block in range(3)]

    def write_all(out):
        with UnfinishedFile(out, made_by=MADE_BY) as file:
            inputs = [(line, "text") for block in blocks for line in block]
            file.pass_over(inputs[: file.lines])
            for block in blocks[file.lines // 3 :]:
                file.append(block, [(line, "text") for line in block])
            file.finish()

    whole = tmp_path / f"whole-{name}"
    write_all(whole)
    step, survived = 0, False
    while not survived:
        folder = tmp_path / str(step)
        folder.mkdir()

        def work(folder=folder, step=step):
            die_at(step)
            write_all(folder / name)

        survived = in_a_child(work)
        if not survived:
            write_all(folder / name)
        assert (folder / name).read_bytes() == whole.read_bytes(), step
        assert [path.name for path in folder.iterdir()] == [name], step
        step += 1
    assert step > 15  # opening, three blocks, the end: there are many such moments
    text = gzip.decompress(whole.read_bytes()) if name.endswith(".gz") else whole.read_bytes()
    assert text.decode() == "".join(line for block in blocks for line in block)


def test_a_finished_file_never_stands_beside_an_unfinished_list(tmp_path):
    data = write(tmp_path, [*make_lines(3), {"id": "bad"}, {}], "questions.jsonl")
    predictor, out = make_predictor(), "p.jsonl"
    list_name = "p.jsonl.skipped.jsonl"

    def predict(folder):
        return predict_file(predictor, data, folder / out, bad_lines="skip")

    (tmp_path / "whole").mkdir()
    predict(tmp_path / "whole")
    whole = {file.name: file.read_bytes() for file in (tmp_path / "whole").iterdir()}
    assert set(whole) == {out, list_name}
    step, survived = 0, False
    while not survived:
        folder = tmp_path / str(step)
        folder.mkdir()

        def work(folder=folder, step=step):
            die_at(step)
            predict(folder)

        survived = in_a_child(work)
        if (folder / out).exists():
            assert (folder / list_name).read_bytes() == whole[list_name], step
        if not survived:
            predict(folder)
        assert {file.name: file.read_bytes() for file in folder.iterdir()} == whole, step
        step += 1
    assert step > 10


def test_lines_after_a_faulty_one_are_done_once_it_is_corrected(tmp_path):
    lines = make_lines(700)
    data = write(tmp_path, [*lines[:600], {"id": "q600"}, *lines[601:]], "questions.jsonl")
    out, whole = tmp_path / "p.jsonl", tmp_path / "whole.jsonl"
    with pytest.raises(DataError, match="line 601: the key 'context' is missing") as caught:
        predict_file(make_predictor(), data, out)
    assert "--bad-lines skip" in str(caught.value)
    assert len(ids_of(tmp_path / "p.jsonl.part")) == 2 * CHUNK_EXAMPLES
    write(tmp_path, lines, "questions.jsonl")
    predict_file(make_predictor(), data, out)
    predict_file(make_predictor(), data, whole)
    assert out.read_bytes() == whole.read_bytes()


def test_the_faulty_line_can_be_left_out_when_going_on(tmp_path):
    lines = make_lines(700)
    data = write(tmp_path, [*lines[:600], {"id": "q600"}, *lines[601:]], "questions.jsonl")
    out, whole = tmp_path / "p.jsonl", tmp_path / "whole.jsonl"
    with pytest.raises(DataError):
        predict_file(make_predictor(), data, out)
    done = predict_file(make_predictor(), data, out, bad_lines="skip")
    assert (done.n, done.skipped) == (699, 1)
    predict_file(make_predictor(), data, whole, bad_lines="skip")
    assert out.read_bytes() == whole.read_bytes()
    listed = (tmp_path / "p.jsonl.skipped.jsonl").read_text()
    assert listed == (tmp_path / "whole.jsonl.skipped.jsonl").read_text()
    assert json.loads(listed)["line"] == 601


def test_the_list_of_left_out_lines_is_whole_after_an_interruption(tmp_path):
    lines = make_lines(700)
    data = write(tmp_path, [{"id": "bad"}, *lines[:600], {}, *lines[600:]], "questions.jsonl")
    out = tmp_path / "p.jsonl"
    interrupt(data, out, batches=12, bad_lines="skip")
    assert (tmp_path / "p.jsonl.part").stat().st_size
    done = predict_file(make_predictor(), data, out, bad_lines="skip")
    listed = [json.loads(line)["line"] for line in done.skipped_file.read_text().splitlines()]
    assert listed == [1, 602]
    assert len(ids_of(out)) == done.n == 700


def test_a_line_that_was_cut_off_is_written_again(tmp_path):
    data = write(tmp_path, make_lines(600), "questions.jsonl")
    out, whole = tmp_path / "p.jsonl", tmp_path / "whole.jsonl"
    interrupt(data, out, batches=12)
    with (tmp_path / "p.jsonl.part").open("a") as part:
        part.write('{"id": "q256", "ans')
    predict_file(make_predictor(), data, out)
    predict_file(make_predictor(), data, whole)
    assert out.read_bytes() == whole.read_bytes()


def test_another_model_does_not_go_on(tmp_path):
    data = write(tmp_path, make_lines(600), "questions.jsonl")
    out = tmp_path / "p.jsonl"
    interrupt(data, out, batches=12)
    before = (tmp_path / "p.jsonl.part").read_bytes()
    with pytest.raises(DataError) as caught:
        predict_file(make_predictor(digest="another"), data, out)
    message = str(caught.value)
    assert "another model made these lines" in message
    assert "other weights" in message
    assert f"rm {out}.part {out}.part.json" in message
    assert (tmp_path / "p.jsonl.part").read_bytes() == before


@pytest.mark.parametrize("change", ["question", "context", "id", "order", "fewer"])
def test_another_input_does_not_go_on(tmp_path, change):
    lines = make_lines(600)
    data = write(tmp_path, lines, "questions.jsonl")
    out = tmp_path / "p.jsonl"
    interrupt(data, out, batches=12)
    kept = len(ids_of(tmp_path / "p.jsonl.part"))
    assert kept >= CHUNK_EXAMPLES
    if change == "order":
        lines[3], lines[4] = lines[4], lines[3]
    elif change == "fewer":
        del lines[10:]
    else:
        lines[100][change] += "!"
    write(tmp_path, lines, "questions.jsonl")
    with pytest.raises(DataError, match="the input is not the one") as caught:
        predict_file(make_predictor(), data, out)
    assert ("only 10" if change == "fewer" else "other ones") in str(caught.value)
    assert len(ids_of(tmp_path / "p.jsonl.part")) == kept


def test_an_interruption_before_the_first_chunk_leaves_nothing(tmp_path):
    data = write(tmp_path, make_lines(10), "questions.jsonl")
    interrupt(data, tmp_path / "new" / "p.jsonl", batches=0)
    assert list((tmp_path / "new").iterdir()) == []


def test_a_finished_file_is_never_overwritten(tmp_path):
    data = write(tmp_path, make_lines(3), "questions.jsonl")
    out = tmp_path / "p.jsonl"
    out.write_text("mine")
    with pytest.raises(DataError, match="such a file already"):
        predict_file(make_predictor(), data, out)
    assert out.read_text() == "mine"
    assert not (tmp_path / "p.jsonl.part").exists()


@pytest.fixture
def killed_at_the_end(tmp_path):
    """A file as a process leaves it that was killed between its last two steps."""
    out, sidecar = tmp_path / "p.jsonl", tmp_path / "p.jsonl.part.json"
    with UnfinishedFile(out, made_by=MADE_BY) as file:
        file.append(["line\n"], [("1", "text")])
        state = sidecar.read_bytes()
        file.finish()
    sidecar.write_bytes(state)
    return out


def test_another_model_leaves_a_finished_file_alone(killed_at_the_end):
    out = killed_at_the_end
    with pytest.raises(DataError, match="such a file already"):
        UnfinishedFile(out, made_by=MADE_BY | {"weights": "other"}).__enter__()
    assert out.read_text() == "line\n"
    assert not out.with_name("p.jsonl.part").exists()
    with UnfinishedFile(out, made_by=MADE_BY) as file:
        assert file.lines == 1
        file.pass_over([("1", "text")])
        file.finish()
    assert [path.name for path in out.parent.iterdir()] == ["p.jsonl"]


@pytest.mark.parametrize("is_finished", [True, False])
def test_the_lock_is_kept_until_the_last_step(tmp_path, monkeypatch, is_finished):
    """A second process is refused as long as the first one still changes anything."""
    out, unlink, refused = tmp_path / "p.jsonl", Path.unlink, []

    def unlink_beside_another(path, **options):
        if path.suffix == ".json":
            with pytest.raises(DataError) as caught:
                UnfinishedFile(out, made_by=MADE_BY).__enter__()
            refused.append(str(caught.value))
        unlink(path, **options)

    with UnfinishedFile(out, made_by=MADE_BY) as file:
        monkeypatch.setattr(Path, "unlink", unlink_beside_another)
        if is_finished:
            file.append(["line\n"], [("1", "text")])
            file.finish()
    monkeypatch.undo()
    (message,) = refused
    assert "another process is writing this file" in message
    assert [path.name for path in tmp_path.iterdir()] == (["p.jsonl"] if is_finished else [])


def test_somebody_elses_part_is_left_alone(tmp_path):
    (tmp_path / "p.jsonl.part").write_text("mine")
    with pytest.raises(DataError, match="nothing says what these lines are"):
        UnfinishedFile(tmp_path / "p.jsonl", made_by=MADE_BY).__enter__()
    assert (tmp_path / "p.jsonl.part").read_text() == "mine"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("{", "cannot be read"),
        ("[]", "cannot be read"),
        ('{"lines": 3}', "cannot be read"),
        ('{"made_by": {}, "lines": 3, "format_version": 2}', "another version of SpanFit"),
        (
            json.dumps({"made_by": MADE_BY, "lines": 3, "bytes": 99, "inputs": ""}),
            "a piece of this file is missing",
        ),
    ],
)
def test_a_wrong_state_is_an_error_with_a_way_out(tmp_path, content, expected):
    (tmp_path / "p.jsonl.part").write_text("{}\n")
    (tmp_path / "p.jsonl.part.json").write_text(content)
    with pytest.raises(DataError, match=expected) as caught:
        UnfinishedFile(tmp_path / "p.jsonl", made_by=MADE_BY).__enter__()
    assert "to begin again" in str(caught.value)


def test_two_processes_do_not_write_one_file(tmp_path):
    out = tmp_path / "p.jsonl"
    with UnfinishedFile(out, made_by=MADE_BY) as one:
        with pytest.raises(DataError, match="another process is writing this file"):
            UnfinishedFile(out, made_by=MADE_BY).__enter__()
        one.append(["line\n"], [("1", "text")])
        one.finish()
    assert out.read_text() == "line\n"
