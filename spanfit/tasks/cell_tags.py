"""The gold of tagged texts, said of their cells: what a model learns, and what that loses.

A cell takes its tag from the chunk that its first unit is in, so chunks become runs of cells:

    units   E u r o p e a n   U n i o n .     B-ORG I-ORG … I-ORG O
    cells   European          Union     .     B-ORG         I-ORG O

Each gold chunk is one of these (where tags have no prefixes, each unit with a tag is a chunk):

    exact     from the tags of the cells the same chunk is read again
    no piece  it has no unit with a piece, so nothing speaks for it
    blank     it begins or ends on a unit without a piece: it is learnt without that
    inside    it begins or ends inside a token: it is learnt wider or narrower
    unheld    no window holds all pieces of one of its units: that one is not learnt
    unknown   the model has no such tag
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spanfit.errors import DataError
from spanfit.tagged import TaggedExample
from spanfit.tags import ChunkArrays, TagTable, complete_table, encode_tags
from spanfit.tasks.cells import Cells, Ints

EXACT, NO_PIECE, BLANK, INSIDE, UNHELD, UNKNOWN = range(6)


@dataclass(frozen=True, eq=False)
class CellTags:
    """The gold of C cells, and the G gold chunks behind it.

    `codes` int32 (C,): the tag of each cell among the model's, -1 where it has no such tag.
    `chunks` are those of the units, with labels of `table`; `fit` (G,) is what becomes of each.
    """

    codes: NDArray[np.int32]
    chunks: ChunkArrays
    table: TagTable
    fit: Ints


def tag_cells(examples: Sequence[TaggedExample], cells: Cells, model: TagTable) -> CellTags:
    """The gold of the cells of `examples`, in the tags of `model`.

    Raises:
        DataError: an example has no gold, or a tag that is none of the model's scheme.
    """
    coded = encode_tags([_require_tags(example) for example in examples])
    _require_scheme(examples, coded.tags, model)
    table = complete_table(model.scheme, (*model.tags, *coded.tags))
    codes = np.array([table.tags.index(tag) for tag in coded.tags], np.int32)[coded.codes]
    chunks = table.find_chunks(codes, cells.unit_splits)
    chunk = np.full(len(codes), -1, np.int64)
    length = chunks.end - chunks.start
    units = np.repeat(chunks.start - np.cumsum(length) + length, length) + np.arange(length.sum())
    chunk[units] = np.repeat(np.arange(len(chunks)), length)

    in_model = np.array([find_code(model, tag) for tag in table.tags], np.int32)
    learnt = _group(chunk[cells.first_unit], chunks.label)
    tags = table.write(learnt, cells.splits)
    fit = _classify(chunks, chunk, cells, codes if not model.scheme.has_prefixes else None)
    known = np.array([label in model.labels for label in table.labels] or [False])
    fit = np.where(known[chunks.label], fit, UNKNOWN)
    return CellTags(in_model[tags], chunks=chunks, table=table, fit=fit)


def find_code(table: TagTable, tag: str) -> int:
    """The number of a tag, -1 where it is none of the table's."""
    return table.tags.index(tag) if tag in table.tags else -1


def _group(chunk: Ints, label: Ints) -> ChunkArrays:
    """Runs of cells of one chunk; `chunk` (C,) is -1 for cells in none, `label` (G,) of chunks."""
    inside = chunk >= 0
    differs = chunk[1:] != chunk[:-1]
    begins, ends = inside.copy(), inside.copy()
    begins[1:] &= differs
    ends[:-1] &= differs
    start = np.flatnonzero(begins)
    return ChunkArrays(start, np.flatnonzero(ends) + 1, label[chunk[start]])


def _classify(
    chunks: ChunkArrays, chunk: Ints, cells: Cells, plain: NDArray[np.int32] | None
) -> Ints:
    """What becomes of each chunk, (G,); `plain` (N,) are the units' tags if these have no prefixes.

    `chunk` (N,) is the one that each unit is in, -1 without.
    """
    n = len(chunks)
    begin, end = chunks.start, chunks.end - 1
    has_piece = cells.cell >= 0
    own = cells.cell[has_piece]
    lost = has_piece.copy()
    lost[has_piece] = ~cells.is_held[own]
    if plain is None:
        opens, closes = np.zeros((2, len(chunk)), np.bool_)
        opens[cells.first_unit] = closes[cells.last_unit] = True
        inside = ~opens[begin] | ~closes[end]
    else:
        said = plain.copy()
        said[has_piece] = plain[cells.first_unit[own]]
        inside = said[begin] != plain[begin]
    kinds = {
        NO_PIECE: ~_holds(chunk, has_piece, n),
        BLANK: ~has_piece[begin] | ~has_piece[end],
        INSIDE: inside,
        UNHELD: _holds(chunk, lost, n),
    }
    return np.select(list(kinds.values()), list(kinds), default=EXACT)


def _holds(chunk: Ints, units: NDArray[np.bool_], n: int) -> NDArray[np.bool_]:
    """Which of n chunks hold one of these units; `chunk` and `units` are (N,)."""
    return np.bincount(chunk[units & (chunk >= 0)], minlength=n) > 0


def _require_tags(example: TaggedExample) -> tuple[str, ...]:
    if example.tags is None:
        raise DataError(
            f"text {example.id!r} has no gold tags to learn from",
            where=example.place,
            expected='a tag for each word, or "entities" of the text ([] for a text without any)',
        )
    return example.tags


def _require_scheme(
    examples: Sequence[TaggedExample], tags: Sequence[str], model: TagTable
) -> None:
    """Refuse gold with a tag that is none of the model's scheme; say where the first one is."""
    for tag in tags:
        if model.scheme.find_tag(tag) is None:
            example = next(example for example in examples if tag in (example.tags or ()))
            raise DataError(
                f"{tag!r} is no tag of the model's scheme {model.scheme.name}",
                where=example.place_of((example.tags or ()).index(tag)),
                expected=model.scheme.describe(),
            )
