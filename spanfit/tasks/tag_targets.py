"""What a tagging model learns in each window: a tag for the pieces of the units that it belongs to.

    word    Wolfgang          lives  in  Zweibrücken
    gold    B-PER             O      O   B-LOC
    pieces  Wolf   ##gang     lives  in  Z      ##wei  ##br…
    first   B-PER  -          O      O   B-LOC  -      -
    all     B-PER  I-PER      O      O   B-LOC  I-LOC  I-LOC

The first piece has the tag of its unit, because that piece is the one that is read. Behind it, what
begins a chunk goes on: B becomes I, and S becomes E. All other tags stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from spanfit.errors import DataError
from spanfit.recipe import TaskSection
from spanfit.tagged import TaggedExample
from spanfit.tags import TagTable
from spanfit.tasks.cell_tags import BLANK, INSIDE, NO_PIECE, UNHELD, UNKNOWN, tag_cells
from spanfit.tasks.cells import Ints, find_cells
from spanfit.windows import Windows


@dataclass(frozen=True, eq=False)
class TagTargets:
    """The labelled pieces of W windows, P in all.

    Window w has those from `splits[w]` to `splits[w + 1]`; `splits` is int64 (W + 1,). `position`
    int32 (P,) counts from the window's first token of the text, `tag` int32 (P,) is a number of an
    output, `weight` float32 (P,) what the piece counts in the loss. A piece is labelled in one
    window at most.

    Rows of examples: `lost` have a unit that is learnt nowhere, because it has no piece and would
    not be outside, or more pieces than a window holds. `widened` train on other characters than
    their gold has, because it begins or ends inside a token or at a unit without a piece. `unknown`
    have a tag that the model does not have.
    """

    splits: Ints
    position: NDArray[np.int32]
    tag: NDArray[np.int32]
    weight: NDArray[np.float32]
    lost: tuple[int, ...] = ()
    widened: tuple[int, ...] = ()
    unknown: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not len(self.position) == len(self.tag) == len(self.weight) == self.splits[-1]:
            raise ValueError("position, tag and weight need to be as many as splits end with")

    def __len__(self) -> int:
        return len(self.splits) - 1

    @cached_property
    def window_weight(self) -> NDArray[np.float64]:
        """The sum of the weights in each window, (W,)."""
        window = np.repeat(np.arange(len(self)), np.diff(self.splits))
        sums = np.bincount(window, weights=self.weight, minlength=len(self))
        return sums.astype(np.float64)

    def count(self, rows: NDArray[np.int64]) -> float:
        """What the summed loss of these windows is divided by: the sum of the pieces' weights."""
        return float(self.window_weight[rows].sum())

    @property
    def losses(self) -> dict[str, tuple[int, ...]]:
        """Rows of the examples that are not learnt as their gold has them."""
        return {
            "learnt_not_wholly": self.lost,
            "learnt_with_other_borders": self.widened,
            "learnt_without_unknown_tags": self.unknown,
        }


def make_targets(
    examples: Sequence[TaggedExample], windows: Windows, table: TagTable, options: TaskSection
) -> TagTargets:
    """The targets of the windows of `examples`, every labelled piece of weight 1.

    Raises:
        DataError: an example has no gold, or a tag that is none of the scheme.
    """
    cells = find_cells(examples, windows)
    gold = tag_cells(examples, cells, table)
    labelled = np.flatnonzero(cells.is_held & (gold.codes >= 0))
    counts = np.ones(len(labelled), np.int64)
    if options.pieces == "all":
        counts += cells.last[labelled] - cells.first[labelled]
    cell = np.repeat(labelled, counts)
    number = np.arange(len(cell)) - np.repeat(np.cumsum(counts) - counts, counts)
    window, codes = cells.window[cell], gold.codes[cell]
    tag = np.where(number == 0, codes, table.behind()[codes])
    place = windows.texts.splits[windows.sliced[window]] + cells.first[cell] + number
    kept = (tag >= 0) & ~windows.texts.blank[place]
    position = cells.first[cell] + number - windows.first[window]
    chosen = np.flatnonzero(kept)[np.argsort(window[kept], kind="stable")]
    of_chunk = cells.unit_example[gold.chunks.start]
    lost = np.concatenate(
        [of_chunk[np.isin(gold.fit, (NO_PIECE, UNHELD))], cells.example[~cells.is_held]]
    )
    return TagTargets(
        splits=np.searchsorted(window[chosen], np.arange(len(windows) + 1)).astype(np.int64),
        position=position[chosen].astype(np.int32),
        tag=tag[chosen].astype(np.int32),
        weight=np.ones(len(chosen), np.float32),
        lost=_distinct(lost),
        widened=_distinct(of_chunk[np.isin(gold.fit, (BLANK, INSIDE))]),
        unknown=_distinct(of_chunk[gold.fit == UNKNOWN]),
    )


def balance(targets: TagTargets) -> TagTargets:
    """The targets with the weights that give every tag as much of the loss.

    Of n pieces with K different tags, one of a tag that n_t have weighs n / (K n_t), as sklearn's
    "balanced". The mean weight is 1, so the learning rate keeps its meaning.

    Raises:
        DataError: there is no labelled piece.
    """
    counts = np.bincount(targets.tag)
    n, n_tags = len(targets.tag), np.count_nonzero(counts)
    if not n:
        raise DataError(
            'task.class_weights = "balanced" balances nothing',
            expected="units with a tag in the training part",
            fix="--set task.class_weights=none",
        )
    weight = n / (n_tags * np.maximum(counts, 1))
    return replace(targets, weight=weight[targets.tag].astype(np.float32))


def _distinct(rows: Ints) -> tuple[int, ...]:
    return tuple(np.unique(rows).tolist())
