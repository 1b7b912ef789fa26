"""From questions with gold, and responses, to `Scores`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from spanfit.data import digest
from spanfit.data.predictions import Response
from spanfit.errors import DataError, list_some
from spanfit.examples import Examples
from spanfit.metrics.confidence import Confidence, measure_confidence
from spanfit.metrics.languages import suit_name
from spanfit.metrics.question_metrics import QuestionMetric, find_question_metric
from spanfit.metrics.scores import Scores
from spanfit.metrics.signatures import Signature
from spanfit.metrics.squad import Floats, Ranking, mean_figures, threshold_figures
from spanfit.types import QuestionExample, SelectedOn


def score_questions(
    examples: Sequence[QuestionExample],
    responses: Mapping[str, Response],
    *,
    metric: QuestionMetric,
    selected_on: SelectedOn,
) -> Scores:
    """Score checked responses, whose order decides between equal null odds."""
    has_answer = np.array([example.is_answerable for example in examples])
    raw = np.array([_raw_scores(example, responses, metric=metric) for example in examples])
    exact, f1 = raw[:, 0].copy(), raw[:, 1].copy()
    if metric.allows_null:
        null_ids = {key for key, response in responses.items() if response.is_null}
        is_null = np.array([example.id in null_ids for example in examples])
        exact[is_null] = f1[is_null] = ~has_answer[is_null]
    figures = mean_figures(exact, f1, has_answer=has_answer, metric=metric)
    ranking = _rank(examples, responses, raw=raw) if "total" in figures else None
    if ranking is not None:
        n_answerable = int(has_answer.sum())
        figures |= threshold_figures(ranking, n=len(examples), n_answerable=n_answerable)
    return Scores(
        signature=Signature(
            metric=metric.signed_name,
            normalisation=metric.normalisation,
            language=metric.language,
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
        names={"exact": metric.exact, "f1": metric.f1},
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
    example: QuestionExample, responses: Mapping[str, Response], *, metric: QuestionMetric
) -> tuple[float, float]:
    """Exact and F1 of one response's text; squad_v1 has no "no answer" but the empty text."""
    response = responses.get(example.id)
    if response is None:
        return 0.0, 0.0
    text = "" if response.is_null and not metric.allows_null else response.text
    return metric.score(text, [answer.text for answer in example.answers or ()])


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


def require_questions(examples: Examples, *, where: str) -> Sequence[QuestionExample]:
    """The questions, each with gold and an id of its own.

    Raises:
        DataError: one is none, has no gold, or the id of another one.
    """
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


def choose_metric(
    metric: str | None, examples: Sequence[QuestionExample], *, where: str
) -> QuestionMetric:
    """The metric of that name, or the one that suits the questions.

    Raises:
        RecipeError: there is none of that name.
        DataError: it does not suit them.
    """
    chosen = find_question_metric(suit_name(examples) if metric is None else metric)
    unanswerable = [example.id for example in examples if not example.is_answerable]
    if unanswerable and not chosen.allows_null:
        raise DataError(
            f"{chosen.name} needs an answer to each question; {len(unanswerable):,} of "
            f"{len(examples):,} have none",
            where=where,
            found=f"no answer for {list_some(unanswerable)}",
            fix="--metric squad_v2",
        )
    return chosen
