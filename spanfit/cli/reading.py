"""`--columns KEY=VALUE`: how tagged texts are read, in the words of the recipe's [columns]."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from spanfit.errors import RecipeError, did_you_mean

if TYPE_CHECKING:
    from spanfit.examples import Reading
    from spanfit.recipe import ColumnsSection
    from spanfit.settings import ModelSettings

ColumnsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--columns",
        metavar="KEY=VALUE",
        help="Of tagged texts, a key of the recipe's \\[columns]: words, tags, names, separator, "
        "joiner, scheme, repair; tags= for texts without gold; repeatable.",
    ),
]

_ESCAPES = {r"\t": "\t", "tab": "\t", "space": " "}  # a shell makes tabs and spaces hard to type
_WRITTEN = {"\t": "tab", " ": "space"}


def parse_columns(
    values: list[str] | None,
    *,
    default: ColumnsSection | None = None,
    bad_answers: Literal["drop", "relocate"] | None = None,
) -> Reading:
    """How files are read, from what was typed and, for all other keys, the default.

    Raises:
        RecipeError: a value is not KEY=VALUE, the key is none of [columns], or its value is wrong.
    """
    return read_columns(values, default=default).reading(bad_answers=bad_answers or "fail")


def parse_model_columns(values: list[str] | None, settings: ModelSettings) -> Reading:
    """How files are read for a model: as was typed, else as those of its training were.

    Those may have been of another format. So what nobody typed counts as remembered, and names are
    what numbers stand for where they are tags of the model, else names of columns.

    Raises:
        RecipeError: as `parse_columns`.
    """
    reading = parse_columns(values, default=settings.columns)
    typed = {value.partition("=")[0] for value in values or ()}
    remembered = frozenset(key for key in _REMEMBERED if key not in typed)
    if "names" in typed or settings.tagging is None:
        return replace(reading, remembered=remembered)
    are_tags = not {*reading.names}.isdisjoint(settings.tagging.tags)
    names, numbers = ((), reading.names) if are_tags else (reading.names, ())
    return replace(reading, names=names, numbers=numbers, remembered=remembered)


def list_model_columns(values: list[str] | None, settings: ModelSettings) -> list[str]:
    """What has to be typed to read gold as a model does, where no model is there to remember it.

    What was typed counts as well, unless it was for texts without gold.
    """
    typed = read_columns(values, default=settings.columns)
    section = settings.columns if typed.tags == "" else typed
    chosen = section.model_dump(exclude_defaults=True)
    return [f"{key}={_write(value)}" for key, value in chosen.items()]


def quote_data(data: str | Path, values: Sequence[str] | None) -> str:
    """A file with the columns that were typed for it, as a shell wants them."""
    options = [f"--columns {shlex.quote(value)}" for value in values or ()]
    return " ".join([shlex.quote(str(data)), *options])


def read_columns(
    values: list[str] | None, *, default: ColumnsSection | None = None
) -> ColumnsSection:
    """The same as a part of a recipe.

    Raises:
        RecipeError: as `parse_columns`.
    """
    from pydantic import ValidationError

    from spanfit.recipe import ColumnsSection

    section = default or ColumnsSection()
    chosen: dict[str, Any] = {}
    for text in values or ():
        key, equals, value = text.partition("=")
        if not equals:
            raise RecipeError(
                "--columns needs KEY=VALUE", found=text, fix="--columns tags=ner, for example"
            )
        if key not in ColumnsSection.model_fields:
            fix = did_you_mean(key, ColumnsSection.model_fields)
            raise RecipeError(f"--columns knows no key {key!r}", fix=fix)
        chosen[key] = _READERS.get(key, _read_choice)(value)
    try:
        return ColumnsSection.model_validate(section.model_dump() | chosen)
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0])
        raise RecipeError(
            f"--columns {key}: {first['msg'][0].lower()}{first['msg'][1:]}",
            expected=ColumnsSection.model_fields[key].description or "",
            found=repr(first["input"]),
            fix=f"--columns {key}= for the default",
        ) from None


def _read_column(text: str) -> int | str:
    """A number, or a name."""
    try:
        return int(text)
    except ValueError:
        return text


def _read_names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _read_separator(text: str) -> str | None:
    return _ESCAPES.get(text, text) or None


def _read_joiner(text: str) -> str:
    return _ESCAPES.get(text, text)


def _read_scheme(text: str) -> str | None:
    from spanfit.tags import find_scheme

    return find_scheme(text).name if text else None


def _write(value: object) -> str:
    return ",".join(value) if isinstance(value, list) else _WRITTEN.get(str(value), str(value))


def _read_choice(text: str) -> str | None:
    return text or None


_REMEMBERED: tuple[Literal["words", "tags", "names"], ...] = ("words", "tags", "names")
_READERS = {
    "words": _read_column,
    "tags": _read_column,
    "names": _read_names,
    "separator": _read_separator,
    "joiner": _read_joiner,
    "scheme": _read_scheme,
}
