"""Texts that are nearly the same, found in time that grows with their length and not its square.

Two texts are alike where at least 70 % of the runs of eight letters that either of them has stand
in both (their Jaccard similarity). Upper and lower case, spaces and punctuation do not count. So
each shares about 82 % of its runs with the other: a changed letter spoils eight runs, a changed
word a dozen, and a paragraph of 700 letters may differ in some ten places. Paragraphs of one
article stay far below. Texts of fewer than 40 letters are compared whole only: in them a single
word decides.

    runs of letters ─ hashed ─▶ 48 smallest hashes (MinHash) ─▶ 16 bands of 3 ─▶ pairs ─▶ counted

Each smallest hash of two texts is equal with a probability that is their similarity, so a pair of
70 % shares a band of three with 99.9 %, one of 20 % with 12 %. Among the texts with an equal band a
text is compared with its neighbour and with the first one of each file only, until one is found:
that keeps the comparisons linear where a thousand texts are one. They are exact.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from spanfit.groups import gather

THRESHOLD: Final = 0.7
RUN: Final = 8
"""Letters of a run."""
MIN_LETTERS: Final = 40

_BANDS, _ROWS = 16, 3
_AT_ONCE: Final = 200_000  # characters, whose arrays stay in a processor's cache
_MOST_AT_ONCE: Final = 10_000  # texts
_REMEMBERED: Final = 4_096  # texts whose runs are kept while pairs are counted
_UNICODE: Final = 0x110000
_DIGITS_OF_GOLD: Final = np.uint64(0x9E3779B97F4A7C15)

Uint64 = npt.NDArray[np.uint64]
Int64 = npt.NDArray[np.int64]


class Pair(NamedTuple):
    """Two texts that are alike, by their rows: `first` < `second`, and their similarity."""

    first: int
    second: int
    similarity: float


@dataclass(frozen=True, eq=False)
class _Runs:
    """The hashed runs of some texts, uint64 end to end; `splits` int64 (n + 1,) cuts them."""

    hashes: Uint64
    splits: Int64


def find_alike(texts: Sequence[str], groups: Sequence[int] | None = None) -> list[Pair]:
    """Pairs of distinct texts that are alike, by second and then first.

    Of many texts that are all alike not every pair is named, but for each text one with each of
    the `groups` (numbers from 0, one a text; None: all are of one) that has others like it.
    """
    letters = _Letters()
    rows, smallest = _sketch(texts, letters)
    group = np.asarray([0] * len(texts) if groups is None else groups, np.int64)[rows]

    @lru_cache(maxsize=_REMEMBERED)
    def runs_of(row: int) -> Uint64:
        return np.unique(_hash_runs([texts[row]], letters).hashes)

    found: list[Pair] = []
    done: set[tuple[int, int]] = set()  # a text, and a group that has one like it
    for first, second in _list_candidates(smallest, group):
        both = {(first, int(group[second])), (second, int(group[first]))}
        if both <= done:
            continue
        a, b = int(rows[first]), int(rows[second])
        similarity = _compare(runs_of(a), runs_of(b))
        if similarity >= THRESHOLD:
            done |= both
            found.append(Pair(a, b, similarity))
    return sorted(found, key=lambda pair: (pair.second, pair.first))


def _compare(one: Uint64, other: Uint64) -> float:
    """The share of distinct runs that both have; 0 where their numbers alone make it too small."""
    if min(len(one), len(other)) < THRESHOLD * max(len(one), len(other)):
        return 0.0
    n_shared = len(np.intersect1d(one, other, assume_unique=True))
    return n_shared / (len(one) + len(other) - n_shared)


def _sketch(texts: Sequence[str], letters: _Letters) -> tuple[Int64, npt.NDArray[np.uint32]]:
    """The rows of the texts that are long enough, and their smallest hashes, (n, 48)."""
    # Odd factors: each orders the hashes anew.
    factors = np.random.default_rng(0).integers(1 << 63, size=_BANDS * _ROWS, dtype=np.uint64)
    factors = factors * np.uint64(2) + np.uint64(1)
    rows, smallest, base = [], [], 0
    for group in gather(texts, size=len, max_items=_MOST_AT_ONCE, max_size=_AT_ONCE):
        runs = _hash_runs(group, letters)
        counts = np.diff(runs.splits)
        is_long = counts > MIN_LETTERS - RUN
        if is_long.any():
            hashes = runs.hashes[np.repeat(is_long, counts)]
            starts = np.cumsum(counts[is_long]) - counts[is_long]
            columns = [
                (np.minimum.reduceat(hashes * factor, starts) >> np.uint64(32)).astype(np.uint32)
                for factor in factors
            ]
            rows.append(base + np.flatnonzero(is_long))
            smallest.append(np.stack(columns, axis=1))
        base += len(group)
    if not rows:
        return np.zeros(0, np.int64), np.zeros((0, _BANDS * _ROWS), np.uint32)
    return np.concatenate(rows), np.concatenate(smallest)


def _list_candidates(smallest: npt.NDArray[np.uint32], group: Int64) -> Iterator[tuple[int, int]]:
    """Pairs of rows that share a band, each once.

    Each row is paired with its neighbour there, and with the first row of every group.
    """
    n = len(smallest)
    codes = []
    for band in range(0, _BANDS * _ROWS, _ROWS):
        columns = smallest[:, band : band + _ROWS]
        order = np.lexsort(columns.T)  # stable: equal bands stand in the order of their rows
        is_new = np.ones(n, np.bool_)
        is_new[1:] = (columns[order[1:]] != columns[order[:-1]]).any(axis=1)
        bucket = np.cumsum(is_new) - 1
        later = np.flatnonzero(~is_new)
        pairs = [(order[later - 1], order[later])]
        for number in np.unique(group).tolist():
            members = np.flatnonzero(group[order] == number)
            first = np.full(n, -1)
            first[bucket[members[::-1]]] = members[::-1]  # the last one written is the first
            partner = first[bucket]
            has_other = np.flatnonzero((partner >= 0) & (partner != np.arange(n)))
            pairs.append((order[partner[has_other]], order[has_other]))
        codes += [np.minimum(*pair) * n + np.maximum(*pair) for pair in pairs]
    for code in np.unique(np.concatenate(codes)).tolist() if codes else ():
        yield divmod(code, n)


class _Letters:
    """The letters and digits of a text as numbers, case folded; everything else is left out.

    What a character becomes is asked of Python once for each distinct one.
    """

    def __init__(self) -> None:
        self._folded = np.zeros(_UNICODE, np.uint32)
        self._is_known = np.zeros(_UNICODE, np.bool_)

    def of(self, text: str) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.bool_]]:
        """A number for each character of the text, and which of them are letters."""
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
        known = self._is_known[codes]
        if not known.all():
            for code in np.unique(codes[~known]).tolist():
                character = chr(code)
                lower = character.lower()
                self._folded[code] = ord(lower[0]) if character.isalnum() else 0
            self._is_known[codes] = True
        folded = self._folded[codes]
        return folded, folded > 0


def _hash_runs(texts: Sequence[str], letters: _Letters) -> _Runs:
    """The hash of every run of letters in each text; none where there are fewer letters."""
    folded, is_letter = letters.of("".join(texts))
    borders = np.cumsum([0, *map(len, texts)])
    splits = np.concatenate([[0], np.cumsum(is_letter, dtype=np.int64)])[borders]
    codes = folded[is_letter].astype(np.uint64)
    n = len(codes) - RUN + 1
    counts = np.maximum(np.diff(splits) - RUN + 1, 0)
    if n < 1:
        return _Runs(np.zeros(0, np.uint64), np.zeros(len(texts) + 1, np.int64))
    mixed = np.zeros(n, np.uint64)
    for place in range(RUN):
        mixed = mixed * _DIGITS_OF_GOLD + codes[place : place + n]
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(32)
    # A run belongs to the text in which it begins, if it ends there too.
    ends = np.repeat(splits[1:], np.diff(splits))[:n]
    is_whole = np.arange(n) + RUN <= ends
    return _Runs(mixed[is_whole], np.concatenate([[0], np.cumsum(counts)]))
