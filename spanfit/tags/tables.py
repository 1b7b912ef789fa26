"""Chunks of many sequences at once, as arrays: what `chunks` does for one, without its loops.

A table numbers the prefixes and labels of a list of tags, so that sequences of codes can be cut
into chunks, and chunks written as codes. No chunk crosses the border of a sequence.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spanfit.tags.schemes import OUTSIDE, PREFIXES, Flags, Scheme, Tag
from spanfit.tags.sequences import Ints, known_tags

Codes = NDArray[np.int32]

_O, _B, _I, _E, _S = range(len(PREFIXES))


@dataclass(frozen=True, eq=False)
class ChunkArrays:
    """C chunks in order, int64 (C,): the half-open range of units, and the label of each."""

    start: Ints
    end: Ints
    label: Ints

    def __len__(self) -> int:
        return len(self.start)


@dataclass(frozen=True, eq=False)
class TagTable:
    """K distinct tags of a scheme, in numbers: `prefix` and `label`, int32 (K,), of each.

    Prefixes are counted as PREFIXES has them, labels as `labels` has them, which are sorted; O has
    label -1. `code` int32 (5, L) is the tag of each prefix and label, -1 where it is none of these.
    """

    scheme: Scheme
    tags: tuple[str, ...]
    labels: tuple[str, ...]
    prefix: Codes
    label: Codes
    code: Codes

    @property
    def outside(self) -> int:
        """The code of O, -1 where it is none of these tags."""
        return self.tags.index(OUTSIDE) if OUTSIDE in self.tags else -1

    def mask(self, prefixes: str, label: int) -> Flags:
        """Which tags, (K,), have one of these prefixes ("BI") and this label."""
        wanted = [PREFIXES.index(prefix) for prefix in PREFIXES if prefix in prefixes]
        chosen: Flags = np.isin(self.prefix, wanted) & (self.label == label)
        return chosen

    def behind(self) -> Codes:
        """Of each tag, (K,), the one that says of a unit's further pieces that they belong to it.

        What begins a chunk goes on behind its first piece: B becomes I, and S becomes E. Every
        other tag, and every tag of a scheme without prefixes, stays. -1 where that is none of K.
        """
        prefix = self.prefix.copy()
        if self.scheme.has_prefixes:
            prefix[prefix == _B], prefix[prefix == _S] = _I, _E
        own = np.arange(len(self.tags), dtype=np.int32)
        return np.where(self.prefix == _O, own, self.code[prefix, self.label]).astype(np.int32)

    def find_chunks(self, codes: NDArray[np.integer], splits: Ints) -> ChunkArrays:
        """The chunks that `chunks.read_chunks_leniently` reads; -1 among the codes is read as O.

        *Shape:* codes (N,), cut by splits (n + 1,).
        """
        known = codes >= 0
        prefix = np.where(known, self.prefix[codes], _O)
        label = np.where(known, self.label[codes], -1)
        start, end = cut_chunks(prefix, label, first_units(splits))
        return ChunkArrays(start, end, label[start].astype(np.int64))

    def write(self, chunks: ChunkArrays, splits: Ints) -> Codes:
        """The tags (N,) that say these chunks, as `chunks.write_tags` has them.

        In the scheme without prefixes every chunk is one unit. -1 where the tag is none of K.
        """
        start, end, label = chunks.start, chunks.end, chunks.label
        prefix = np.full(int(splits[-1]), _O)
        labels = np.zeros(len(prefix), np.int64)
        length = end - start
        units = np.repeat(start - np.cumsum(length) + length, length) + np.arange(length.sum())
        prefix[units], labels[units] = _I, np.repeat(label, length)
        letters = self.scheme.letters
        if "S" in letters:
            prefix[start], prefix[end - 1] = _B, _E
            prefix[start[length == 1]] = _S
        elif self.scheme.allows(Tag(OUTSIDE), Tag("B")):
            prefix[start] = _B
        else:  # IOB1: only where a chunk touches one of its own label
            touches = np.zeros(len(start), np.bool_)
            touches[1:] = (start[1:] == end[:-1]) & (label[1:] == label[:-1])
            prefix[start[touches & ~first_units(splits)[start]]] = _B
        if not self.labels:
            return np.full(len(prefix), self.outside, np.int32)
        return np.where(prefix == _O, self.outside, self.code[prefix, labels]).astype(np.int32)


def make_table(scheme: Scheme, tags: Sequence[str]) -> TagTable:
    """The table of some tags, in their order.

    Raises:
        DataError: one of them is no tag of the scheme.
    """
    parsed = [scheme.parse(tag) for tag in tags]
    labels = tuple(sorted({tag.label for tag in parsed if tag.prefix != OUTSIDE}))
    number_of = {label: number for number, label in enumerate(labels)}
    prefix = np.array([PREFIXES.index(tag.prefix) for tag in parsed], np.int32)
    label = np.array(
        [-1 if tag.prefix == OUTSIDE else number_of[tag.label] for tag in parsed], np.int32
    )
    code = np.full((len(PREFIXES), max(1, len(labels))), -1, np.int32)
    inside = label >= 0
    code[prefix[inside], label[inside]] = np.flatnonzero(inside)
    return TagTable(scheme, tuple(tags), labels, prefix=prefix, label=label, code=code)


def complete_table(scheme: Scheme, tags: Iterable[str]) -> TagTable:
    """The table of all tags that the labels of these can have: it can write every chunk."""
    return make_table(scheme, known_tags(tags, scheme))


def cut_chunks(
    prefix: NDArray[np.integer], label: NDArray[np.integer], is_first: Flags
) -> tuple[Ints, Ints]:
    """Starts and ends of the chunks by conlleval's rule, as `chunks.read_chunks_leniently` has it.

    Of arrays (n_units,), prefixes counted as PREFIXES has them; `is_first` where a sequence begins.
    """
    may_go_on = (prefix == _B) | (prefix == _I)
    goes_on = ((prefix == _I) | (prefix == _E)) & ~is_first
    goes_on[1:] &= may_go_on[:-1] & (label[:-1] == label[1:])
    inside = prefix != _O
    starts = np.flatnonzero(inside & ~goes_on)
    inside[:-1] &= ~goes_on[1:]
    return starts, np.flatnonzero(inside) + 1


def first_units(splits: Ints) -> Flags:
    """Which of N units are the first of their sequence, (N,)."""
    is_first = np.zeros(int(splits[-1]), np.bool_)
    is_first[splits[:-1][np.diff(splits) > 0]] = True
    return is_first
