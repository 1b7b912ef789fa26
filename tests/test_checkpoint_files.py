"""Files that a training leaves: whole at any moment, every change found, one process at a time."""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import time
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kills import die_at, in_a_child, start, wait_for

from spanfit import storage
from spanfit.errors import RunError
from spanfit.interruptions import ignore_termination, noticed, terminable, uninterrupted
from spanfit.manifests import find_fault, seal
from spanfit.runs import RunFolder, check_free


def fill_with(text):
    def fill(folder):
        (folder / "a.txt").write_text(text)
        (folder / "inner").mkdir()
        (folder / "inner" / "b.txt").write_text(text * 2)

    return fill


def texts_of(folder):
    return [(folder / name).read_text() for name in ("a.txt", "inner/b.txt")]


def names_of(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_kill_before_any_change_leaves_the_old_folder_or_the_new_one(tmp_path):
    change, survived, seen = 0, False, set()
    while not survived:
        folder = tmp_path / str(change) / "model"
        storage.write_folder(folder, fill_with("old"))

        def work(folder=folder, change=change):
            die_at(change)
            storage.write_folder(folder, fill_with("new"))

        survived = in_a_child(work)
        storage.recover(folder.parent)
        assert names_of(folder.parent) == ["model"], change
        assert texts_of(folder) in (["old", "oldold"], ["new", "newnew"]), change
        seen.add(texts_of(folder)[0])
        change += 1
    assert change > 10
    assert seen == {"old", "new"}
    assert texts_of(folder)[0] == "new"


def test_a_kill_before_any_change_leaves_the_old_file_or_the_new_one(tmp_path):
    change, survived = 0, False
    while not survived:
        file = tmp_path / str(change) / "run.json"
        storage.write_file(file, b"old")

        def work(file=file, change=change):
            die_at(change)
            storage.write_file(file, b"new")

        survived = in_a_child(work)
        storage.recover(file.parent)
        assert names_of(file.parent) == ["run.json"]
        assert file.read_bytes() in (b"old", b"new")
        change += 1
    assert change > 2
    assert file.read_bytes() == b"new"


def test_a_kill_while_a_folder_is_deleted_leaves_all_of_it_or_nothing(tmp_path):
    change, survived = 0, False
    while not survived:
        folder = tmp_path / str(change) / "step-000001"
        storage.write_folder(folder, fill_with("old"))

        def work(folder=folder, change=change):
            die_at(change)
            storage.discard(folder)

        survived = in_a_child(work)
        storage.recover(folder.parent)
        assert not folder.exists() or texts_of(folder) == ["old", "oldold"]
        change += 1
    assert change > 2
    assert not folder.exists()


def test_what_somebody_else_put_beside_it_stays(tmp_path):
    for name in ("model", "model.old", "notes.tmp", "model.bak"):
        storage.write_folder(tmp_path / name, fill_with(name))
    storage.recover(tmp_path)
    assert names_of(tmp_path) == ["model", "model.bak", "model.old", "notes.tmp"]


def test_a_full_disk_leaves_the_old_folder_and_no_rest_of_the_new_one(tmp_path):
    """RLIMIT_FSIZE: the system refuses the write, as it does where a disk is full."""
    run = RunFolder(tmp_path)
    run.write_folder("model", fill_with("old"))
    run.write_json("run.json", {})
    before = (tmp_path / "run.json").read_bytes()
    message = tmp_path / "message.txt"

    def work():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        found = []
        for write in (
            lambda: run.write_folder("model", fill_with("new" * 1000)),
            lambda: run.write_text("run.json", "new" * 1000),
        ):
            with pytest.raises(RunError) as caught:
                write()
            found.append(str(caught.value))
        message.write_text("\n".join(found))

    assert in_a_child(work)
    assert texts_of(tmp_path / "model") == ["old", "oldold"]
    assert (tmp_path / "run.json").read_bytes() == before
    assert names_of(tmp_path) == ["message.txt", "model", "run.json"]
    told = message.read_text()
    assert f"{tmp_path}/model: can't be written: File too large" in told
    assert f"{tmp_path}/run.json: can't be written" in told
    assert f"more room there, then spanfit train --resume {tmp_path}" in told


def test_a_folder_that_cannot_be_replaced_is_back_at_its_place(tmp_path, monkeypatch):
    """The system may refuse the second of the two renames as well (a folder's list is full)."""
    storage.write_folder(tmp_path / "model", fill_with("old"))
    rename = Path.rename

    def refuse(self, target):
        if self.name.endswith(storage.ASIDE):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(OSError, match="No space"):
        storage.write_folder(tmp_path / "model", fill_with("new"))
    assert names_of(tmp_path) == ["model"]
    assert texts_of(tmp_path / "model") == ["old", "oldold"]


def test_a_full_disk_leaves_whole_lines_in_the_metrics(tmp_path):
    def work():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        with pytest.raises(RunError, match="can't be written: File too large"):
            for step in range(1000):
                RunFolder(tmp_path).append_metrics({"step": step, "loss": 0.123})

    assert in_a_child(work)
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == list(range(len(lines)))
    assert len(lines) > 10


def make_sealed(folder):
    folder.mkdir()
    fill_with("text")(folder)
    (folder / "empty").write_bytes(b"")
    seal(folder)
    return folder


def test_a_folder_is_as_its_manifest_says(tmp_path):
    folder = make_sealed(tmp_path / "sealed")
    assert find_fault(folder) == ""
    (folder / "inner" / "later.txt").write_text("an export, somebody's note")
    assert find_fault(folder) == ""
    content = json.loads((folder / "manifest.json").read_text())
    assert set(content["files"]) == {"a.txt", "inner/b.txt", "empty"}
    assert content["files"]["a.txt"]["bytes"] == 4


@given(data=st.data())
def test_any_other_byte_and_any_cut_is_found(tmp_path_factory, data):
    folder = make_sealed(tmp_path_factory.mktemp("any") / "sealed")
    file = folder / data.draw(st.sampled_from(["a.txt", "inner/b.txt", "manifest.json"]))
    content = file.read_bytes()
    place = data.draw(st.integers(0, len(content.rstrip()) - 1))
    if data.draw(st.booleans()):
        file.write_bytes(content[:place])
    else:
        other = content[place] ^ data.draw(st.integers(1, 255))
        file.write_bytes(content[:place] + bytes([other]) + content[place + 1 :])
        if file.name == "manifest.json" and json_or_none(file) == json.loads(content):
            return  # white space
    assert find_fault(folder), (file.name, place)


def json_or_none(file):
    try:
        return json.loads(file.read_bytes())
    except ValueError:
        return None


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (lambda folder: (folder / "a.txt").unlink(), "a.txt is missing"),
        (lambda folder: (folder / "a.txt").write_text("tex"), "a.txt has 3 of 4 bytes"),
        (lambda folder: (folder / "a.txt").write_text("texT"), "a.txt was altered"),
        (lambda folder: (folder / "manifest.json").unlink(), "it has no manifest.json"),
        (lambda folder: (folder / "manifest.json").write_text("{}"), "it cannot be read"),
        (lambda folder: (folder / "manifest.json").write_text("[]"), "it cannot be read"),
        (
            lambda folder: (folder / "manifest.json").write_text('{"format_version": 3}'),
            "its manifest.json has format version 3",
        ),
        (
            lambda folder: (folder / "manifest.json").write_text(
                '{"format_version": 2, "files": {"/dev/zero": {"bytes": 0}}}'
            ),
            "/dev/zero is missing",
        ),
    ],
)
def test_a_fault_is_named(tmp_path, spoil, fault):
    folder = make_sealed(tmp_path / "sealed")
    spoil(folder)
    assert find_fault(folder).startswith(fault)


