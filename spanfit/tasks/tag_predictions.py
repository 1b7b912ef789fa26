"""From the scores of cells to the tags of units, and to entities with their probabilities.

Of each text the best sequence of tags is found over its cells, and read as chunks. A chunk goes
from the first unit of its first cell to the last unit of its last one: what stands between, with a
piece or without, is in it. The units' tags are those that say these chunks, so they need not be the
cells': the second character of a cell that is B is I.

Without constraints the tags of cells may break their scheme. Then chunks are what conlleval reads,
and the first unit of a cell keeps the tag that was found for it, right or wrong.

The probability of an entity is that of all sequences in which conlleval reads just this chunk at
just these cells: in valid ones, the chunk of the scheme.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from spanfit.decode.segments import (
    Pattern,
    SequenceSums,
    frame_chunks,
    segment_probability,
    sum_sequences,
)
from spanfit.decode.tags import argmax_tags, best_tags
from spanfit.settings import TagSettings
from spanfit.tagged import TaggedEntity, TaggedExample, TaggingPrediction
from spanfit.tags import (
    OUTSIDE,
    ChunkArrays,
    TagTable,
    Transitions,
    complete_table,
    find_scheme,
    make_table,
    make_transitions,
)
from spanfit.tasks.cells import Cells

UNNAMED = "chunk"
"""The label of the entities of a scheme whose tags are only letters: B, I and O."""


NO_CHUNKS = ChunkArrays(*np.zeros((3, 0), np.int64))


@dataclass(frozen=True, eq=False)
class FoundTags:
    """What was found in the scores of C cells of N units.

    `units` int32 (N,): the tag of each, among those of the reader's table. `chunks` are those of
    the cells, and `chunks_of_units` the same ones over units; none where tags have no prefixes.
    """

    units: NDArray[np.int32]
    chunks: ChunkArrays
    chunks_of_units: ChunkArrays


@dataclass(frozen=True, eq=False)
class TagReader:
    """How tags are read from scores, whatever the texts.

    `outputs` int64 (K,) are the model's outputs that are tags of its scheme: helpers ("[CLS]", "X")
    are never chosen. `model` are these K tags, `table` all tags of their scheme and labels, of
    which theirs are `codes` int32 (K,). `patterns` are what chunks look like: one for each label,
    in each of the ways that conlleval knows.
    """

    outputs: NDArray[np.int64]
    model: TagTable
    table: TagTable
    codes: NDArray[np.int32]
    transitions: Transitions
    constrained: bool
    patterns: tuple[tuple[Pattern, ...], ...]

    def read(
        self,
        examples: Sequence[TaggedExample],
        cells: Cells,
        scores: NDArray[np.float32],
        *,
        temperature: float = 1.0,
    ) -> list[TaggingPrediction]:
        """The prediction of each example from the scores of the cells, (C, all outputs).

        Raises:
            ModelError: a score is NaN or infinite.
        """
        scores = scores[:, self.outputs]
        found = self.find_tags(cells, scores)
        chunks, units = found.chunks, found.chunks_of_units
        probability = self._probability(scores, cells, chunks, temperature=temperature)
        entities = zip(
            units.start.tolist(),
            units.end.tolist(),
            [self.table.labels[label] for label in chunks.label.tolist()],
            probability.tolist(),
            strict=True,
        )
        return _to_predictions(examples, cells, self.name_tags(found.units), list(entities))

    def find_tags(self, cells: Cells, scores: NDArray[np.float32]) -> FoundTags:
        """The tags of all units, and the chunks that they say.

        Raises:
            ModelError: a score is NaN or infinite.
        """
        if self.constrained:
            best = best_tags(scores, cells.splits, self.transitions)
        else:
            best = argmax_tags(scores, cells.splits)
        codes = self.codes[best.tags]
        if not self.table.scheme.has_prefixes:
            tags = self.model.tags
            cell = cells.cell if OUTSIDE in tags else _nearest_cells(cells)
            nothing = self.codes[tags.index(OUTSIDE) if OUTSIDE in tags else 0]
            units = np.append(codes, nothing)[cell]  # of -1 the last
            return FoundTags(units, chunks=NO_CHUNKS, chunks_of_units=NO_CHUNKS)
        chunks = self.table.find_chunks(codes, cells.splits)
        first, last = cells.first_unit[chunks.start], cells.last_unit[chunks.end - 1]
        chunks_of_units = ChunkArrays(first, last + 1, chunks.label)
        units = self.table.write(chunks_of_units, cells.unit_splits)
        odd = self.table.write(chunks, cells.splits) != codes
        units[cells.first_unit[odd]] = codes[odd]
        return FoundTags(units, chunks=chunks, chunks_of_units=chunks_of_units)

    def name_tags(self, codes: NDArray[np.int32]) -> list[str]:
        """The tags of these numbers of `table`."""
        names: list[str] = np.array(self.table.tags, dtype=object)[codes].tolist()
        return names

    def _probability(
        self, scores: NDArray[np.float32], cells: Cells, chunks: ChunkArrays, *, temperature: float
    ) -> NDArray[np.float64]:
        """The probability of each chunk of cells."""
        result = np.zeros(len(chunks))
        if not len(chunks):
            return result
        sums: SequenceSums = sum_sequences(
            scores, cells.splits, self.transitions, temperature=temperature
        )
        for patterns in self.patterns:
            segments = frame_chunks(
                patterns, chunks.label, chunks.start, chunks.end, splits=cells.splits
            )
            result += segment_probability(sums, segments)
        return np.minimum(result, 1.0)


def make_reader(settings: TagSettings, *, constrained: bool) -> TagReader:
    """The reader of a model's tags.

    Raises:
        DataError: one of its tags is none of its scheme.
        RecipeError: there is no such scheme.
    """
    return _make_reader(settings.scheme, tuple(settings.tags), constrained)


@lru_cache(maxsize=8)
def _make_reader(scheme_name: str, tags: tuple[str, ...], constrained: bool) -> TagReader:
    scheme = find_scheme(scheme_name)
    outputs = [number for number, tag in enumerate(tags) if scheme.find_tag(tag)]
    tags = tuple(tags[number] for number in outputs)
    model = make_table(scheme, tags)
    table = complete_table(scheme, tags)
    n = len(tags)
    free = Transitions(np.ones((n, n), np.bool_), np.ones(n, np.bool_), np.ones(n, np.bool_))
    return TagReader(
        outputs=np.array(outputs, np.int64),
        model=model,
        table=table,
        codes=np.array([table.tags.index(tag) for tag in tags], np.int32),
        transitions=make_transitions(scheme, tags) if constrained else free,
        constrained=constrained,
        patterns=_make_patterns(model),
    )


def _nearest_cells(cells: Cells) -> NDArray[np.int64]:
    """The cell of each unit (N,); of one without a piece that before it, else that behind it.

    -1 where the text has none.
    """
    n = len(cells.cell)
    place = np.arange(n)
    has_piece = cells.cell >= 0
    owner = cells.unit_example
    before = np.maximum.accumulate(np.where(has_piece, place, -1))
    behind = np.minimum.accumulate(np.where(has_piece, place, n)[::-1])[::-1]
    chosen = np.full(n, -1, np.int64)
    for nearest in (behind, before):  # the latter prevails
        there = (nearest >= 0) & (nearest < n)
        there[there] = owner[nearest[there]] == owner[there]
        chosen[there] = cells.cell[nearest[there]]
    return chosen


def _make_patterns(model: TagTable) -> tuple[tuple[Pattern, ...], ...]:
    """What a chunk of each label looks like, in the four ways that conlleval reads one.

    It begins with B (or S), or with I (or E) that does not go on with what is before it; it ends
    with E (or S), or with I (or B) that what is behind it does not go on with.
    """
    ways = [
        [_make_pattern(model, label, *way) for label in range(len(model.labels))]
        for way in (("S", "B", "E"), ("B", "B", "I"), ("E", "I", "E"), ("I", "I", "I"))
    ]
    return tuple(tuple(way) for way in ways if any(_can_be(pattern) for pattern in way))


def _make_pattern(model: TagTable, label: int, single: str, first: str, last: str) -> Pattern:
    anything = np.ones(len(model.tags), np.bool_)
    return Pattern(
        single=model.mask(single, label),
        first=model.mask(first, label),
        inside=model.mask("I", label),
        last=model.mask(last, label),
        before=~model.mask("BI", label) if first == "I" else anything,
        after=~model.mask("IE", label) if last == "I" else anything,
    )


def _can_be(pattern: Pattern) -> bool:
    return bool(pattern.single.any() or (pattern.first.any() and pattern.last.any()))


def _to_predictions(
    examples: Sequence[TaggedExample],
    cells: Cells,
    tags: Sequence[str],
    found: Sequence[tuple[int, int, str, float]] = (),
) -> list[TaggingPrediction]:
    """The prediction of each example: the tags of all units, and of all chunks what was found.

    That is the first unit and the one behind the last, label and probability, in order.
    """
    splits = cells.unit_splits.tolist()
    chunks = np.searchsorted([chunk[0] for chunk in found], splits).tolist()
    return [
        TaggingPrediction(
            id=example.id,
            text=example.text,
            starts=example.starts,
            ends=example.ends,
            tags=tuple(tags[splits[row] : splits[row + 1]]),
            entities=tuple(
                _to_entity(example, start - splits[row], end - splits[row], label, probability)
                for start, end, label, probability in found[chunks[row] : chunks[row + 1]]
            ),
        )
        for row, example in enumerate(examples)
    ]


def _to_entity(
    example: TaggedExample, first: int, end: int, label: str, probability: float
) -> TaggedEntity:
    start, stop = example.starts[first], example.ends[end - 1]
    return TaggedEntity(start, stop, label or UNNAMED, example.text[start:stop], probability)
