"""Labelled spans against the gold: exact ones, and those that are right in part (SemEval-2013).

`count_spans` wants all of a span right. `count_partial` gives credit by the classes of MUC-5
(Chinchor and Sundheim 1993) in the four schemes of SemEval-2013 task 9 (Segura-Bedmar et al. 2013);
a predicted span and a gold span that overlap make a pair:

    class       strict             exact          partial              type
    correct     borders and label  borders        borders              label
    incorrect   any other pair     other pairs    -                    other pairs
    partial     -                  -              any other pair       -
    missed      gold without a pair
    spurious    prediction without a pair

Precision is the correct share of what was predicted, recall of what is gold; a partial one is half.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

import numpy as np

from spanfit.metrics.label_counts import (
    Counts,
    LabelCounts,
    Rates,
    count_pairs,
    make_rates,
    require_as_many,
    to_rates,
)

PartialScheme = Literal["strict", "exact", "partial", "type"]
PARTIAL_SCHEMES: Final[tuple[PartialScheme, ...]] = ("strict", "exact", "partial", "type")
CLASSES: Final = ("correct", "incorrect", "partial", "missed", "spurious")
_CORRECT, _INCORRECT, _PARTIAL, _MISSED, _SPURIOUS = range(len(CLASSES))


class Labelled(Protocol):
    """A labelled half-open range: of units (`tags.Chunk`) or of characters."""

    @property
    def label(self) -> str: ...  # noqa: D102
    @property
    def start(self) -> int: ...  # noqa: D102
    @property
    def end(self) -> int: ...  # noqa: D102


def count_spans(
    gold: Sequence[Sequence[Labelled]], predicted: Sequence[Sequence[Labelled] | None]
) -> LabelCounts:
    """Labelled ranges: right where start, end and label are. They may overlap.

    A range that is predicted twice and gold once is right once and wrong once.

    Raises:
        DataError: there are not as many predictions as examples.
    """
    require_as_many(gold, predicted)
    golds, others = (
        Counter(
            (example, span.label, span.start, span.end)
            for example, spans in enumerate(side)
            for span in spans or ()
        )
        for side in (gold, predicted)
    )
    labels = tuple(sorted({label for _, label, *_ in golds | others}))
    codes = {label: code for code, label in enumerate(labels)}
    pairs = (
        np.array(
            [(example, codes[label]) for example, label, *_ in counter.elements()], dtype=np.int64
        ).reshape(-1, 2)
        for counter in (golds & others, others, golds)
    )
    return count_pairs(*((p[:, 0], p[:, 1]) for p in pairs), n_examples=len(gold), labels=labels)


@dataclass(frozen=True, eq=False)
class PartialCounts:
    """How many of each class: int64 (n_examples, 4, 5), read-only.

    The axes are the examples, `PARTIAL_SCHEMES` and `CLASSES`.
    """

    values: Counts

    def __post_init__(self) -> None:
        if self.values.ndim != 3 or self.values.shape[1:] != (len(PARTIAL_SCHEMES), len(CLASSES)):
            raise ValueError("partial credit needs counts (n_examples, 4, 5)")
        self.values.setflags(write=False)

    def classes(self, scheme: PartialScheme) -> dict[str, int]:
        """How many spans are of each class."""
        totals = self.values[:, PARTIAL_SCHEMES.index(scheme)].sum(axis=0)
        return dict(zip(CLASSES, totals.tolist(), strict=True))

    def by_example(self, scheme: PartialScheme) -> Counts:
        """(n_examples, 3): *twice* the credit, twice the predictions, twice the gold.

        Twice, so that half of a span is a whole number; `label_counts.to_rates` takes their sums.
        """
        counts = self.values[:, PARTIAL_SCHEMES.index(scheme)]
        credit = 2 * counts[:, _CORRECT] + counts[:, _PARTIAL]
        paired = counts[:, [_CORRECT, _INCORRECT, _PARTIAL]].sum(axis=1)
        predicted, gold = paired + counts[:, _SPURIOUS], paired + counts[:, _MISSED]
        return np.column_stack([credit, 2 * predicted, 2 * gold])

    def rates(self, scheme: PartialScheme) -> Rates:
        """Precision, recall and F1, 0 to 100."""
        sums = self.by_example(scheme).sum(axis=0)
        return make_rates(to_rates(sums), int(sums[2]) // 2)

    def to_json(self) -> dict[str, Any]:
        """By scheme: the rates, and how many spans are of each class."""
        return {
            scheme: self.rates(scheme).to_json() | self.classes(scheme)
            for scheme in PARTIAL_SCHEMES
        }


def count_partial(
    gold: Sequence[Sequence[Labelled]], predicted: Sequence[Sequence[Labelled] | None]
) -> PartialCounts:
    """The classes of SemEval-2013 in all four schemes, from one pairing.

    Each span is in one pair at most. Pairs are made in this order: the same borders and label, the
    same borders, the same label, other overlaps; among those the larger overlap first, then the
    earlier gold span, then the earlier prediction.

    Raises:
        DataError: there are not as many predictions as examples.
    """
    require_as_many(gold, predicted)
    rows = [_classify(g, p or ()) for g, p in zip(gold, predicted, strict=True)]
    shape = (len(gold), len(PARTIAL_SCHEMES), len(CLASSES))
    return PartialCounts(np.array(rows, dtype=np.int64).reshape(shape))


def _classify(gold: Sequence[Labelled], predicted: Sequence[Labelled]) -> list[list[int]]:
    """Counts (4, 5) of one example."""
    counts = [[0] * len(CLASSES) for _ in PARTIAL_SCHEMES]
    n_pairs = 0
    for g, p in _pair(gold, predicted):
        n_pairs += 1
        borders, label = (g.start, g.end) == (p.start, p.end), g.label == p.label
        strict, exact, partial, type_ = counts
        strict[_CORRECT if borders and label else _INCORRECT] += 1
        exact[_CORRECT if borders else _INCORRECT] += 1
        partial[_CORRECT if borders else _PARTIAL] += 1
        type_[_CORRECT if label else _INCORRECT] += 1
    for row in counts:
        row[_MISSED], row[_SPURIOUS] = len(gold) - n_pairs, len(predicted) - n_pairs
    return counts


def _pair(
    gold: Sequence[Labelled], predicted: Sequence[Labelled]
) -> Iterator[tuple[Labelled, Labelled]]:
    """The pairs of one example, in the order that `count_partial` states."""
    golds, others = (
        sorted(side, key=lambda s: (s.start, s.end, s.label)) for side in (gold, predicted)
    )
    overlaps = []
    for i, g in enumerate(golds):
        for j, p in enumerate(others):
            if (overlap := min(g.end, p.end) - max(g.start, p.start)) > 0:
                borders = (g.start, g.end) == (p.start, p.end)
                overlaps.append((not borders, g.label != p.label, -overlap, i, j))
    free_golds, free_others = set(range(len(golds))), set(range(len(others)))
    for *_, i, j in sorted(overlaps):
        if i in free_golds and j in free_others:
            free_golds.remove(i)
            free_others.remove(j)
            yield golds[i], others[j]
