"""Labelled ranges of many texts as arrays: the gold ones beside those that were found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from spanfit.metrics.bootstrap import Flags
from spanfit.metrics.label_counts import Counts, LabelCounts, count_pairs
from spanfit.tags import Chunk

Ranges = tuple[tuple[int, ...], tuple[int, ...]]
"""Starts and ends of the units of a text."""


@dataclass(frozen=True, eq=False)
class FoundSpans:
    """Half-open ranges, arrays (m,): of which text, from where to where in it, which label.

    Positions are units of the text, or its characters. `label` points into the labels of the
    `SpanPair`. In the order of the texts and of the positions; those of a text share nothing.
    """

    example: Counts
    start: Counts
    end: Counts
    label: Counts

    def __post_init__(self) -> None:
        if not len(self.example) == len(self.start) == len(self.end) == len(self.label):
            raise ValueError("found spans need one text, start, end and label each")


@dataclass(frozen=True, eq=False)
class SpanPair:
    """The gold ranges of n texts and the predicted ones; `labels` are sorted."""

    labels: tuple[str, ...]
    gold: FoundSpans
    predicted: FoundSpans
    n_examples: int

    def count(self) -> LabelCounts:
        """By text and label: right where start, end and label are."""
        gold, predicted = self.gold, self.predicted
        is_right = self.find_right()
        return count_pairs(
            (predicted.example[is_right], predicted.label[is_right]),
            (predicted.example, predicted.label),
            (gold.example, gold.label),
            n_examples=self.n_examples,
            labels=self.labels,
        )

    def find_right(self) -> Flags:
        """Which of the predicted ranges are gold, with their label: bool (m,)."""
        gold, predicted = self.gold, self.predicted
        if not len(gold.start):
            return np.zeros(len(predicted.start), dtype=np.bool_)
        stride = 1 + max(int(gold.end.max()), int(predicted.end.max(initial=0)))
        places = gold.example * stride + gold.start  # ascending, each once
        wanted = predicted.example * stride + predicted.start
        row = np.minimum(np.searchsorted(places, wanted), len(places) - 1)
        is_right: Flags = places[row] == wanted
        is_right &= gold.end[row] == predicted.end
        is_right &= gold.label[row] == predicted.label
        return is_right

    def list_chunks(self) -> tuple[list[list[Chunk]], list[list[Chunk]]]:
        """The gold and the predicted ranges of each text as objects."""
        gold, predicted = (self._list(side) for side in (self.gold, self.predicted))
        return gold, predicted

    def chunks_of(self, example: int) -> tuple[list[Chunk], list[Chunk]]:
        """The gold and the predicted ranges of one text as objects."""
        gold, predicted = (
            self._to_chunks(side, slice(*np.searchsorted(side.example, [example, example + 1])))
            for side in (self.gold, self.predicted)
        )
        return gold, predicted

    def _list(self, side: FoundSpans) -> list[list[Chunk]]:
        chunks = self._to_chunks(side, slice(None))
        ends = np.searchsorted(side.example, np.arange(1, self.n_examples + 1)).tolist()
        return [chunks[a:b] for a, b in zip([0, *ends[:-1]], ends, strict=True)] if ends else []

    def _to_chunks(self, side: FoundSpans, rows: slice) -> list[Chunk]:
        columns = (side.label[rows].tolist(), side.start[rows].tolist(), side.end[rows].tolist())
        return [Chunk(self.labels[code], s, e) for code, s, e in zip(*columns, strict=True)]


def to_characters(spans: FoundSpans, units: Sequence[Ranges]) -> FoundSpans:
    """Ranges of units as ranges of characters; `units` are the starts and ends of each text's."""
    lengths = np.fromiter((len(starts) for starts, _ in units), dtype=np.int64, count=len(units))
    starts, ends = (
        np.fromiter(chain.from_iterable(side), dtype=np.int64, count=int(lengths.sum()))
        for side in zip(*units, strict=True)
    )
    offset = (np.cumsum(lengths) - lengths)[spans.example]
    return replace(spans, start=starts[offset + spans.start], end=ends[offset + spans.end - 1])
