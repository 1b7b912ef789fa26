"""From windows to arrays: joining rows into a padded batch, and batches of like length."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spanfit.tokens import Int32, Int64
from spanfit.windows import Windows


@dataclass(frozen=True, eq=False)
class Batch:
    """Model inputs of B windows, padded to the longest of them (T tokens).

    `rows` int64 (B,): the windows. `input_ids`, `attention_mask`, `token_type_ids`: int64 (B, T);
    the last None where the model takes none. `sliced_start`, `n_sliced`, int32 (B,): the place in
    the row of the first token of the sliced text, and how many there are; `fixed_start`, `n_fixed`
    those of the fixed text (`fixed_start` -1 where windows have none). `null_position`, int32 (B,):
    the place that says "no answer" (-1 where the template has no special token).
    """

    rows: Int64
    input_ids: Int64
    attention_mask: Int64
    token_type_ids: Int64 | None
    sliced_start: Int32
    n_sliced: Int32
    fixed_start: Int32
    n_fixed: Int32
    null_position: Int32


@dataclass(frozen=True, eq=False)
class _Layout:
    """The columns at which things start in each of B rows of T columns; int64 (B,) arrays.

    `parts` are the columns of prefix, between and suffix.
    """

    left: Int64
    lengths: Int64
    parts: tuple[Int64, Int64, Int64]
    fixed: Int64
    n_fixed: Int64
    sliced: Int64
    n_sliced: Int64


def join(windows: Windows, rows: npt.NDArray[np.integer]) -> Batch:
    """The inputs of these windows, in this order, padded on the tokenizer's side."""
    chosen: Int64 = np.asarray(rows, dtype=np.int64)
    layout = _lay_out(windows, chosen)
    template, texts, tokenizer = windows.template, windows.texts, windows.tokenizer
    shape = len(chosen), int(layout.lengths.max(initial=0))
    ids = np.full(shape, tokenizer.pad_id, np.int64)
    types = np.zeros(shape, np.int64)
    for part, start in zip(template.parts, layout.parts, strict=True):
        columns = start[:, None] + np.arange(len(part.ids))  # (B, tokens of the part)
        np.put_along_axis(ids, columns, part.ids[None], axis=1)
        np.put_along_axis(types, columns, part.type_ids[None], axis=1)
    for starts, counts, origin, type_ in (
        (layout.fixed, layout.n_fixed, texts.splits[windows.fixed[chosen]], template.fixed_type),
        (layout.sliced, layout.n_sliced, windows.origin[chosen], template.sliced_type),
    ):
        row, number = _count_out(counts)
        column = starts[row] + number
        ids[row, column] = texts.ids[origin[row] + number]
        types[row, column] = type_
    column = np.arange(shape[1])
    mask = (column >= layout.left[:, None]) & (column < (layout.left + layout.lengths)[:, None])
    null = template.null
    null_position = (
        np.full(len(chosen), -1) if null is None else layout.parts[null.part] + null.position
    )
    return Batch(
        rows=chosen,
        input_ids=ids,
        attention_mask=mask.astype(np.int64),
        token_type_ids=types if tokenizer.has_type_ids else None,
        sliced_start=layout.sliced.astype(np.int32),
        n_sliced=layout.n_sliced.astype(np.int32),
        fixed_start=np.where(windows.fixed[chosen] < 0, -1, layout.fixed).astype(np.int32),
        n_fixed=layout.n_fixed.astype(np.int32),
        null_position=null_position.astype(np.int32),
    )


def answer_tokens(windows: Windows, batch: Batch) -> npt.NDArray[np.bool_]:
    """Tokens that may start or end an answer, bool (B, T): sliced ones with a visible character."""
    allowed = np.zeros(batch.input_ids.shape, np.bool_)
    row, number = _count_out(batch.n_sliced.astype(np.int64))
    tokens = windows.origin[batch.rows][row] + number
    allowed[row, batch.sliced_start[row] + number] = ~windows.texts.blank[tokens]
    return allowed


def split_by_length(
    lengths: npt.NDArray[np.integer], *, max_tokens: int, overhead_tokens: int
) -> list[Int64]:
    """Micro-batches of like length: row numbers, int64, each row in exactly one.

    A micro-batch, padded to its longest row, has at most `max_tokens` tokens; a row that is longer
    by itself stands alone. Each costs what `overhead_tokens` more would: of all ways to cut the
    rows, sorted by length, this is one of least cost. The longest come first, so that memory runs
    out at once or not at all.
    """
    if max_tokens < 1:
        raise ValueError(f"max_tokens must be at least 1, found {max_tokens}")
    order = np.argsort(-lengths.astype(np.int64), kind="stable")
    cuts = _cheapest_cuts(lengths[order].astype(np.int64), max_tokens, overhead_tokens)
    return np.split(order, cuts) if len(order) else []


