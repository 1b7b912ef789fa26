"""Tagged texts sorted into kinds, so that a score can be looked at kind by kind.

A slice looks only at the gold, never at what was predicted, but for labels: a text is in the slice
of each label that is gold or predicted in it.

    label       each type of entity, or each tag where tags are scored
    length      of the text, in units
    has_entity  whether the gold has an entity
    document    that the text is a part of
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from spanfit.metrics.bootstrap import Flags, Floats, Interval, resample_sums, to_interval
from spanfit.metrics.label_counts import Counts, LabelCounts, to_rates
from spanfit.metrics.scores import FEWEST
from spanfit.metrics.summed_figures import FEW_RESAMPLES
from spanfit.tagged import TaggedExample

TAG_SLICES: Final = ("label", "length", "has_entity", "document")
NO_DOCUMENT: Final = "(no document)"

_RATES = ("precision", "recall", "f1")
_LENGTHS = {
    0: "no units",
    1: "1–4 units",
    5: "5–9 units",
    10: "10–19 units",
    20: "20–39 units",
    40: "40–79 units",
    80: "80–159 units",
    160: "160+ units",
}
"""The least length of each label."""


@dataclass(frozen=True, slots=True)
class TagSlice:
    """The figures (0 to 100) of the n texts of one kind, or of one label in the n that have it.

    `n_gold` is how many entities (tags, where these are scored) there were to find. `figures` are
    precision, recall and F1; each has a 95 % interval where there are at least FEWEST texts and
    where it is not the same in all samples.
    """

    n: int
    n_gold: int
    figures: dict[str, float]
    intervals: dict[str, Interval | None]

    def to_json(self) -> dict[str, Any]:
        """The figures and intervals, for a JSON file; null for an interval that is not there."""
        intervals = {name: each and each.to_json() for name, each in self.intervals.items()}
        return {"n": self.n, "n_gold": self.n_gold, **self.figures, "intervals": intervals}


def slice_labels(counts: LabelCounts) -> dict[str, TagSlice]:
    """The figures of each label."""
    masks = np.moveaxis(counts.values, 1, 0).sum(axis=2) > 0
    return {
        label: slice_counts(counts.values[:, code], mask)
        for code, (label, mask) in enumerate(zip(counts.labels, masks, strict=True))
    }


def slice_counts(rows: Counts, mask: Flags) -> TagSlice:
    """The figures of the texts that `mask` (n,) picks, from the counts (n, 3) of all."""
    totals = rows[mask].sum(axis=0)
    samples: list[Floats | None] = [None] * len(_RATES)
    if mask.sum() >= FEWEST:
        picked = rows[mask].astype(np.float64)
        sums = resample_sums(picked, n_zeros=int((~mask).sum()), resamples=FEW_RESAMPLES)
        samples = [column if np.ptp(column) > 0 else None for column in to_rates(sums).T]
    return TagSlice(
        n=int(mask.sum()),
        n_gold=int(totals[2]),
        figures=dict(zip(_RATES, to_rates(totals).tolist(), strict=True)),
        intervals={
            name: None if column is None else to_interval(column)
            for name, column in zip(_RATES, samples, strict=True)
        },
    )


def split_texts(
    examples: Sequence[TaggedExample], kind: str, *, has_entity: Flags
) -> dict[str, Flags]:
    """Which of the n texts are of each kind, (n,), in an order that a reader expects.

    `kind` is one of TAG_SLICES but "label". `has_entity` (n,) says whose gold has an entity.
    """
    if kind == "document":
        names = np.array([example.document or NO_DOCUMENT for example in examples], dtype=object)
        sizes = {name: int((names == name).sum()) for name in sorted({*names.tolist()})}
        order = sorted(sizes, key=lambda name: -sizes[name])
        return {name: names == name for name in order}
    if kind == "length":
        lengths = np.array([len(example.starts) for example in examples])
        edges = np.array([*_LENGTHS])
        bins = np.searchsorted(edges, lengths, side="right") - 1
        masks = {name: bins == number for number, name in enumerate(_LENGTHS.values())}
    else:
        masks = {"with an entity": has_entity, "without an entity": ~has_entity}
    return {name: mask for name, mask in masks.items() if mask.any()}
