"""The keys of a recipe as a list, and a recipe written with the meaning of each key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import tomli_w

from spanfit.recipe.section import Section
from spanfit.recipe.sections import Recipe


def describe_keys(task: str | None = None) -> Iterator[tuple[str, str, str, str]]:
    """Every key of a recipe: section, key, default as TOML ("" where unset), description.

    With `task` only those that this task knows.
    """
    for section in Recipe.model_fields:
        for key, field in section_type(section).model_fields.items():
            if task not in (None, owner_of(section, key) or task):
                continue
            default = "" if field.default is None else write_value(field.default)
            yield section, key, default, field.description or ""


def annotate(recipe: Recipe) -> str:
    """The recipe as TOML with the meaning of each key beside it; unset keys are comments.

    Keys that only another task knows are left out.
    """
    lines: list[str] = []
    values = recipe.model_dump()
    for section, key, _, description in describe_keys(recipe.task.name):
        if f"[{section}]" not in lines:
            lines += ["", f"[{section}]"]
        value = values[section][key]
        setting = f"# {key} =" if value is None else f"{key} = {write_value(value)}"
        lines.append(f"{setting:<38} # {description}")
    return "\n".join(lines[1:]) + "\n"


def section_type(name: str) -> type[Section]:
    """The class of a part."""
    kind = Recipe.model_fields[name].annotation
    assert isinstance(kind, type) and issubclass(kind, Section)  # by the definition of Recipe
    return kind


def owner_of(section: str, key: str) -> str | None:
    """The only task that knows a key; None where all do."""
    extra = section_type(section).model_fields[key].json_schema_extra
    return str(extra["task"]) if isinstance(extra, dict) and "task" in extra else None


def write_value(value: Any) -> str:  # noqa: ANN401 (any TOML value)
    """A value as it stands behind its key."""
    return tomli_w.dumps({"v": value}).removeprefix("v = ").strip()
