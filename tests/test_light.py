"""Reading, showing, counting windows and scoring where torch and transformers do not exist.

The tests make such an environment: a new virtual environment with links to the packages that
SpanFit's base dependencies need, and to nothing else.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
import venv
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).resolve().parent.parent
TOKENIZER = REPOSITORY / "tests" / "data" / "wordpiece"
ABSENT = ("torch", "transformers", "datasets", "accelerate", "safetensors")

CONTEXT = "The lamp of Pellan Head was lit in 1864."
QUESTIONS = [
    {
        "id": "q1",
        "question": "When was it lit?",
        "context": CONTEXT,
        "answers": [{"text": "1864", "start": 35}],
    },
    {"id": "q2", "question": "Who lit it?", "context": CONTEXT, "answers": []},
]


def base_requirements() -> list[Requirement]:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    return [Requirement(line) for line in project["dependencies"]]


def closure(requirements: list[Requirement]) -> set[str]:
    """The names of all distributions that the requirements bring along."""
    found: set[str] = set()
    waiting = list(requirements)
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if name in found:
            continue
        found.add(name)
        for line in distribution(name).requires or ():
            needed = Requirement(line)
            extras = ["", *requirement.extras]
            if not needed.marker or any(needed.marker.evaluate({"extra": e}) for e in extras):
                waiting.append(needed)
    return found


def link(name: str, target: Path) -> None:
    """Link the packages and modules of one installed distribution into `target`."""
    installed = distribution(name)
    tops = {file.parts[0] for file in installed.files or () if file.parts[0] != ".."}
    for top in tops - {"__pycache__"}:
        if not (target / top).exists():
            (target / top).symlink_to(Path(installed.locate_file(top)).resolve())


@pytest.fixture(scope="module")
def light(tmp_path_factory):
    """Run Python code in the environment without torch: (exit code, output, error output)."""
    folder = tmp_path_factory.mktemp("light")
    venv.create(folder / "venv", with_pip=False, symlinks=os.name != "nt")
    python = folder / "venv" / "bin" / "python"
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    found = subprocess.run([python, "-c", where], capture_output=True, text=True, check=True)
    packages = Path(found.stdout.strip())
    assert packages.is_relative_to(folder)
    for name in closure(base_requirements()):
        link(name, packages)
    (packages / "spanfit").symlink_to(REPOSITORY / "spanfit")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}

    def run(code):
        done = subprocess.run(
            [python, "-c", code], capture_output=True, text=True, env=environment, cwd=folder
        )
        return done.returncode, done.stdout, done.stderr

    return run


@pytest.fixture
def spanfit(light):
    """Run a command of the command line there."""

    def run(*arguments):
        words = ["spanfit", *map(str, arguments)]
        return light(f"import sys; sys.argv = {words!r}; from spanfit.cli import main; main()")

    return run


@pytest.fixture
def data(tmp_path):
    file = tmp_path / "questions.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in QUESTIONS), encoding="utf-8")
    return file


@pytest.mark.parametrize("module", ABSENT)
def test_the_environment_lacks_what_it_shall_lack(light, module):
    assert module in sys.modules or distribution(module)  # it is here, where the tests run
    code, _, error = light(f"import {module}")
    assert code == 1
    assert f"No module named '{module}'" in error


def test_questions_are_read_and_shown(spanfit, data):
    code, out, _ = spanfit("show", data)
    assert code == 0
    assert "The lamp of Pellan Head was lit in [[1864]]." in out
    assert "no answer" in out


def test_windows_are_counted(spanfit, data):
    code, out, error = spanfit("windows", data, "--tokenizer", TOKENIZER, "--json")
    assert code == 0, error
    report = json.loads(out)
    assert (report["questions"], report["windows"]) == (2, 2)


def test_data_are_checked(spanfit, data, tmp_path):
    code, out, error = spanfit("check", data, "--tokenizer", TOKENIZER, "--fix", tmp_path / "out")
    assert code == 0, error
    assert "0 errors" in out
    assert (tmp_path / "out").read_bytes() == data.read_bytes()


def test_predictions_are_scored(spanfit, data, tmp_path):
    predictions = tmp_path / "predictions.json"
    predictions.write_text('{"q1": "1864", "q2": "1864"}', encoding="utf-8")
    code, out, error = spanfit("score", data, predictions, "--json")
    assert code == 0, error
    figures = json.loads(out)["figures"]
    assert (figures["exact"], figures["HasAns_f1"], figures["NoAns_f1"]) == (50.0, 100.0, 0.0)


def test_a_recipe_is_suggested(spanfit, data):
    code, out, error = spanfit("init", data, "--model", "quickstart")
    assert code == 0, error
    assert tomllib.loads(out)["data"]["train"] == str(data)


def test_the_library_reads_and_scores(light, data):
    code, out, error = light(
        "import spanfit\n"
        f"examples = spanfit.read({str(data)!r})\n"
        "print(spanfit.score(examples, {'q1': '1864', 'q2': ''}).f1)"
    )
    assert code == 0, error
    assert out.strip() == "100.0"


def test_every_module_that_needs_no_torch_can_be_imported(light):
    from test_imports import MODULES, NEED_TORCH

    names = [f"spanfit.{name}" for name in MODULES if name not in {*NEED_TORCH, "spanfit"}]
    code, _, error = light("\n".join(f"import {name}" for name in names))
    assert code == 0, error


@pytest.mark.parametrize(
    "arguments",
    [
        ("train", "recipe.toml"),
        ("quickstart",),
        ("ask", "runs/qa-001", "--question", "Who?", "--context", "-"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_what_needs_torch_says_what_to_install(spanfit, arguments):
    code, out, error = spanfit(*arguments)
    assert code == 1
    assert out == ""
    extra = "quickstart" if arguments == ("quickstart",) else "train"
    assert error == (
        "error: this needs torch, which is not installed\n"
        f"  try:      pip install 'spanfit[{extra}]'\n"
    )
