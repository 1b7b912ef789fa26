"""Predictions of questions: two formats read, one written, plain or gzip.

Ours, JSON Lines, one question a line; `answer` is null for "no answer":

    {"id": "q1", "answer": {"text": "1864", "start": 35, "end": 39}, "probability": 0.83, "null_odds": -2.5, "n_best": [{"text": "1864", "start": 35, "end": 39, "score": 9.1, "probability": 0.83}]}
    {"id": "q2", "answer": null, "probability": 0.7, "null_odds": 1.5, "n_best": [{"text": "1864", "start": 35, "end": 39, "score": 0.4, "probability": 0.3}]}

The official one, a single JSON object of texts; "" for "no answer":

    {"q1": "1864", "q2": ""}

Beside it may stand an object of numbers, higher where there is rather no answer (the na-probs of
evaluate-v2.0):

    {"q1": 0.02, "q2": 0.97}
"""  # noqa: E501 (a line of the format is a line)

from __future__ import annotations

import gzip
import itertools
import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard, TypeVar

from spanfit.data import fields
from spanfit.data.fields import JsonObject
from spanfit.data.files import is_unfinished_json, numbered_lines, open_data, parse_json
from spanfit.errors import DataError
from spanfit.examples import Prediction
from spanfit.types import QuestionPrediction

TEXTS = 'the JSON Lines of `spanfit predict`, or one object {"id": "text", …}'
NUMBERS = 'one object {"id": number, …}'
_Read = TypeVar("_Read")


@dataclass(frozen=True, slots=True)
class Response:
    """What was predicted for one question, as far as a score needs it.

    `text` is the best text that is not "no answer" ("" where there is none), `is_null` whether "no
    answer" was decided, `null_odds` what speaks for that: infinite where there was no candidate at
    all, None where nothing is known of it. `probability` is that of what was decided, None where it
    is not known.
    """

    text: str
    is_null: bool = False
    null_odds: float | None = None
    probability: float | None = None

    @classmethod
    def of(cls, prediction: QuestionPrediction) -> Response:
        """What a score needs of a prediction.

        Raises:
            DataError: its null odds are not a number.
        """
        if not prediction.null_odds > -math.inf:  # NaN is not either
            raise DataError(
                "the null odds are not a number",
                where=f"prediction for {prediction.id!r}",
                found=str(prediction.null_odds),
            )
        return cls(
            text=prediction.n_best[0].text if prediction.n_best else "",
            is_null=prediction.answer is None,
            null_odds=prediction.null_odds,
            probability=prediction.probability,
        )


def read_predictions(path: str | Path) -> dict[str, Response]:
    """The responses of a predictions file of either format, in its order.

    Raises:
        DataError: no such file, neither format, a wrong line or value, or an id twice.
    """
    name = str(path)
    with open_data(Path(path)) as file:
        lines = numbered_lines(file)
        number, first = _get_first(lines, name=name, expected=TEXTS)
        if not is_unfinished_json(first):
            record = parse_json(first, name=name, line=number)
            if "question" in record and "context" in record:
                raise DataError(
                    "these are questions, not predictions",
                    where=name,
                    expected=TEXTS,
                    fix="spanfit score GOLD PREDICTIONS: the gold comes first",
                )
            if "id" in record:
                return read_lines(itertools.chain([(number, first)], lines), _read_line, name=name)
        document = first + file.read()
    texts = _parse_object(document, name=name, line=number)
    return to_responses(texts, where=name)


def to_responses(texts: Mapping[str, object], *, where: str) -> dict[str, Response]:
    """The responses of the official {id: text}; messages say `where` it came from.

    Raises:
        DataError: a prediction is not a text.
    """
    return {key: Response(_check_text(key, text, where=where)) for key, text in texts.items()}


def read_na_probs(path: str | Path) -> dict[str, float]:
    """The official {id: number} for "no answer", in the order of the file.

    Raises:
        DataError: no such file, not such an object, an id twice, or a number that is not finite.
    """
    name = str(path)
    with open_data(Path(path)) as file:
        number, first = _get_first(numbered_lines(file), name=name, expected=NUMBERS)
        document = first + file.read()
    return to_na_probs(_parse_object(document, name=name, line=number), where=name)


