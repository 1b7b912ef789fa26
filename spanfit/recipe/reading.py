"""From a file and `section.key=value` to a recipe; mistakes are explained in our words.

Unknown keys are refused with the closest known one.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from spanfit.errors import RecipeError, did_you_mean, represent
from spanfit.recipe.keys import describe_keys, owner_of, section_type, write_value
from spanfit.recipe.section import Files
from spanfit.recipe.sections import TASK_DEFAULTS, Recipe, TaskSection

_LARGEST = 1 << 17  # bytes; one with every key and its meaning has seven thousand
_MOST_DOTS = 1_000  # on a line, outside of strings
_STRING = re.compile(r""""[^"\n]*"|'[^'\n]*'""")
_WRITTEN = "spanfit init DATA > recipe.toml, which writes one"
DEFAULT_TASK: str = TaskSection.model_fields["name"].default


def read_recipe(path: str | Path, *, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe file and apply `section.key=value` overrides to it.

    Raises:
        RecipeError: no such file, not TOML, an unknown key, or a value out of its range.
    """
    file = Path(path)
    try:
        content = tomllib.loads(_read_text(file))
    except FileNotFoundError:
        raise RecipeError(
            "no such recipe", where=str(file), fix=f"spanfit init DATA.json > {file}"
        ) from None
    except OSError as error:
        raise RecipeError(
            f"not a readable recipe: {error}", where=str(file), fix=_WRITTEN
        ) from None
    except UnicodeDecodeError as error:
        raise RecipeError(
            f"not a readable recipe: {error}",
            where=str(file),
            expected="text in UTF-8",
            fix=f"iconv -f {_guess(error.object)} -t utf-8 {shlex.quote(str(file))} > utf8 (with "
            "its encoding)",
        ) from None
    except RecursionError:
        raise _depth_error(str(file)) from None
    except ValueError as error:  # also a number of more digits than Python reads
        raise RecipeError(
            f"not TOML: {error}",
            where=str(file),
            fix="correct it there; spanfit init DATA > recipe.toml writes a recipe",
        ) from None
    return make_recipe(
        content, overrides=overrides, where=f"{file}{' with --set' if overrides else ''}"
    )


def _read_text(file: Path) -> str:
    """The text of a recipe, which is small: a pipe is not waited for, nor a device read to its end.

    Raises:
        RecipeError: it is no file, or one of another kind.
        OSError, UnicodeDecodeError: it cannot be read.
        RecursionError: its keys have so many parts that TOML's rules take minutes to follow.
    """
    if file.exists() and not file.is_file():
        raise RecipeError(
            "not a readable recipe: this is not a file",
            where=str(file),
            expected="a file in TOML",
            fix=_WRITTEN,
        )
    with file.open("rb") as opened:
        data = opened.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise RecipeError(
            "this is larger than any recipe",
            where=str(file),
            expected=f"at most {_LARGEST:,} bytes",
            found=repr(data[:40].decode("utf-8", "replace")),
            fix=f"{_WRITTEN}; data files are named in it",
        )
    text = data.decode("utf-8-sig")
    if max((line.count(".") for line in _STRING.sub("", text).split("\n")), default=0) > _MOST_DOTS:
        raise RecursionError
    return text


def _guess(data: bytes) -> str:
    """In what a text is written that is not UTF-8, as iconv calls it."""
    return "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "cp1252"


def _depth_error(where: str) -> RecipeError:
    return RecipeError(
        "nested too deeply", where=where, expected="parts, and keys in them", fix=_WRITTEN
    )


def make_recipe(
    content: dict[str, Any], *, overrides: Sequence[str] = (), where: str = "recipe"
) -> Recipe:
    """Validate the content of a recipe, `section.key=value` overrides applied.

    Raises:
        RecipeError: an unknown key, or a value of the wrong type or out of its range.
    """
    try:
        content = deepcopy(content)
    except RecursionError:
        raise _depth_error(where) from None
    for override in overrides:
        _apply(override, content)
    _refuse_other_tasks(content, where=where)
    _fill_defaults(content)
    try:
        recipe = Recipe.model_validate(content)
    except ValidationError as error:
        raise _explain(error, where=where) from None
    for part in ("validation", "calibration"):
        if getattr(recipe.data, part) == []:
            raise RecipeError(
                f"data.{part} names no file",
                where=where,
                expected="a file, a list of files, or no such key",
                found="[]",
                fix=f"--set data.{part}=FILE",
            )
    if recipe.windows.overlap >= recipe.windows.max_length - 3:
        raise RecipeError(
            "windows.overlap leaves no room to move on",
            where=where,
            expected=f"less than max_length {recipe.windows.max_length} minus special tokens",
            found=str(recipe.windows.overlap),
            fix=f"--set windows.overlap={recipe.windows.max_length // 3}",
        )
    return recipe


def _apply(override: str, content: dict[str, Any]) -> None:
    """Set `section.key=value` in `content`; the value is TOML, or else a plain string.

    A key that takes a text gets one, even where it looks like a number or a date (a file "2024").
    """
    path, equals, text = override.partition("=")
    section, dot, key = path.strip().partition(".")
    if not (equals and dot and section and key):
        raise RecipeError(
            "--set needs section.key=value",
            found=override,
            fix="--set optimizer.learning_rate=5e-5",
        )
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        value = text.strip()
        if value.startswith("[") and value.endswith("]"):
            raise RecipeError(
                "a list is written as in TOML",
                found=override,
                fix=f"""--set '{path.strip()}=["a.json", "b.json"]'""",
            ) from None
    if (section, key) in _text_keys() and not isinstance(value, str | list):
        value = text.strip()
    part = content.setdefault(section, {})
    if not isinstance(part, dict):
        raise RecipeError(
            f"[{section}] is not a part with keys",
            found=represent(part),
            fix=f"[{section}], with keys",
        )
    part[key] = value


def _task_name(content: dict[str, Any]) -> str:
    task = content.get("task")
    name = task.get("name") if isinstance(task, dict) else None
    return name if isinstance(name, str) else DEFAULT_TASK  # the latter is refused later


def _refuse_other_tasks(content: dict[str, Any], *, where: str) -> None:
    """Refuse keys that change nothing, because only another task knows them.

    Raises:
        RecipeError: one is set to something else than its default.
    """
    name = _task_name(content)
    for section, keys in content.items():
        if section not in Recipe.model_fields or not isinstance(keys, dict):
            continue
        for key, field in section_type(section).model_fields.items():
            owner = owner_of(section, key) or name
            if owner != name and keys.get(key, field.default) != field.default:
                raise RecipeError(
                    f"{section}.{key} is for the task {owner}",
                    where=where,
                    found=f"task.name = {name}",
                    fix=f"leave it out, or --set task.name={owner}",
                )


def _fill_defaults(content: dict[str, Any]) -> None:
    """Set what the recipe does not say and its task has a default of its own for."""
    for section, defaults in TASK_DEFAULTS.get(_task_name(content), {}).items():
        part = content.setdefault(section, {})
        if isinstance(part, dict):
            content[section] = defaults | part


def _text_keys() -> set[tuple[str, str]]:
    return {
        (section, key)
        for section in Recipe.model_fields
        for key, field in section_type(section).model_fields.items()
        if field.annotation in (str, str | None, Files, Files | None)
    }


def _explain(error: ValidationError, *, where: str) -> RecipeError:
    """The first thing that pydantic found, in our words, with a suggestion."""
    first = error.errors()[0]
    location = first["loc"][:2]  # deeper is what pydantic calls types
    path = ".".join(str(step) for step in location)
    if first["type"] == "extra_forbidden":
        return RecipeError(
            f"unknown key {path}",
            where=where,
            expected=_suggest(first["loc"]),
            fix="docs/recipe.md, which lists every key",
        )
    if len(location) < 2:  # a part
        return RecipeError(
            f"{path}: not a part with keys",
            where=where,
            found=represent(first["input"]),
            fix=f"[{path}], and its keys below: KEY = VALUE",
        )
    field = section_type(str(location[0])).model_fields[str(location[1])]
    default = write_value(field.default).strip('"') if field.default is not None else ""
    return RecipeError(
        f"{path}: {first['msg'][0].lower()}{first['msg'][1:]}",
        where=where,
        expected=field.description or "",
        found=represent(first["input"]),
        fix=f"--set {path}={shlex.quote(default)}, which is the default"
        if default
        else f"--set {path}=VALUE, or leave it out",
    )


def _suggest(location: tuple[int | str, ...]) -> str:
    """What an unknown key may have meant: the same key elsewhere, or a like word at its place."""
    word = str(location[-1])
    for section, key, _, _ in describe_keys():
        if key == word:
            return f"{section}.{key}"
    owner: type[BaseModel] = Recipe
    for step in location[:-1]:
        owner = section_type(str(step))
    return did_you_mean(word, owner.model_fields)
