"""Texts tokenised once, also across calls: the texts of the last call are remembered.

Many questions on one context come in several chunks, one after the other. What is kept is one
chunk's tokens, however long the stream.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from spanfit.tokenizer import Tokenizer
from spanfit.tokens import Int64, Texts


class Encoder(Protocol):
    """What makes tokens of texts: a tokenizer, or what spares it texts that it has seen."""

    def encode(self, texts: Sequence[str]) -> Texts:
        """The tokens of each text, as `Tokenizer.encode` gives them."""


class TextMemory:
    """Encodes as its tokenizer does; a text of the call before is not tokenised again."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._row_of: dict[str, int] = {}
        self._texts = tokenizer.encode([])

    def encode(self, texts: Sequence[str]) -> Texts:
        """The tokens of each text, as `Tokenizer.encode` gives them.

        Raises:
            DataError: as there.
        """
        new = [text for text in texts if text not in self._row_of]
        encoded = self._tokenizer.encode(new)
        if len(new) < len(texts):
            row_of = self._row_of | {text: row for row, text in enumerate(new, len(self._texts))}
            rows = np.array([row_of[text] for text in texts], dtype=np.int64)
            encoded = _select(_concatenate(self._texts, encoded), rows)
        self._row_of = {text: row for row, text in enumerate(texts)}
        self._texts = encoded
        return encoded


def _concatenate(one: Texts, other: Texts) -> Texts:
    """The texts of both, in this order."""
    return Texts(
        ids=np.concatenate([one.ids, other.ids]),
        starts=np.concatenate([one.starts, other.starts]),
        ends=np.concatenate([one.ends, other.ends]),
        splits=np.concatenate([one.splits, one.splits[-1] + other.splits[1:]]),
    )


def _select(texts: Texts, rows: Int64) -> Texts:
    """The texts of these `rows`, int64 (R,), in this order."""
    lengths = np.diff(texts.splits)[rows]
    splits = np.concatenate([[0], np.cumsum(lengths)])
    tokens = np.arange(splits[-1]) + np.repeat(texts.splits[rows] - splits[:-1], lengths)
    return Texts(
        ids=texts.ids[tokens], starts=texts.starts[tokens], ends=texts.ends[tokens], splits=splits
    )
