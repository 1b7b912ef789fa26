"""How texts and tokens are spelled so that they can be compared, whatever normalised one of them.

    spell("㌔ｶﾞ")  ->  "キロカ\u3099"        spell("Ｅ\u0301 ")  ->  "e\u0301"

A symbol is a character of the text without what the usual normalisations change: compatibility
forms are taken apart (NFKD), case is folded, white space is left out.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Int64 = npt.NDArray[np.int64]

METASPACE = "▁"
"""What sentencepiece writes for a space; it counts as white space."""

LETTER, MARK, CONTROL = 0, 1, 2
"""The kinds of symbols. Many tokenizers strip marks (accents), controls and format characters."""


class _Table(dict[str, str]):
    """The symbols of each character; filled as characters come."""

    def __missing__(self, character: str) -> str:
        symbols = self[character] = _symbols_of(character)
        return symbols


class _Kinds(dict[str, int]):
    """The kind of each symbol: LETTER, MARK or CONTROL; filled as symbols come."""

    def __missing__(self, symbol: str) -> int:
        category = unicodedata.category(symbol)
        if category == "Mn" or unicodedata.combining(symbol):
            kind = MARK
        else:
            kind = CONTROL if category[0] == "C" or symbol == "\ufffd" else LETTER
        self[symbol] = kind
        return kind


def _symbols_of(character: str) -> str:
    symbols = []
    for part in unicodedata.normalize("NFKD", character):
        is_mark = unicodedata.category(part) == "Mn"  # the Greek iota below would fold to a letter
        symbols.append(part if is_mark else unicodedata.normalize("NFKD", part.casefold()))
    return "".join(s for s in "".join(symbols) if not s.isspace() and s != METASPACE)


_TABLE, KINDS = _Table(), _Kinds()


@dataclass(frozen=True, eq=False)
class Spelling:
    """The symbols of a text: `lows` and `highs` (S,) are the characters that each comes from."""

    symbols: str
    lows: Int64
    highs: Int64
    kinds: Int64


def spell_text(text: str) -> Spelling:
    """The symbols of a text, each with the characters that it comes from."""
    parts = list(map(_TABLE.__getitem__, text))
    symbols = "".join(parts)
    lengths = np.fromiter(map(len, parts), np.int64, len(parts))
    lows = np.repeat(np.arange(len(parts)), lengths)
    highs = lows + 1
    if not unicodedata.is_normalized("NFD", symbols):
        symbols, runs = _order_marks(symbols)
        for begin, end in runs:  # which of them a token holds can no longer be told
            lows[begin:end], highs[begin:end] = lows[begin], highs[end - 1]
    kinds = np.fromiter(map(KINDS.__getitem__, symbols), np.int64, len(symbols))
    return Spelling(symbols, lows, highs, kinds)


def _order_marks(symbols: str) -> tuple[str, list[tuple[int, int]]]:
    """The symbols with all marks in canonical order, and the runs where that changed anything."""
    ordered, runs, begin = [], [], 0
    while begin < len(symbols):
        end = begin + 1
        if unicodedata.combining(symbols[begin]):
            while end < len(symbols) and unicodedata.combining(symbols[end]):
                end += 1
        run = "".join(sorted(symbols[begin:end], key=unicodedata.combining))
        if run != symbols[begin:end]:
            runs.append((begin, end))
        ordered.append(run)
        begin = end
    return "".join(ordered), runs


def spell(token: str) -> str:
    """The symbols of a token, in which it is compared with a text; "" for white space."""
    return "".join(map(_TABLE.__getitem__, token))


def order_marks(symbols: str) -> str:
    """The symbols with all marks in canonical order."""
    if unicodedata.is_normalized("NFD", symbols):
        return symbols
    return _order_marks(symbols)[0]
