"""`--columns KEY=VALUE`: how tagged texts are read, in the words of the recipe's [columns]."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from spanfit.errors import RecipeError, did_you_mean

if TYPE_CHECKING:
    from spanfit.examples import Reading
    from spanfit.recipe import ColumnsSection

ColumnsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--columns",
        metavar="KEY=VALUE",
        help="Of tagged texts, a key of the recipe's \\[columns]: words, tags, names, separator, "
        "joiner, scheme, repair; repeatable.",
    ),
]

_ESCAPES = {r"\t": "\t", "tab": "\t", "space": " "}  # a shell makes tabs and spaces hard to type


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


def _read_choice(text: str) -> str | None:
    return text or None


_READERS = {
    "words": _read_column,
    "tags": _read_column,
    "names": _read_names,
    "separator": _read_separator,
    "joiner": _read_joiner,
    "scheme": _read_scheme,
}
