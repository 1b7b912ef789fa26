"""Cells: the units of tagged texts as a tokenizer can tell them apart, and the window of each.

A unit's first piece speaks for it. Units whose first piece is the same token cannot differ, so they
are one cell; for words a cell is nearly always one of them.

    units   E u r o p e a n   U n i o n       characters
    pieces  European          Union
    cells   ───────0───────   ────1────       the space has no piece, and is in no cell

A unit without a piece (white space, a control character) keeps its place: it takes its tag from the
chunk around it. Where tags have no prefixes it is O, if there is such a tag, else what the unit
before it is. Nothing is decoded for it, so that no chunk ever begins at a space, and none is less
probable because its borders might have been at one.

A cell belongs to the window that holds all its pieces with the largest min(left, right) context,
ties to the earlier one. It is labelled there and nowhere else, and its logits are taken from there.
If no window holds them all, it is labelled nowhere and read where its first piece has most context.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from spanfit.tagged import TaggedExample
from spanfit.tasks.labels import find_tokens
from spanfit.windows import Windows

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Cells:
    """N units of E examples end to end, and the C cells that they make, in order.

    Of units: `unit_splits` (E + 1,), `cell` (N,), -1 for a unit without a piece. Of cells: `splits`
    (E + 1,), `first_unit` and `last_unit` (C,), both included; `first` and `last` (C,), the pieces,
    both included, counted from the first token of the text; no two cells share one. `window` (C,)
    is the window that a cell belongs to, `is_held` (C,) whether that holds all its pieces.
    """

    unit_splits: Ints
    cell: Ints
    splits: Ints
    first_unit: Ints
    last_unit: Ints
    first: Ints
    last: Ints
    window: Ints
    is_held: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.first)

    @property
    def example(self) -> Ints:
        """The row of the example that each cell belongs to, (C,)."""
        return np.repeat(np.arange(len(self.splits) - 1), np.diff(self.splits))

    @property
    def unit_example(self) -> Ints:
        """The row of the example that each unit belongs to, (N,)."""
        return np.repeat(np.arange(len(self.unit_splits) - 1), np.diff(self.unit_splits))


def find_cells(examples: Sequence[TaggedExample], windows: Windows) -> Cells:
    """The cells of `examples`, whose windows these are.

    Raises:
        ModelError: the offsets of a text run backwards.
    """
    n_examples = len(examples)
    unit_splits = _split_at([len(example.starts) for example in examples])
    owner = np.repeat(np.arange(n_examples), np.diff(unit_splits))
    first, last = _find_pieces(examples, windows, owner)

    # Cells begin where the first piece is another than that of the last unit that had one.
    solid = np.flatnonzero(first >= 0)
    opens = np.ones(len(solid), np.bool_)
    opens[1:] = (first[solid[1:]] != first[solid[:-1]]) | (owner[solid[1:]] != owner[solid[:-1]])
    number = np.cumsum(opens) - 1
    begins = np.flatnonzero(opens)
    cell = np.full(len(owner), -1, np.int64)
    cell[solid] = number
    first_unit = solid[begins]
    last_unit = solid[np.append(begins[1:], len(solid)) - 1] if len(begins) else first_unit
    of_cell = owner[first_unit]
    pieces = first[first_unit]
    reach = np.maximum.reduceat(last[solid], begins) if len(begins) else pieces
    following = np.full(len(pieces), np.iinfo(np.int64).max)
    same = of_cell[1:] == of_cell[:-1]
    following[:-1][same] = pieces[1:][same]
    last_piece = np.maximum(np.minimum(reach, following - 1), pieces)
    window, is_held = find_windows(windows, of_cell, pieces, last_piece)
    return Cells(
        unit_splits=unit_splits,
        cell=cell,
        splits=_split_at(np.bincount(of_cell, minlength=n_examples)),
        first_unit=first_unit,
        last_unit=last_unit,
        first=pieces,
        last=last_piece,
        window=window,
        is_held=is_held,
    )


def _find_pieces(
    examples: Sequence[TaggedExample], windows: Windows, owner: Ints
) -> tuple[Ints, Ints]:
    """The first and the last token of each unit, (N,) each; -1 and -1 where it has none.

    First tokens never run backwards within a text, also where byte pieces overlap.
    """
    text = np.zeros(len(examples), np.int64)
    text[windows.example] = windows.sliced
    lengths = (len(example.before or "") for example in examples)
    before = np.fromiter(lengths, np.int64, len(examples))
    starts, ends = (
        np.fromiter(chain.from_iterable(side), np.int64, len(owner)) + before[owner]
        for side in (
            (example.starts for example in examples),
            (example.ends for example in examples),
        )
    )
    tokens = find_tokens(windows.texts, rows=text[owner], starts=starts, ends=ends)
    width = 1 + max(int(tokens.first.max(initial=0)), int(tokens.last.max(initial=0)))
    base = owner * width
    highest = np.maximum.accumulate(base + np.maximum(tokens.first, 0)) - base
    has_piece = tokens.first >= 0
    first = np.where(has_piece, highest, -1)
    return first, np.where(has_piece, np.maximum(tokens.last, first), -1)


def find_windows(
    windows: Windows, example: Ints, first: Ints, last: Ints
) -> tuple[Ints, NDArray[np.bool_]]:
    """The window of each cell, (C,), and whether it holds all the pieces from `first` to `last`."""
    lowest, highest = _candidates(windows, example, first, last)
    is_held = lowest <= highest
    lost = ~is_held
    last = np.where(lost, first, last)
    if lost.any():
        lowest[lost], highest[lost] = _candidates(windows, example[lost], first[lost], last[lost])
    best, most = lowest.copy(), _context(windows, lowest, first, last)
    for step in range(1, 1 + int((highest - lowest).max(initial=0))):
        window = np.minimum(lowest + step, highest)
        context = _context(windows, window, first, last)
        better = context > most
        best[better], most[better] = window[better], context[better]
    return best, is_held


def _candidates(windows: Windows, example: Ints, first: Ints, last: Ints) -> tuple[Ints, Ints]:
    """The first and the last window that hold all of these pieces; the other way round if none."""
    width = 1 + max(int(windows.last.max(initial=0)), int(last.max(initial=0)))
    row = windows.example.astype(np.int64) * width
    lowest = np.searchsorted(row + windows.last, example * width + last, side="right")
    highest = np.searchsorted(row + windows.first, example * width + first, side="right") - 1
    return lowest, highest


def _context(windows: Windows, window: Ints, first: Ints, last: Ints) -> Ints:
    """The tokens on the side of these pieces that has fewer of them, (C,)."""
    left, right = first - windows.first[window], windows.last[window] - 1 - last
    context: Ints = np.minimum(left, right)
    return context


def _split_at(counts: Sequence[int] | Ints) -> Ints:
    """Where each of some runs of so many begins and ends: (2, 0, 3) gives 0 2 2 5."""
    splits = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=splits[1:])
    return splits
