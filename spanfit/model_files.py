"""The files of a model folder, looked at before any of them is read: it may come from anybody.

    check_folder     plain files inside of the folder, none larger than what its name stands for
    check_content    of a file that is large as a rule: not what Git LFS puts in its place
    read_json        a file of settings: its JSON, or a ModelError that says where and why

What settings ask for is looked at by `model_requests`, weights by `backends.weights`.
"""

from __future__ import annotations

import json
import os
import re
import reprlib
import shlex
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from spanfit.errors import ModelError

CONFIG = "config.json"
MAX_SETTINGS, MAX_VOCABULARY = 16_000_000, 100_000_000
"""Bytes of a file of settings, and of a vocabulary: three times the largest published ones."""

SETTINGS = {
    CONFIG,
    "spanfit.json",
    "export.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "generation_config.json",
    "preprocessor_config.json",
    "model.safetensors.index.json",
}
VOCABULARIES = {"tokenizer.json", "vocab.json", "vocab.txt", "merges.txt", "entity_vocab.json"}
VOCABULARY_KINDS = {".model", ".spm", ".bpe", ".codes", ".vocab", ".jinja"}
EXPORTS = ("onnx", "openvino")
"""Folders of exported networks, in a model folder."""

LFS_POINTER = b"version https://git-lfs"
"""How the small file begins that Git LFS puts in the place of a large one."""

_BROKEN = re.compile("[\0\ud800-\udfff]")

AGAIN = "the model once more from where it was published (hf download ORGANISATION/NAME)"


def check_folder(folder: str | Path) -> None:
    """Refuse a model folder in which a file is not what it seems; no file is opened.

    Links may lead to other files of the folder and, in the hub's cache, to the files that it keeps
    for all revisions of a model.

    Raises:
        ModelError: a file lies outside, is no plain file, or is far too large for its name.
    """
    folder = Path(folder)
    inside = [os.path.realpath(folder)]
    if Path(inside[0]).parent.name == "snapshots":
        inside.append(str(Path(inside[0]).parents[1] / "blobs"))
    for place in (folder, *(folder / name for name in EXPORTS)):
        _check_link(place, folder, inside)
        for path in sorted(place.iterdir()) if place.is_dir() else ():
            if path.is_symlink():
                _check_link(path, folder, inside)
            if not path.is_dir() or _is_read(path):
                check_file(path)


def check_file(file: Path) -> None:
    """Refuse what is no plain file, or is far too large for its name; it need not be there.

    Raises:
        ModelError: see above.
    """
    try:
        status = file.stat()
    except FileNotFoundError:
        if not file.is_symlink():
            return
        raise ModelError(
            "this link leads nowhere",
            where=str(file),
            expected="a file, or nothing of this name",
            found=str(file.readlink()),
            fix=AGAIN,
        ) from None
    except OSError as error:
        raise _unreadable(file, error) from None
    if not stat.S_ISREG(status.st_mode):
        raise ModelError(
            "this file of a model is no plain file",
            where=str(file),
            expected="something that can be read more than once",
            found=_name_kind(status.st_mode),
            fix=AGAIN,
        )
    limit = _limit_of(file.name)
    if limit is not None and status.st_size > limit:
        raise ModelError(
            "this file of a model is too large to be what its name says, and was not read",
            where=str(file),
            expected=f"at most {limit / 1e6:,.0f} MB",
            found=f"{status.st_size / 1e6:,.1f} MB",
            fix=AGAIN,
        )


def check_content(file: Path) -> None:
    """Refuse what Git LFS puts in the place of a large file that it has not fetched.

    Raises:
        ModelError: it is that, or cannot be read.
    """
    try:
        with file.open("rb") as opened:
            is_pointer = opened.read(len(LFS_POINTER)) == LFS_POINTER
    except OSError as error:
        raise _unreadable(file, error) from None
    if is_pointer:
        raise ModelError(
            "this is what Git LFS puts in the place of a file that it has not fetched",
            where=str(file),
            expected="the file itself",
            found=f"{file.stat().st_size:,} bytes that say which one it is",
            fix=f"git -C {shlex.quote(str(file.parent))} lfs pull",
        )


