"""Official metrics, and scores that remember what they came from. Runs without torch."""

from __future__ import annotations

from spanfit.metrics.scores import Scores, Signature, require_same_signature
from spanfit.metrics.scoring import METRICS, check_gold, score
from spanfit.metrics.squad import answer_scores

__all__ = [
    "METRICS",
    "Scores",
    "Signature",
    "answer_scores",
    "check_gold",
    "require_same_signature",
    "score",
]
