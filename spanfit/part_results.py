"""What a training found of the parts of its data, and the content of scores.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spanfit.evaluation import Evaluation
from spanfit.metrics import Confidence
from spanfit.settings import ModelSettings


@dataclass(frozen=True)
class PartResult:
    """One part of the data after one epoch.

    `confidence_before` is at temperature 1; None where the task has no such figures.
    """

    evaluation: Evaluation
    eval_loss: float
    confidence_before: Confidence | None

    def figure(self, metric: str) -> float:
        """The figure that selection looks at; higher is better."""
        return -self.eval_loss if metric == "eval_loss" else self.evaluation.scores.value(metric)

    @property
    def calibration_errors(self) -> tuple[float, float] | None:
        """The expected calibration error at temperature 1, and at the one that was fitted."""
        if self.confidence_before is None:
            return None
        after = self.evaluation.scores.confidence or self.confidence_before
        return self.confidence_before.calibration_error, after.calibration_error

    def to_json(self) -> dict[str, Any]:
        """The part's entry in scores.json; what is longest comes last."""
        scores = self.evaluation.scores.to_json()
        confidence = scores.pop("confidence")
        before = self.confidence_before and self.confidence_before.figures
        return {"eval_loss": self.eval_loss, **scores} | {
            "confidence_before": before,
            "confidence": confidence,
        }


def describe_scores(
    results: Mapping[str, PartResult],
    settings: ModelSettings,
    *,
    epoch: float,
    step: int,
    backend: str,
) -> dict[str, Any]:
    """The content of scores.json: what was chosen, and the scores of each part."""
    calibration = settings.calibration_of(backend)
    chosen = {
        "epoch": epoch,
        "step": step,
        "threshold": calibration.threshold,
        "temperature": calibration.temperature,
        "ceiling": settings.ceiling,
    }
    return chosen | {name: result.to_json() for name, result in results.items()}
