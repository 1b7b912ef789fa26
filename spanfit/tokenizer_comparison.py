"""Whether transformers reads a tokenizer's folder as its tokenizer.json says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from spanfit.errors import require
from spanfit.readings import PROBE_TEXTS, differing_settings
from spanfit.tokenizer import Tokenizer
from spanfit.tokenizer_opening import from_transformers, load_tokenizer


def compare_readings(folder: str | Path) -> list[str]:
    """What AutoTokenizer makes of a folder, against its tokenizer.json: one warning a difference.

    Raises:
        ModelError: there is no tokenizer.json, or it does not fit.
        MissingExtraError: transformers is not installed.
    """
    transformers = require("transformers", extra="train")
    file = load_tokenizer(folder)
    try:
        auto = from_transformers(
            transformers.AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False)
        )
    except (OSError, ValueError, KeyError, TypeError, ImportError) as error:
        return [f"{folder}: AutoTokenizer cannot read it ({error}), only its tokenizer.json counts"]
    warnings = []
    unequal = [text for text in PROBE_TEXTS if not _same_ids(file, auto, text)]
    if unequal:
        settings = differing_settings(json.loads(file.to_json()), json.loads(auto.to_json()))
        why = "; ".join(settings) or "in a way that their settings do not show"
        warnings.append(
            f"AutoTokenizer and tokenizer.json give different ids for {len(unequal)} of "
            f"{len(PROBE_TEXTS)} probe texts, such as {unequal[0]!r}: {why}; "
            "tokenizer_config.json must say how the model was trained"
        )
    for name, one, other in (
        ("padding_side", file.padding_side, auto.padding_side),
        ("pad_token's id", file.pad_id, auto.pad_id),
        ("token_type_ids in model_input_names", file.has_type_ids, auto.has_type_ids),
        ("the special tokens of a pair", file.template.tokens, auto.template.tokens),
    ):
        if one != other:
            warnings.append(f"{name}: {one} by the files alone, {other} for AutoTokenizer")
    return [f"{folder}: {warning}" for warning in warnings]


def _same_ids(one: Tokenizer, other: Tokenizer, text: str) -> bool:
    return np.array_equal(one.encode([text]).ids, other.encode([text]).ids)
