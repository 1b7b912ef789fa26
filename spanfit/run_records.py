"""run.json: what is needed to do a run again, and what its windows lost."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from spanfit.version import VERSION

TESTED_PACKAGES = ("numpy", "tokenizers", "torch", "transformers", "accelerate", "safetensors")

NEEDED = {
    "status": str,
    "command": list,
    "recipe": dict,
    "data_digests": dict,
    "examples": dict,
    "tokenizer_digest": str,
    "software": dict,
    "hardware": dict,
    "resolved": dict,
}
"""What of run.json a resumption reads, by its type."""


def describe_run(
    *,
    status: str,
    steps: int,
    seconds: float,
    recipe: dict[str, Any],
    device: str,
    threads: int,
    processes: int,
    resolved: dict[str, Any],
    data: dict[str, str],
    examples: dict[str, dict[str, int]],
    coverage: dict[str, Any],
    tokenizer: str,
) -> dict[str, Any]:
    """The content of run.json: what is needed to do the run again, and what its windows lost.

    `folder` is where the command was typed, which paths in command and recipe are relative to.
    `resolved`: what the recipe left to the machine.
    """
    return {
        "status": status,
        "steps": steps,
        "seconds": round(seconds, 1),
        "written": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "command": sys.argv,
        "folder": _current_folder(),
        "software": _describe_software(),
        "hardware": {
            "platform": platform.platform(),
            "processor": _processor(),
            "logical_cores": os.cpu_count(),
            "device": device,
            "threads": threads,
            "processes": processes,
        },
        "resolved": resolved,
        "data_digests": data,
        "examples": examples,
        "coverage": coverage,
        "tokenizer_digest": tokenizer,
        "recipe": recipe,
    }


def continue_record(
    record: dict[str, Any], before: Mapping[str, Any], *, resumed_after: int
) -> dict[str, Any]:
    """A record of a training that was taken up again: the command that began it, and all others.

    `before` is the record that the process before left.
    """
    resumed = {"after_step": resumed_after} | {name: record[name] for name in ("command", "folder")}
    return record | {
        "command": before["command"],
        "folder": before.get("folder", ""),
        "resumed": [*before.get("resumed", []), resumed],
    }


def list_differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What of software, machine and what was left to it is another than it was, a phrase each."""
    names = [("software", name) for name in ("python", "spanfit", *TESTED_PACKAGES)]
    names += [("hardware", name) for name in ("processor", "device", "threads", "processes")]
    names += [("resolved", name) for name in ("precision", "packed", "compiled", "max_tokens")]
    unsaid = {"processes": 1, "compiled": False}  # by older runs
    values = [
        (name, *(run[part].get(name, unsaid.get(name)) for run in (before, now)))
        for part, name in names
    ]
    return [f"{name} {then} → {here}" for name, then, here in values if then != here]


def _describe_software() -> dict[str, str]:
    found = {"spanfit": VERSION, "python": platform.python_version()}
    for package in TESTED_PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _current_folder() -> str:
    try:
        return str(Path.cwd())
    except OSError:  # it was deleted
        return ""


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