def test_one_process_at_a_time_and_a_killed_one_lets_go(tmp_path):
    folder, sign = RunFolder(tmp_path), tmp_path / "sign"

    def work():
        with folder.locked():
            sign.touch()
            time.sleep(60)

    child = start(work)
    while not sign.exists():
        time.sleep(0.005)
    with pytest.raises(RunError) as caught, folder.locked():
        pass
    message = str(caught.value)
    assert "another process is training in this folder" in message
    assert f"process {child} on " in message
    os.kill(child, signal.SIGKILL)
    assert not wait_for(child)
    assert (tmp_path / ".lock").exists()
    with folder.locked(), pytest.raises(RunError), folder.locked():  # in one process too
        pass
    assert names_of(tmp_path) == ["sign"]


def test_a_lock_that_is_let_go_at_that_moment_is_taken_anew(tmp_path):
    """Many processes want it at once; never do two have it."""
    counter = tmp_path / "counter"
    counter.write_text("0")
    folder = RunFolder(tmp_path)

    def work():
        done = 0
        while done < 20:
            try:
                with folder.locked():
                    number = int(counter.read_text())
                    counter.write_text(str(number + 1))
                    done += 1
            except RunError:
                time.sleep(0.0005)

    children = [start(work) for _ in range(3)]
    assert all([wait_for(child) for child in children])
    assert counter.read_text() == "60"


def test_what_a_killed_process_left_is_cleared_once_the_lock_is_there(tmp_path):
    storage.write_folder(tmp_path / "checkpoints" / "step-000002.being-written", fill_with("half"))
    storage.write_folder(tmp_path / "model.being-replaced", fill_with("old"))
    with RunFolder(tmp_path).locked():
        assert texts_of(tmp_path / "model") == ["old", "oldold"]
        assert names_of(tmp_path / "checkpoints") == []