def split_by_equal_length(lengths: npt.NDArray[np.integer], *, max_tokens: int) -> list[Int64]:
    """Micro-batches without any padding: row numbers, int64, each row in exactly one.

    All rows of a micro-batch have the same length; as many stand together as `max_tokens` allows.
    """
    if max_tokens < 1:
        raise ValueError(f"max_tokens must be at least 1, found {max_tokens}")
    order = np.argsort(-lengths.astype(np.int64), kind="stable")
    sizes = np.maximum(lengths[order].astype(np.int64), 1)
    is_first = np.diff(sizes, prepend=0) != 0
    place = np.arange(len(order)) - np.flatnonzero(is_first)[np.cumsum(is_first) - 1]
    is_cut = place % np.maximum(1, max_tokens // sizes) == 0
    return np.split(order, np.flatnonzero(is_cut)[1:]) if len(order) else []


def split_by_tokens(lengths: npt.NDArray[np.integer], *, max_tokens: int) -> list[Int64]:
    """Packs of at most `max_tokens` tokens in all: row numbers, int64, each row in exactly one.

    A row that is longer by itself stands alone. Rows go from long to short, into as few packs as
    that order allows, and then evenly.
    """
    if max_tokens < 1:
        raise ValueError(f"max_tokens must be at least 1, found {max_tokens}")
    order = np.argsort(-lengths.astype(np.int64), kind="stable")
    sizes = lengths[order].astype(np.int64)
    total = int(sizes.sum())
    if not len(order):
        return []
    even = -(-total // max(1, -(-total // max_tokens)))
    cuts, filled = [], 0
    for place, size in enumerate(sizes.tolist()):
        if filled and (filled + size > max_tokens or filled >= even):
            cuts.append(place)
            filled = 0
        filled += size
    return np.split(order, cuts)


def _cheapest_cuts(lengths: Int64, max_tokens: int, overhead_tokens: int) -> list[int]:
    """Where to cut rows that go from long to short; the first row of every run but the first.

    The cheapest way up to each row is known before the runs that begin there are tried, so each
    run is tried once. A run costs its number of rows times its first, longest one.
    """
    n = len(lengths)
    cost = np.full(n + 1, np.iinfo(np.int64).max)
    before = np.zeros(n + 1, dtype=np.int64)
    cost[0] = 0
    for first, length in enumerate(np.maximum(lengths, 1).tolist()):
        size = min(max(1, max_tokens // length), n - first)
        reached = slice(first + 1, first + size + 1)
        tried = cost[first] + overhead_tokens + length * np.arange(1, size + 1)
        is_cheaper = tried < cost[reached]
        cost[reached][is_cheaper] = tried[is_cheaper]
        before[reached][is_cheaper] = first
    cuts: list[int] = []
    end = n
    while end > 0 and (end := int(before[end])) > 0:
        cuts.append(end)
    return cuts[::-1]


def _lay_out(windows: Windows, rows: Int64) -> _Layout:
    """Where everything stands in the rows of a batch."""
    template = windows.template
    n_fixed = windows.fixed_tokens[rows].astype(np.int64)
    n_sliced = (windows.last[rows] - windows.first[rows]).astype(np.int64)
    lengths = windows.lengths[rows].astype(np.int64)
    left = np.zeros_like(lengths)
    if windows.tokenizer.padding_side == "left":
        left = lengths.max(initial=0) - lengths
    n_first, n_second = (n_fixed, n_sliced) if template.fixed_first else (n_sliced, n_fixed)
    first = left + len(template.prefix.ids)
    between = first + n_first
    second = between + len(template.between.ids)
    return _Layout(
        left=left,
        lengths=lengths,
        parts=(left, between, second + n_second),
        fixed=first if template.fixed_first else second,
        n_fixed=n_fixed,
        sliced=second if template.fixed_first else first,
        n_sliced=n_sliced,
    )


def _count_out(counts: Int64) -> tuple[Int64, Int64]:
    """Each row as often as it counts, and numbers within it: (2, 1) gives 0 0 1 and 0 1 0."""
    row = np.repeat(np.arange(len(counts)), counts)
    number = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    return row, number
