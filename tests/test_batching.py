"""Rows joined by hand and by a plain loop; batches of like length."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from toy_tokenizers import KINDS, TEMPLATES, arrange, load, prose

from spanfit.batching import (
    answer_tokens,
    join,
    split_by_equal_length,
    split_by_length,
    split_by_tokens,
)
from spanfit.tokenizer_opening import from_transformers
from spanfit.types import TextPair
from spanfit.windows import WindowSettings, make_windows


def ids_of(tokenizer, text):
    return tokenizer.backend.encode(text, add_special_tokens=False).ids


def test_join_by_hand():
    tokenizer = load("wordpiece")
    pairs = [TextPair("Who?", "the goat"), TextPair("Who was it?", "the conductor")]
    windows = make_windows(pairs, tokenizer, WindowSettings())
    batch = join(windows, np.array([1, 0]))
    pad, cls, sep = (tokenizer.backend.token_to_id(name) for name in ("[PAD]", "[CLS]", "[SEP]"))
    long, short = [
        [cls, *ids_of(tokenizer, question), sep, *ids_of(tokenizer, context), sep]
        for question, context in reversed(pairs)
    ]
    missing = len(long) - len(short)
    assert batch.rows.tolist() == [1, 0]
    assert batch.input_ids.tolist() == [long, short + [pad] * missing]
    assert batch.attention_mask.tolist() == [[1] * len(long), [1] * len(short) + [0] * missing]
    n_first = [2 + len(ids_of(tokenizer, pair.fixed)) for pair in reversed(pairs)]
    assert batch.sliced_start.tolist() == n_first
    assert batch.n_sliced.tolist() == [
        len(row) - n - 1 for row, n in zip((long, short), n_first, strict=True)
    ]
    assert batch.null_position.tolist() == [0, 0]
    assert batch.token_type_ids.tolist() == [
        [0] * n + [1] * (len(row) - n) + [0] * (len(long) - len(row))
        for row, n in zip((long, short), n_first, strict=True)
    ]
    for array in (batch.rows, batch.input_ids, batch.attention_mask, batch.token_type_ids):
        assert array.dtype == np.int64
    for array in (batch.sliced_start, batch.n_sliced, batch.null_position):
        assert array.dtype == np.int32


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("kind", KINDS)
def test_join_points_at_the_sliced_text_and_at_the_null_position(kind, template):
    tokenizer = from_transformers(arrange(kind, template))
    texts = prose()
    pairs = [TextPair(f"Who was number {row}?" * (row % 3), text) for row, text in enumerate(texts)]
    windows = make_windows(pairs, tokenizer, WindowSettings(40, 8))
    rows = np.random.default_rng(7).permutation(len(windows))[:50]
    batch = join(windows, rows)
    cls = tokenizer.config.cls_id
    for place, row in enumerate(rows):
        ids = batch.input_ids[place]
        text = pairs[windows.example[row]]
        start, n = batch.sliced_start[place], batch.n_sliced[place]
        sliced = ids_of(tokenizer, text.sliced)[windows.first[row] : windows.last[row]]
        assert ids[start : start + n].tolist() == sliced
        null = int(batch.null_position[place])
        if template == "t5":  # no [CLS]: the special token behind the question
            assert null == len(ids_of(tokenizer, text.fixed))
        else:
            assert ids[null] == cls
        present = np.flatnonzero(batch.attention_mask[place])
        assert len(present) == windows.lengths[row] == present[-1] - present[0] + 1
        assert present[-1] == len(ids) - 1 if template == "xlnet" else present[0] == 0
        assert null == {"xlnet": len(ids) - 1, "t5": null}.get(template, 0)


def test_join_of_single_texts():
    tokenizer = load("unigram")
    windows = make_windows(
        [TextPair(None, text) for text in prose()], tokenizer, WindowSettings(30, 5)
    )
    batch = join(windows, np.arange(len(windows)))
    assert batch.token_type_ids is None
    assert (batch.sliced_start == 1).all()
    assert (batch.null_position == 0).all()
    assert (batch.n_sliced + 2 == batch.attention_mask.sum(axis=1)).all()
    assert (batch.input_ids[:, 0] == 0).all()


def test_join_of_no_rows():
    windows = make_windows([TextPair("a", "b")], load("wordpiece"), WindowSettings())
    batch = join(windows, np.array([], dtype=np.int64))
    assert batch.input_ids.shape == (0, 0)
    assert answer_tokens(windows, batch).shape == (0, 0)


def test_the_order_of_rows_does_not_matter():
    windows = make_windows(
        [TextPair("Who?", text) for text in prose()], load("bytelevel"), WindowSettings(60, 20)
    )
    rows = np.arange(len(windows))
    straight, turned = join(windows, rows), join(windows, rows[::-1])
    assert (straight.input_ids == turned.input_ids[::-1]).all()
    assert (straight.sliced_start == turned.sliced_start[::-1]).all()


def test_only_visible_tokens_of_the_sliced_text_may_be_answers():
    tokenizer = load("bytelevel")
    context = "a  \n goat\u00a0 "
    windows = make_windows(
        [TextPair("a goat?", context), TextPair("", " ")], tokenizer, WindowSettings()
    )
    batch = join(windows, np.arange(2))
    allowed = answer_tokens(windows, batch)
    assert allowed.shape == batch.input_ids.shape
    ids = batch.input_ids[0][allowed[0]]
    pieces = [tokenizer.backend.decode([id_]).strip() for id_ in ids]
    assert "".join(pieces) == "agoat"
    assert batch.n_sliced[0] > len(pieces)
    assert not allowed[1].any()


@given(
    lengths=st.lists(st.integers(1, 500), max_size=200),
    max_tokens=st.integers(1, 3000),
    overhead=st.integers(0, 500),
)
def test_micro_batches_keep_the_budget_and_every_row(lengths, max_tokens, overhead):
    lengths = np.array(lengths, dtype=np.int32)
    batches = split_by_length(lengths, max_tokens=max_tokens, overhead_tokens=overhead)
    rows = np.concatenate([np.empty(0, np.int64), *batches])
    assert sorted(rows.tolist()) == list(range(len(lengths)))
    assert (np.diff(lengths[rows]) <= 0).all()  # like beside like, the longest first
    for batch in batches:
        assert len(batch) == 1 or len(batch) * lengths[batch].max() <= max_tokens


def cost_of(sizes, overhead):
    return overhead + len(sizes) * max(sizes)


def cheapest(sizes, max_tokens, overhead):
    """The cost of the cheapest way to cut sorted rows, found by trying all of them."""
    if not sizes:
        return 0
    return min(
        cost_of(sizes[:n], overhead) + cheapest(sizes[n:], max_tokens, overhead)
        for n in range(1, len(sizes) + 1)
        if n == 1 or n * sizes[0] <= max_tokens
    )


@given(
    lengths=st.lists(st.integers(1, 30), min_size=1, max_size=9),
    max_tokens=st.integers(1, 120),
    overhead=st.integers(0, 40),
)
def test_no_way_to_cut_the_rows_is_cheaper(lengths, max_tokens, overhead):
    batches = split_by_length(np.array(lengths), max_tokens=max_tokens, overhead_tokens=overhead)
    cost = sum(cost_of([lengths[row] for row in batch], overhead) for batch in batches)
    assert cost == cheapest(sorted(lengths, reverse=True), max_tokens, overhead)


def test_micro_batches_of_equal_rows_keep_their_order():
    batches = split_by_length(np.array([5, 5, 5, 5, 5]), max_tokens=10, overhead_tokens=1)
    assert sorted(map(len, batches)) == [1, 2, 2]
    assert np.concatenate(batches).tolist() == [0, 1, 2, 3, 4]


def test_a_budget_of_nothing_is_refused():
    with pytest.raises(ValueError, match="max_tokens"):
        split_by_length(np.array([1]), max_tokens=0, overhead_tokens=0)


@given(
    lengths=st.lists(st.integers(1, 400), max_size=60).map(np.array),
    max_tokens=st.integers(1, 3000),
)
def test_packs_keep_the_budget_and_every_row(lengths, max_tokens):
    packs = split_by_tokens(lengths.astype(np.int64), max_tokens=max_tokens)
    rows = np.concatenate([*packs, np.empty(0, np.int64)])
    assert sorted(rows.tolist()) == list(range(len(lengths)))
    for pack in packs:
        assert len(pack) == 1 or lengths[pack].sum() <= max_tokens
    ordered = [int(length) for pack in packs for length in lengths[pack]]
    assert ordered == sorted(ordered, reverse=True)


def test_packs_are_few_and_even():
    packs = split_by_tokens(np.array([100] * 30), max_tokens=2000)
    assert [len(pack) for pack in packs] == [15, 15]
    with pytest.raises(ValueError, match="max_tokens"):
        split_by_tokens(np.array([1]), max_tokens=0)


@given(st.lists(st.integers(1, 40), max_size=60), st.integers(1, 120))
def test_rows_of_one_length_go_together(lengths, max_tokens):
    sizes = np.array(lengths, np.int64)
    batches = split_by_equal_length(sizes, max_tokens=max_tokens)
    assert sorted(np.concatenate([[], *batches]).tolist()) == list(range(len(lengths)))
    for rows in batches:
        assert len(set(sizes[rows].tolist())) == 1
        assert len(rows) == 1 or sizes[rows].sum() <= max_tokens
    for one, other in itertools.pairwise(batches):  # no batch that could have been part of another
        n = sizes[one[0]]
        assert n > sizes[other[0]] or (len(one) + 1) * n > max_tokens
