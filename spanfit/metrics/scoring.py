"""From gold and predictions, as files or objects, to `Scores` or `TagScores`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeGuard, get_args, overload

import numpy as np

from spanfit.data import digest, read
from spanfit.data.predictions import Response
from spanfit.errors import DataError, RecipeError, did_you_mean, list_some
from spanfit.examples import AS_IT_IS, Example, Examples, Prediction, Reading
from spanfit.metrics.confidence import Confidence, measure_confidence
from spanfit.metrics.responses import NaProbs, Predictions, collect_responses, name_source
from spanfit.metrics.scores import Scores, Signature
from spanfit.metrics.squad import (
    Floats,
    Ranking,
    SquadMetric,
    answer_scores,
    squad_v1_figures,
    squad_v2_figures,
    threshold_figures,
)
from spanfit.metrics.tag_responses import TagPredictions
from spanfit.metrics.tag_scores import TagScores
from spanfit.metrics.tag_scoring import choose_tag_metric, score_texts
from spanfit.tagged import TaggedExample
from spanfit.types import QuestionExample, SelectedOn

Gold = str | Path | Sequence[Example]
AnyScores = Scores | TagScores
AnyPredictions = str | Path | Mapping[str, str] | Iterable[Prediction]

METRICS: tuple[SquadMetric, ...] = get_args(SquadMetric)
"""Those of questions; `tag_counting.TAG_METRICS` are those of tagged texts."""


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
        metric: of questions "squad_v1" or "squad_v2"; None: squad_v2 where the gold has a question
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
        score and is listed in `missing`. Of questions best_* and pr_* (squad_v2) are there where
        every prediction has null odds or a na-prob. `confidence` is there where every prediction
        has the probability of what it says (and no na-prob decides anew).

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
    questions = _check_questions(examples, where=name)
    chosen = _choose_metric(metric, questions, where=name)
    responses = collect_responses(
        predictions,
        questions,
        gold=name,
        na_probs=na_probs,
        na_prob_threshold=na_prob_threshold,
    )
    return _score(questions, responses, metric=chosen, selected_on=selected_on)


@overload
def check_gold(
    gold: Sequence[QuestionExample], *, metric: str | None = None, reading: Reading = AS_IT_IS
) -> tuple[Sequence[QuestionExample], SquadMetric, str]: ...
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
    questions = _check_questions(examples, where=name)
    return questions, _choose_metric(metric, questions, where=name), name


def check_questions(
    gold: str | Path | Sequence[QuestionExample], *, metric: str | None = None
) -> tuple[Sequence[QuestionExample], SquadMetric, str]:
    """As `check_gold`, where only questions will do.

    Raises:
        DataError: the gold holds tagged texts.
        DataError, RecipeError: as `check_gold`.
    """
    examples, name = _read_gold(gold, AS_IT_IS)
    questions = _check_questions(examples, where=name)
    return questions, _choose_metric(metric, questions, where=name), name


def is_tagged(examples: Examples) -> TypeGuard[Sequence[TaggedExample]]:
    """Whether the examples, of one kind, are tagged texts."""
    return bool(examples) and isinstance(examples[0], TaggedExample)


def _score(
    examples: Sequence[QuestionExample],
    responses: Mapping[str, Response],
    *,
    metric: SquadMetric,
    selected_on: SelectedOn,
) -> Scores:
    """Score checked responses, whose order decides between equal null odds."""
    has_answer = np.array([example.is_answerable for example in examples])
    raw = np.array([_raw_scores(example, responses, metric=metric) for example in examples])
    exact, f1 = raw[:, 0].copy(), raw[:, 1].copy()
    if metric == "squad_v1":
        figures = squad_v1_figures(exact, f1)
    else:
        null_ids = {key for key, response in responses.items() if response.is_null}
        is_null = np.array([example.id in null_ids for example in examples])
        exact[is_null] = f1[is_null] = ~has_answer[is_null]
        figures = squad_v2_figures(exact, f1, has_answer=has_answer)
        if (ranking := _rank(examples, responses, raw=raw)) is not None:
            n_answerable = int(has_answer.sum())
            figures |= threshold_figures(ranking, n=len(examples), n_answerable=n_answerable)
    return Scores(
        signature=Signature(
            metric=metric,
            normalisation="squad",
            language="en",
            selected_on=selected_on,
            data_digest=digest(examples),
            n=len(examples),
        ),
        figures=figures,
        examples=tuple(examples),
        predicted=tuple(_get_said(responses.get(example.id)) for example in examples),
        example_exact=exact,
        example_f1=f1,
        confidence=_measure_confidence(examples, responses, exact=exact),
    )


def _get_said(response: Response | None) -> str | None:
    """What was decided: "" for "no answer", None where there is no prediction."""
    if response is None:
        return None
    return "" if response.is_null else response.text


def _measure_confidence(
    examples: Sequence[QuestionExample], responses: Mapping[str, Response], *, exact: Floats
) -> Confidence | None:
    """How far the predicted questions' probabilities can be trusted; None where one has none."""
    said, is_right = [], []
    for example, right in zip(examples, exact, strict=True):
        if (response := responses.get(example.id)) is not None:
            if response.probability is None:
                return None
            said.append(response.probability)
            is_right.append(right)
    return measure_confidence(said, is_right) if said else None


