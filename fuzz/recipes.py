"""Recipes (TOML, and overrides of a command) and spanfit.json, which says the same of a model."""

from __future__ import annotations

import json
from typing import Any

import tomli_w

from fuzz.draws import Draws
from fuzz.target import Target, read_or_refuse, scratch
from fuzz.values import change, draw_value, wrap
from spanfit.recipe import Recipe, annotate, describe_keys, make_recipe, read_recipe
from spanfit.settings import FILE_NAME, ModelSettings, TagSettings, read_settings

_RECIPE: dict[str, Any] = {
    "task": {"name": "qa", "answers": "all", "label_smoothing": 0.1},
    "data": {"train": ["a.json", "b.csv"], "validation": "dev.json", "seed": 3},
    "model": {"name": "quickstart", "frozen_layers": 2},
    "windows": {"max_length": 128, "overlap": 32},
    "optimizer": {"learning_rate": 3e-5, "schedule": "cosine"},
    "run": {"epochs": 2, "precision": "bf16"},
    "decode": {"n_best": 5},
}
_TAGGING: dict[str, Any] = {
    "task": {"name": "tagging", "pieces": "first"},
    "columns": {"words": 1, "tags": "ner", "names": ["token", "ner"], "scheme": "BIO"},
}
_SETTINGS: dict[str, Any] = {
    **ModelSettings(tagging=TagSettings(tags=["O", "B-x"])).model_dump(),
    "calibration": {"torch": {"threshold": 0.3, "temperature": 1.5, "n_examples": 20}},
}
_NAMES = sorted({name for section, key, _, _ in describe_keys() for name in (section, key)})
KEYS = (*_NAMES, "tagging", "calibration", "torch", "temperature", "format_version", "x", "")
_VALUES = ("3", "-1", "0.5", "nan", "1e400", "'a'", '["a"]', "[a]", "true", "2024-01-01", "{}", "")
_HUGE = "0x" + "f" * 4_000  # TOML has it; as decimal digits Python refuses it


def _draw_override(draws: Draws) -> str:
    section, key = draws.choose(KEYS), draws.choose(KEYS)
    value = draws.choose((*_VALUES, _HUGE)) if draws.byte() < 200 else draws.text()
    return draws.choose([f"{section}.{key}={value}", f"{section}={value}", draws.text()])


def _draw_recipe(draws: Draws) -> bytes:
    content = change(draws, draws.choose([_RECIPE, _TAGGING, {}]), KEYS)
    if not isinstance(content, dict):
        content = {"task": content}
    for _ in range(draws.integer(0, 2)):
        section = draws.choose(KEYS)
        part = content.get(section)
        added = {draws.choose(KEYS): draw_value(draws, KEYS, depth=2)}
        content[section] = {**part, **added} if isinstance(part, dict) else added
    try:
        return tomli_w.dumps(_without_nothing(content)).encode()
    except (ValueError, TypeError):  # half of a surrogate pair, or an integer without end
        return json.dumps(content).encode()


def _without_nothing(value: Any) -> Any:  # noqa: ANN401
    """The value without what TOML cannot say."""
    if isinstance(value, dict):
        return {key: _without_nothing(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nothing(item) for item in value if item is not None]
    return value


def _check_recipe(content: bytes, overrides: list[str]) -> None:
    path = scratch() / "recipe.toml"
    path.write_bytes(content)
    recipe = read_or_refuse(lambda: read_recipe(path, overrides=overrides))
    if recipe is None:
        return
    for text in (recipe.to_toml(), annotate(recipe)):
        path.write_text(text, encoding="utf-8")
        assert read_recipe(path) == recipe, "a recipe changes by being written"
    assert make_recipe(recipe.model_dump(exclude_none=True)) == recipe
    recipe.columns.reading(bad_answers=recipe.data.bad_answers)
    assert isinstance(recipe, Recipe)


def _check_settings(content: bytes) -> None:
    (scratch() / FILE_NAME).write_bytes(content)
    settings = read_or_refuse(lambda: read_settings(scratch()))
    if settings is None:
        return
    settings.save(scratch())
    assert read_settings(scratch()) == settings, "settings change by being written"
    assert settings.columns.reading()
    assert settings.calibration_of("onnx").null_scale


def check(data: bytes) -> None:
    """Bytes as a recipe or as settings, or either made of them; overrides first."""
    draws = Draws(data)
    kind = draws.integer(0, 3)
    if kind == 0:
        return _check_recipe(draws.rest(), [])
    if kind == 1:
        return _check_settings(draws.rest())
    if kind == 2:
        overrides = draws.items(lambda: _draw_override(draws), most=3)
        return _check_recipe(wrap(draws, _draw_recipe(draws)), overrides)
    settings = change(draws, _SETTINGS, KEYS)
    return _check_settings(wrap(draws, json.dumps(settings).encode()))


TARGET = Target(
    "recipe",
    check,
    seeds=(
        b"\0" + tomli_w.dumps(_RECIPE).encode(),
        b"\0" + tomli_w.dumps(_TAGGING).encode(),
        b"\1" + json.dumps(_SETTINGS).encode(),
        b"\2\2" + bytes(range(40)),
        b"\3",
    ),
    words=(
        *(f"{key} = ".encode() for key in KEYS if key),
        *(f'"{key}"'.encode() for key in KEYS),
        *(b"[task]\n", b"[data]\n", b"[windows]\n", b"[[", b"0xffffffffffffffffff", b"1979-05-27"),
    ),
)
