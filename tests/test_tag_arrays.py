"""Chunks of many sequences as arrays: against the functions for one."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tagged_texts import chunkings

from spanfit.tags import (
    BIOES,
    IOB2,
    SCHEMES,
    Chunk,
    ChunkArrays,
    complete_table,
    make_table,
    read_chunks_leniently,
    write_tags,
)

prefixed = pytest.mark.parametrize("scheme", [s for s in SCHEMES.values() if s.has_prefixes])


@prefixed
@given(data=st.data(), lengths=st.lists(st.integers(0, 6), min_size=1, max_size=5))
def test_any_tags_are_read_as_conlleval_does(scheme, data, lengths):
    table = complete_table(scheme, scheme.list_tags(["x", "y"]))
    splits = np.concatenate([[0], np.cumsum(lengths)])
    n = len(table.tags)
    total = sum(lengths)
    drawn = data.draw(st.lists(st.integers(0, n - 1), min_size=total, max_size=total))
    codes = np.array(drawn, np.int32)
    expected = [
        Chunk(chunk.label, begin + chunk.start, begin + chunk.end)
        for begin, end in pairwise(splits.tolist())
        for chunk in read_chunks_leniently([table.tags[c] for c in codes[begin:end]], scheme)
    ]
    assert to_chunks(table.find_chunks(codes, splits), table) == expected


@pytest.mark.parametrize("scheme", SCHEMES.values())
@given(data=st.data(), lengths=st.lists(st.integers(0, 6), min_size=1, max_size=4))
def test_chunks_are_written_as_one_by_one_and_read_again(scheme, data, lengths):
    table = complete_table(scheme, scheme.list_tags(["x", "y"]))
    splits = np.concatenate([[0], np.cumsum(lengths)])
    expected, chunks = [], []
    for begin, n in zip(splits.tolist(), lengths, strict=False):
        own = data.draw(chunkings(n))
        if not scheme.has_prefixes:
            own = [Chunk(c.label, c.start, c.start + 1) for c in own]
        expected += write_tags(own, n, scheme)
        chunks += [Chunk(c.label, begin + c.start, begin + c.end) for c in own]
    columns = [(c.start, c.end, table.labels.index(c.label)) for c in chunks]
    arrays = ChunkArrays(*np.array(columns, np.int64).reshape(-1, 3).T)
    codes = table.write(arrays, splits)
    assert [table.tags[code] for code in codes] == expected
    assert to_chunks(table.find_chunks(codes, splits), table) == chunks


def to_chunks(arrays, table):
    columns = (arrays.label.tolist(), arrays.start.tolist(), arrays.end.tolist())
    return [
        Chunk(table.labels[label], start, end) for label, start, end in zip(*columns, strict=True)
    ]


def test_what_follows_the_first_piece_by_pencil():
    """By the meaning of the tags, whatever their order."""
    table = make_table(IOB2, ["I-y", "B-x", "O", "B-y", "I-x"])
    assert [table.tags[code] for code in table.behind()] == ["I-y", "I-x", "O", "I-y", "I-x"]
    table = make_table(BIOES, ["S-x", "O", "E-x", "B-x", "I-x"])
    assert [table.tags[code] for code in table.behind()] == ["E-x", "O", "E-x", "I-x", "I-x"]
    table = make_table(SCHEMES["plain"], ["NN", "B-cell"])
    assert table.behind().tolist() == [0, 1]
    assert make_table(IOB2, ["O", "B-x"]).behind().tolist() == [0, -1], "there is no I-x"


def test_a_tag_that_is_not_there_and_codes_that_are_unknown():
    table = make_table(IOB2, ["B-x", "I-x"])
    splits = np.array([0, 3])
    assert table.find_chunks(np.array([0, -1, 1]), splits).start.tolist() == [0, 2]
    assert table.write(ChunkArrays(*np.array([[0], [1], [0]])), splits).tolist() == [0, -1, -1]
    empty = make_table(IOB2, ["O"])
    assert empty.write(empty.find_chunks(np.zeros(3, int), splits), splits).tolist() == [0, 0, 0]
