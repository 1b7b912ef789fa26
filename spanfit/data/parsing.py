"""From bytes to JSON values; mistakes are told with their places."""

from __future__ import annotations

import json
import shlex
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any, Literal

from spanfit.data.fields import located
from spanfit.data.files import decode
from spanfit.errors import DataError, list_some, represent

MakeObject = Callable[[list[tuple[str, Any]]], Any]
"""Makes what stands for a JSON object, from its keys and values."""

_EXCERPT = 30  # characters shown on each side of a mistake
_LISTED = 8  # keys that a message names


class RepeatedKeyError(ValueError):
    """A key comes twice in an object of JSON that has these `keys`; `id` shows its id, if any."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        self.keys = [key for key, _ in pairs]
        self.id = represent(dict(pairs)["id"]) if "id" in self.keys else ""
        (key, _), *_ = Counter(self.keys).most_common(1)
        super().__init__(f"the key {key!r} comes twice")


def parse_json(data: bytes, *, name: str, line: int, make_object: MakeObject | None = None) -> Any:  # noqa: ANN401 (any JSON value)
    """The JSON value in `data`, which begins on line `line` of file `name`.

    `make_object` is given the keys and values of each object and returns what stands for it; by
    default a dict, whose keys must differ.

    Raises:
        DataError: not UTF-8, or not JSON; with line and column. A key comes twice.
    """
    text = decode(data, name=name, line=line).rstrip()  # else a cut line fails on the next one
    try:
        return json.loads(text, object_pairs_hook=make_object or make_dict)
    except json.JSONDecodeError as error:
        where = f"{name}, line {line + error.lineno - 1}, column {error.colno}"
        raise located(_json_error(error, name), where) from None
    except RecursionError:
        raise DataError(
            "JSON that is nested too deeply to be read",
            where=f"{name}, line {line}",
            found=repr(text[:_EXCERPT]),
            fix="write it anew: no format that SpanFit reads is nested like this",
        ) from None
    except RepeatedKeyError as error:
        raise located(_repeated_error(error), f"{name}, line {line}") from None
    except ValueError:  # the only other one
        raise DataError(
            "a number in this JSON has too many digits to be read",
            where=f"{name}, line {line}",
            expected=f"at most {sys.get_int_max_str_digits():,} digits",
            fix="write it anew: no number that SpanFit reads is as long",
        ) from None


def make_dict(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The dict of an object of JSON, from its keys and values.

    Raises:
        RepeatedKeyError: a key comes twice; Python would take the last, and lose the others.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        raise RepeatedKeyError(pairs)
    return found


def _repeated_error(error: RepeatedKeyError) -> DataError:
    keys = list_some([*map(repr, error.keys)], limit=_LISTED)
    return DataError(
        str(error),
        expected="each key of an object once",
        found=f"the keys {keys}" + (f", of the id {error.id}" if error.id else ""),
        fix="leave out the one that is wrong",
    )


def is_unfinished_json(data: bytes) -> bool:
    """Whether `data` could be the beginning of a longer JSON value: all of it is right so far."""
    return _read_so_far(data) == "unfinished"


def may_be_json(data: bytes) -> bool:
    """Whether `data` is a JSON value, or could be the beginning of one."""
    return _read_so_far(data) != "wrong"


def _read_so_far(data: bytes) -> Literal["whole", "unfinished", "wrong"]:
    """Whether `data` is a JSON value, the beginning of one, or neither."""
    text = data.decode("utf-8", "replace").rstrip()
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return "unfinished" if error.pos >= len(text) else "wrong"
    except (RecursionError, ValueError):
        return "wrong"
    return "whole"


def _json_error(error: json.JSONDecodeError, name: str) -> DataError:
    ends_early = error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated")
    reason = f"{error.msg[0].lower()}{error.msg[1:]}"
    file = shlex.quote(name)
    fix = "correct it there; a program should write JSON by a library (in Python json.dump)"
    if ends_early:
        fix = "fetch or write it again: its end is missing"
    elif error.doc.startswith("\ufeff"):
        reason = "a byte order mark, which only the start of a file may have"
        fix = f"LC_ALL=C sed 's/^\\xEF\\xBB\\xBF//' {file} > lines.jsonl, which takes them off"
    elif error.msg == "Extra data" and error.doc[error.pos :].lstrip().startswith(","):
        fix = f"sed 's/,[[:space:]]*$//' {file} > lines.jsonl: no commas between lines"
    elif error.msg == "Extra data":
        fix = f"jq -c . {file} > lines.jsonl, which writes each value on one line"
    return DataError(
        f"not valid JSON: {'it ends too early, ' if ends_early else ''}{reason}",
        found=repr(error.doc[max(0, error.pos - _EXCERPT) : error.pos + _EXCERPT]),
        fix=fix,
    )
