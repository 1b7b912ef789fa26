"""Broken files, of every kind and to every command: one message with place and hint.

The files stand in tests/bad, what must be said of each in messages.toml beside them. What can't be
committed (pipes, folders, devices) is made here; large files are those of test_large_files.py, and
commands that need torch those of test_bad_files_with_models.py.
"""

from __future__ import annotations

import functools
import os
import signal
import socket
import subprocess
import sys

import pytest
import typer.main
from bad_files import (
    FOLDER,
    GOLD,
    TAGS,
    list_bad,
    place_of,
    require_message,
    write_lines,
)

from spanfit.data import read
from spanfit.errors import DataError, RecipeError
from spanfit.recipe import read_recipe

TOKENIZER = FOLDER.parent / "data" / "wordpiece"
SECONDS = 20  # that a test may take, however busy the machine is


make_parser = functools.cache(typer.main.get_command)


@pytest.fixture(autouse=True)
def one_parser(monkeypatch):
    """The parser of the command line is made once: it takes longer than most commands here."""
    monkeypatch.setattr(typer.main, "get_command", make_parser)


@pytest.fixture(autouse=True)
def deadline():
    """No command waits for what never comes."""

    def stop(*_):
        raise TimeoutError(f"more than {SECONDS} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def gold(tmp_path):
    return write_lines(tmp_path / "gold.jsonl", GOLD)


def data_commands(file, tmp_path, *, predictions):
    """Every command that reads examples and needs no torch, on this file."""
    return {
        "show": ["show", file],
        "convert": ["convert", file, tmp_path / "out.jsonl"],
        "init": ["init", file],
        "windows": ["windows", file, "--tokenizer", TOKENIZER],
        "score": ["score", file, predictions],
    }


def test_there_are_enough_broken_files():
    files = [file for file in FOLDER.rglob("*") if file.is_file()]
    assert len(files) > 60


@pytest.mark.parametrize("bad", list_bad("questions", "tagged"), ids=lambda bad: bad.name)
def test_data_in_every_command(bad, command, tmp_path):
    predictions = tmp_path / "predictions.json"
    predictions.write_text('{"q1": "1864"}')
    said = bad.path if bad.path.parent.name == "tagged" else predictions
    for name, words in data_commands(bad.path, tmp_path, predictions=said).items():
        code, out, err = command(*words)
        if name in bad.fine:
            assert code == 0, err
            (tmp_path / "out.jsonl").unlink(missing_ok=True)
            continue
        assert (code, out) == (1, "")
        require_message(err, at=place_of(bad.path, bad.at), says=bad.says, hint=bad.hint)
    assert [*tmp_path.iterdir()] == [predictions]  # nothing half written


@pytest.mark.parametrize("bad", list_bad("questions", "tagged"), ids=lambda bad: bad.name)
def test_the_doctor_survives_everything(bad, command):
    code, out, err = command("check", bad.path)
    assert code == 1
    if bad.check:
        assert f" {bad.check} " in out
        assert err == "" or "next: spanfit check" in err
    else:
        assert out == ""
        require_message(err, at=place_of(bad.path, bad.at), says=bad.says)


@pytest.mark.parametrize("file", sorted((FOLDER / "empty").iterdir()), ids=lambda file: file.name)
def test_files_without_examples(file, command, tmp_path, gold):
    for name, words in data_commands(file, tmp_path, predictions=gold).items():
        code, _, err = command(*words)
        if name != "show":
            assert code == 1
            require_message(err)
            assert str(file) in err
    code, _, err = command("check", file)
    assert code == 1
    require_message(err, at=f"{file}: there is no question and no text in it")


@pytest.mark.parametrize("second", ["check", "init", "score"])
def test_a_broken_second_file(second, command, gold):
    bad = FOLDER / "questions" / "lines-start-is-a-string.jsonl"
    words = {
        "check": ["check", gold, bad],
        "init": ["init", gold, "--validation", bad],
        "score": ["score", gold, write_lines(gold.with_name("p.json"), {"q1": "1"}), bad],
    }
    code, out, err = command(*words[second])
    assert (code, out) == (1, "")
    require_message(err, at=f"{bad}")


@pytest.mark.parametrize("bad", list_bad("predictions"), ids=lambda bad: bad.name)
def test_predictions(bad, command, tmp_path, gold):
    texts = write_lines(tmp_path / "texts.json", {"q1": "1864"})
    tags = write_lines(tmp_path / "tags.jsonl", TAGS)
    words = {"na": [gold, texts, "--na-probs", bad.path]}.get(bad.path.name[:2])
    are_tags = bad.path.name.startswith(("tags", "columns"))
    code, out, err = command("score", *(words or [tags if are_tags else gold, bad.path]))
    assert (code, out) == (1, "")
    require_message(err, at=place_of(bad.path, bad.at), says=bad.says, hint=bad.hint)


@pytest.mark.parametrize("bad", list_bad("candidates"), ids=lambda bad: bad.name)
def test_candidates_to_fit_a_threshold_to(bad, command, tmp_path, gold):
    (tmp_path / "spanfit.json").write_text("{}")
    code, out, err = command("evaluate", tmp_path, gold, "--refit", bad.path)
    assert (code, out) == (1, "")
    require_message(err, at=place_of(bad.path, bad.at), says=bad.says, hint=bad.hint)
    assert (tmp_path / "spanfit.json").read_text() == "{}"


@pytest.mark.parametrize("bad", list_bad("settings"), ids=lambda bad: bad.name)
def test_settings(bad, command, tmp_path, gold):
    file = tmp_path / "spanfit.json"
    file.write_bytes(bad.path.read_bytes())
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((TOKENIZER / name).read_bytes())
    for words in (
        ["evaluate", tmp_path, gold, "--refit", gold],
        ["windows", gold, "--tokenizer", tmp_path],
        ["check", gold, "--tokenizer", tmp_path],
    ):
        code, out, err = command(*words)
        assert (code, out) == (1, "")
        require_message(err, at=place_of(file, bad.at), says=bad.says, hint=bad.hint)


@pytest.mark.parametrize("bad", list_bad("recipes"), ids=lambda bad: bad.name)
def test_recipes(bad):
    with pytest.raises(RecipeError) as caught:
        read_recipe(bad.path)
    assert caught.value.exit_code == 2
    message = f"error: {caught.value}\n"
    require_message(message, at=place_of(bad.path, bad.at), says=bad.says, hint=bad.hint)


@pytest.mark.parametrize(
    "text",
    [
        "a." * 60_000 + "a = 1",
        "\n".join(f"a{row}." + "b." * 900 + "c = 1" for row in range(20)),
        "[" * 130_000,
        'x = "' + "a" * 130_000,
        "# " + "." * 130_000,
        "x = 1\n" * 1_000_000,
        "\n".join(f"k{row} = {row}" for row in range(9_000)),
    ],
    ids=["one long key", "long keys", "brackets", "an open string", "dots", "large", "many keys"],
)
def test_recipes_that_would_take_minutes(text, tmp_path):
    file = tmp_path / "recipe.toml"
    file.write_text(text)
    with pytest.raises(RecipeError) as caught:  # in time: see deadline
        read_recipe(file)
    require_message(f"error: {caught.value}\n", at=str(file))


# What is no file ---------------------------------------------------------------------------------


def make_odd_paths(folder):
    """What is no file at all, and what cannot be one, by what is wrong with it."""
    (folder / "folder").mkdir()
    write_lines(folder / "folder" / "dev.jsonl", GOLD)
    (folder / "empty-folder").mkdir()
    os.mkfifo(folder / "pipe.jsonl")
    (folder / "link.jsonl").symlink_to("nowhere.jsonl")
    (folder / "loop.jsonl").symlink_to("loop.jsonl")
    (folder / "file").write_text("x")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "socket"))
    return {
        "folder": (folder / "folder", "this is a folder", f"{folder}/folder/dev.jsonl"),
        "empty folder": (folder / "empty-folder", "this is a folder", "ls"),
        "pipe": (folder / "pipe.jsonl", "this is a pipe", "cat"),
        "socket": (folder / "socket", "this is a device or a socket", "cat"),
        "endless device": ("/dev/zero", "this is a device or a socket", "cat"),
        "empty device": ("/dev/null", "this is a device or a socket", "cat"),
        "missing": (folder / "nothing.jsonl", "no such file", "ls"),
        "missing folder": (folder / "no" / "where.jsonl", "no such file, nor such a folder", "ls"),
        "dangling link": (folder / "link.jsonl", "no such file", ""),
        "link to itself": (folder / "loop.jsonl", "can't be read", "ls"),
        "below a file": (folder / "file" / "x.jsonl", "can't be read", "ls"),
        "long name": (folder / ("a" * 5_000), "can't be read", "ls"),
    }


