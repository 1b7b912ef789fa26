"""What a tokenizer's folder says besides tokenizer.json, read without transformers.

Read, in this order: `tokenizer_config.json`, `special_tokens_map.json` (older checkpoints keep the
special tokens there), tokenizer.json's own padding, and, where no file names any special token,
the names that nearly all encoders give them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tokenizers

from spanfit.errors import ModelError
from spanfit.model_files import read_object

LEFT_PADDED_CLASSES = ("XLNetTokenizer", "XLNetTokenizerFast")
"""Encoder tokenizers whose class, not whose folder, says that padding goes to the left."""

TYPELESS_MODELS = ("distilbert",)
"""Models without token types whose tokenizer's template nevertheless gives the second text one."""

UNLIMITED = 1_000_000
"""A `model_max_length` from here on stands for "not known" (transformers writes 10**30)."""

USUAL_NAMES = {"cls_token": ("[CLS]", "<cls>", "<s>"), "pad_token": ("[PAD]", "<pad>")}


@dataclass(frozen=True, slots=True)
class TokenizerConfig:
    """The settings of a tokenizer that its ids do not show.

    `has_type_ids` None: the folder does not say, the template decides. `max_length` is in tokens
    with specials. `names` holds the special tokens by role ("cls_token": "[CLS]").
    """

    padding_side: str = "right"
    has_type_ids: bool | None = None
    max_length: int | None = None
    pad_id: int = 0
    cls_id: int | None = None
    names: tuple[tuple[str, str], ...] = ()


def read_config(folder: Path, backend: tokenizers.Tokenizer) -> TokenizerConfig:
    """The settings in `folder`, which need not have any of the files.

    Raises:
        ModelError: a file is not JSON, or says something impossible.
    """
    config = _read_json(folder / "tokenizer_config.json")
    roles = {**_read_json(folder / "special_tokens_map.json"), **config}
    texts = {role: _token_text(value) for role, value in roles.items() if role.endswith("_token")}
    names = {role: text for role, text in texts.items() if text is not None}
    padding = backend.padding or {}
    pad_id = _find_id(backend, names, "pad_token")
    return TokenizerConfig(
        padding_side=_padding_side(config, padding, folder),
        has_type_ids=_lists_type_ids(config, _read_json(folder / "config.json")),
        max_length=known_length(config.get("model_max_length")),
        pad_id=int(padding.get("pad_id", 0)) if pad_id is None else pad_id,
        cls_id=_find_id(backend, names, "cls_token"),
        names=tuple(sorted(names.items())),
    )


def known_length(value: object) -> int | None:
    """A `model_max_length` in tokens, None where it says that there is none."""
    if not isinstance(value, int | float) or not 0 < value < UNLIMITED:
        return None
    return int(value)


def _read_json(path: Path) -> dict[str, Any]:
    return read_object(path) if path.is_file() else {}


def _token_text(value: object) -> str | None:
    """The text of a special token, which files give plain or as an object with "content"."""
    if isinstance(value, Mapping):
        value = value.get("content")
    return value if isinstance(value, str) else None


def _find_id(backend: tokenizers.Tokenizer, names: Mapping[str, str], role: str) -> int | None:
    wanted = (names[role],) if role in names else () if names else USUAL_NAMES[role]
    ids = (backend.token_to_id(name) for name in wanted)
    return next((id_ for id_ in ids if id_ is not None), None)


def _padding_side(config: Mapping[str, Any], padding: Mapping[str, Any], folder: Path) -> str:
    if config.get("tokenizer_class") in LEFT_PADDED_CLASSES:
        default = "left"
    else:
        default = str(padding.get("direction", "right")).lower()
    side = config.get("padding_side", default)
    if side not in ("left", "right"):
        raise ModelError(
            "unknown padding_side",
            where=str(folder / "tokenizer_config.json"),
            expected="'left' or 'right'",
            found=repr(side),
        )
    return str(side)


def _lists_type_ids(config: Mapping[str, Any], model: Mapping[str, Any]) -> bool | None:
    """Whether the model takes token type ids; None where no file says so."""
    names = config.get("model_input_names")
    if isinstance(names, list):
        return "token_type_ids" in names
    if str(model.get("model_type")) in TYPELESS_MODELS:
        return False
    if str(config.get("tokenizer_class", "")).lower().startswith(TYPELESS_MODELS):
        return False
    types = model.get("type_vocab_size")
    return False if isinstance(types, int) and types < 2 else None
