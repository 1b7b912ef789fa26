"""From gold and predictions, as files or objects, to `Scores` or `TagScores`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeGuard, overload

from spanfit.data import read
from spanfit.errors import DataError, RecipeError
from spanfit.examples import AS_IT_IS, Example, Examples, Prediction, Reading
from spanfit.metrics.question_scoring import choose_metric, require_questions, score_questions
from spanfit.metrics.responses import NaProbs, Predictions, collect_responses, name_source
from spanfit.metrics.scores import Scores
from spanfit.metrics.tag_counting import check_units, find_metric, suit_metric
from spanfit.metrics.tag_responses import TagPredictions
from spanfit.metrics.tag_scores import TagScores
from spanfit.metrics.tag_scoring import choose_tag_metric, score_texts
from spanfit.tagged import TaggedExample
from spanfit.tags import find_scheme
from spanfit.types import QuestionExample, SelectedOn

Gold = str | Path | Sequence[Example]
AnyScores = Scores | TagScores
AnyPredictions = str | Path | Mapping[str, str] | Iterable[Prediction]


@overload
def score(
    gold: Sequence[QuestionExample],
    predictions: Predictions,
    *,
    metric: str | None = None,
    na_probs: NaProbs | None = None,
    na_prob_threshold: float = 1.0,
    selected_on: SelectedOn = "none",
    reading: Reading = AS_IT_IS,
) -> Scores: ...
@overload
def score(
    gold: Sequence[TaggedExample],
    predictions: TagPredictions,
    *,
    metric: str | None = None,
    na_probs: NaProbs | None = None,
    na_prob_threshold: float = 1.0,
    selected_on: SelectedOn = "none",
    reading: Reading = AS_IT_IS,
) -> TagScores: ...
@overload
def score(
    gold: Gold,
    predictions: AnyPredictions,
    *,
    metric: str | None = None,
    na_probs: NaProbs | None = None,
    na_prob_threshold: float = 1.0,
    selected_on: SelectedOn = "none",
    reading: Reading = AS_IT_IS,
) -> AnyScores: ...
def score(
    gold: Gold,
    predictions: Any,
    *,
    metric: str | None = None,
    na_probs: NaProbs | None = None,
    na_prob_threshold: float = 1.0,
    selected_on: SelectedOn = "none",
    reading: Reading = AS_IT_IS,
) -> AnyScores:
    """Score predictions against gold by an official metric, of questions or of tagged texts.

    Args:
        gold: a data file (`spanfit.read`), or its examples.
        predictions: predictions, or their file. Of questions ours or the official {id: text}, or
            that object; of tagged texts ours, or columns (see `data.tag_predictions`).
        metric: of questions one of METRICS (see `question_metrics`); None: the one that suits the
            script of the golds (see `languages`), in most squad_v2 where the gold has a question
            without an answer, else squad_v1. Of tagged texts "conlleval" (None, where tags have
            prefixes), "accuracy" (None, where they have none), "seqeval_strict", "spans" or
            "char_macro".
        na_probs: of questions {id: number}, or its file: replaces what the predictions themselves
            say about "no answer", which is then decided where the number is greater than
            `na_prob_threshold`.
        na_prob_threshold: on the scale of `na_probs`.
        selected_on: the data that chose the model or its threshold, for the signature.
        reading: how a file of gold is read, and what is done to tags that break their scheme;
            given examples are checked by it too.

    Returns:
        Scores or TagScores, in the order of the gold. What has no prediction counts against the
        score and is listed in `missing`. Of questions best_* and pr_* are there beside HasAns_*
        where every prediction has null odds or a na-prob. `confidence` is there where every
        prediction has the probability of what it says (and no na-prob decides anew).

    Raises:
        DataError: no gold, an example without gold, a malformed file, an id that the gold does
            not have, a predicted question without a na-prob, gold tags that break their scheme, or
            predicted tags of other units than the gold's (but for "spans").
        RecipeError: an unknown metric, a threshold without na-probs, or na-probs of tagged texts.
    """
    examples, name = _read_gold(gold, reading)
    if is_tagged(examples):
        if na_probs is not None or na_prob_threshold != 1.0:
            raise RecipeError("na-probs are of questions, and these are tagged texts", where=name)
        return score_texts(
            examples,
            predictions,
            metric=metric,
            selected_on=selected_on,
            reading=reading,
            name=name,
        )
    questions = require_questions(examples, where=name)
    chosen = choose_metric(metric, questions, where=name)
    responses = collect_responses(
        predictions,
        questions,
        gold=name,
        na_probs=na_probs,
        na_prob_threshold=na_prob_threshold,
    )
    return score_questions(questions, responses, metric=chosen, selected_on=selected_on)


@overload
def check_gold(
    gold: Sequence[QuestionExample], *, metric: str | None = None, reading: Reading = AS_IT_IS
) -> tuple[Sequence[QuestionExample], str, str]: ...
@overload
def check_gold(
    gold: Gold, *, metric: str | None = None, reading: Reading = AS_IT_IS
) -> tuple[Examples, str, str]: ...
def check_gold(
    gold: Gold, *, metric: str | None = None, reading: Reading = AS_IT_IS
) -> tuple[Examples, str, str]:
    """The gold's examples, the metric that suits them or was named, and a name for messages.

    Raises:
        DataError, RecipeError: as `score`, for what is wrong with gold or metric.
    """
    examples, name = _read_gold(gold, reading)
    if is_tagged(examples):
        return examples, choose_tag_metric(examples, metric, reading=reading, name=name), name
    questions = require_questions(examples, where=name)
    return questions, choose_metric(metric, questions, where=name).name, name


def check_questions(
    gold: str | Path | Sequence[QuestionExample], *, metric: str | None = None
) -> tuple[Sequence[QuestionExample], str, str]:
    """As `check_gold`, where only questions will do.

    Raises:
        DataError: the gold holds tagged texts.
        DataError, RecipeError: as `check_gold`.
    """
    examples, name = _read_gold(gold, AS_IT_IS)
    questions = require_questions(examples, where=name)
    return questions, choose_metric(metric, questions, where=name).name, name


def choose_name(
    examples: Examples,
    *,
    metric: str | None = None,
    scheme: str | None = None,
    where: str = "what is scored",
) -> str:
    """The name of the metric for examples with gold, perhaps of several files.

    The named one, or the one that suits all of them; `scheme` is that of their tags, `where` what
    messages call them. Ids are not looked at: two files may have the same.

    Raises:
        RecipeError: there is no metric of that name for them.
        DataError: it does not suit them.
    """
    if not is_tagged(examples):
        questions = [example for example in examples if isinstance(example, QuestionExample)]
        return choose_metric(metric, questions, where=where).name
    if metric is None:
        return suit_metric(find_scheme(scheme or ""))
    chosen = find_metric(metric)
    check_units(examples, chosen)
    return chosen


def is_tagged(examples: Examples) -> TypeGuard[Sequence[TaggedExample]]:
    """Whether the examples, of one kind, are tagged texts."""
    return bool(examples) and isinstance(examples[0], TaggedExample)


def _read_gold(gold: Gold, reading: Reading) -> tuple[Examples, str]:
    """The examples and their name for messages."""
    name = name_source(gold, "gold")
    examples = read(gold, reading=reading) if isinstance(gold, str | Path) else gold
    if not examples:
        raise DataError("there is no example to score", where=name)
    return examples, name
