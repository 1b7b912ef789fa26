"""Whether probabilities tell how often a prediction is right, each half fitted on the other.

    python benchmarks/calibration.py GOLD PREDICTIONS
    python benchmarks/calibration.py GOLD PREDICTIONS --fitted-on GOLD PREDICTIONS

The titles are halved: what decides one half is fitted on the other. Or all is decided by what is
fitted on other questions, as `spanfit evaluate --refit` would. Prints the figures, and the
calibration error of the plain softmax at the same thresholds beside the fitted one; exit 1 above
0.05.
"""

from __future__ import annotations

import argparse

import spanfit
from spanfit.calibration import calibrate_questions, decide
from spanfit.data import read_questions
from spanfit.data.nbest import read_question_predictions
from spanfit.settings import Calibration
from spanfit.types import QuestionExample, QuestionPrediction

LIMIT = 0.05
Predictions = dict[str, QuestionPrediction]


def main() -> int:
    """Fit on each half, decide the other, score all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("gold")
    parser.add_argument("predictions")
    parser.add_argument("--fitted-on", nargs=2, metavar=("GOLD", "PREDICTIONS"))
    options = parser.parse_args()
    gold, by_id = read_both(options.gold, options.predictions)
    if options.fitted_on:
        plain, fitted = fit_once(gold, by_id, *read_both(*options.fitted_on))
    else:
        plain, fitted = cross_fit(gold, by_id)
    before, after = (spanfit.score(gold, decided) for decided in (plain, fitted))
    for name, value in after.figures.items():
        print(f"{name} {value:.4f}")
    assert before.confidence is not None and after.confidence is not None
    for name, value in after.confidence.figures.items():
        print(f"{name} {before.confidence.figures[name]:.4f} -> {value:.4f}")
    return int(after.confidence.calibration_error > LIMIT)


def read_both(gold: str, predictions: str) -> tuple[list[QuestionExample], Predictions]:
    """The questions of a file, and what was predicted of each, by id."""
    read = read_question_predictions(predictions)
    return read_questions(gold), {prediction.id: prediction for prediction in read}


def fit_once(
    gold: list[QuestionExample],
    by_id: Predictions,
    other: list[QuestionExample],
    other_by_id: Predictions,
) -> tuple[list[QuestionPrediction], list[QuestionPrediction]]:
    """The predictions at the threshold that other questions fit, and at all that they fit."""
    fit = fit_on(other, other_by_id)
    print(f"fitted on {len(other):,} questions: {fit}")
    said = [by_id[example.id] for example in gold]
    return decide(said, Calibration(threshold=fit.threshold)), decide(said, fit)


def fit_on(examples: list[QuestionExample], by_id: Predictions) -> Calibration:
    """What some questions fit."""
    said = [by_id[example.id] for example in examples]
    return calibrate_questions(examples, said, before=Calibration()).calibration


def cross_fit(
    gold: list[QuestionExample], by_id: Predictions
) -> tuple[list[QuestionPrediction], list[QuestionPrediction]]:
    """The predictions at the other half's threshold alone, and at all that it fits."""
    titles = sorted({example.title for example in gold})
    plain: list[QuestionPrediction] = []
    fitted: list[QuestionPrediction] = []
    for half in (0, 1):
        mine, other = (
            [example for example in gold if example.title in set(titles[start::2])]
            for start in (half, 1 - half)
        )
        fit = fit_on(other, by_id)
        print(f"half {half}: {fit}")
        said = [by_id[example.id] for example in mine]
        plain += decide(said, Calibration(threshold=fit.threshold))
        fitted += decide(said, fit)
    return plain, fitted


if __name__ == "__main__":
    raise SystemExit(main())
