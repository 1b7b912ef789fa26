"""Where the tokens of a text are in it, for tokenizers that do not say: from their spelling alone.

    align("㌔ｶﾞ は", ["キロ", "ガ", "は"])  ->  starts [0, 1, 4], ends [1, 3, 5]

Both are spelled in symbols that no usual normalisation changes (see `spelling`), of which each
knows the characters that it comes from. So tokens that spell the text have exact ranges, whether
the tokenizer applied NFKC, NFC, NFD, lower case, or nothing at all. Marks, control and format
characters may be missing in the tokens, since many tokenizers strip them.

A token is None where its spelling is not known (`[UNK]`): it stands for at least one symbol
between its neighbours. Where two readings are possible, or the tokens do not spell the text, there
is an error and never a guess.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spanfit.errors import DataError
from spanfit.text.spelling import (
    CONTROL,
    KINDS,
    LETTER,
    MARK,
    Int64,
    Spelling,
    order_marks,
    spell,
    spell_text,
)

_SHOWN = 30  # characters of a text that a message shows


def align(text: str, tokens: Sequence[str | None]) -> tuple[Int64, Int64]:
    """Starts and ends, int64 (N,) each, of the characters of `text` that each token stands for.

    Tokens carry no marks of their own (`##`); None is one whose spelling is not known. Both ends
    never decrease. Neighbours overlap where they share a character (two pieces of ㌔). A token of
    white space alone is empty; between two pieces of one character (NFKC spells ﷺ with spaces) it
    has that character too. A mark that the tokens lack belongs to what is before it.

    Raises:
        DataError: the tokens do not spell the text, or two readings of them are possible.
    """
    spelled = [None if token is None else spell(token) for token in tokens]
    source = spell_text(text)
    blocks, gaps = _blocks(spelled)
    try:
        begins, ends = _match(source, spelled, blocks, gaps)
    except _MisfitError as misfit:
        raise _refusal(text, tokens, misfit) from None
    return _ranges(source, begins, ends)


class _MisfitError(Exception):
    """Tokens and symbols do not fit; `is_ambiguous`: they do so in more than one way."""

    def __init__(self, *, is_ambiguous: bool = False) -> None:
        self.is_ambiguous = is_ambiguous
        super().__init__()


def _refusal(text: str, tokens: Sequence[str | None], misfit: _MisfitError) -> DataError:
    """Which token of which text cannot be placed."""
    if misfit.is_ambiguous:
        unknown = [number for number, token in enumerate(tokens) if token is None]
        return DataError(
            "it cannot be told which characters the unknown tokens of a text stand for",
            where=repr(text[:_SHOWN]),
            expected="tokens that fit the text in one way only",
            found=f"{len(unknown)} unknown among {len(tokens)} tokens, the first is token "
            f"{unknown[0]}"
            if unknown
            else "fewer marks or control characters in the tokens than in the text",
        )
    place, number = _first_difference(text, tokens)
    shown = "their end" if number == len(tokens) else f"token {number}, {tokens[number]!r}"
    return DataError(
        "the tokens of a text do not spell it, so they have no place in it",
        where=repr(text[:_SHOWN]),
        expected=f"{text[place : place + _SHOWN]!r}, at character {place}"
        if place < len(text)
        else "no further token, for the text is at its end",
        found=shown,
    )


def _first_difference(text: str, tokens: Sequence[str | None]) -> tuple[int, int]:
    """The character and the token where text and tokens part; an unknown one takes a letter."""
    place, symbols = 0, ""
    for number, token in enumerate(tokens):
        for symbol in "?" if token is None else spell(token):
            while not symbols and place < len(text):
                symbols = "".join(s for s in spell(text[place]) if KINDS[s] == LETTER)
                place += 1
            if KINDS[symbol] != LETTER:
                continue
            if token is not None and not symbols.startswith(symbol):
                return (place - 1 if symbols else place), number
            symbols = symbols[1:]
        if token is None:
            return place, number
    return place - (1 if symbols else 0), len(tokens)


def _blocks(spelled: Sequence[str | None]) -> tuple[list[str], list[int]]:
    """The known symbols between unknown tokens, and how many of those stand between two blocks.

    Blank tokens (white space) do not part unknown ones.
    """
    blocks, gaps = [""], [0]
    for symbols in spelled:
        if symbols is None:
            if blocks[-1] or len(blocks) == 1:
                blocks.append("")
                gaps.append(0)
            gaps[-1] += 1
        else:
            blocks[-1] += symbols
    return [order_marks(block) for block in blocks], gaps[1:]


def _match(
    source: Spelling, spelled: Sequence[str | None], blocks: list[str], gaps: list[int]
) -> tuple[Int64, Int64]:
    """The half-open range of symbols of each token, int64 (N,) each.

    First with every symbol of the text, then without those that a tokenizer may have stripped.
    """
    try:
        places = _locate(source.symbols, blocks, gaps)
        pairs = zip(places, blocks, strict=True)
        located = [np.arange(place, place + len(block)) for place, block in pairs]
    except _MisfitError as misfit:
        if misfit.is_ambiguous or not source.kinds.any():
            raise
        located = _locate_stripped(source, blocks, gaps)
    return _fill(source, spelled, located, gaps)


def _locate(symbols: str, blocks: list[str], gaps: list[int]) -> list[int]:
    """Where each block begins; the first at the start, the last at the end, gaps in between.

    Raises:
        _MisfitError: there is no such place, or more than one.
    """
    if not gaps:
        if symbols != blocks[0]:
            raise _MisfitError
        return [0]
    leftmost, position = [0], len(blocks[0])
    if not symbols.startswith(blocks[0]) or not symbols.endswith(blocks[-1]):
        raise _MisfitError
    for block, gap in zip(blocks[1:-1], gaps[:-1], strict=True):
        place = symbols.find(block, position + gap)
        if place < 0:
            raise _MisfitError
        leftmost.append(place)
        position = place + len(block)
    last = len(symbols) - len(blocks[-1])
    if last < position + gaps[-1]:
        raise _MisfitError
    limit = last
    for place, block, gap in zip(leftmost[:0:-1], blocks[-2:0:-1], gaps[:0:-1], strict=True):
        rightmost = symbols.rfind(block, 0, limit - gap)
        if rightmost != place:
            raise _MisfitError(is_ambiguous=True)
        limit = place
    return [*leftmost, last]


def _locate_stripped(source: Spelling, blocks: list[str], gaps: list[int]) -> list[Int64]:
    """The places of the symbols of each block in a text of which the tokens lack some."""
    kept = np.flatnonzero(source.kinds == LETTER)
    letters = "".join(map(source.symbols.__getitem__, kept.tolist()))
    bare = ["".join(s for s in block if KINDS[s] == LETTER) for block in blocks]
    if not all(bare[1:-1]):
        raise _MisfitError(is_ambiguous=True)
    places = _locate(letters, bare, [0] * len(gaps))  # what is unknown may be a mark
    found = []
    for row, (place, block) in enumerate(zip(places, blocks, strict=True)):
        following = place + len(bare[row])  # the first letter that is not the block's
        high = len(source.symbols) if following == len(kept) else int(kept[following])
        if len(bare[row]) == len(block):
            found.append(kept[place:following])
        else:
            low = int(kept[place - 1]) + 1 if place else 0
            found.append(_embed(source.symbols, block, low=low, high=high))
    return found


def _embed(symbols: str, block: str, *, low: int, high: int) -> Int64:
    """The places in `symbols[low:high]` of the symbols of a block, between which some are missing.

    Raises:
        _MisfitError: there is no such embedding, or more than one.
    """
    leftmost, position = [], low
    for symbol in block:
        position = symbols.find(symbol, position, high) + 1
        if not position:
            raise _MisfitError
        leftmost.append(position - 1)
    limit = high
    for symbol, place in zip(reversed(block), reversed(leftmost), strict=True):
        if symbols.rfind(symbol, low, limit) != place:
            raise _MisfitError(is_ambiguous=True)
        limit = place
    return np.array(leftmost, np.int64)


def _fill(
    source: Spelling, spelled: Sequence[str | None], located: list[Int64], gaps: list[int]
) -> tuple[Int64, Int64]:
    """From the places of the blocks to the range of symbols of every token."""
    known = np.concatenate(located)
    lengths = np.array([0 if symbols is None else len(symbols) for symbols in spelled], np.int64)
    stops = np.cumsum(lengths)
    heads = stops - lengths
    begins, ends = np.zeros(len(lengths), np.int64), np.zeros(len(lengths), np.int64)
    full = lengths > 0
    begins[full], ends[full] = known[heads[full]], known[stops[full] - 1] + 1
    unknown = iter(np.flatnonzero([symbols is None for symbols in spelled]).tolist())
    for row, gap in enumerate(gaps):
        before, behind = located[row], located[row + 1]
        low = int(before[-1]) + 1 if len(before) else 0
        high = int(behind[0]) if len(behind) else len(source.symbols)
        for begin, end in _share(source, low, high, n=gap):
            place = next(unknown)
            begins[place], ends[place] = begin, end
    ends = np.maximum.accumulate(ends)
    blank = ~full & np.array([symbols is not None for symbols in spelled], bool)
    begins[blank] = ends[blank]
    return begins, ends


def _share(source: Spelling, low: int, high: int, *, n: int) -> list[tuple[int, int]]:
    """The symbols of each of n unknown tokens that stand in a gap together.

    Alone, one has all of it but the controls around it.

    Raises:
        _MisfitError: they could share it in several ways, or there are fewer symbols.
    """
    if n == high - low:
        return [(place, place + 1) for place in range(low, high)]
    if n != 1 or low >= high:
        raise _MisfitError(is_ambiguous=low + n < high)
    kinds = source.kinds[low:high]
    visible = low + np.flatnonzero(kinds != CONTROL)
    if not len(visible):
        return [(low, high)]
    first, last = int(visible[0]), int(visible[-1])
    if source.kinds[first] == MARK and (kinds != MARK).any():
        raise _MisfitError(is_ambiguous=True)  # a mark of the token before, or of this one
    return [(first, last + 1)]


def _ranges(source: Spelling, begins: Int64, ends: Int64) -> tuple[Int64, Int64]:
    """From ranges of symbols to those of characters; a mark no token has joins what it is on."""
    n = len(source.symbols)
    if not len(begins) or not n:
        return np.zeros(len(begins), np.int64), np.zeros(len(begins), np.int64)
    held = np.zeros(n + 1, np.int64)
    full = ends > begins
    np.add.at(held, begins[full], 1)
    np.add.at(held, ends[full], -1)
    is_held = np.cumsum(held[:-1]) > 0
    is_loose = (source.kinds == MARK) & ~np.isin(source.lows, source.lows[is_held])
    places = np.where(is_loose, n, np.arange(n))
    following = np.append(np.minimum.accumulate(places[::-1])[::-1], n)  # first that is not loose
    stops = np.where(full, source.highs[np.maximum(following[ends] - 1, 0)], 0)
    stops = np.maximum.accumulate(stops)
    lows = np.where(full, source.lows[np.minimum(begins, n - 1)], stops[-1])
    heads = np.minimum.accumulate(lows[::-1])[::-1]  # where the next token with a symbol begins
    starts = np.where(full, lows, np.minimum(stops, heads))
    return np.maximum.accumulate(starts), stops
