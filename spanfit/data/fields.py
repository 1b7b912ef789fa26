"""Checked access to the keys of a JSON object.

The errors raised here know what is wrong but not where; the caller adds the place, once, with
`located`. So nothing is spent on messages while the data is right.
"""

from __future__ import annotations

import difflib
import functools
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from spanfit.errors import DataError, RecordError, represent

JsonObject = Mapping[str, Any]
OnFault = Callable[[str, int, DataError], None]
"""Hears of a line or row that cannot be read: "line" or "row", its number, what is wrong."""
_NEAR = 0.82  # as difflib counts: "answer" is near "answers", "answer_start" and "qid"/"id" are not
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SHOWN = 60  # characters of a value that a message quotes
_MOST_NAMES = 1_000

_KINDS = {
    bool: "true or false",
    str: "a string",
    int: "a whole number",
    float: "a number with a fraction",
    list: "an array",
    dict: "an object",
    type(None): "null",
}


@dataclass(frozen=True, slots=True)
class Source:
    """What a reader is told of its file, and what it tells of keys that nobody reads.

    `name` is the file as messages name it. `id_prefix` leads the number that stands for a missing
    id. `unread` counts the keys passed over, under words that a user understands. `on_fault` is
    given the error of a line or row that cannot be read ("line", its number, the error); if it
    returns, that one is left out. By default the error is raised.
    """

    name: str
    id_prefix: str = ""
    unread: Counter[str] = field(default_factory=Counter)
    on_fault: OnFault | None = None

    def pass_over(self, keys: Set[str], what: str) -> None:
        """Count `keys`, of what messages call `what`, as not read."""
        for key in keys:
            self.unread[f"{key!r} of the {what}" if key else f"a nameless one of the {what}"] += 1

    def fault(self, kind: str, number: int, error: DataError, *, record: object = None) -> None:
        """Report the error of a line or row; the caller leaves it out.

        `record` is what stands there, as far as it could be read; its id goes with the error.

        Raises:
            DataError: that error, where nothing may be left out.
        """
        if self.on_fault is None:
            raise error from None
        id_ = record.get("id") if isinstance(record, dict) else None
        has_id = isinstance(id_, str | int) and not isinstance(id_, bool) and id_ != ""
        self.on_fault(kind, number, RecordError(error, str(id_)) if has_id else error)


def located(error: DataError, where: str, *, fix: str = "") -> DataError:
    """The same error, with its place; and this fix, if it names none."""
    return DataError(
        error.problem, where=where, expected=error.expected, found=error.found, fix=error.fix or fix
    )


@contextmanager
def suggesting(fix: str) -> Iterator[None]:
    """Inside, an error that names no fix gets this one.

    Raises:
        DataError: that error.
    """
    try:
        yield
    except DataError as error:
        if error.fix:
            raise
        raise located(error, error.where, fix=fix) from None


def get_object(value: object, what: str, *, shape: str = "{…}") -> JsonObject:
    """`value`, if it is a JSON object; messages name it `what` and its keys `shape`."""
    if not isinstance(value, dict):
        raise DataError(f"{what} is not an object", expected=shape, found=describe(value))
    return value


def get_text(record: JsonObject, key: str) -> str:
    """The string at `key`, which must be there and encodable."""
    value = record.get(key)
    if not isinstance(value, str):
        require_key(record, key)
        raise DataError(f"{key!r} is not a string", expected="a string", found=describe(value))
    if not value.isascii():
        _refuse_surrogates(value, key)
    return value


def get_optional_text(record: JsonObject, key: str) -> str:
    """The string at `key`; empty if it is missing or null."""
    return "" if record.get(key) is None else get_text(record, key)


def get_list(record: JsonObject, key: str) -> list[Any]:
    """The array at `key`, which must be there."""
    value = record.get(key)
    if not isinstance(value, list):
        require_key(record, key)
        raise DataError(f"{key!r} is not an array", expected="[…]", found=describe(value))
    return value


def get_id(record: JsonObject) -> str:
    """The string at "id"; a whole number stands for its digits."""
    value = record.get("id")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    text = get_text(record, "id")
    if not text:
        raise DataError("the id is empty", expected="a string that names the question")
    return text


def get_start(record: JsonObject, key: str) -> int:
    """The whole number at `key`."""
    require_key(record, key)
    return as_start(record[key], key)


def as_start(value: object, key: str) -> int:
    """`value`, if it is a whole number."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise DataError(
            f"{key!r} is not a whole number",
            expected="the number of characters before the answer",
            found=describe(value),
        )
    return value


def is_finite(value: object) -> TypeGuard[float]:
    """Whether `value` is a number (an int is one, a bool is not) and neither infinite nor NaN.

    Nor is a whole number finite that is beyond all floats.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= sys.float_info.max


def require_key(record: JsonObject, key: str) -> None:
    """Raise if `key` is missing, with a near miss as the fix."""
    if key not in record:
        near = near_miss(key, record)
        raise DataError(
            f"the key {key!r} is missing",
            found=f"the keys {', '.join(map(repr, record))}" if record else "an empty object",
            fix=f"rename {near!r} to {key!r}" if near else "",
        )


def check_tags(tags: Iterable[str], what: str = "a tag") -> None:
    """Refuse tags, or labels, that would be taken for other ones than those that they look like.

    Raises:
        DataError: one has white space around it, or holds a line break or another control.
    """
    for tag in {*tags}:
        if tag and not is_tag(tag):
            raise DataError(
                f"{what} with white space around it, or with a control character in it",
                expected="such as 'B-PER'",
                found=repr(tag),
                fix="take that off, or it is another one than the same without",
            )


def is_tag(text: str) -> bool:
    """Whether a text can be a tag: see `check_tags`."""
    return text != "" and text == text.strip() and not has_control(text)


def has_control(text: str) -> bool:
    """Whether a text holds a line break, or another character that acts instead of being shown."""
    return _CONTROL.search(text) is not None


def refuse_near_misses(record: JsonObject, optional: Iterable[str]) -> None:
    """Raise if an optional key is missing and another looks like it misspelt.

    Other unknown keys are ignored, but an `"answer"` beside no `"answers"` would lose the gold.
    """
    for key in optional:
        if key not in record and (near := near_miss(key, record)):
            raise DataError(
                f"the key {near!r} is not known",
                expected=f"{key!r}, or nothing like it",
                fix=f"rename {near!r} to {key!r}",
            )


def near_miss(key: str, record: JsonObject) -> str | None:
    """The key of `record` that looks most like `key`, in whatever case, if one does.

    Not of an object with very many keys, which are ids and no names.
    """
    return _near_miss(key, tuple(record)) if len(record) <= _MOST_NAMES else None


@functools.lru_cache(maxsize=256)
def _near_miss(key: str, names: tuple[str, ...]) -> str | None:
    lowered = {name.lower(): name for name in names}
    close = difflib.get_close_matches(key, lowered, n=1, cutoff=_NEAR)
    return lowered[close[0]] if close else None


def describe(value: object) -> str:
    """What a JSON value is, and the beginning of it."""
    shown = represent(value)
    shown = shown if len(shown) <= _SHOWN else shown[: _SHOWN - 1] + "…"
    kind = _KINDS.get(type(value), type(value).__name__)
    return kind if value is None else f"{kind}: {shown}"


def _refuse_surrogates(text: str, key: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise DataError(
            f"{key!r} holds half of a surrogate pair",
            found=f"\\u{ord(text[error.start]):04x} at character {error.start}",
            expected="whole characters",
            fix="write the character itself, or both of its halves",
        ) from None
