"""manifest.json: what a folder holds, by which every later change of it is found.

    {"format_version": 2, "files": {"model.safetensors": {"bytes": 4512, "sha256": "9c1e…"}, …}}

Digests are SHA-256: what processors have instructions for, and what `sha256sum` prints. Files that
came later are none of its business.
"""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

FILE_NAME = "manifest.json"
FORMAT_VERSION = 2
_THREADS = 4
"""Large files are read at once: hashing one takes a core, and lets others work."""


def seal(folder: Path) -> None:
    """Write the manifest of all files in a folder and below it.

    Raises:
        OSError: a file cannot be read, or the manifest not written.
    """
    content = {"format_version": FORMAT_VERSION, "files": _describe(folder, _list(folder))}
    text = json.dumps(content, indent=2, ensure_ascii=False)
    (folder / FILE_NAME).write_text(text + "\n", encoding="utf-8")


def find_fault(folder: Path) -> str:
    """What is not as the manifest says, in a few words; "" where everything is."""
    try:
        content = json.loads((folder / FILE_NAME).read_text(encoding="utf-8"))
        if content["format_version"] != FORMAT_VERSION:
            return f"its {FILE_NAME} has format version {content['format_version']}"
        files: dict[str, dict[str, Any]] = dict(content["files"])
        present = {name: (folder / name).stat().st_size for name in _list(folder)}
        for name, told in files.items():
            if name not in present:
                return f"{name} is missing"
            if present[name] != told["bytes"]:
                return f"{name} has {present[name]:,} of {told['bytes']:,} bytes"
        found = _describe(folder, sorted(files))
        changed = [name for name, told in files.items() if found[name] != told]
    except FileNotFoundError:
        return f"it has no {FILE_NAME}"
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        return f"it cannot be read: {error}"
    return f"{changed[0]} was altered" if changed else ""


def _list(folder: Path) -> list[str]:
    """The files below a folder, without links, by their path from there; not the manifest."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    names = sorted(path.relative_to(folder).as_posix() for path in files)
    return [name for name in names if name != FILE_NAME]


def _describe(folder: Path, names: list[str]) -> dict[str, dict[str, Any]]:
    with ThreadPoolExecutor(_THREADS) as pool:
        entries = pool.map(_describe_file, [folder / name for name in names])
        return dict(zip(names, entries, strict=True))


def _describe_file(file: Path) -> dict[str, Any]:
    with file.open("rb") as stream:
        hasher = hashlib.file_digest(stream, "sha256")
        return {"bytes": stream.tell(), "sha256": hasher.hexdigest()}
