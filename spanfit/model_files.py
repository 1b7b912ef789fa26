"""The files of a model folder, looked at before any of them is read: it may come from anybody.

    check_folder     plain files inside of the folder, none larger than what its name stands for
    read_json        a file of settings: its JSON, or a ModelError that says where and why
    check_config     config.json: no sizes that nobody has, no code and no files from elsewhere
    check_tokenizer_files   settings of a tokenizer that are some, and more than code

Weights are looked at by `backends.weights`.
"""

from __future__ import annotations

import json
import os
import reprlib
import shlex
import stat
from collections.abc import Iterator, Mapping
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
TOKENIZER_SETTINGS = ("tokenizer_config.json", "special_tokens_map.json")
VOCABULARIES = {"tokenizer.json", "vocab.json", "vocab.txt", "merges.txt", "entity_vocab.json"}
VOCABULARY_KINDS = {".model", ".spm", ".bpe", ".codes", ".vocab", ".jinja"}
EXPORTS = ("onnx", "openvino")
"""Folders of exported networks, in a model folder."""

MAX_LAYERS, MAX_LABELS = 10_000, 100_000
"""What transformers makes lists of as it reads config.json, before any weight is looked at."""
KERNELS = {"attn_implementation", "experts_implementation"}
"""Keys of config.json that may name code of the hub, also with an underscore before them."""

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
            if not path.is_dir():
                check_file(path)


def check_file(file: Path) -> None:
    """Refuse what is no plain file, or is far too large for its name; it need not be there.

    Raises:
        ModelError: see above.
    """
    try:
        status = file.stat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise ModelError(
            f"this file of a model cannot be read: {error.strerror or error}",
            where=str(file),
            fix=AGAIN,
        ) from None
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


def read_json(file: Path, *, fix: str = AGAIN) -> Any:  # noqa: ANN401 (any JSON value)
    """The JSON value in a file of settings; `fix` is what helps where it is wrong.

    Raises:
        ModelError: it is too large, not UTF-8, not JSON, or nested too deep.
    """
    check_file(file)
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(
            f"not a JSON file (not JSON, or not whole): {error}",
            where=str(file),
            expected="a JSON object",
            fix=fix,
        ) from None
    if (text := _find_null(content)) is not None:
        raise ModelError(
            "there is a NUL character in this file",
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


def check_config(folder: str | Path, *, trust_remote_code: bool) -> tuple[str, ...]:
    """Refuse a model whose config.json asks for what no model needs; notes for its user.

    Raises:
        ModelError: config.json is no JSON object, its sizes cannot be a model's, or it names code,
            weights or another model elsewhere.
    """
    file = Path(folder) / CONFIG
    if not file.is_file():
        return ()
    if (adapter := file.with_name("adapter_config.json")).is_file():
        raise ModelError(
            "this folder holds an adapter beside a model, and would be answered without it",
            where=str(adapter),
            expected="the weights of one model",
            fix="in Python PeftModel.from_pretrained(…).merge_and_unload().save_pretrained(NEW)",
        )
    config = read_object(file)
    for key, value in _walk(config):
        _check_size(file, key, value)
        if not trust_remote_code:
            _check_kernel(file, key, value)
    if (named := config.get("transformers_weights")) is not None:
        raise ModelError(
            "this config.json says which file to read the weights from",
            where=f"transformers_weights in {file}",
            expected="no such key, and model.safetensors",
            found=describe(named),
            fix=f"mv WEIGHTS model.safetensors, and take the key out of {shlex.quote(str(file))}",
        )
    if trust_remote_code or "auto_map" not in config:
        return ()
    return (f"{file} names Python code of its own (auto_map), which is not run",)


def check_tokenizer_files(folder: str | Path, *, trust_remote_code: bool) -> None:
    """Refuse a folder whose tokenizer's settings are none, or that is nothing but code.

    Raises:
        ModelError: see above.
    """
    folder = Path(folder)
    files = [folder / name for name in TOKENIZER_SETTINGS if (folder / name).is_file()]
    asks = any("auto_map" in read_object(file) for file in files)
    if asks and not trust_remote_code and not any(map(_is_vocabulary, folder.iterdir())):
        raise ModelError(
            "this tokenizer is Python code of its own, which runs only where you say so",
            where=f"auto_map in {files[0]}",
            expected="tokenizer.json, or a vocabulary that transformers has a class for",
            found="neither, but code",
            fix="--trust-remote-code; in a recipe model.trust_remote_code = true, if you trust it",
        )


def describe(value: object) -> str:
    """A value of a JSON file in one short line, however large it is."""
    shown = reprlib.Repr()
    shown.maxstring = shown.maxother = shown.maxlong = 80
    return shown.repr(value)


def _find_null(content: object) -> str | None:
    """A key or a text with a NUL, which C would take for its end; None where there is none."""
    left = [content]
    while left:
        value = left.pop()
        if isinstance(value, str) and "\0" in value:
            return value
        if isinstance(value, dict):
            left += [*value, *value.values()]
        elif isinstance(value, list):
            left += value
    return None


def _walk(content: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The keys of an object, and of those inside of it, with their values."""
    left: list[Any] = [content]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            yield from value.items()
            left += value.values()
        elif isinstance(value, list):
            left += value


def _check_size(file: Path, key: str, value: object) -> None:
    """Raises: ModelError, if that many layers or labels are no model's."""
    limit = MAX_LABELS if key == "num_labels" else MAX_LAYERS if "layer" in key else None
    if limit is not None and isinstance(value, int) and value > limit:
        raise ModelError(
            "this config.json names a size that no model has",
            where=f"{key} in {file}",
            expected=f"at most {limit:,}",
            found=f"{value:,}" if value < 10**30 else "a number of more than 30 digits",
            fix=AGAIN,
        )


def _check_kernel(file: Path, key: str, value: object) -> None:
    """Raises: ModelError, if a key asks for compiled code of the hub."""
    names = value.values() if isinstance(value, dict) else (value,)
    if key.lstrip("_") in KERNELS and any(isinstance(n, str) and "/" in n for n in names):
        raise ModelError(
            "this config.json asks for code of the hub to compute with",
            where=f"{key} in {file}",
            expected='"sdpa", "eager", or no such key',
            found=describe(value),
            fix=f"take the key out of {shlex.quote(str(file))}; or --trust-remote-code, if you "
            "trust that code",
        )


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


def _limit_of(name: str) -> int | None:
    """How many bytes a file of this name may have; None: it is not read whole."""
    if name in SETTINGS:
        return MAX_SETTINGS
    return MAX_VOCABULARY if _is_vocabulary(Path(name)) else None


def _is_vocabulary(file: Path) -> bool:
    return file.name in VOCABULARIES or file.suffix in VOCABULARY_KINDS


def _name_kind(mode: int) -> str:
    kinds = {
        stat.S_IFIFO: "a pipe",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
        stat.S_IFDIR: "a folder",
    }
    return kinds.get(stat.S_IFMT(mode), "something else")