ODD = (
    *("folder", "empty folder", "pipe", "socket", "endless device", "empty device", "missing"),
    *("missing folder", "dangling link", "link to itself", "below a file", "long name"),
)


@pytest.mark.parametrize("kind", ODD)
def test_what_is_no_file(kind, command, tmp_path, gold, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the name of a socket must be short
    made = tmp_path / "o"
    made.mkdir()
    path, says, hint = make_odd_paths(made)[kind]
    commands = data_commands(path, tmp_path, predictions=gold)
    said = tmp_path / "predictions.json"
    said.write_text('{"q1": "1864"}')
    commands |= {
        "check": ["check", path],
        "second": ["check", gold, path],
        "predictions": ["score", gold, path],
        "na-probs": ["score", gold, said, "--na-probs", path],
    }
    for words in commands.values():
        code, out, err = command(*words)
        assert (code, out) == (1, "")
        require_message(err, at=f"{path}: {says}"[:1_000], hint=hint)
    with pytest.raises(RecipeError) as caught:
        read_recipe(path)
    require_message(f"error: {caught.value}\n", at=f"{path}: "[:1_000])


def test_names_of_models_and_outputs_that_no_file_system_has(command, gold):
    """What fails in looking for a file has its name and a hint, wherever that is."""
    long = "a" * 5_000
    for words, at in (
        (["windows", gold, "--tokenizer", long], "aaa"),
        (["push", long, "organisation/name"], "aaa"),
        (["predict", "model", gold, "--out", gold.with_name(long)], f"{gold.parent}/aaa"),
    ):
        code, out, err = command(*words)
        assert (code, out) == (1, "")
        require_message(err, at=at, says=": File name too long\n", hint=f"ls -ld '{at}")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(command, gold):
    gold.chmod(0)
    code, out, err = command("show", gold)
    assert (code, out) == (1, "")
    require_message(err, at=f"{gold}: can't be read: Permission denied", hint="ls -l")


@pytest.mark.parametrize("name", ["a\0b.json", "\ud800.json"])
def test_names_that_no_file_can_have(name):
    with pytest.raises(DataError) as caught:
        read(name)
    require_message(f"error: {caught.value}\n", at=repr(name), says="no file can have this name")


def test_a_name_that_is_not_text(command, tmp_path):
    """As the shell passes on bytes that are not UTF-8."""
    path = tmp_path / "caf\udce9.jsonl"
    code, out, err = command("show", path)
    assert (code, out) == (1, "")
    assert "no such file" in err
    write_lines(path, GOLD)
    code, out, err = command("show", path)
    assert code == 0, err


# The command line --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["show"], "Missing argument 'DATA'"),
        (["show", "x", "--nmber", "3"], "No such option: --nmber"),
        (["show", "x", "-n", "0"], "Invalid value for '--number' / '-n'"),
        (["show", "x", "-n", "many"], "Invalid value for '--number' / '-n'"),
        (["show", "x", "y"], "unexpected extra argument"),
        (["show", "x", "--columns", "scheme=unknown"], "there is no tag scheme 'unknown'"),
        (["show", "x", "--columns", "repair=unknown"], "'conlleval' or 'discard'"),
        (["show", "x", "--columns", "wrods=1"], "--columns knows no key 'wrods'"),
        (["convert", "a", "b", "--to", "xml"], "'xml' is not one of 'squad'"),
        (["shw"], "Did you mean 'show'?"),
    ],
)
def test_usage(words, says, command):
    code, out, err = command(*words)
    assert (code, out) == (2, "")
    require_message(err, says=says)
    assert "Value error" not in err


