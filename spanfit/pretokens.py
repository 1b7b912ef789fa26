"""What a tokenizer takes for a word: where it parts a raw text, and what a space before it does.

Both are found by asking the tokenizer; nothing here knows the name of a model.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import numpy as np
import tokenizers
from tokenizers import pre_tokenizers

from spanfit.python_tokenizer import PythonBackend
from spanfit.tokenizer_backend import Backend

_VISIBLE = re.compile(r"\S+")
_WORDS = ("the", "in", "London", "data", "a", "1")
"""Words of most vocabularies, to see what a space before them does."""


def needs_leading_space(backend: Backend) -> bool:
    """Whether a text must begin with a space for its first word to look like all others.

    So it is where "the the" is not twice what "the" is, but " the the" twice what " the" is: a
    space belongs to the word behind it, and a text's first word gets none of its own.
    """
    return any(not _doubles(backend, word) and _doubles(backend, f" {word}") for word in _WORDS)


def _doubles(backend: Backend, word: str) -> bool:
    """Whether a word twice, behind a space the second time, is twice the ids of the word."""
    once, twice = (
        backend.encode(text, add_special_tokens=False).ids
        for text in (word, f"{word} {word.strip()}")
    )
    return list(twice) == 2 * list(once)


def divide(backend: Backend, text: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Starts and ends of the words of a text: not empty, in order, apart, without white space.

    They are the pre-tokens of the tokenizer, as it normalises the text (BERT sets Chinese
    characters apart there); a character that this drops (an accent of its own) stays with the word
    that it stands behind. Where the tokenizer leaves a full stop at its word, words are divided at
    white space and punctuation instead.
    """
    # A tokenizer may take for a letter what is white space to Python: \x1c to \x1f, for example.
    parts = (
        (begin + match.start(), begin + match.end())
        for begin, end in _words(backend, text)
        for match in _VISIBLE.finditer(text[begin:end])
    )
    starts, ends = np.array(list(parts), np.int32).reshape(-1, 2).T.copy()
    starts[1:] = np.maximum(starts[1:], np.maximum.accumulate(ends)[:-1])  # none shares a character
    visible = starts < ends
    begins, stops = starts[visible].tolist(), ends[visible].tolist()
    borders = zip(stops, [*begins, len(text)][1:], strict=True)
    return tuple(begins), tuple(_follow(text, end, limit=limit) for end, limit in borders)


def _follow(text: str, end: int, *, limit: int) -> int:
    """The end of a word that goes on to the next white space or to `limit`."""
    while end < limit and not text[end].isspace():
        end += 1
    return end


def _words(backend: Backend, text: str) -> Iterable[tuple[int, int]]:
    """The characters of each word, white space and all."""
    if isinstance(backend, PythonBackend):
        return backend.words(text)
    if not isinstance(backend, tokenizers.Tokenizer):
        raise TypeError(f"{type(backend).__name__} is no tokenizer that cuts words")
    own = backend.pre_tokenizer
    if own is None or len(list(_split(backend, own, "Ada."))) < 2:
        own = pre_tokenizers.BertPreTokenizer()
    return _split(backend, own, text)


def _split(
    backend: tokenizers.Tokenizer, pre_tokenizer: pre_tokenizers.PreTokenizer, text: str
) -> Iterator[tuple[int, int]]:
    """The characters of each pre-token of the normalised text, counted in the text itself."""
    parts = tokenizers.PreTokenizedString(text)
    if backend.normalizer is not None:
        parts.normalize(backend.normalizer.normalize)
    pre_tokenizer.pre_tokenize(parts)
    for _, offsets, _ in parts.get_splits(offset_referential="original", offset_type="char"):
        yield offsets
