"""The ranges that may hold the best answer, where a metric compares words that spaces part.

It looks at few of the possible ranges and still misses none that counts.

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

import numpy as np

from spanfit.metrics import QuestionMetric
from spanfit.tasks.ranges import Folding, Ranges, make_folding, unify_sigma


def list_decisive(
    context: str, golds: Sequence[str], ranges: Ranges, metric: QuestionMetric
) -> Iterator[tuple[int, int]]:
    """The characters of the ranges that need a look, as the module's docstring argues."""
    starts, ends = ranges.starts, ranges.ends
    gold_words = [metric.divide(gold) for gold in golds]
    words = {word for gold in gold_words for word in gold}
    holds_word = (
        _first_word_ends(context, words, make_folding(metric))
        if all(gold_words)
        else [0] * (len(context) + 1)
    )

    def shares_word(start: int, end: int) -> bool:
        return holds_word[start] <= end and not words.isdisjoint(metric.divide(context[start:end]))

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


def _first_word_ends(context: str, words: Collection[str], folding: Folding) -> list[int]:
    """For each character, where the first gold word that begins there or later is complete.

    A list of len(context) + 1 ends; len(context) + 1 stands for "nowhere".
    """
    pieces = [folding(character) for character in context]
    origin = [place for place, piece in enumerate(pieces) for _ in piece]
    folded = "".join(pieces)
    found = np.full(len(context) + 1, len(context) + 1)
    for word in map(unify_sigma, words):
        start = folded.find(word)
        while start >= 0:
            place, end = origin[start], origin[start + len(word) - 1] + 1
            found[place] = min(found[place], end)
            start = folded.find(word, start + 1)
    ends: list[int] = np.minimum.accumulate(found[::-1])[::-1].tolist()
    return ends


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