def test_help_without_arguments(command):
    code, out, err = command()
    assert (code, err) == (2, "")
    assert "Usage: " in out and " quickstart " in out


@pytest.mark.parametrize("count", [1, 3])
def test_a_million_characters_make_no_long_message(count, command, tmp_path):
    keys = {"k" * 1_000_000 + str(row): 1 for row in range(count)}
    for name, content in {
        "keys": keys,
        "value": {"question": ["x" * 1_000_000] * count, "context": "c"},
        "id": {"id": "i" * 1_000_000, "question": "q"},
    }.items():
        file = write_lines(tmp_path / name, content)
        code, out, err = command("show", file)
        assert (code, out) == (1, "")
        require_message(err, at=str(file))


def test_what_a_file_says_acts_on_no_terminal(command, tmp_path):
    header = "\x1b[31mred,\x1b]0;title\x07,question\n"
    file = tmp_path / "colours.csv"
    file.write_text(header)
    code, out, err = command("show", file)
    assert (code, out) == (1, "")
    require_message(err, at=str(file))


# As it is typed ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["show", FOLDER / "questions" / "squad-cut-in-a-string.json"], 1),
        (["check", "--nmber"], 2),
    ],
)
def test_from_a_shell(words, code):
    program = "from spanfit.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, words)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (code, "")
    require_message(done.stderr)
