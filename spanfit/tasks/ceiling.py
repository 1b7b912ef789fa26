"""The ceiling: the best score that tokenizer, windows and length limit allow.

A prediction is always a range of whole tokens inside one window, of at most so many tokens. Even a
perfect model cannot say an answer that begins in the middle of a token, or that is longer than the
limit. The ceiling of a question is the highest exact match and the highest F1 that any possible
prediction reaches, over all its golds.

The search looks at few of the possible ranges and still misses none that counts.

1. The metric lowers, drops punctuation, blanks out articles and compares bags of words. So a word
   of a range is a run of its characters, as they are lowered and without the punctuation: a range
   that holds no gold word's characters like this shares no word with the golds, and scores 0
   (unless a gold has no words: then nothing is left out for this reason).
2. Take a range from token s to token e, and the next token t after s that stands behind white
   space. If e >= t, the words of the range are those of the characters from s up to t and those
   from t on. Where no word of the first part is a word of a gold, [t, e] shares as many words with
   every gold as [s, e] does and holds no more of its own: its F1 is not lower. Nor is an exact
   match lost, which has no words but the gold's. And [t, e] is shorter, inside the same window. The
   same holds at the other end. So a range needs a look only where neither end can be taken off;
   the best is among those.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from spanfit.metrics import answer_scores
from spanfit.metrics.squad import SquadMetric
from spanfit.text import normalise_english
from spanfit.types import QuestionExample
from spanfit.windows import Windows


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The best exact match and F1 (0 to 100) that can be reached on n questions."""

    metric: SquadMetric
    exact: float
    f1: float
    n: int


def find_ceiling(
    examples: Sequence[QuestionExample],
    windows: Windows,
    *,
    max_answer_tokens: int,
    metric: SquadMetric | None = None,
    solved: Collection[int] = (),
) -> Ceiling | None:
    """The ceiling of the examples that have gold; None where none has.

    `windows` are those of `examples`. The metric is squad_v2 where a question has no answer, else
    squad_v1, unless one is named. `solved` are rows known to reach the highest score; they and the
    questions without an answer ("no answer" can always be said) need no search.

    Raises:
        ValueError: squad_v1, and a question without an answer.
    """
    rows = [row for row, example in enumerate(examples) if example.answers is not None]
    if not rows:
        return None
    if metric is None:
        all_answerable = all(examples[row].is_answerable for row in rows)
        metric = "squad_v1" if all_answerable else "squad_v2"
    splits = np.searchsorted(windows.example, np.arange(len(examples) + 1))
    exact = f1 = 0.0
    for row in rows:
        golds = [answer.text for answer in examples[row].answers or ()]
        if row in solved or (not golds and metric == "squad_v2"):
            scores = 1.0, 1.0
        else:
            own = slice(splits[row], splits[row + 1])
            ranges = _possible_ranges(windows, own, max_answer_tokens=max_answer_tokens)
            scores = best_scores(examples[row].context, golds, ranges=ranges, metric=metric)
        exact, f1 = exact + scores[0], f1 + scores[1]
    return Ceiling(metric, exact=100 * exact / len(rows), f1=100 * f1 / len(rows), n=len(rows))


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


def _possible_ranges(windows: Windows, own: slice, *, max_answer_tokens: int) -> Ranges:
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


def best_scores(
    context: str, golds: Sequence[str], *, ranges: Ranges, metric: SquadMetric
) -> tuple[float, float]:
    """The highest exact match and the highest F1 (0 to 1 each) of all possible predictions.

    "No answer" is a possible prediction where the metric knows it (squad_v2).
    """
    exact, f1 = answer_scores("", golds, metric=metric) if metric == "squad_v2" else (0.0, 0.0)
    for text in {context[start:end] for start, end in _decisive(context, golds, ranges)}:
        scores = answer_scores(text, golds, metric=metric)
        exact, f1 = max(exact, scores[0]), max(f1, scores[1])
        if exact == f1 == 1.0:
            break
    return exact, f1


def _decisive(context: str, golds: Sequence[str], ranges: Ranges) -> Iterator[tuple[int, int]]:
    """The characters of the ranges that need a look, as the module's docstring argues."""
    starts, ends = ranges.starts, ranges.ends
    gold_words = [_words(gold) for gold in golds]
    words = {word for gold in gold_words for word in gold}
    holds_word = _first_word_ends(context, words) if all(gold_words) else [0] * (len(context) + 1)

    def shares_word(start: int, end: int) -> bool:
        return holds_word[start] <= end and not words.isdisjoint(_words(context[start:end]))

    behind = _next_behind_space(context, starts)
    before = _previous_before_space(context, ends)
    keeps_tail = [
        left < 0 or shares_word(ends[left], end) for left, end in zip(before, ends, strict=True)
    ]
    for s, start in enumerate(starts):
        first = max(s, bisect_left(ends, holds_word[start]))
        last = ranges.reach[s]
        if behind[s] <= last and not shares_word(start, starts[behind[s]]):
            last = behind[s] - 1
        for e in range(first, last + 1):
            if keeps_tail[e] or before[e] < s:
                yield start, ends[e]


def _first_word_ends(context: str, words: Collection[str]) -> list[int]:
    """For each character, where the first gold word that begins there or later is complete.

    A list of len(context) + 1 ends; len(context) + 1 stands for "nowhere".
    """
    pieces = [_fold(character) for character in context]
    origin = [place for place, piece in enumerate(pieces) for _ in piece]
    folded = "".join(pieces)
    found = np.full(len(context) + 1, len(context) + 1)
    for word in map(_unify_sigma, words):
        start = folded.find(word)
        while start >= 0:
            place, end = origin[start], origin[start + len(word) - 1] + 1
            found[place] = min(found[place], end)
            start = folded.find(word, start + 1)
    ends: list[int] = np.minimum.accumulate(found[::-1])[::-1].tolist()
    return ends


@lru_cache(maxsize=1 << 14)
def _fold(character: str) -> str:
    """What normalisation makes of a character inside a word ("a" alone would be an article)."""
    return _unify_sigma(normalise_english(f"x{character}x")[1:-1])


def _unify_sigma(text: str) -> str:
    """The one letter whose lower case depends on what stands beside it."""
    return text.replace("ς", "σ")


def _words(text: str) -> list[str]:
    return normalise_english(text).split()


def _next_behind_space(context: str, starts: list[int]) -> list[int]:
    """For each token the next one that starts later and right behind white space; n if none."""
    found = [len(starts)] * len(starts)
    for token in range(len(starts) - 2, -1, -1):
        later, start = token + 1, starts[token + 1]
        opens = start > starts[token] and context[start - 1].isspace()
        found[token] = later if opens else found[later]
    return found


def _previous_before_space(context: str, ends: list[int]) -> list[int]:
    """For each token the last one that ends earlier and right before white space; -1 if none."""
    found = [-1] * len(ends)
    for token in range(1, len(ends)):
        earlier, end = token - 1, ends[token - 1]
        closes = end < ends[token] and context[end].isspace()
        found[token] = earlier if closes else found[earlier]
    return found