def test_a_folder_counts_as_free_after_a_process_that_was_killed_as_it_began(tmp_path):
    (tmp_path / ".lock").touch()
    (tmp_path / "run.json.being-written").write_text("{")
    check_free(tmp_path)
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(RunError) as caught:
        check_free(tmp_path)
    assert f"spanfit train --resume {tmp_path}" in str(caught.value)


def test_trainings_that_begin_at_the_same_moment_get_folders_of_their_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "said").mkdir()

    def work():
        for _ in range(20):
            made = RunFolder.create(None, default_name="qa").folder
            with (tmp_path / "said" / made.name).open("x"):  # nobody else was given it
                pass

    children = [start(work) for _ in range(4)]
    assert all([wait_for(child) for child in children])
    assert names_of(tmp_path / "runs") == [f"qa-{number:03}" for number in range(1, 81)]


@pytest.mark.parametrize(
    ("name", "found"),
    [("file/run", "file is no folder"), ("x" * 300, "File name too long")],
)
def test_a_place_where_nothing_can_be_written_is_found_at_once(tmp_path, name, found):
    """And not after the minutes that it takes to prepare a training."""
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match=f"can't be written: .*{found}"):
        check_free(tmp_path / name)
    assert not RunFolder(tmp_path / name).is_begun
    check_free(tmp_path / "new" / "run")
    assert names_of(tmp_path) == ["file"]


def test_a_place_that_is_closed_is_found_at_once(tmp_path):
    (tmp_path / "closed").mkdir()
    is_root = os.geteuid() == 0
    if is_root:
        for folder in (tmp_path, *tmp_path.parents):
            folder.chmod(folder.stat().st_mode | 0o011)
    else:
        (tmp_path / "closed").chmod(0o500)

    def work():
        if is_root:
            os.setuid(65534)  # for whom rights count
        with pytest.raises(RunError, match=r"closed is closed to you(.|\n)*another --out"):
            check_free(tmp_path / "closed" / "run")

    assert in_a_child(work)


@pytest.mark.parametrize(
    ("max_checkpoints", "best", "kept"),
    [
        (2, "step-000002", ["step-000002", "step-1000000"]),
        (2, None, ["step-1000000", "step-999999"]),
        (1, "step-000002", ["step-1000000"]),
        (3, "step-000002", ["step-000002", "step-1000000", "step-999999"]),
        (9, None, ["step-000002", "step-000010", "step-1000000", "step-999999"]),
    ],
)
def test_the_newest_checkpoint_stays_then_the_best(tmp_path, max_checkpoints, best, kept):
    """Newest by number, also where there are more digits than usual."""
    for name in ("step-000002", "step-000010", "step-999999", "step-1000000", "mine"):
        (tmp_path / "checkpoints" / name).mkdir(parents=True)
    RunFolder(tmp_path).keep_checkpoints(max_checkpoints=max_checkpoints, best=best)
    assert names_of(tmp_path / "checkpoints") == sorted([*kept, "mine"])


def press_ctrl_c():
    os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_waits_for_what_is_being_written():
    done = []
    with pytest.raises(KeyboardInterrupt), uninterrupted():
        press_ctrl_c()
        done.append("written")
    assert done == ["written"]


def test_ctrl_c_while_a_step_writes_waits_for_the_step_too():
    with pytest.raises(KeyboardInterrupt), noticed() as is_interrupted:
        with uninterrupted():
            press_ctrl_c()
        assert is_interrupted()
        done = "the step goes on, and the other processes are told"
    assert done


def test_ctrl_c_that_is_ignored_stays_so():
    """Shells start what a script runs in the background like that."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with noticed() as is_interrupted:
            press_ctrl_c()
            assert not is_interrupted()
        with uninterrupted():
            press_ctrl_c()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_the_signal_to_end_counts_as_ctrl_c():
    end = partial(os.kill, os.getpid(), signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), terminable():
        end()
        pytest.fail("it counts at once")
    done = []
    with pytest.raises(KeyboardInterrupt), uninterrupted():
        end()
        done.append("written")
    assert done == ["written"]
    with uninterrupted(is_ending=True):
        end()
    with pytest.raises(KeyboardInterrupt), noticed() as is_interrupted:
        end()
        assert is_interrupted()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_process_with_a_last_word_is_not_ended_before_it():
    try:
        with terminable(), noticed() as is_interrupted:
            ignore_termination()
            os.kill(os.getpid(), signal.SIGTERM)
            assert not is_interrupted()
        os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def test_ctrl_c_waits_until_it_is_asked_for_and_a_second_one_does_not():
    with noticed() as is_interrupted:
        assert not is_interrupted()
    with pytest.raises(KeyboardInterrupt), noticed() as is_interrupted:
        press_ctrl_c()
        assert is_interrupted()
        raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt), noticed():
        press_ctrl_c()  # nobody asks
    with pytest.raises(KeyboardInterrupt), noticed() as is_interrupted:
        press_ctrl_c()
        press_ctrl_c()
        pytest.fail("the second one counts at once")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
