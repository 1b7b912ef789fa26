"""The ranges that may hold the best answer, where a metric counts characters; the likeliest first.

The F1 of a range and a gold is 2 shared / (units of the range + units of the gold). Every range
gets a bound that its F1 does not exceed, from counts of characters alone, all ranges at once:

single   characters that are a unit wherever they stand (`Division.singles`), say every kana. Those
         of a range are counted by prefix sums, and so is how many of them the gold has too.
loose    all other characters: they come together to units (Latin words), or go (a full stop at the
         end). At the most as many units are shared as the range has such characters, and as the
         gold has such units; at the least each word that begins inside the range is a unit of it.

A longest run is never more than what is shared in any order, so the bound holds for it too. An
exact match shares all units, so its bound is 1; where a gold has no units, ranges without any get
1.

Whoever takes the ranges in this order and scores them can stop where the bound falls below the best
score so far.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from spanfit.metrics import QuestionMetric
from spanfit.tasks.ranges import Folding, Ranges, make_folding, unify_sigma

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]

_AT_ONCE = 64  # ranges that are handed out before the next ones are looked for


@dataclass(frozen=True, slots=True)
class Gold:
    """The units of one gold: how often it has each single character, and how many others."""

    singles: Counter[str]
    n_loose: int

    @property
    def n(self) -> int:
        """All of them."""
        return self.singles.total() + self.n_loose


def list_promising(
    context: str, golds: Sequence[str], ranges: Ranges, metric: QuestionMetric
) -> Iterator[tuple[float, int, int]]:
    """Every range that may score above 0: its bound (highest first), its start and end."""
    singles = metric.division.singles
    if singles is None:
        raise ValueError(f"{metric.name} has no units of single characters")
    starts, ends = _list_ranges(ranges)
    counted = _count_characters(context, metric)
    bound = np.zeros(len(starts))
    for gold in (_count_units(gold, singles, metric) for gold in golds):
        np.maximum(bound, counted.bound(gold, starts, ends), out=bound)
    rows = np.flatnonzero(bound > 0)
    order = rows[np.argsort(-bound[rows], kind="stable")]
    for first in range(0, len(order), _AT_ONCE):
        some = order[first : first + _AT_ONCE]
        yield from zip(
            bound[some].tolist(), starts[some].tolist(), ends[some].tolist(), strict=True
        )


def _list_ranges(ranges: Ranges) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first and last characters (exclusive) of all ranges, each (R,)."""
    reach = np.array(ranges.reach, dtype=np.int64)
    counts = np.maximum(reach - np.arange(len(reach)) + 1, 0)
    first = np.repeat(np.arange(len(reach)), counts)
    last = first + np.arange(len(first)) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.array(ranges.starts, np.int64)[first], np.array(ranges.ends, np.int64)[last]


def _count_units(text: str, singles: re.Pattern[str], metric: QuestionMetric) -> Gold:
    units = [unify_sigma(unit) for unit in metric.divide(text)]
    found = Counter(unit for unit in units if singles.fullmatch(unit))
    return Gold(singles=found, n_loose=len(units) - found.total())


@lru_cache(maxsize=16)  # the questions of a paragraph stand beside each other
def _count_characters(context: str, metric: QuestionMetric) -> _Counted:
    assert metric.division.singles is not None  # by the caller
    return _Counted(context, metric.division.singles, make_folding(metric))


class _Counted:
    """The characters of a context, summed up so that those of any range are one subtraction."""

    def __init__(self, context: str, singles: re.Pattern[str], fold: Folding) -> None:
        self._n = len(context)
        pieces = [fold(character) for character in context]
        self._folded = "".join(pieces)
        self._origin = np.repeat(np.arange(self._n), [len(piece) for piece in pieces])
        is_single = np.zeros(len(self._folded), dtype=np.bool_)
        is_single[[match.start() for match in singles.finditer(self._folded)]] = True
        is_space = np.array([c.isspace() for c in self._folded], dtype=np.bool_)
        is_alphanumeric = np.array([c.isalnum() for c in self._folded], dtype=np.bool_)
        parts = np.append(True, (is_single | is_space)[:-1])[: len(is_single)]
        self._characters = np.array(list(self._folded), dtype="<U1")
        self._single = self._sum(is_single)
        self._loose = self._sum(~is_single)
        self._begun = self._sum(is_alphanumeric & ~is_single & parts)

    def bound(self, gold: Gold, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> Floats:
        """No F1 of the ranges (R,) with the gold is higher than this, (R,) of 0 to 1."""
        shared = np.zeros(len(starts), np.int32)
        for character, most in gold.singles.items():
            sums = self._sum(self._characters == character)
            shared += np.minimum(sums[ends] - sums[starts], most)
        n_single = self._single[ends] - self._single[starts]
        begun = self._begun[ends] - self._begun[starts]
        if not gold.n:
            return np.where(n_single + begun == 0, 1.0, 0.0)
        loose = np.minimum(self._loose[ends] - self._loose[starts], gold.n_loose)
        n_units = n_single + np.maximum(loose, begun)
        bound: Floats = 2.0 * (shared + loose) / (n_units + gold.n)
        return bound

    def _sum(self, is_there: NDArray[np.bool_]) -> Ints:
        """How many folded characters that are there come from before each character, (n + 1,)."""
        counts = np.bincount(self._origin[is_there], minlength=self._n)
        return np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
