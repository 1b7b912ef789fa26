"""The lines of `spanfit predict` → predictions with their candidates, to be decided anew.

A line holds scores and null odds as the model gave them, divided by no temperature, so that any
other threshold and temperature can be applied to it without the model. The format is that of
`prediction_lines`; `predictions` reads no more of it than a score needs.
"""

from __future__ import annotations

import math
from itertools import chain, pairwise
from pathlib import Path
from typing import Final

from spanfit.data import fields
from spanfit.data.fields import JsonObject, is_finite, suggesting
from spanfit.data.files import numbered_lines, open_data
from spanfit.data.parsing import is_unfinished_json
from spanfit.data.prediction_lines import WRITTEN_BY, read_lines
from spanfit.errors import DataError
from spanfit.types import Candidate, QuestionPrediction

CANDIDATES: Final = "the JSON Lines of `spanfit predict`, with `n_best` and `null_odds`"


def read_question_predictions(path: str | Path) -> list[QuestionPrediction]:
    """The predictions of a file of `spanfit predict` with their candidates, in its order.

    What the file decided is left out: the predictions are at no threshold and at temperature 1
    until `QuestionPrediction.recalibrate` says otherwise.

    Raises:
        DataError: no such file, not this format (the official {id: text} has no candidates), a
            line without scores or null odds, or an id twice.
    """
    name = str(path)
    with suggesting(WRITTEN_BY), open_data(Path(path)) as file:
        lines = numbered_lines(file)
        first = next(lines, None)
        if first is None:
            raise DataError("the file is empty", where=name, expected=CANDIDATES)
        if is_unfinished_json(first[1]):  # one object over many lines: the official format
            raise fields.located(_no_candidates(), name)
        return list(read_lines(chain([first], lines), _to_prediction, name=name).values())


def _no_candidates() -> DataError:
    return DataError(
        "there are no candidates with scores here",
        expected=CANDIDATES,
    )


def _to_prediction(record: JsonObject) -> QuestionPrediction:
    """The prediction that a line holds, at no threshold and at temperature 1."""
    if "n_best" not in record:
        raise _no_candidates()
    items = fields.get_list(record, "n_best")
    n_best = tuple(
        _to_candidate(fields.get_object(item, f"n_best[{row}]"), f"n_best[{row}]")
        for row, item in enumerate(items)
    )
    if any(before.score < after.score for before, after in pairwise(n_best)):
        raise DataError("'n_best' is not sorted", expected="the highest score first")
    fields.require_key(record, "null_odds")
    undecided = QuestionPrediction(
        id=fields.get_id(record),
        n_best=n_best,
        null_odds=_get_null_odds(record, has_candidates=bool(n_best)),
        null_probability=0.0 if n_best else 1.0,
        threshold=0.0,  # left at once, so that the shares of the n-best are worked out
    )
    return undecided.recalibrate(None, 1.0)


def _to_candidate(item: JsonObject, name: str) -> Candidate:
    """One of the n-best, without its share."""
    start, end = fields.get_start(item, "start"), fields.get_start(item, "end")
    if not 0 <= start <= end:
        raise DataError(
            f"{name} is no span", expected="0 <= start <= end", found=f"[{start}, {end})"
        )
    fields.require_key(item, "score")
    if not is_finite(score := item["score"]):
        raise DataError(
            f"the score of {name} is not a number",
            expected="a finite number",
            found=fields.describe(score),
        )
    return Candidate(
        fields.get_text(item, "text"),
        start,
        end,
        float(score),
        probability=0.0,
        source=fields.get_optional_text(item, "source"),
    )


def _get_null_odds(record: JsonObject, *, has_candidates: bool) -> float:
    """The null odds: a number beside candidates, null (which stands for infinity) without."""
    value = record["null_odds"]
    if value is None and not has_candidates:
        return math.inf
    if has_candidates and is_finite(value):
        return float(value)
    raise DataError(
        "'null_odds' does not suit 'n_best'",
        expected="a finite number beside candidates" if has_candidates else "null beside no n_best",
        found=fields.describe(value),
    )
