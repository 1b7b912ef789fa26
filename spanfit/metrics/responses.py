"""What was predicted for the questions of a gold: read, checked, and decided by na-probs."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from spanfit.data.predictions import (
    Response,
    read_na_probs,
    read_predictions,
    to_na_probs,
    to_responses,
)
from spanfit.errors import DataError, RecipeError, list_some
from spanfit.examples import Example
from spanfit.types import QuestionExample, QuestionPrediction

Predictions = str | Path | Mapping[str, str] | Iterable[QuestionPrediction]
NaProbs = str | Path | Mapping[str, float]


def collect_responses(
    predictions: Predictions,
    examples: Sequence[QuestionExample],
    *,
    gold: str,
    na_probs: NaProbs | None = None,
    na_prob_threshold: float = 1.0,
) -> Mapping[str, Response]:
    """The responses to the examples, by id; with na-probs, decided anew and in their order.

    `gold` is what messages call the examples; all else is as in `score`.

    Raises:
        DataError: a malformed file, an id that the examples do not have, or a prediction without a
            na-prob.
        RecipeError: a threshold without na-probs, or one that is not a number.
    """
    responses = _read_responses(predictions)
    refuse_unknown(responses, examples, where=name_source(predictions, "predictions"), gold=gold)
    if na_probs is not None:
        numbers = _read_na_probs(na_probs, examples, responses=responses, gold=gold)
        return _decide(responses, numbers, threshold=na_prob_threshold)
    if na_prob_threshold != 1.0:
        raise RecipeError(
            "a na-prob threshold decides nothing without na-probs", fix="--na-probs FILE"
        )
    return responses


def name_source(source: object, otherwise: str) -> str:
    """What messages call a source: a file by its name."""
    return str(source) if isinstance(source, str | Path) else otherwise


def refuse_unknown(
    keys: Collection[str], examples: Sequence[Example], *, where: str, gold: str
) -> None:
    """Refuse ids that the examples do not have; messages call the examples `gold`.

    Raises:
        DataError: there are such.
    """
    known = {example.id for example in examples}
    if unknown := [key for key in keys if key not in known]:
        raise DataError(
            f"{len(unknown):,} of {len(keys):,} ids are not in the gold",
            where=where,
            expected=f"ids of {gold}, such as {examples[0].id}",
            found=list_some(unknown),
            fix="give the gold that this belongs to",
        )


def _read_responses(predictions: Predictions) -> Mapping[str, Response]:
    if isinstance(predictions, str | Path):
        return read_predictions(predictions)
    if isinstance(predictions, Mapping):
        return to_responses(predictions, where="predictions")
    responses: dict[str, Response] = {}
    for prediction in predictions:
        if prediction.id in responses:
            raise DataError(f"the question {prediction.id!r} is there twice", where="predictions")
        responses[prediction.id] = Response.of(prediction)
    return responses


def _read_na_probs(
    na_probs: NaProbs,
    examples: Sequence[QuestionExample],
    *,
    responses: Mapping[str, Response],
    gold: str,
) -> dict[str, float]:
    """The numbers, in their order: of questions of the gold, and of all that are predicted."""
    where = name_source(na_probs, "na_probs")
    if isinstance(na_probs, str | Path):
        numbers = read_na_probs(na_probs)
    else:
        numbers = to_na_probs(na_probs, where=where)
    refuse_unknown(numbers, examples, where=where, gold=gold)
    if lacking := [key for key in responses if key not in numbers]:
        raise DataError(
            f"{len(lacking):,} of {len(responses):,} predictions have no na-prob",
            where=where,
            expected="a number for each prediction",
            found=f"none for {list_some(lacking)}",
        )
    return numbers


def _decide(
    responses: Mapping[str, Response], numbers: Mapping[str, float], *, threshold: float
) -> dict[str, Response]:
    """The responses in the order of `numbers`, "no answer" where the number is above.

    Their probabilities were those of what they said before, so they are gone.
    """
    if math.isnan(threshold):
        raise RecipeError("the na-prob threshold is not a number", found="nan")
    return {
        key: replace(responses[key], is_null=number > threshold, null_odds=number, probability=None)
        for key, number in numbers.items()
        if key in responses
    }
