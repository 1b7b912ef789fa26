"""What stands in the cells of a table: a row becomes a record as `records` reads it.

A cell of CSV is always a text, so numbers, truth values and lists of answers are read from theirs.
"""

from __future__ import annotations

import ast
import json
import math
import re
import warnings
from collections.abc import Mapping
from typing import Any

from spanfit.data import fields
from spanfit.data.fields import JsonObject
from spanfit.errors import DataError
from spanfit.types import UNKNOWN_START

GOLD_COLUMNS = ("answer", "answer_text")
"""The names of a column that holds the text of a question's only gold."""

_TRUTH = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False, "": None}
_WHOLE = re.compile(r"-?\d{1,18}(\.0*)?")  # pandas writes 35.0 where another cell is blank
_LONGEST_CODE = 1 << 20  # characters; a tree takes some hundred times as much
_NUMPY = ("array", "int32", "int64", "str_")


def to_record(row: Mapping[str, Any]) -> JsonObject:
    """The record of a row; blank cells say nothing, except that a blank gold is "no answer".

    Raises:
        DataError: a cell can't be read; without its row.
    """
    record = dict(row)
    if record.get("id") == "":
        del record["id"]
    if isinstance(answers := record.get("answers"), str):
        record["answers"] = _read_answers(answers)
    for column in GOLD_COLUMNS:
        if column in record:
            start = record.pop("answer_start", None)
            record["answers"] = _read_gold(record.pop(column), start, column)
    if (impossible := record.get("is_impossible")) is not None:
        # What is no truth value stays, and is refused with the other mistakes of a record.
        record["is_impossible"] = _TRUTH.get(str(impossible).strip().lower(), impossible)
    return record


def _read_answers(cell: str) -> list[Any] | dict[str, Any] | None:
    """The answers in a cell: JSON, or what Python and NumPy print for the same."""
    if not cell.strip():
        return None
    try:
        value = json.loads(_to_double_quotes(cell))
    except (ValueError, RecursionError):
        value = _read_python(cell)
    if value is None or isinstance(value, list | dict):
        return value
    raise _answers_error(cell)


def _to_double_quotes(cell: str) -> str:
    """Python's repr as JSON where that is a matter of quotes alone; ten times quicker to read.

    Without a double quote or a backslash in it, each single quote opens or closes a string.
    """
    return cell if '"' in cell or "\\" in cell else cell.replace("'", '"')


def _read_python(cell: str) -> object:
    """A value that Python's repr wrote, as JSON has it; nothing is run."""
    if len(cell) > _LONGEST_CODE:
        raise _answers_error(cell)
    try:
        with warnings.catch_warnings(action="ignore"):  # of what Python thinks of it as a program
            tree = ast.parse(cell.strip(), mode="eval")
        value = ast.literal_eval(_Unwrapped().visit(tree) if "(" in cell else tree)
        # Keys become texts, and what is none of JSON becomes an object, which is nowhere right.
        return json.loads(json.dumps(value, default=lambda other: {"Python": repr(other)}))
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        raise _answers_error(cell) from None


class _Unwrapped(ast.NodeTransformer):
    """Puts the list in the place of `array([…], dtype=…)`, the number in that of `np.int64(…)`."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else None
        name = node.func.id if isinstance(node.func, ast.Name) else name
        if name in _NUMPY and len(node.args) == 1:
            return self.generic_visit(node.args[0])
        return node  # and literal_eval refuses it


def _read_gold(text: object, start: object, column: str) -> list[dict[str, Any]]:
    """The only gold of a question, from the cells of two columns."""
    place = _read_start(start)
    if text is not None and text != "":
        return [{"text": text, "start": place}]
    if place not in (None, UNKNOWN_START):
        raise DataError(
            f"{column!r} is blank, but 'answer_start' is not",
            expected="both, or both blank where the context holds no answer",
            found=fields.describe(start),
        )
    return []


def _read_start(value: object) -> int | None:
    """A start, from a number or its digits; None for a blank cell."""
    if value is None or value == "":
        return None
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return fields.as_start(int(value) if value.is_integer() else value, "answer_start")
    if isinstance(value, str):
        is_whole = _WHOLE.fullmatch(value.strip())
        return fields.as_start(
            int(value.strip().partition(".")[0]) if is_whole else value, "answer_start"
        )
    return fields.as_start(value, "answer_start")


def _answers_error(cell: str) -> DataError:
    return DataError(
        "'answers' can't be read",
        expected='{"text": ["1864"], "answer_start": [20]}',
        found=fields.describe(cell),
        fix="name the column 'answer' if its cells hold the answers' texts themselves",
    )
