"""What was predicted for questions, as far as a score needs it: read of two formats, plain or gzip.

Ours (see `prediction_lines`), or the official one, a single JSON object of texts; "" for "no
answer":

    {"q1": "1864", "q2": ""}

Beside it may stand an object of numbers, higher where there is rather no answer (the na-probs of
evaluate-v2.0):

    {"q1": 0.02, "q2": 0.97}
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spanfit.data import fields
from spanfit.data.fields import JsonObject, is_finite, suggesting
from spanfit.data.files import numbered_lines, open_data
from spanfit.data.foreign import refuse_other
from spanfit.data.parsing import is_unfinished_json, parse_json
from spanfit.data.prediction_lines import WRITTEN_BY, get_probability, read_lines, twice_error
from spanfit.errors import DataError
from spanfit.types import QuestionPrediction

TEXTS = 'the JSON Lines of `spanfit predict`, or one object {"id": "text", …}'
NUMBERS = 'one object {"id": number, …}'


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
    with suggesting(WRITTEN_BY):
        return _read_predictions(Path(path))


def _read_predictions(path: Path) -> dict[str, Response]:
    name = str(path)
    with open_data(path) as file:
        lines = numbered_lines(file)
        number, first = _get_first(lines, name=name, expected=TEXTS)
        if not is_unfinished_json(first):
            record = parse_json(first, name=name, line=number, make_object=dict)
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
    _check_ids(texts, where=where)
    return {key: Response(_check_text(key, text, where=where)) for key, text in texts.items()}


def read_na_probs(path: str | Path) -> dict[str, float]:
    """The official {id: number} for "no answer", in the order of the file.

    Raises:
        DataError: no such file, not such an object, an id twice, or a number that is not finite.
    """
    name = str(path)
    with suggesting(
        'the file that evaluate-v2.0 takes for --na-prob-file: {"q1": 0.02, "q2": 0.97}'
    ):
        with open_data(Path(path)) as file:
            number, first = _get_first(numbered_lines(file), name=name, expected=NUMBERS)
            document = first + file.read()
        return to_na_probs(_parse_object(document, name=name, line=number), where=name)


def to_na_probs(numbers: Mapping[str, object], *, where: str) -> dict[str, float]:
    """The numbers of {id: number} as floats; messages say `where` they came from.

    Raises:
        DataError: one is not a finite number.
    """
    _check_ids(numbers, where=where)
    return {key: _check_number(key, number, where=where) for key, number in numbers.items()}


def _get_first(
    lines: Iterator[tuple[int, bytes]], *, name: str, expected: str
) -> tuple[int, bytes]:
    """The first numbered line, which opens an object."""
    for number, line in lines:
        if line.lstrip().startswith(b"{"):
            return number, line
        refuse_other(line, name, expected=expected)
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
    null_odds, probability = _get_null_odds(record), get_probability(record)
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


def _parse_object(data: bytes, *, name: str, line: int) -> JsonObject:
    """The JSON object that `data` opens with; a key twice is an error."""

    def make_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            (key, _), *_ = Counter(key for key, _ in pairs).most_common(1)
            raise fields.located(twice_error(key), name)
        return found

    return fields.get_object(
        parse_json(data, name=name, line=line, make_object=make_object), "the file"
    )


def _check_ids(ids: Iterable[str], *, where: str) -> None:
    """Refuse ids that no file can have.

    Raises:
        DataError: one holds half of a surrogate pair.
    """
    for key in ids:
        try:
            fields.get_text({"id": key}, "id")
        except DataError as error:
            raise fields.located(error, where) from None


def _check_text(key: str, text: object, *, where: str) -> str:
    if isinstance(text, str):
        try:
            return fields.get_text({key: text}, key)
        except DataError as error:
            raise fields.located(error, where) from None
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