def _raw_scores(
    example: QuestionExample, responses: Mapping[str, Response], *, metric: SquadMetric
) -> tuple[float, float]:
    """Exact and F1 of one response's text; squad_v1 has no "no answer" but the empty text."""
    response = responses.get(example.id)
    if response is None:
        return 0.0, 0.0
    text = "" if response.is_null and metric == "squad_v1" else response.text
    golds = [answer.text for answer in example.answers or ()]
    return answer_scores(text, golds, metric=metric)


def _rank(
    examples: Sequence[QuestionExample], responses: Mapping[str, Response], *, raw: Floats
) -> Ranking | None:
    """The predicted questions by their null odds; None where a prediction has none."""
    null_odds = [r.null_odds for r in responses.values() if r.null_odds is not None]
    if not responses or len(null_odds) < len(responses):
        return None
    row_of = {example.id: row for row, example in enumerate(examples)}
    rows = [row_of[key] for key in responses]
    return Ranking.sort(
        np.array(null_odds),
        exact=raw[rows, 0],
        f1=raw[rows, 1],
        has_answer=np.array([examples[row].is_answerable for row in rows]),
        says_text=np.array([bool(response.text) for response in responses.values()]),
    )


def _read_gold(gold: Gold, reading: Reading) -> tuple[Examples, str]:
    """The examples and their name for messages."""
    name = name_source(gold, "gold")
    examples = read(gold, reading=reading) if isinstance(gold, str | Path) else gold
    if not examples:
        raise DataError("there is no example to score", where=name)
    return examples, name


def _check_questions(examples: Examples, *, where: str) -> Sequence[QuestionExample]:
    """The questions, each with gold and an id of its own."""
    questions = [example for example in examples if isinstance(example, QuestionExample)]
    if len(questions) < len(examples):
        raise DataError(
            "these are tagged texts, not questions",
            where=where,
            expected="questions with gold answers",
        )
    if without := [question.id for question in questions if question.answers is None]:
        raise DataError(
            f"{len(without):,} of {len(questions):,} questions have no gold",
            where=where,
            expected="'answers', an empty list for a question without an answer",
            found=f"no 'answers' for {list_some(without)}",
        )
    if len({question.id for question in questions}) < len(questions):
        raise DataError("an id is there twice", where=where, expected="each id once")
    return questions


def _choose_metric(
    metric: str | None, examples: Sequence[QuestionExample], *, where: str
) -> SquadMetric:
    unanswerable = [example.id for example in examples if not example.is_answerable]
    if metric is None:
        return "squad_v2" if unanswerable else "squad_v1"
    for known in METRICS:
        if metric == known:
            break
    else:
        raise RecipeError(f"there is no metric {metric!r}", fix=did_you_mean(metric, METRICS))
    if known == "squad_v1" and unanswerable:
        raise DataError(
            f"squad_v1 needs an answer to each question; {len(unanswerable):,} of "
            f"{len(examples):,} have none",
            where=where,
            found=f"no answer for {list_some(unanswerable)}",
            fix="--metric squad_v2",
        )
    return known
