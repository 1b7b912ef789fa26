"""Files of 50 MB with something wrong in them: bounded memory and time. See large_files.py."""

from __future__ import annotations

import sys

import pytest
from bad_files import GOLD, require_message, write_lines
from large_files import LARGE, N_QUICK, run

from spanfit.cli import main

MEGABYTES = 700  # for a file of 50: its bytes, its text, and what they become

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="peaks are read from /proc")


@pytest.mark.parametrize("name", [*LARGE][:N_QUICK])
def test_bounded_memory_and_time(name, tmp_path):
    LARGE[name](tmp_path / name)
    done = run(["show", tmp_path / name], folder=tmp_path, limit=1_500, seconds=60)
    assert (done.code, done.out) == (1, "")
    require_message(done.err, at=str(tmp_path / name))
    assert done.megabytes < MEGABYTES


def test_memory_that_is_not_enough_is_one_message(tmp_path):
    name = "one-cell-that-is-open.csv"
    LARGE[name](tmp_path / name)
    done = run(["show", tmp_path / name], folder=tmp_path, limit=300, seconds=60)
    assert (done.code, done.out) == (1, "")
    require_message(done.err, at=str(tmp_path / name), says="not enough memory")


def test_an_error_of_the_library_is_no_traceback(monkeypatch, capsys, tmp_path):
    """What nobody foresaw is one message too; with --debug it is the traceback."""
    file = write_lines(tmp_path / "gold.jsonl", GOLD)
    monkeypatch.setattr("spanfit.data.read", lambda *_, **__: 1 / 0)
    monkeypatch.setattr("sys.argv", ["spanfit", "show", str(file)])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 1
    assert capsys.readouterr().err.splitlines() == [
        "error: ZeroDivisionError: division by zero",
        "  try:      spanfit --debug …",
    ]
    monkeypatch.setattr("sys.argv", ["spanfit", "--debug", "show", str(file)])
    with pytest.raises(ZeroDivisionError):
        main()
