"""The ranges of tokens that may be predicted, and single characters as a metric sees them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from spanfit.metrics import QuestionMetric
from spanfit.windows import Windows

Folding = Callable[[str], str]
"""What a metric makes of one character inside a text, whatever stands beside it."""


@dataclass(frozen=True, eq=False)
class Ranges:
    """All token ranges that may be predicted for one question.

    For its n tokens that are not blank: `starts` and `ends` (n,) are their characters, `reach`
    (n,) the last of these tokens that a range from here may end with (less than its own number
    where there is none).
    """

    starts: list[int]
    ends: list[int]
    reach: list[int]


def possible_ranges(windows: Windows, own: slice, *, max_answer_tokens: int) -> Ranges:
    """The ranges that may be predicted from the windows `own`, those of one example."""
    texts, text = windows.texts, windows.sliced[own.start]
    tokens = slice(texts.splits[text], texts.splits[text + 1])
    starts, ends = texts.starts[tokens], texts.ends[tokens]
    solid = np.flatnonzero(ends > starts)
    # Of the windows that hold a token, the last to start reaches furthest.
    window = np.searchsorted(windows.first[own], solid, side="right") - 1
    last = np.minimum(solid + max_answer_tokens, windows.last[own][window]) - 1
    return Ranges(
        starts=starts[solid].tolist(),
        ends=ends[solid].tolist(),
        reach=(np.searchsorted(solid, last, side="right") - 1).tolist(),
    )


@lru_cache(maxsize=64)
def make_folding(metric: QuestionMetric) -> Folding:
    """How the metric's normalisation folds a character, as a function that remembers.

    A character alone could be an article, or be trimmed; between two letters it is neither.
    """

    @lru_cache(maxsize=1 << 14)
    def fold(character: str) -> str:
        return unify_sigma(metric.normalise(f"x{character}x")[1:-1])

    return fold


def unify_sigma(text: str) -> str:
    """The one letter whose lower case depends on what stands beside it."""
    return text.replace("ς", "σ")
