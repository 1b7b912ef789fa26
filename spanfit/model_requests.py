"""What the settings of a model from anybody ask for: nothing that no model needs.

check_config            config.json: no sizes that nobody has, no code and no files from elsewhere
check_tokenizer_files   settings of a tokenizer that are some, and more than code
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from spanfit.errors import ModelError
from spanfit.model_files import AGAIN, CONFIG, check_content, describe, is_vocabulary, read_object

TOKENIZER_SETTINGS = ("tokenizer_config.json", "special_tokens_map.json")

MAX_LAYERS, MAX_LABELS = 10_000, 100_000
"""What transformers makes lists of as it reads config.json, before any weight is looked at."""
KERNELS = {"attn_implementation", "experts_implementation"}
"""Keys of config.json that may name code of the hub, also with an underscore before them."""


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
    _check_names(file, config.get("architectures"))
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
    """Refuse a folder whose tokenizer's files are none, or that is nothing but code.

    Raises:
        ModelError: see above.
    """
    folder = Path(folder)
    files = [folder / name for name in TOKENIZER_SETTINGS if (folder / name).is_file()]
    asking = [file for file in files if "auto_map" in read_object(file)]
    vocabularies = [file for file in folder.iterdir() if is_vocabulary(file)]
    whole = [file for file in vocabularies if file.name == "tokenizer.json"]
    for file in whole or vocabularies:  # others are not read beside it
        check_content(file)
    if asking and not trust_remote_code and not vocabularies:
        raise ModelError(
            "this tokenizer is Python code of its own, which runs only where you say so",
            where=f"auto_map in {asking[0]}",
            expected="tokenizer.json, or a vocabulary that transformers has a class for",
            found="neither, but code",
            fix="--trust-remote-code; in a recipe model.trust_remote_code = true, if you trust it",
        )


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


def _check_names(file: Path, architectures: object) -> None:
    """Raises: ModelError, if these are no names of classes."""
    names = [] if architectures is None else architectures
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ModelError(
            "this config.json names no classes where it should",
            where=f"architectures in {file}",
            expected='such as ["BertForQuestionAnswering"]',
            found=describe(architectures),
            fix=AGAIN,
        )


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
