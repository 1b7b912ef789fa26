"""Cells and their windows: by pencil, and against a look at everything."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tagged_texts import load, settle, tagged, texts, window
from toy_tokenizers import KINDS

from spanfit.tasks.cells import find_cells

SIZES = ((16, 2), (20, 6), (24, 17), (256, 64))


def cells_of(example, tokenizer, **size):
    examples, windows = window([example], tokenizer, settle([example], **size))
    return examples[0], windows, find_cells(examples, windows)


def test_words_are_cells_and_a_word_without_pieces_is_in_none():
    _, _, cells = cells_of(tagged(["Ada", "\u200b", "came", "."]), load("wordpiece"))
    assert cells.cell.tolist() == [0, -1, 1, 2]
    assert cells.first_unit.tolist() == cells.last_unit.tolist() == [0, 2, 3]
    assert cells.splits.tolist() == [0, 3]
    assert cells.is_held.all()


def test_characters_of_one_token_are_one_cell():
    tokenizer = load("unigram")
    _, windows, cells = cells_of(tagged("the the"), tokenizer)
    assert windows.texts.starts.tolist() == [0, 4], "the tokens are ▁the ▁the"
    assert cells.cell.tolist() == [0, 0, 0, -1, 1, 1, 1]
    assert (cells.first_unit.tolist(), cells.last_unit.tolist()) == ([0, 4], [2, 6])


def test_texts_without_units_between_others():
    tokenizer = load("wordpiece")
    examples = [tagged([], id="0"), tagged(["Ada", "came"], id="1"), tagged(["\u200b"], id="2")]
    examples, windows = window(examples, tokenizer, settle(examples))
    cells = find_cells(examples, windows)
    assert cells.splits.tolist() == [0, 0, 2, 2]
    assert cells.unit_splits.tolist() == [0, 0, 2, 3]
    assert cells.example.tolist() == [1, 1]


def test_the_window_with_most_context_by_pencil():
    """Windows of 6 tokens, of which two share 4: [0, 6) [2, 8) [4, 10)."""
    example = tagged(list("abcdefghij"))
    _, windows, cells = cells_of(example, load("wordpiece"), max_length=8, overlap=4)
    assert list(zip(windows.first, windows.last, strict=True)) == [(0, 6), (2, 8), (4, 10)]
    # Token 3: 2 to its right in window 0, 1 to its left in window 1. Token 4: 1 right in window 0,
    # 2 left in window 1, 0 left in window 2. Token 5: 0 in 0, 2 in 1 (right), 1 in 2.
    assert cells.window.tolist() == [0, 0, 0, 0, 1, 1, 2, 2, 2, 2]


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data(), by_character=st.booleans(), size=st.sampled_from(SIZES))
def test_cells_and_windows_equal_a_look_at_everything(kind, data, by_character, size):
    example = data.draw(texts("IOB2", by_character=by_character))
    example, windows, cells = cells_of(example, load(kind), max_length=size[0], overlap=size[1])
    assert (np.diff(cells.first) > 0).all(), "cells have pieces of their own"
    assert (cells.last[:-1] < cells.first[1:]).all()
    units = np.flatnonzero(cells.cell >= 0)
    assert (np.diff(cells.cell[units]) >= 0).all()
    for cell in range(len(cells)):
        own = np.flatnonzero(cells.cell == cell)
        assert (own[0], own[-1]) == (cells.first_unit[cell], cells.last_unit[cell])
    starts = windows.texts.starts - len(example.before)
    ends = windows.texts.ends - len(example.before)
    for unit in range(len(example.starts)):
        touching = (starts < example.ends[unit]) & (ends > example.starts[unit]) & (ends > starts)
        assert (cells.cell[unit] >= 0) == touching.any()
    for cell, (first, last) in enumerate(zip(cells.first, cells.last, strict=True)):
        assert (cells.window[cell], cells.is_held[cell]) == brute_force(windows, first, last)


def brute_force(windows, first, last):
    """The window that holds all pieces with most context, the earliest; else by the first piece."""
    for end, is_held in ((last, True), (first, False)):
        contexts = {
            row: min(first - windows.first[row], windows.last[row] - 1 - end)
            for row in range(len(windows))
            if windows.first[row] <= first and end < windows.last[row]
        }
        if contexts:
            return max(contexts, key=lambda row: (contexts[row], -row)), is_held
    raise AssertionError("a token is in no window")
