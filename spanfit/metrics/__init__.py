"""Official metrics, and scores that remember what they came from. Runs without torch."""

from __future__ import annotations

from spanfit.metrics.bootstrap import Interval
from spanfit.metrics.comparison import Comparison, Difference, compare
from spanfit.metrics.confidence import Confidence, measure_confidence
from spanfit.metrics.question_scoring import METRICS
from spanfit.metrics.scores import Case, Scores, Slice
from spanfit.metrics.scoring import AnyScores, check_gold, check_questions, score
from spanfit.metrics.signatures import Signature, require_same_signature
from spanfit.metrics.slices import SLICES, check_slice
from spanfit.metrics.squad import answer_scores
from spanfit.metrics.tag_counting import TAG_METRICS
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
    "Scores",
    "Signature",
    "Slice",
    "TagCase",
    "TagScores",
    "TagSlice",
    "answer_scores",
    "check_gold",
    "check_questions",
    "check_slice",
    "compare",
    "measure_confidence",
    "require_same_signature",
    "score",
]
