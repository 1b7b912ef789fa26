"""A prediction beside its example, as `evaluate --show` prints them."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

from spanfit.cli import console
from spanfit.cli.answers import print_answer
from spanfit.cli.entities import print_errors
from spanfit.cli.marks import visible
from spanfit.tagged import TaggedExample, TaggingPrediction
from spanfit.types import QuestionExample, QuestionPrediction


@singledispatch
def print_prediction(prediction: Any, example: Any) -> None:  # noqa: ANN401 (see below)
    """Print what was predicted for an example, and its gold."""
    raise TypeError(f"no way to print a {type(prediction).__name__} of {type(example).__name__}")


@print_prediction.register
def _(prediction: QuestionPrediction, example: QuestionExample) -> None:
    print_answer(prediction, question=example.question, context=example.context)
    texts = dict.fromkeys(answer.text for answer in example.answers or ())
    golds = " | ".join(texts) if texts else "no answer"
    console.plain(visible(f"gold: {golds}   id: {example.id}"))


@print_prediction.register
def _(prediction: TaggingPrediction, example: TaggedExample) -> None:
    print_errors(prediction, example)
