"""Where spans of characters lie among the tokens of their texts: the rule behind every label.

Token offsets are trimmed of white space, never run backwards within a text, but may overlap: the
byte pieces of one character all carry its range, and a piece may straddle two characters. So "the
token that holds character 17" is not unique, and looking for it gives labels that end before they
start. The rule here looks for borders instead:

    start: the first token that starts exactly where the span starts,
           else the first that reaches past it
    end:   the last token that ends exactly where the span ends,
           else the last that begins before it

        text    "Ada lives in Łódź."         span     tokens
        tokens  Ada lives in Łó dź .         Łódź     Łó dź      exact
                                             Łód      Łó dź      wider: the span ends inside "dź"

A blank token (its range is empty) is never a border.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spanfit.errors import ModelError
from spanfit.tokens import Texts


@dataclass(frozen=True)
class TokenRanges:
    """The tokens of G spans, counted from the first token of each span's text, both ends included.

    `first` and `last` are int32 (G,), -1 and -1 where no token touches the span; `exact`, bool
    (G,), says whether the tokens cover the span's characters and no others beside them.
    """

    first: NDArray[np.int32]
    last: NDArray[np.int32]
    exact: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.first)


def find_tokens(
    texts: Texts,
    *,
    rows: NDArray[np.int64],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
) -> TokenRanges:
    """The tokens of G spans: span g is the characters [starts[g], ends[g]) of text rows[g].

    A range is never inverted, and covers every character of its span that any token covers. An
    empty span has no tokens.

    Raises:
        ModelError: the offsets of a text run backwards.
    """
    width = 1 + max(int(texts.ends.max(initial=0)), int(ends.max(initial=0)))
    solid, begins, stops = _borders(texts, width=width)
    start_keys, end_keys = rows * width + starts, rows * width + ends

    first = np.searchsorted(begins, start_keys, side="left")
    starts_exactly = _stands_at(begins, first, start_keys)
    first = np.where(starts_exactly, first, np.searchsorted(stops, start_keys, side="right"))
    last = np.searchsorted(stops, end_keys, side="right") - 1
    ends_exactly = _stands_at(stops, last, end_keys)
    last = np.where(ends_exactly, last, np.searchsorted(begins, end_keys, side="left") - 1)

    # A token that starts exactly may reach past the end, and the one before it stop exactly there
    # (both straddle the span): the borders cross, and the first alone covers the span.
    crossed = (first > last) & starts_exactly
    last = np.where(crossed, first, last)
    found = (first <= last) & (starts < ends)
    return TokenRanges(
        first=_in_text(texts, rows, solid, np.where(found, first, -1)),
        last=_in_text(texts, rows, solid, np.where(found, last, -1)),
        exact=found & starts_exactly & ends_exactly & ~crossed,
    )


def _borders(
    texts: Texts, *, width: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The tokens that are not blank, and where they begin and stop as keys: row * width + offset.

    The keys rise over all texts, so that one binary search finds a border in its text.
    """
    solid = np.flatnonzero(texts.ends > texts.starts)
    rows = np.repeat(np.arange(len(texts.splits) - 1), np.diff(texts.splits))[solid] * width
    begins, stops = rows + texts.starts[solid], rows + texts.ends[solid]
    if np.any(np.diff(begins) < 0) or np.any(np.diff(stops) < 0):
        raise ModelError(
            "the tokenizer's offsets run backwards, so no answer can be found among its tokens",
            expected="offsets that never decrease within a text",
            fix="another checkpoint, or a tokenizer.json whose normaliser keeps the order",
        )
    return solid, begins, stops


def _stands_at(
    keys: NDArray[np.int64], places: NDArray[np.int64], wanted: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Whether keys[places] is the wanted key; False for a place outside."""
    inside = (places >= 0) & (places < len(keys))
    equal = np.zeros(len(places), dtype=np.bool_)
    equal[inside] = keys[places[inside]] == wanted[inside]
    return equal


def _in_text(
    texts: Texts, rows: NDArray[np.int64], solid: NDArray[np.int64], places: NDArray[np.int64]
) -> NDArray[np.int32]:
    """Places among the solid tokens, as tokens counted from their text's first; -1 stays -1."""
    counted = np.full(len(places), -1, dtype=np.int32)
    there = places >= 0
    counted[there] = solid[places[there]] - texts.splits[rows[there]]
    return counted
