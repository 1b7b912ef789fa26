"""The README tells the truth: commands exist, Python prints what it says, the tree is whole."""

from __future__ import annotations

import ast
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import typer.main
from test_imports import LEVELS

from spanfit.cli.app import app

REPOSITORY = Path(__file__).resolve().parent.parent
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
QUICKSTART, TESTS = (text.strip() for language, text in BLOCKS if language == "sh")
COMMANDS = typer.main.get_command(app).commands
NAMED = [line for line in re.findall(r"`(spanfit [^`]+)`", README) if line != "spanfit quickstart"]


def blocks(language):
    return [text for found, text in BLOCKS if found == language]


def tree():
    """The files that the README's tree lists, as paths from the repository's root."""
    (text,) = (text for text in blocks("text") if text.startswith("spanfit/\n"))
    folders = []
    for line in text.splitlines():
        entry = re.fullmatch(r"( *)(\S+)(?: +(\S.*))?", line)
        indent, name, phrase = entry.groups()
        del folders[len(indent) // 2 :]
        if name.endswith("/"):
            folders.append(name)
        else:
            assert phrase, f"no phrase for {name}"
            yield "".join([*folders, name])


def test_nothing_is_left_to_be_filled_in():
    for file in (
        REPOSITORY / "README.md",
        *(REPOSITORY / "docs").glob("*.md"),
        REPOSITORY / "benchmarks/RESULTS.md",
    ):
        assert "TBD" not in file.read_text(encoding="utf-8"), file


def test_every_module_stands_in_the_tree():
    modules = [
        file.relative_to(REPOSITORY).as_posix() for file in (REPOSITORY / "spanfit").rglob("*.py")
    ]
    assert sorted(tree()) == sorted(modules)


def test_the_architecture_names_every_module():
    text = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")
    words = set(re.findall(r"[\w.]+", text))
    for path in (REPOSITORY / "spanfit").glob("[a-z]*"):
        assert path.stem in words or path.name == "py.typed", path.name


def test_the_architecture_shows_the_levels_that_are_checked():
    text = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")
    shown = text.partition("## Imports go one way")[2].split("```text\n")[1].partition("```")[0]
    levels = [
        [name for name in line.split() if not name.startswith("cli.")] for line in LEVELS[:-1]
    ]
    assert [line.split() for line in shown.splitlines()[:-1]] == levels


def test_there_are_two_commands_of_one_line_each():
    for command in (QUICKSTART, TESTS):
        assert "\n" not in command
        subprocess.run(["bash", "-n", "-c", command], check=True)
        steps = [shlex.split(step) for step in command.split("&&")]
        assert steps[0] == ["python3", "-m", "venv", ".venv"]
        assert steps[1][:4] == [".venv/bin/pip", "install", "-q", "-c"]
        assert (REPOSITORY / steps[1][4]).is_file()
    assert shlex.split(QUICKSTART)[-2:] == [".venv/bin/spanfit", "quickstart"]
    assert shlex.split(TESTS)[-3:] == [".venv/bin/python", "-m", "pytest"]


def test_the_extras_exist():
    import tomllib

    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    named = set(re.findall(r"'\.\[(\w+)\]'", README))
    assert named == set(project["optional-dependencies"])


@pytest.mark.parametrize("line", NAMED)
def test_commands_and_options_exist(line):
    words = shlex.split(line.partition(" > ")[0])
    command = COMMANDS[words[1]]
    options = {name for parameter in command.params for name in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options
    assert command.make_context(words[1], words[2:], resilient_parsing=True)


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)]+)\)", README):
        file, _, anchor = target.partition("#")
        text = (REPOSITORY / file).read_text(encoding="utf-8")
        headings = [line.lstrip("# ") for line in text.splitlines() if line.startswith("#")]
        assert not anchor or anchor in [h.lower().replace(" ", "-") for h in headings], target


def test_python_blocks_parse():
    for text in blocks("python"):
        ast.parse(text)


@pytest.mark.training
def test_the_python_block_prints_what_the_readme_says(
    quickstart_run, tmp_path, monkeypatch, capsys
):
    shutil.copytree(quickstart_run.folder / "model", tmp_path / "runs/quickstart-001/model")
    monkeypatch.chdir(tmp_path)
    first = blocks("python")[0]
    assert "quickstart-001" in first
    exec(compile(first, "README.md", "exec"), {})
    shown = README.partition(first)[2].partition("```text\n")[2].partition("```")[0]
    assert capsys.readouterr().out == shown
