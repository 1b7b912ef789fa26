"""A recipe that fits a data file: what `spanfit init` writes.

texts      what texts say about the recipe that suits them: script, lengths, number
questions  a recipe for questions
tagging    a recipe for tagged texts
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from spanfit.examples import Examples
from spanfit.recipe import ColumnsSection, Files
from spanfit.suggestion.questions import suggest_for_questions
from spanfit.suggestion.tagging import suggest_for_tags
from spanfit.suggestion.texts import LATIN_MODEL, OTHER_MODEL, Suggestion
from spanfit.tagged import TaggedExample
from spanfit.types import QuestionExample

__all__ = ["LATIN_MODEL", "OTHER_MODEL", "Suggestion", "suggest_recipe"]

_SUGGEST: dict[type, Callable[..., Suggestion]] = {
    QuestionExample: suggest_for_questions,
    TaggedExample: suggest_for_tags,
}


def suggest_recipe(
    examples: Examples,
    *,
    train: Files,
    model: str | None = None,
    validation: Files | None = None,
    scored: Sequence[Any] = (),
    columns: ColumnsSection = ColumnsSection(),  # noqa: B008 (immutable)
) -> Suggestion:
    """The recipe for some training examples, from their number, script and lengths.

    `train` and `validation` are the files that it will name, `scored` the examples of the second,
    `columns` how both are read.

    Raises:
        DataError: there are no examples, or none with gold.
    """
    kind = type(examples[0]) if examples else QuestionExample
    return _SUGGEST[kind](
        examples, train=train, model=model, validation=validation, scored=scored, columns=columns
    )
