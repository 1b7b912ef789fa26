"""What transformers 4 makes of a model's logits, with as many of its defects as one wants.

Written for `pipeline_parity.py`, by brute force and without SpanFit's decoding, so that it also
checks that: with no defect at all it must give what SpanFit says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_TOKENS = 15
CANDIDATES = 12  # 2 * top_k + 10, the spans that transformers keeps of a window

Doubles = NDArray[np.float64]
Answer = dict[str, Any]


@dataclass(frozen=True, eq=False)
class WindowLogits:
    """What the model says of one window's n context tokens: (n, 2), and of its null, (2,)."""

    logits: Doubles
    null: Doubles
    char_start: NDArray[np.int32]
    char_end: NDArray[np.int32]

    def total(self, *, with_null: bool = True) -> Doubles:
        """The log of the sum of exp, of starts and of ends."""
        rows = np.vstack([self.logits, self.null]) if with_null else self.logits
        return np.asarray(np.logaddexp.reduce(rows, axis=0))


@dataclass(frozen=True, order=True)
class Defects:
    """Which of transformers' ways are taken.

    `adds`: scores of several spans that come to the same words are added up ("place"), those of the
    same words anywhere in the context too ("text"). `separates`: each window's softmax is taken by
    itself. `clips`: a word is what its window holds of it.
    """

    n: int = field(init=False)
    adds: str = ""
    separates: bool = False
    clips: bool = False

    def __post_init__(self) -> None:
        n = ("", "place", "text").index(self.adds) + 3 * self.separates + 3 * self.clips
        object.__setattr__(self, "n", n)

    def __str__(self) -> str:
        names = {
            "place": "scores of spans of the same words were added",
            "text": "scores of the same words in several places were added",
        }
        parts = [names[self.adds]] if self.adds else []
        parts += ["softmaxes of several windows were compared"] if self.separates else []
        parts += ["a word was cut at the window's border"] if self.clips else []
        return ", and ".join(parts) or "none"


ALL_DEFECTS = sorted(
    Defects(adds=adds, separates=separates, clips=clips)
    for adds, separates, clips in product(("", "place", "text"), (False, True), (False, True))
)


def answer_with(
    context: str,
    windows: Sequence[WindowLogits],
    words: tuple[NDArray[np.int64], NDArray[np.int64]],
    defects: Defects,
    *,
    impossible: bool,
) -> Answer:
    """What comes out with these defects; with none of them what SpanFit should say."""
    lowest = int(np.argmin([window.null.sum() for window in windows]))
    totals = [
        window.total(with_null=defects.separates or number == lowest).sum()
        for number, window in enumerate(windows)
    ]
    joint = np.logaddexp.reduce(totals)
    answers: dict[object, Answer] = {}
    for window, total in zip(windows, totals, strict=True):
        divisor = total if defects.separates else joint
        for first, last, score in _best_spans(window):
            start, end = _extend(window, words, first, last, clips=defects.clips)
            text = context[start:end]
            key = text.lower() if defects.adds == "text" else (start, end)
            share = float(np.exp(score - divisor))
            if key not in answers:
                answers[key] = {"score": share, "start": start, "end": end, "answer": text}
            elif defects.adds:
                answers[key]["score"] += share
            else:
                answers[key]["score"] = max(answers[key]["score"], share)
    found = list(answers.values())
    if impossible:
        divisors = totals if defects.separates else [joint] * len(windows)
        nulls = [w.null.sum() - d for w, d in zip(windows, divisors, strict=True)]
        found.append({"score": float(np.exp(min(nulls))), "start": 0, "end": 0, "answer": ""})
    return max(found, key=lambda one: float(one["score"]))


def _best_spans(window: WindowLogits) -> list[tuple[int, int, float]]:
    """The best spans of a window by brute force: over all pairs of tokens."""
    start, end = window.logits.T
    sums = start[:, None] + end[None, :]
    allowed = np.triu(np.ones_like(sums, bool)) & ~np.triu(np.ones_like(sums, bool), MOST_TOKENS)
    sums = np.where(allowed, sums, -np.inf)
    order = np.argsort(-sums, axis=None)[:CANDIDATES]
    pairs = np.stack(np.unravel_index(order, sums.shape), axis=1).tolist()
    return [(a, b, float(sums[a, b])) for a, b in pairs if sums[a, b] > -np.inf]


def _extend(
    window: WindowLogits,
    words: tuple[NDArray[np.int64], NDArray[np.int64]],
    first: int,
    last: int,
    *,
    clips: bool,
) -> tuple[int, int]:
    """The characters of the words that two tokens are in."""
    starts, ends = words
    a, b = int(window.char_start[first]), int(window.char_end[last])
    begins = starts[(starts <= a) & (a < ends)]
    stops = ends[(starts < b) & (b <= ends)]
    start, end = int(begins[0]) if len(begins) else a, int(stops[0]) if len(stops) else b
    if clips:
        start, end = max(start, int(window.char_start[0])), min(end, int(window.char_end[-1]))
    return start, end
