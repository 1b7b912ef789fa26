"""Predictions with their scores, and with the loss where somebody computes it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from spanfit.data import digest
from spanfit.examples import AS_IT_IS, Example, Examples, Prediction, Reading
from spanfit.metrics import AnyScores, check_gold, score
from spanfit.prediction import Observer, Predictor, pass_kind
from spanfit.progress import Progress
from spanfit.types import SelectedOn


@dataclass(frozen=True)
class Evaluation:
    """What a model says of some examples with gold, and how good that is."""

    examples: Examples
    predictions: Sequence[Prediction]
    scores: AnyScores

    def ranked(self, *, only_wrong: bool = False) -> list[tuple[Example, Prediction]]:
        """The examples with their predictions, worst first."""
        rows = {example.id: row for row, example in enumerate(self.examples)}
        order = [rows[id_] for id_ in self.scores.worst(len(rows))]
        return [
            (self.examples[row], self.predictions[row])
            for row in order
            if not only_wrong or self.scores.example_exact[row] < 1
        ]


def predict_all(
    examples: Examples,
    predictor: Predictor,
    *,
    title: str,
    progress: Progress,
    observe: Observer | None = None,
) -> list[Prediction]:
    """The predictions of all examples, behind a bar.

    Raises:
        ModelError: the logits hold NaN or infinity.
    """
    arranged = predictor.arrange(examples)
    return predict_arranged(
        arranged, predictor, total=len(examples), title=title, progress=progress, observe=observe
    )


def predict_arranged(
    examples: Iterable[Example],
    predictor: Predictor,
    *,
    total: int,
    title: str,
    progress: Progress,
    observe: Observer | None = None,
) -> list[Prediction]:
    """The same of `total` examples that are arranged already, or of some of those.

    Raises:
        ModelError: the logits hold NaN or infinity.
    """
    predictions: list[Prediction] = []
    with progress.bar(title, total=total, unit="examples") as bar:
        for _, found in predictor.predict_chunks(examples, observe=observe):
            predictions += found
            bar.advance(len(found))
    return predictions


def evaluate(
    examples: Examples,
    predictor: Predictor,
    *,
    metric: str | None = None,
    reading: Reading = AS_IT_IS,
    name: str = "",
    title: str = "evaluating",
    progress: Progress | None = None,
) -> Evaluation:
    """Predict examples with gold and score that.

    The metric is the named one, else that of the model's recipe, else the one that suits the gold.
    The gold is put as the model says it; `reading` tells which repairs are allowed for that, and
    `name` is the file's, for messages. What is worth knowing is told to `progress` beforehand.

    Raises:
        DataError: no examples, of another kind than the model is for, without gold, or with gold
            that is wrong.
        RecipeError: an unknown metric.
    """
    progress = progress or Progress(quiet=True)
    task, settings = predictor.task, predictor.settings
    metric = settings.metric if metric is None else metric
    mine = list(pass_kind(task, examples, name=name))
    checked = task.adapt(mine, settings, reading=reading, name=name)
    for note in (
        *checked.notes,
        *task.doubt(checked.examples, settings, predictor.calibration),
    ):
        progress.warn(note)
    check_gold(checked.examples, metric=metric, reading=checked.reading)  # not after hours
    return score_predictions(
        checked.examples,
        predict_all(checked.examples, predictor, title=title, progress=progress),
        metric=metric,
        selected_on=settings.selected_on_for(
            digest(checked.examples), backend=predictor.backend.name
        ),
        reading=checked.reading,
    )


def score_predictions(
    examples: Examples,
    predictions: Iterable[Prediction],
    *,
    metric: str | None = None,
    selected_on: SelectedOn,
    reading: Reading,
) -> Evaluation:
    """Score predictions that are there already; `reading` is that of gold that was checked."""
    predictions = list(predictions)
    scores = score(examples, predictions, metric=metric, selected_on=selected_on, reading=reading)
    return Evaluation(examples=examples, predictions=predictions, scores=scores)
