"""A Python tokenizer taken apart: what cuts a text into words, and what cuts those into pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from spanfit.readings import PROBE_TEXTS

STAGES = (("word_tokenizer", "subword_tokenizer"), ("basic_tokenizer", "wordpiece_tokenizer"))
"""Attributes in which transformers' tokenizers keep the two."""


@dataclass(frozen=True)
class Stages:
    """The two stages of a transformers tokenizer, around the tokens that no stage may cut.

    `cut_word` makes the pieces of a word.
    """

    tok: Any
    added: frozenset[str]
    cut_text: Callable[..., list[str]]
    cut_word: Callable[[str], list[str]]

    def words(self, text: str) -> Iterator[tuple[str, list[str]]]:
        """The words of a text, as they are spelled once normalised, each with its pieces."""
        for chunk in self.tok.tokens_trie.split(text):
            if chunk in self.added:
                yield chunk, [chunk]
            elif chunk:
                for word in self.cut_text(chunk, never_split=self.tok.all_special_tokens):
                    yield word, list(self.cut_word(word))


def find_stages(tok: Any) -> Stages | None:  # noqa: ANN401 - a transformers tokenizer
    """The two stages of a tokenizer; None where it has none, or they give other tokens than it."""
    for names in STAGES:
        first, second = (getattr(getattr(tok, name, None), "tokenize", None) for name in names)
        if first is None or second is None:
            continue
        stages = Stages(tok, frozenset(tok.get_added_vocab()), first, second)
        if all(_pieces(stages, text) == tok.tokenize(text) for text in PROBE_TEXTS):
            return stages
    return None


def _pieces(stages: Stages, text: str) -> list[str]:
    return [piece for _, pieces in stages.words(text) for piece in pieces]
