"""Fitting what turns scores into decisions and probabilities: threshold, temperature, null scale.

The threshold decides. Temperature and the scale of the null decide nothing; they make the
probability of each decision tell how often such a one is right: P(answer is right) = P(there is an
answer) P(it is this one, if there is one), each factor fitted where it can be seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from spanfit.data import digest
from spanfit.errors import DataError
from spanfit.metrics import (
    Confidence,
    Scores,
    TagScores,
    check_gold,
    find_question_metric,
    measure_confidence,
)
from spanfit.null_scale import fit_null_scale
from spanfit.settings import Calibration
from spanfit.tagged import TaggedExample, TaggingPrediction
from spanfit.temperature import (
    decision_probability,
    fit_temperature,
    list_gaps,
    null_log_odds,
)
from spanfit.threshold import fit_threshold
from spanfit.types import QuestionExample, QuestionPrediction


@dataclass(frozen=True, slots=True)
class Fit:
    """What was fitted, and why something was not."""

    calibration: Calibration
    warnings: tuple[str, ...] = ()


def calibrate_questions(
    examples: Sequence[QuestionExample],
    predictions: Sequence[QuestionPrediction],
    *,
    before: Calibration,
    is_threshold_fixed: bool = False,
    metric: str | None = None,
) -> Fit:
    """Threshold, temperature and null scale that suit predictions of examples with gold.

    Examples and predictions go in one order. The threshold is fitted by the F1 of the `metric`
    (None: the one that suits the gold), the temperature on answerable questions, by whether the
    best span is right (its exact match), the scale by whether there is an answer. It does not
    matter at which calibration the predictions are. A threshold of None (the model never says "no
    answer") stays: then the temperature is fitted on all questions, and there is no null to scale.
    What too few questions tell stays as `before`, and so does a threshold that
    `is_threshold_fixed`.

    Raises:
        DataError: no examples, an example without gold, an id twice, or a prediction for another.
        RecipeError: an unknown metric.
    """
    _, name, _ = check_gold(examples, metric=metric)
    chosen = find_question_metric(name)
    _check_pairs(examples, predictions)
    golds = [[answer.text for answer in example.answers or ()] for example in examples]
    best = [prediction.n_best[0].text if prediction.n_best else "" for prediction in predictions]
    exact, f1 = np.array(
        [chosen.score(text, gold) for text, gold in zip(best, golds, strict=True)]
    ).T
    odds = np.array([prediction.null_odds for prediction in predictions])
    is_answerable = np.array([example.is_answerable for example in examples])

    threshold, warnings = before.threshold, []
    if threshold is not None and not is_threshold_fixed:
        fitted = fit_threshold(odds, f1, is_answerable, before=threshold)
        threshold = fitted.threshold
        warnings += [fitted.warning] if fitted.warning else []
    gaps = list_gaps(predictions, threshold=None)  # of spans among spans
    asked = is_answerable if threshold is not None else np.ones_like(is_answerable)
    tempered = fit_temperature(gaps[asked], exact[asked] > 0, before=before.temperature)
    scale = before.null_scale
    if threshold is not None:
        exists = np.isfinite(odds)
        log_odds = null_log_odds(odds, gaps, temperature=tempered.temperature)
        scaled = fit_null_scale(log_odds[exists], ~is_answerable[exists], before=scale)
        scale = scaled.scale
        if scaled.warning and not warnings:  # the threshold lacks the same questions
            warnings.append(scaled.warning)
    warnings += [tempered.warning] if tempered.warning else []
    fitted_values = {
        "threshold": threshold,
        "temperature": tempered.temperature,
        "null_slope": scale.slope,
        "null_offset": scale.offset,
    }
    calibration = before.model_copy(update=fitted_values)
    if calibration == before:
        return Fit(before, tuple(warnings))  # so it does not claim to be fitted on this
    source = {"data_digest": digest(examples), "n_examples": len(examples)}
    return Fit(calibration.model_copy(update=source), tuple(warnings))


def decide(
    predictions: Iterable[QuestionPrediction], calibration: Calibration
) -> list[QuestionPrediction]:
    """The predictions as they are at a calibration."""
    threshold, temperature = calibration.threshold, calibration.temperature
    scale = calibration.null_scale
    return [
        prediction.recalibrate(threshold, temperature, null_scale=scale)
        for prediction in predictions
    ]


def _check_pairs(
    examples: Sequence[QuestionExample], predictions: Sequence[QuestionPrediction]
) -> None:
    """Examples and predictions go together row by row."""
    wanted, found = [e.id for e in examples], [p.id for p in predictions]
    if wanted != found:
        raise DataError(
            "examples and predictions are not of the same questions in the same order",
            expected=f"{len(wanted):,} predictions, the first for {wanted[0]}",
            found=f"{len(found):,}" + (f", the first for {found[0]}" if found else ""),
        )


class Calibrator(Protocol):
    """How a task makes decisions and probabilities of scores, and fits what that takes.

    `can_refit`: whether that can be done again from a predictions file.
    """

    can_refit: bool

    def fit(
        self,
        examples: Sequence[Any],
        predictions: Sequence[Any],
        *,
        before: Calibration,
        is_threshold_fixed: bool,
        metric: str | None,
    ) -> Fit:
        """The calibration that suits predictions of examples with gold, by a metric."""

    def decide(self, predictions: Sequence[Any], calibration: Calibration) -> list[Any]:
        """The predictions as they are at a calibration."""

    def confidence_before(
        self,
        predictions: Sequence[Any],
        scores: Any,  # noqa: ANN401 (of the task)
        calibration: Calibration,
    ) -> Confidence | None:
        """What the probabilities were worth before anything was fitted; None: not measured."""


class QuestionCalibrator:
    """Threshold, temperature and the scale of "no answer"."""

    can_refit = True

    def fit(
        self,
        examples: Sequence[QuestionExample],
        predictions: Sequence[QuestionPrediction],
        *,
        before: Calibration,
        is_threshold_fixed: bool,
        metric: str | None,
    ) -> Fit:
        """See `calibrate_questions`."""
        return calibrate_questions(
            examples,
            predictions,
            before=before,
            is_threshold_fixed=is_threshold_fixed,
            metric=metric,
        )

    def decide(
        self, predictions: Sequence[QuestionPrediction], calibration: Calibration
    ) -> list[QuestionPrediction]:
        """See the function of that name."""
        return decide(predictions, calibration)

    def confidence_before(
        self, predictions: Sequence[QuestionPrediction], scores: Scores, calibration: Calibration
    ) -> Confidence:
        """Of the same decisions at temperature 1."""
        gaps = list_gaps(predictions, threshold=calibration.threshold)
        return measure_confidence(decision_probability(gaps, temperature=1.0), scores.example_exact)


class TagCalibrator:
    """Tags are decided by their scores alone, and probabilities stay those of the model."""

    can_refit = False

    def fit(
        self,
        examples: Sequence[TaggedExample],
        predictions: Sequence[TaggingPrediction],
        *,
        before: Calibration,
        is_threshold_fixed: bool,
        metric: str | None,
    ) -> Fit:
        """Nothing is fitted; that these chose the epoch is kept."""
        source = {"data_digest": digest(examples), "n_examples": len(examples)}
        return Fit(before.model_copy(update=source))

    def decide(
        self, predictions: Sequence[TaggingPrediction], calibration: Calibration
    ) -> list[TaggingPrediction]:
        """The predictions as they are."""
        return list(predictions)

    def confidence_before(
        self, predictions: Sequence[TaggingPrediction], scores: TagScores, calibration: Calibration
    ) -> None:
        """Not measured."""


CALIBRATORS: dict[str, Calibrator] = {"qa": QuestionCalibrator(), "tagging": TagCalibrator()}
"""How each task calibrates, by the task's name."""
