"""Fitting what turns scores into decisions and probabilities: threshold, temperature, null scale.

The threshold decides. Temperature and the scale of the null decide nothing; they make the
probability of each decision tell how often such a one is right: P(answer is right) = P(there is an
answer) P(it is this one, if there is one), each factor fitted where it can be seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spanfit.data import digest
from spanfit.data.nbest import read_question_predictions
from spanfit.errors import DataError, ModelError, list_some
from spanfit.metrics import Scores, answer_scores, check_gold, score
from spanfit.null_scale import fit_null_scale
from spanfit.settings import FILE_NAME, Calibration, find_settings
from spanfit.temperature import fit_temperature, list_gaps, null_log_odds
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

    Examples and predictions go in one order. The threshold is fitted by F1, the temperature on
    answerable questions, by whether the best span is right (exact match by the `metric`; None: the
    one that suits the gold), the scale by whether there is an answer. It does not matter at which
    calibration the predictions are. A threshold of None (the model never says "no answer") stays:
    then the temperature is fitted on all questions, and there is no null to scale. What too few
    questions tell stays as `before`, and so does a threshold that `is_threshold_fixed`.

    Raises:
        DataError: no examples, an example without gold, an id twice, or a prediction for another.
        RecipeError: an unknown metric.
    """
    _, suiting, _ = check_gold(examples, metric=metric)
    _check_pairs(examples, predictions)
    golds = [[answer.text for answer in example.answers or ()] for example in examples]
    best = [prediction.n_best[0].text if prediction.n_best else "" for prediction in predictions]
    exact, f1 = np.array(
        [answer_scores(text, gold, metric=suiting) for text, gold in zip(best, golds, strict=True)]
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


@dataclass(frozen=True, slots=True)
class Refit:
    """What a refit changed in the model of `folder`, with the scores of its data before and after.

    Both scores are of the same predictions; those after are chosen on the data that they score.
    Where nothing could be fitted both are the same, the file is as it was, and warnings say why.
    """

    folder: Path
    before: Calibration
    after: Calibration
    scores_before: Scores
    scores_after: Scores
    warnings: tuple[str, ...]

    @property
    def is_changed(self) -> bool:
        """Whether anything was fitted, and written."""
        return self.after != self.before


def refit(
    model: str | Path,
    gold: str | Path | Sequence[QuestionExample],
    predictions: str | Path | Sequence[QuestionPrediction],
    *,
    metric: str | None = None,
    backend: str = "torch",
) -> Refit:
    """Fit the calibration of a model anew from its predictions, and write it to its spanfit.json.

    Reads neither weights nor tokenizer. `model` is a run folder or a model folder, `predictions`
    what it said of every question of `gold`: a file of `spanfit predict` or what that holds. They
    do not tell which model they are of; that they are of these questions and contexts is checked.

    Raises:
        ModelError: no spanfit.json there, or it cannot be read or written.
        DataError: as `score`, a question has no prediction, or a candidate stands elsewhere.
        RecipeError: an unknown metric.
    """
    folder, settings = find_settings(model)
    examples, metric, _ = check_gold(gold, metric=metric)
    if isinstance(predictions, str | Path):
        predictions = read_question_predictions(predictions)
    before = settings.calibration_of(backend)
    scores_before = score(
        examples,
        decide(predictions, before),
        metric=metric,
        selected_on=settings.selected_on_for(digest(examples), backend=backend),
    )
    _refuse(scores_before.missing, "have no prediction", n=len(examples))
    by_id = {prediction.id: prediction for prediction in predictions}
    ordered = [by_id[example.id] for example in examples]
    elsewhere = [
        example.id
        for example, prediction in zip(examples, ordered, strict=True)
        if any(c.span.of(example.context) != c.text for c in prediction.n_best if not c.source)
    ]
    _refuse(elsewhere, "have candidates that do not stand in their context", n=len(examples))
    fit = calibrate_questions(examples, ordered, before=before, metric=metric)
    if fit.calibration == before:
        return Refit(folder, before, before, scores_before, scores_before, fit.warnings)
    scores_after = score(
        examples, decide(ordered, fit.calibration), metric=metric, selected_on="validation"
    )
    calibrations = settings.calibration | {backend: fit.calibration}
    try:
        settings.model_copy(update={"calibration": calibrations}).save(folder)
    except OSError as error:
        raise ModelError(
            f"can't be written: {error.strerror or error}", where=str(folder / FILE_NAME)
        ) from None
    return Refit(folder, before, fit.calibration, scores_before, scores_after, fit.warnings)


def _refuse(ids: Sequence[str], problem: str, *, n: int) -> None:
    """Raise if there are ids of questions, of n, that have a problem."""
    if ids:
        raise DataError(
            f"{len(ids):,} of {n:,} questions {problem}",
            expected="what the model said of each question of the gold",
            found=list_some(ids),
            fix="spanfit predict MODEL DATA --out FILE.jsonl",
        )


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


CALIBRATIONS = {"qa": calibrate_questions}
"""How each task fits what turns scores into decisions, by the task's name."""
