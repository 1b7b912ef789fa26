"""Why two readings of a tokenizer differ: the settings in which two tokenizer.json disagree.

transformers 5 builds the normaliser and the pre-tokenizer of its own tokenizer classes from the
flags in tokenizer_config.json, whatever tokenizer.json says; a missing `do_lower_case` alone
changes the ids of nearly every text. So the differences are named by the flag that makes them.
"""

from __future__ import annotations

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
        one, other = _steps(file.get(section)), _steps(auto.get(section))
        for step in dict.fromkeys([*one, *other]):
            if step in one and step in other:
                found += _differing_values(section, one[step], other[step])
            else:
                where = "tokenizer.json" if step in one else "AutoTokenizer's"
                found.append(f"{_name(section, step)} is only in {where}")
    n_pieces, n_others = (len(_pieces(content)) for content in (file, auto))
    if _pieces(file) != _pieces(auto):
        found.append(f"{n_pieces} pieces in tokenizer.json, {n_others} others for AutoTokenizer")
    return found


def _differing_values(section: str, one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    return [
        f"{_name(section, key)} is {one.get(key)!r} in tokenizer.json, "
        f"{other.get(key)!r} for AutoTokenizer"
        for key in dict.fromkeys([*one, *other])
        if one.get(key) != other.get(key) and {one.get(key), other.get(key)} != {None, ""}
    ]


def _name(section: str, key: str) -> str:
    return f"{FLAGS[key]} ({section}: {key})" if key in FLAGS else f"{section}: {key}"


def _steps(node: dict[str, Any] | None) -> dict[str, dict[str, Any]]:
    """The steps of a section by type, with their settings; of several of one type, the last."""
    if node is None:
        return {}
    if node["type"] == "Sequence":
        children = node.get("normalizers") or node.get("pretokenizers") or []
        return {type_: step for child in children for type_, step in _steps(child).items()}
    # The rest are vocabularies, character maps and patterns: too long for a message.
    short = {key: value for key, value in node.items() if isinstance(value, str | bool | None)}
    del short["type"]
    short.pop("precompiled_charsmap", None)
    return {node["type"]: short}


def _pieces(content: dict[str, Any]) -> set[tuple[str, int]]:
    """Every piece with its id."""
    vocabulary = content.get("model", {}).get("vocab", {})
    if isinstance(vocabulary, dict):
        pieces = set(vocabulary.items())
    else:  # Unigram: [[piece, score], ...]
        pieces = {(entry[0], id_) for id_, entry in enumerate(vocabulary)}
    added = {(token["content"], token["id"]) for token in content.get("added_tokens", [])}
    return pieces | added
