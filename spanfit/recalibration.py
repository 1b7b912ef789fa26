"""Fitting the calibration of a model anew from its predictions, without the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from spanfit.backends.formats import TORCH, name_backend
from spanfit.calibration import CALIBRATORS, calibrate_questions, decide
from spanfit.card_rows import rewrite_rows
from spanfit.data import digest
from spanfit.data.nbest import read_question_predictions
from spanfit.errors import DataError, ModelError, list_some
from spanfit.metrics import Scores, check_questions, score
from spanfit.settings import FILE_NAME, Calibration, find_settings
from spanfit.types import QuestionExample, QuestionPrediction


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
    backend: str = "auto",
) -> Refit:
    """Fit the calibration of a model anew from its predictions, and write it to its spanfit.json.

    Its card says so, too. Reads neither weights nor tokenizer. `model` is a run folder or a model
    folder, `predictions` what it said of every question of `gold`: a file of `spanfit predict` or
    what that holds. They do not tell which model they are of; that they are of these questions and
    contexts is checked.
    `backend` is what said it, and whose calibration is fitted; "auto": torch where its weights are.
    The metric is the named one, else that of the model's recipe, else the one that suits the gold.

    Raises:
        ModelError: no spanfit.json there, or it cannot be read or written.
        DataError: as `score`, a question has no prediction, or a candidate stands elsewhere.
        RecipeError: an unknown metric.
    """
    folder, settings = find_settings(model)
    if not CALIBRATORS[settings.task].can_refit:
        raise ModelError(
            "nothing of this model is fitted after its training, so there is nothing to fit anew",
            where=str(folder / FILE_NAME),
            expected="a model that answers questions",
            found=f"the task {settings.task}",
        )
    backend = name_backend(folder, backend)
    metric = settings.metric if metric is None else metric
    examples, metric, _ = check_questions(gold, metric=metric)
    file = str(predictions) if isinstance(predictions, str | Path) else ""
    if isinstance(predictions, str | Path):
        predictions = read_question_predictions(predictions)
    before = settings.calibration_of(backend)
    scores_before = score(
        examples,
        decide(predictions, before),
        metric=metric,
        selected_on=settings.selected_on_for(digest(examples), backend=backend),
    )
    _refuse(scores_before.missing, "have no prediction", n=len(examples), where=file)
    by_id = {prediction.id: prediction for prediction in predictions}
    ordered = [by_id[example.id] for example in examples]
    elsewhere = [
        example.id
        for example, prediction in zip(examples, ordered, strict=True)
        if any(c.span.of(example.context) != c.text for c in prediction.n_best if not c.source)
    ]
    problem = "have candidates that do not stand in their context"
    _refuse(elsewhere, problem, n=len(examples), where=file)
    fit = calibrate_questions(examples, ordered, before=before, metric=metric)
    if fit.calibration == before:
        return Refit(folder, before, before, scores_before, scores_before, fit.warnings)
    scores_after = score(
        examples, decide(ordered, fit.calibration), metric=metric, selected_on="validation"
    )
    calibrations = settings.calibration | {backend: fit.calibration}
    try:
        settings = settings.model_copy(update={"calibration": calibrations})
        settings.save(folder)
        if backend == TORCH:  # whose scores the card has
            rewrite_rows(folder, settings)
    except OSError as error:
        raise ModelError(
            f"can't be written: {error.strerror or error}", where=str(folder / FILE_NAME)
        ) from None
    return Refit(folder, before, fit.calibration, scores_before, scores_after, fit.warnings)


def _refuse(ids: Sequence[str], problem: str, *, n: int, where: str) -> None:
    """Raise if there are ids of questions, of n, that have a problem; `where` is the file."""
    if ids:
        raise DataError(
            f"{len(ids):,} of {n:,} questions {problem}",
            where=where,
            expected="what the model said of each question of the gold",
            found=list_some(ids),
            fix="spanfit predict MODEL DATA --out FILE.jsonl",
        )
