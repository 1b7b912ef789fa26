"""Why two readings of a tokenizer differ: the settings in which two tokenizer.json disagree.

transformers 5 builds the normaliser and the pre-tokenizer of its own tokenizer classes from the
flags in tokenizer_config.json, whatever tokenizer.json says; a missing `do_lower_case` alone
changes the ids of nearly every text. So the differences are named by the flag that makes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

PROBE_TEXTS = (
    "The Quick Brown Fox",
    "plain lower case words",
    "CAFÉ naïve façade Zoë",
    " a leading space",
    "two  spaces,\ta tab\nand a line",
    "don't re-enter; it's 3.14%",
    "Ångström ﬁne ½ ①",
    "東京都は日本の首都です。",
    "サイズ ガギグ ﾊﾝｶｸ",
    "대한민국의 수도는 서울이다.",
    "北京是中国的首都",
    "👩‍🚀 astronaut",
    "a [SEP] b </s> c <mask>",
)
"""Texts on which case, accents, spaces, compatibility forms, scripts and special tokens tell."""

SECTIONS = ("normalizer", "pre_tokenizer", "model")
"""Parts of a tokenizer.json that decide the ids of a text."""

FLAGS = {
    "lowercase": "do_lower_case",
    "Lowercase": "do_lower_case",
    "strip_accents": "strip_accents",
    "StripAccents": "strip_accents or keep_accents",
    "handle_chinese_chars": "tokenize_chinese_chars",
    "add_prefix_space": "add_prefix_space",
    "prepend_scheme": "add_prefix_space",
    "Prepend": "add_prefix_space",
}
"""The flag in tokenizer_config.json for a setting or a step of tokenizer.json."""


def differing_settings(file: dict[str, Any], auto: dict[str, Any]) -> list[str]:
    """One phrase for each setting that decides ids and differs; the contents of two tokenizer.json.

    `file` is the one on disk, `auto` what AutoTokenizer made of its folder.
    """
    found = []
    for section in SECTIONS:
        one, other = dict(_settings(file.get(section))), dict(_settings(auto.get(section)))
        for key in dict.fromkeys([*one, *other]):
            if one.get(key) != other.get(key):
                name = f"{FLAGS[key]} ({section}: {key})" if key in FLAGS else f"{section}: {key}"
                found.append(
                    f"{name} is {_said(one, key)} in tokenizer.json, "
                    f"{_said(other, key)} for AutoTokenizer"
                )
    pieces = [_pieces(content) for content in (file, auto)]
    if pieces[0] != pieces[1]:
        found.append(
            f"the pieces differ: {len(pieces[0])} in tokenizer.json, "
            f"{len(pieces[1])} for AutoTokenizer"
        )
    return found


def _settings(node: object) -> Iterator[tuple[str, str]]:
    """The steps (by type) and settings (by name) under a node, without vocabulary and merges."""
    if isinstance(node, list):
        for child in node:
            yield from _settings(child)
    if not isinstance(node, dict):
        return
    if "type" in node and node["type"] != "Sequence":
        yield str(node["type"]), "present"
    for key, value in node.items():
        if isinstance(value, dict | list) and key not in ("vocab", "merges", "pattern"):
            yield from _settings(value)
        elif key not in ("type", "vocab", "merges", "precompiled_charsmap"):
            yield key, repr(value)


def _said(settings: dict[str, str], key: str) -> str:
    return settings.get(key, "absent")


def _pieces(content: dict[str, Any]) -> set[tuple[str, int]]:
    """Every piece with its id."""
    vocabulary = content.get("model", {}).get("vocab", {})
    if isinstance(vocabulary, dict):
        pieces = set(vocabulary.items())
    else:  # Unigram: [[piece, score], ...]
        pieces = {(entry[0], id_) for id_, entry in enumerate(vocabulary)}
    added = {(token["content"], token["id"]) for token in content.get("added_tokens", [])}
    return pieces | added
