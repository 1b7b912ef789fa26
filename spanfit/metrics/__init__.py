"""Official metrics, and scores that remember what they came from. Runs without torch."""

from __future__ import annotations

from spanfit.metrics.bootstrap import Interval
from spanfit.metrics.comparison import Comparison, Difference, compare
from spanfit.metrics.confidence import Confidence, measure_confidence
from spanfit.metrics.scores import Case, Scores, Signature, Slice, require_same_signature
from spanfit.metrics.scoring import METRICS, check_gold, score
from spanfit.metrics.slices import SLICES, check_slice
from spanfit.metrics.squad import answer_scores

__all__ = [
    "METRICS",
    "SLICES",
    "Case",
    "Comparison",
    "Confidence",
    "Difference",
    "Interval",
    "Scores",
    "Signature",
    "Slice",
    "answer_scores",
    "check_gold",
    "check_slice",
    "compare",
    "measure_confidence",
    "require_same_signature",
    "score",
]
