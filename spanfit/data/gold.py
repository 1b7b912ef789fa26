"""The gold tags of many texts at once: their chunks, and the same chunks in another scheme."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from spanfit.errors import DataError
from spanfit.tags import PLAIN, ChunkArrays, Scheme, TagTable, complete_table, encode_tags
from spanfit.tags import make_table as make_tag_table
from spanfit.tags.sequences import Ints, TagSequence


@dataclass(frozen=True, eq=False)
class GoldChunks:
    """The chunks of n sequences of tags, laid end to end and cut by `splits` int64 (n + 1,).

    `table` has all tags of the scheme over the labels that there are; `codes` int64 (n_units,) are
    the tags in it, -1 for what is none.
    """

    table: TagTable
    chunks: ChunkArrays
    splits: Ints
    codes: Ints

    def count_labels(self) -> dict[str, int]:
        """How many chunks have each label, most frequent first."""
        labels = self.table.labels
        counts = np.bincount(self.chunks.label, minlength=len(labels)).tolist()
        return dict(sorted(zip(labels, counts, strict=True), key=lambda pair: -pair[1]))

    def count_broken(self) -> int:
        """How many chunks are not written as the scheme writes them."""
        differs = self.table.write(self.chunks, self.splits) != self.codes
        n_before = np.concatenate([[0], np.cumsum(differs)])
        return int((n_before[self.chunks.end] > n_before[self.chunks.start]).sum())


def find_chunks(sequences: Sequence[TagSequence], scheme: Scheme) -> GoldChunks:
    """The chunks that conlleval reads from the tags; what is no tag of the scheme is read as O."""
    coded = encode_tags(sequences)
    table = complete_table(scheme, coded.tags)
    rows = {tag: row for row, tag in enumerate(table.tags)}
    codes = np.array([rows.get(tag, -1) for tag in coded.tags], np.int64)[coded.codes]
    splits = np.concatenate([[0], np.cumsum(coded.lengths)]).astype(np.int64)
    return GoldChunks(table, table.find_chunks(codes, splits), splits, codes)


def convert_all(
    sequences: Sequence[TagSequence], *, source: Scheme, target: Scheme
) -> list[tuple[str, ...]]:
    """Valid sequences in another scheme, chunk by chunk the same; no Python loop over the tags.

    Raises:
        DataError: the target is plain, and a chunk has several units, or a label is O or missing.
    """
    gold = find_chunks(sequences, source)
    longest = int((gold.chunks.end - gold.chunks.start).max(initial=0))
    if target == PLAIN and longest > 1:
        raise DataError(
            f"the scheme plain cannot say that {longest} units are one chunk",
            fix="a scheme with prefixes, such as IOB2",
        )
    target.refuse_labels(gold.table.labels)
    table = make_tag_table(target, target.list_tags(gold.table.labels))
    written = np.array(table.tags, dtype=object)[table.write(gold.chunks, gold.splits)].tolist()
    return [tuple(written[start:end]) for start, end in pairwise(gold.splits.tolist())]
