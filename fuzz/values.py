"""JSON values, right and wrong: any value, and a right one of which parts are changed."""

from __future__ import annotations

import gzip
import json
from typing import Any

from fuzz.draws import Draws

_NUMBERS = (0, 1, -1, 2, 3, 20, 2**31, 2**63, -(2**63) - 1, 10**400, 0.5, 1.0, 1e308)
_ODD: tuple[Any, ...] = (
    None,
    True,
    False,
    "",
    "O",
    "a",
    "\ud83d",
    [],
    {},
    float("nan"),
    float("inf"),
    "1864",
)
_KEPT, _ANY, _LEFT_OUT, _TWICE = 232, 244, 248, 252
"""Below which byte a part is kept, becomes any value, is left out, comes twice; else its name
changes."""


def draw_value(draws: Draws, keys: tuple[str, ...], *, depth: int = 3) -> Any:  # noqa: ANN401
    """Any JSON value, with these keys in its objects."""
    kind = draws.integer(0, 5 if depth else 3)
    if kind == 0:
        return draws.choose(_ODD)
    if kind == 1:
        return draws.choose(_NUMBERS)
    if kind == 2:
        return draws.text()
    if kind == 3:
        return draws.integer(-2, 40)
    inner = depth - 1
    if kind == 4:
        return draws.items(lambda: draw_value(draws, keys, depth=inner), most=3)
    return {
        draws.choose(keys): draw_value(draws, keys, depth=inner) for _ in range(draws.integer(0, 4))
    }


def change(draws: Draws, value: Any, keys: tuple[str, ...]) -> Any:  # noqa: ANN401
    """A value of which some parts are other ones, are missing, or come twice."""
    if draws and draws.byte() >= _KEPT:
        return draw_value(draws, keys)
    if isinstance(value, list):
        changed = []
        for item in value:
            fate = draws.byte()
            if not _ANY <= fate < _LEFT_OUT:
                changed += [change(draws, item, keys)] * (2 if fate >= _TWICE else 1)
        return changed
    if isinstance(value, dict):
        record = {}
        for key, item in value.items():
            fate = draws.byte()
            name = draws.choose(keys) if fate >= _TWICE else key
            if not _ANY <= fate < _LEFT_OUT:
                record[name] = change(draws, item, keys)
        return record
    return value


def write_json(draws: Draws, value: Any) -> str:  # noqa: ANN401
    """A value as JSON in one of its ways."""
    indent = draws.choose([None, None, None, 1])
    has_halves = "\\ud83d" in json.dumps(value)  # which only an escape can write
    return json.dumps(value, ensure_ascii=has_halves or draws.flag(), indent=indent)


def write_lines(draws: Draws, value: Any) -> bytes:  # noqa: ANN401
    """JSON Lines of a list (or of one value), with blank lines and other line ends among them."""
    records = value if isinstance(value, list) else [value]
    end = draws.choose(["\n", "\n", "\r\n", "\n\n"])
    return "".join(f"{write_json(draws, record)}{end}" for record in records).encode()


def wrap(draws: Draws, data: bytes) -> bytes:
    """A file as it comes: often as it is, with a mark in front, packed, cut, or with bytes behind.

    Bytes that are left become part of it, so that none goes unused.
    """
    way = draws.integer(0, 15)
    if way == 1:
        return b"\xef\xbb\xbf" + data
    if way == 2:
        return gzip.compress(data, 1, mtime=0)
    if way == 3:
        return gzip.compress(data, 1, mtime=0)[: draws.integer(0, 200)]
    if way == 4:
        return data[: draws.integer(0, max(0, len(data)))]
    if way == 5:
        return data + draws.rest()
    return data
