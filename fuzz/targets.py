"""All targets by name, in the order in which they run."""

from __future__ import annotations

import importlib

from fuzz.target import Target

MODULES = {
    "json": "json_files",
    "csv": "csv_files",
    "parquet": "parquet_files",
    "columns": "columns",
    "predictions": "predictions",
    "recipe": "recipes",
    "tags": "tag_tables",
    "alignment": "alignment",
    "decoder": "decoder",
    "doctor": "doctor",
}
"""The module of each, so that a run imports no more of the project than its target looks at."""


def load_target(name: str) -> Target:
    """The target of that name."""
    target = importlib.import_module(f"fuzz.{MODULES[name]}").TARGET
    assert isinstance(target, Target) and target.name == name
    return target
