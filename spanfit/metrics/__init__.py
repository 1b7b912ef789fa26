"""Official metrics, and scores that remember what they came from. Runs without torch."""

from __future__ import annotations

from spanfit.metrics.bootstrap import Interval
from spanfit.metrics.comparison import Comparison, Difference, compare
from spanfit.metrics.confidence import Confidence, measure_confidence
from spanfit.metrics.languages import suit_name
from spanfit.metrics.question_metrics import (
    METRICS,
    QuestionMetric,
    answer_scores,
    find_question_metric,
)
from spanfit.metrics.scores import Case, Scores, Slice
from spanfit.metrics.scoring import AnyScores, check_gold, check_questions, choose_name, score
from spanfit.metrics.signatures import Signature, require_same_signature
from spanfit.metrics.slices import SLICES, check_slice
from spanfit.metrics.tag_counting import TAG_METRICS, find_metric
from spanfit.metrics.tag_scores import TagCase, TagScores
from spanfit.metrics.tag_slices import TAG_SLICES, TagSlice

__all__ = [
    "METRICS",
    "SLICES",
    "TAG_METRICS",
    "TAG_SLICES",
    "AnyScores",
    "Case",
    "Comparison",
    "Confidence",
    "Difference",
    "Interval",
    "QuestionMetric",
    "Scores",
    "Signature",
    "Slice",
    "TagCase",
    "TagScores",
    "TagSlice",
    "answer_scores",
    "check_gold",
    "check_metric",
    "check_questions",
    "check_slice",
    "choose_name",
    "compare",
    "find_question_metric",
    "measure_confidence",
    "require_same_signature",
    "score",
    "suit_name",
]


_FINDERS = {"qa": find_question_metric, "tagging": find_metric}
"""How the metrics of each task are found by name, by the task's name."""


def check_metric(metric: str | None, *, task: str) -> None:
    """Refuse the name of a metric that a task does not have, before there are any data.

    Raises:
        RecipeError: with the name that was perhaps meant.
    """
    if metric is not None:
        _FINDERS[task](metric)
