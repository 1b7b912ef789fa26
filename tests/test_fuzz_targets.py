"""The targets of fuzz/ without atheris: on their seeds, on all that was found, on any bytes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.__main__ import REGRESSIONS
from fuzz.draws import Draws
from fuzz.runs import Recorder
from fuzz.target import Target
from fuzz.targets import MODULES, load_target

TARGETS = {name: load_target(name) for name in MODULES}
targets = pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
FOUND = sorted(REGRESSIONS.glob("*/*"))


@targets
def test_seeds(target):
    for seed in target.seeds:
        target.run(seed)


@pytest.mark.parametrize("file", FOUND, ids=lambda file: f"{file.parent.name}-{file.name}")
def test_what_was_found_once(file):
    TARGETS[file.parent.name].run(file.read_bytes())


@targets
@given(data=st.binary(max_size=300))
def test_any_bytes(target, data):
    target.run(data)


def test_a_target_fails_on_an_error_and_on_a_warning():
    def check(data):
        import warnings

        if data:
            raise KeyError(data)
        warnings.warn("odd", UserWarning, stacklevel=1)

    target = Target("x", check, seeds=(b"",))
    with pytest.raises(UserWarning, match="odd"):
        target.run(b"")
    with pytest.raises(KeyError):
        target.run(b"a")
    with pytest.raises(ValueError, match="needs a seed"):
        Target("x", check, seeds=())


def test_draws_are_a_function_of_the_bytes():
    draws = Draws(bytes([3, 1, 2, 9, 200, 0]))
    assert draws.items(lambda: draws.choose("abcde"), most=4) == ["b", "c", "e"]
    assert (draws.integer(5, 300), bool(draws), draws.byte(), draws.flag()) == (
        205,
        False,
        0,
        False,
    )
    assert draws.take(3) == bytes(3) and draws.text() == ""


def test_each_kind_of_error_is_kept_once(tmp_path, capsys):
    recorder = Recorder(tmp_path, "x")
    for data in (b"one", b"two"):
        try:
            TARGETS["json"].run(None)
        except TypeError as error:
            recorder.add(data, error)
    (kept,) = (file for file in tmp_path.iterdir() if file.suffix != ".txt")
    assert kept.read_bytes() == b"one"
    report = Path(f"{kept}.txt").read_text(encoding="utf-8")
    assert report.startswith("TypeError at draws.py:") and "Traceback" in report
    assert capsys.readouterr().err.count("FOUND TypeError") == 1


def test_a_target_that_there_is_not():
    command = [sys.executable, "-m", "fuzz", "1", "nothing"]
    done = subprocess.run(command, cwd=REGRESSIONS.parent.parent, capture_output=True, text=True)
    assert done.returncode == 2
    assert "no target 'nothing'; there are json, csv" in done.stderr