def read_json(
    file: Path, *, fix: str = AGAIN, make_object: Callable[[list[tuple[str, Any]]], Any] = dict
) -> Any:  # noqa: ANN401 (any JSON value)
    """The JSON value in a file of settings; `fix` is what helps where it is wrong.

    `make_object` makes what stands for an object of its keys and values, or raises a ValueError.

    Raises:
        ModelError: it cannot be read, is too large, not UTF-8, not JSON, or nested too deep.
    """
    check_file(file)
    check_content(file)
    try:
        content = json.loads(file.read_text(encoding="utf-8"), object_pairs_hook=make_object)
    except OSError as error:
        raise _unreadable(file, error) from None
    except (ValueError, RecursionError) as error:
        raise ModelError(
            f"not a JSON file (not JSON, or not whole): {error}",
            where=str(file),
            expected="a JSON object",
            fix=fix,
        ) from None
    if (text := _find_broken(content)) is not None:
        what = "a NUL character" if "\0" in text else "half of a surrogate pair"
        raise ModelError(
            f"there is {what} in this file",
            where=str(file),
            expected="names and texts without",
            found=describe(text),
            fix=fix,
        )
    return content


def read_object(file: Path) -> dict[str, Any]:
    """The JSON object in a file of settings.

    Raises:
        ModelError: as `read_json`, or it is no object.
    """
    content = read_json(file)
    if not isinstance(content, dict):
        raise ModelError(
            "not a JSON object",
            where=str(file),
            expected="{…}",
            found=type(content).__name__,
            fix=AGAIN,
        )
    return content


def is_vocabulary(file: Path) -> bool:
    """Whether a file's name is one of a vocabulary."""
    return file.name in VOCABULARIES or file.suffix in VOCABULARY_KINDS


def describe(value: object) -> str:
    """A value of a JSON file in one short line, however large it is."""
    shown = reprlib.Repr()
    shown.maxstring = shown.maxother = shown.maxlong = 80
    return shown.repr(value)


def _find_broken(content: object) -> str | None:
    """A key or a text with a NUL, which C would take for its end, or that no UTF-8 can hold."""
    left = [content]
    while left:
        value = left.pop()
        if isinstance(value, str) and _BROKEN.search(value):
            return value
        if isinstance(value, dict):
            left += [*value, *value.values()]
        elif isinstance(value, list):
            left += value
    return None


def _check_link(path: Path, folder: Path, inside: list[str]) -> None:
    """Raises: ModelError, if a path of a folder leads out of it."""
    real = os.path.realpath(path)
    if not any(real == place or real.startswith(place + os.sep) for place in inside):
        raise ModelError(
            "this link leads out of the model's folder, and was not followed",
            where=str(path),
            expected="files inside of the folder",
            found=real,
            fix=f"if you trust what it leads to: cp -rL {shlex.quote(str(folder))} COPY",
        )


def _unreadable(file: Path, error: OSError) -> ModelError:
    return ModelError(
        f"this file of a model cannot be read: {error.strerror or error}",
        where=str(file),
        expected="a file that you may read",
        fix=f"ls -l {shlex.quote(str(file))}",
    )


def _is_read(path: Path) -> bool:
    """Whether something of this name is read, so that it must be a file."""
    return _limit_of(path.name) is not None or path.suffix == ".safetensors"


def _limit_of(name: str) -> int | None:
    """How many bytes a file of this name may have; None: it is not read whole."""
    if name in SETTINGS:
        return MAX_SETTINGS
    return MAX_VOCABULARY if is_vocabulary(Path(name)) else None


def _name_kind(mode: int) -> str:
    kinds = {
        stat.S_IFIFO: "a pipe",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
        stat.S_IFDIR: "a folder",
    }
    return kinds.get(stat.S_IFMT(mode), "something else")