def to_na_probs(numbers: Mapping[str, object], *, where: str) -> dict[str, float]:
    """The numbers of {id: number} as floats; messages say `where` they came from.

    Raises:
        DataError: one is not a finite number.
    """
    return {key: _check_number(key, number, where=where) for key, number in numbers.items()}


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
                raise _twice(key)
        except DataError as error:
            raise fields.located(error, f"{name}, line {number}") from None
        found[key] = read
    return found


def is_finite(value: object) -> TypeGuard[float]:
    """Whether `value` is a number (an int is one, a bool is not) and neither infinite nor NaN."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer that no float can hold
        return False


def _twice(key: str) -> DataError:
    return DataError(f"the id {key!r} comes twice", expected="each question once")


def _get_first(
    lines: Iterator[tuple[int, bytes]], *, name: str, expected: str
) -> tuple[int, bytes]:
    """The first numbered line, which opens an object."""
    for number, line in lines:
        if line.lstrip().startswith(b"{"):
            return number, line
        raise DataError(
            "this is not a JSON object",
            where=f"{name}, line {number}",
            expected=expected,
            found=repr(line[:60].decode("utf-8", "replace")),
        )
    raise DataError("the file is empty", where=name, expected=expected)


def _read_line(record: JsonObject) -> Response:
    """The response of one line of our format."""
    fields.require_key(record, "answer")
    n_best = fields.get_list(record, "n_best") if "n_best" in record else []
    best = fields.get_text(fields.get_object(n_best[0], "n_best[0]"), "text") if n_best else ""
    null_odds, probability = _get_null_odds(record), _get_probability(record)
    if record["answer"] is not None:
        answer = fields.get_object(record["answer"], "'answer'")
        text = fields.get_text(answer, "text")
        return Response(text, null_odds=null_odds, probability=probability)
    if null_odds is None and not n_best:
        null_odds = math.inf  # there was nothing else to say
    return Response(best, is_null=True, null_odds=null_odds, probability=probability)


def _get_null_odds(record: JsonObject) -> float | None:
    value = record.get("null_odds")
    if value is None or is_finite(value):
        return value
    raise DataError(
        "'null_odds' is not a number",
        expected="a finite number, or null",
        found=fields.describe(value),
    )


def _get_probability(record: JsonObject) -> float | None:
    value = record.get("probability")
    if value is None or (is_finite(value) and 0 <= value <= 1):
        return value
    raise DataError(
        "'probability' is not a probability",
        expected="a number between 0 and 1, or null",
        found=fields.describe(value),
    )


def _parse_object(data: bytes, *, name: str, line: int) -> JsonObject:
    """The JSON object that `data` opens with; a key twice is an error."""

    def make_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            (key, _), *_ = Counter(key for key, _ in pairs).most_common(1)
            raise fields.located(_twice(key), name)
        return found

    return fields.get_object(
        parse_json(data, name=name, line=line, make_object=make_object), "the file"
    )


def _check_text(key: str, text: object, *, where: str) -> str:
    if isinstance(text, str):
        try:
            return fields.get_text({"prediction": text}, "prediction")
        except DataError as error:
            raise fields.located(error, ", ".join(filter(None, (where, f"id {key!r}")))) from None
    fix = ""
    if key in ("version", "data"):
        fix = "spanfit score GOLD PREDICTIONS: the gold comes first"
    elif is_finite(text):
        fix = "give the numbers as --na-probs, and the texts as predictions"
    raise DataError(
        f"the prediction for {key!r} is not a text",
        where=where,
        expected=TEXTS,
        found=fields.describe(text),
        fix=fix,
    )


def _check_number(key: str, number: object, *, where: str) -> float:
    if is_finite(number):
        return float(number)
    raise DataError(
        f"the na-prob of {key!r} is not a finite number",
        where=where,
        expected=NUMBERS,
        found=fields.describe(number),
    )
