"""The lines of `spanfit predict`: written, plain or gzip, and read back by their ids.

JSON Lines, one question a line; `answer` is null for "no answer":

    {"id": "q1", "answer": {"text": "1864", "start": 35, "end": 39}, "probability": 0.83, "null_odds": -2.5, "n_best": [{"text": "1864", "start": 35, "end": 39, "score": 9.1, "probability": 0.83}]}
    {"id": "q2", "answer": null, "probability": 0.7, "null_odds": 1.5, "n_best": [{"text": "1864", "start": 35, "end": 39, "score": 0.4, "probability": 0.3}]}

Lines of tagged texts are shown in `tag_predictions`. What of a line is read is for its reader:
`predictions`, `nbest` and `tag_predictions`.
"""  # noqa: E501 (a line of the format is a line)

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from spanfit.data import fields
from spanfit.data.fields import JsonObject, is_finite
from spanfit.data.parsing import parse_json
from spanfit.errors import DataError
from spanfit.examples import Prediction

WRITTEN_BY = "spanfit predict MODEL DATA --out FILE.jsonl, which writes such a file"
_Read = TypeVar("_Read")


def write_predictions(path: str | Path, predictions: Iterable[Prediction]) -> int:
    """Write predictions in our format as they come; gzip where the name ends in .gz.

    Returns:
        How many they were.

    Raises:
        DataError: the file cannot be written, or a number of a prediction is not finite.
    """
    file, n = Path(path), 0
    opener = gzip.open if file.suffix == ".gz" else open
    try:
        with opener(file, "wt", encoding="utf-8", newline="\n") as out:
            for prediction in predictions:
                out.write(format_line(prediction))
                n += 1
    except OSError as error:
        raise DataError(f"can't be written: {error.strerror or error}", where=str(file)) from None
    return n


def format_line(prediction: Prediction) -> str:
    """One line of our format, with its line feed.

    Raises:
        DataError: a number is not finite (but see `QuestionPrediction.to_json`).
    """
    record = prediction.to_json()
    try:
        return json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n"
    except ValueError:
        raise DataError(
            "a score, a probability or the null odds are not a finite number",
            where=f"prediction for {prediction.id!r}",
            found=json.dumps(record)[:200],
        ) from None


def read_lines(
    lines: Iterable[tuple[int, bytes]], read_line: Callable[[JsonObject], _Read], *, name: str
) -> dict[str, _Read]:
    """What `read_line` makes of each of some numbered lines of our format, by their ids.

    Raises:
        DataError: a line is no JSON object, `read_line` refuses it, or an id comes twice.
    """
    found: dict[str, _Read] = {}
    for number, line in lines:
        record = parse_json(line, name=name, line=number)
        try:
            read, key = read_line(fields.get_object(record, "the line")), fields.get_id(record)
            if key in found:
                raise twice_error(key)
        except DataError as error:
            raise fields.located(error, f"{name}, line {number}") from None
        found[key] = read
    return found


def get_probability(record: JsonObject) -> float | None:
    """The probability in a line, or in an entity of one; None where there is none.

    Raises:
        DataError: it is none.
    """
    value = record.get("probability")
    if value is None or (is_finite(value) and 0 <= value <= 1):
        return value
    raise DataError(
        "'probability' is not a probability",
        expected="a number between 0 and 1, or null",
        found=fields.describe(value),
    )


def twice_error(key: str) -> DataError:
    """The error of an id that another line has already."""
    return DataError(f"the id {key!r} comes twice", expected="each question once")
