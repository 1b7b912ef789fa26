"""Imports go one way, torch stays where it is needed, and the command line starts quickly."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "spanfit"

LEVELS = (
    "version types tagged errors offsets readings groups progress tokens tokenizer_backend "
    "cli.console storage manifests interruptions shares",
    "tags examples text hub auto_tokenizer token_stages locks run_records model_files processes",
    "python_tokenizer model_requests",
    "recipe template tokenizer_config pretokens data quickstart cli.marks",
    "settings suggestion tokenizer temperature null_scale threshold parts",
    "memory cache tokenizer_opening card_rows",
    "windows tokenizer_comparison",
    "batching dropout transfers",
    "metrics decode segments",
    "tasks attention",
    "packing",
    "backends losses optimization doctor",
    "prediction checkpoints compilation",
    "evaluation calibration",
    "recalibration",
    "model",
    "loading",
    "pipelines",
    "runs preparation upload",
    "card_metadata evaluation_loss exports failures hardware part_results shared_runs",
    "model_card",
    "publication steps",
    "tracking",
    "resumption loop",
    "training",
    "estimation quickstart.lesson seeds integrations",
    "cli",
    "spanfit __main__",
)
"""A module imports from the levels above its own line, or from inside its own package."""

HEAVY = {
    "torch",
    "transformers",
    "datasets",
    "accelerate",
    "safetensors",
    "onnx",
    "onnxruntime",
    "openvino",
    "nncf",
}

IMPORT_TORCH = {
    "attention",
    "segments",
    "packing",
    "dropout",
    "losses",
    "optimization",
    "backends.heads",
    "backends.inputs",
    "backends.messages",
    "backends.positions",
    "backends.probing",
    "backends.side_by_side",
    "backends.torch",
    "backends.pretrained",
    "backends.weights",
    "decode.spans_torch",
    "integrations.callback",
    "integrations.gathering",
    "integrations.trainer",
    "integrations.window_dataset",
    "exports.graphs",
    "loop",
    "tracking",
    "evaluation_loss",
    "checkpoints",
    "failures",
    "hardware",
    "steps",
    "processes",
    "compilation",
    "transfers",
}
"""The modules that import one of HEAVY at their top."""

NEED_TORCH = IMPORT_TORCH | {
    "integrations.findings",
    "backends.checks",
    "preparation",
    "publication",
    "card_metadata",
    "model_card",
    "estimation",
    "quickstart.lesson",
    "seeds",
    "resumption",
    "shared_runs",
    "training",
}
"""Those and what imports them; all other modules work without torch."""


def name_of(file: Path) -> str:
    """`decode.spans` for spanfit/decode/spans.py, `decode` for its __init__.py."""
    name = ".".join(file.relative_to(PACKAGE).with_suffix("").parts)
    return name.removesuffix("__init__").removesuffix(".") or "spanfit"


MODULES = {name_of(file): file for file in sorted(PACKAGE.rglob("*.py"))}


def short(name: str) -> str:
    """A module as MODULES names it; ":types" for one that is not ours."""
    ours = name == "spanfit" or name.startswith("spanfit.")
    return name.removeprefix("spanfit.") if ours else f":{name}"


def imports_of(tree: ast.AST, *, lazy: bool) -> Iterator[tuple[str, int]]:
    """Full names of what is imported, with the line; `lazy` also inside functions.

    What stands under `if TYPE_CHECKING:` is never imported.
    """
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not lazy:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module, f"line {node.lineno}: import by full names"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield (whole if short(whole) in MODULES else node.module), node.lineno
        else:
            yield from imports_of(node, lazy=lazy)


def graph(*, lazy: bool) -> dict[str, dict[str, int]]:
    """For every module what it imports and in which line: short names, ":name" for foreign ones."""
    return {
        name: {
            short(found): line
            for found, line in imports_of(ast.parse(file.read_text("utf-8")), lazy=lazy)
        }
        for name, file in MODULES.items()
    }


def level_of(module: str) -> int:
    """The level of a module is its own, else that of its package."""
    levels = {name: number for number, line in enumerate(LEVELS) for name in line.split()}
    if module not in levels and module.split(".")[0] not in levels:
        pytest.fail(f"spanfit.{module} stands in no line of LEVELS: give it its place")
    return levels.get(module, levels.get(module.split(".")[0], -1))


def place(module: str, line: int) -> str:
    return f"{MODULES[module].relative_to(PACKAGE.parent)}:{line}"


def test_imports_go_one_way():
    """Imports inside functions too: they save time and torch, and never turn an arrow round."""
    wrong = []
    for module, imports in graph(lazy=True).items():
        for imported, line in imports.items():
            if imported not in MODULES or imported == module:
                continue
            same_package = imported.split(".")[0] == module.split(".")[0]
            up, here = level_of(imported), level_of(module)
            if up > here or (up == here and not same_package):
                wrong.append(f"{place(module, line)}: {module} must not import {imported}")
    assert not wrong, "\n".join(wrong)


def test_nothing_imports_in_a_circle():
    arrows = {
        module: [name for name in imports if name in MODULES and name != module]
        for module, imports in graph(lazy=False).items()
    }
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of imports: {' <- '.join(error.args[1])}")


def test_torch_is_imported_only_where_it_is_needed():
    arrows = graph(lazy=False)
    heavy = {
        module: {name.removeprefix(":").split(".")[0] for name in imports} & HEAVY
        for module, imports in arrows.items()
    }
    assert {module for module, found in heavy.items() if found} == IMPORT_TORCH
    needing = set(IMPORT_TORCH)
    while more := {m for m, imports in arrows.items() if m not in needing and needing & {*imports}}:
        needing |= more
    assert needing == NEED_TORCH


def test_there_is_no_level_for_a_module_that_is_gone():
    assert {name for line in LEVELS for name in line.split()} <= set(MODULES)


QUICK = {
    "import": "import spanfit",
    "help": "from spanfit.cli import app; app.app(['--help'], standalone_mode=False)",
}
REPORT = "; import sys; print('LOADED', *sys.modules)"


def run_python(code: str) -> tuple[str, float]:
    """Standard output of a fresh interpreter, and the CPU seconds that it took."""
    before = os.times()
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(PACKAGE.parent)},
    )
    after = os.times()
    spent = (after.children_user - before.children_user) + (
        after.children_system - before.children_system
    )
    return done.stdout, spent


@pytest.mark.parametrize("what", QUICK)
def test_starting_loads_nothing_heavy(what):
    out, _ = run_python(QUICK[what] + REPORT)
    loaded = set(out.partition("LOADED")[2].split())
    assert "spanfit" in loaded
    assert not loaded & (HEAVY | {"numpy", "tokenizers", "pandas"})


@pytest.mark.parametrize("what", QUICK)
def test_starting_takes_less_than_half_a_second(what):
    """CPU time of the process, the best of three: other work on the machine does not count."""
    spent = []
    while len(spent) < 3 and min(spent, default=1) >= 0.5:
        spent.append(run_python(QUICK[what])[1])
    assert min(spent) < 0.5, spent
