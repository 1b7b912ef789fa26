"""Whether probabilities tell how often a prediction is right, each half fitted on the other.

    python benchmarks/calibration.py GOLD PREDICTIONS

The titles are halved: what decides one half is fitted on the other. Prints the figures, and the
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


def main() -> int:
    """Fit on each half, decide the other, score all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("gold")
    parser.add_argument("predictions")
    options = parser.parse_args()
    gold = read_questions(options.gold)
    by_id = {
        prediction.id: prediction for prediction in read_question_predictions(options.predictions)
    }
    plain, fitted = cross_fit(gold, by_id)
    before, after = (spanfit.score(gold, decided) for decided in (plain, fitted))
    for name, value in after.figures.items():
        print(f"{name} {value:.4f}")
    assert before.confidence is not None and after.confidence is not None
    for name, value in after.confidence.figures.items():
        print(f"{name} {before.confidence.figures[name]:.4f} -> {value:.4f}")
    return int(after.confidence.calibration_error > LIMIT)


def cross_fit(
    gold: list[QuestionExample], by_id: dict[str, QuestionPrediction]
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
        fit = calibrate_questions(
            other, [by_id[example.id] for example in other], before=Calibration()
        ).calibration
        print(f"half {half}: {fit}")
        said = [by_id[example.id] for example in mine]
        plain += decide(said, Calibration(threshold=fit.threshold))
        fitted += decide(said, fit)
    return plain, fitted


if __name__ == "__main__":
    raise SystemExit(main())
