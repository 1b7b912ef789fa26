"""The words of a text, as far as there are any: no word goes on over a script without spaces.

    tokenizer's pre-tokens    Ada | lives | in | Łódź | .       she | 's
    Han, kana, Thai, …        京 | 都 | の | iPS | 細 | 胞         each character by itself

A tokenizer that divides at white space alone (Unigram's kind) takes a Japanese sentence for one
word: an answer that is extended to whole words would then be the sentence. Hangul is written with
spaces, so its words are words. A segmenter (MeCab, Juman++), or a tokenizer with one in it, finds
words in such scripts too; these are taken as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from spanfit.python_tokenizer import PythonBackend
from spanfit.tokenizer import Tokenizer

Ints = NDArray[np.int64]

_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Tibetan, Myanmar, Khmer
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303b\u3041-\u30ff"
    "\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"
)
"""A character of a script that puts no spaces between words."""


def divide_words(tokenizer: Tokenizer, text: str) -> tuple[Ints, Ints]:
    """Starts and ends of the words of a text, in order, (W,) each: no two on one character."""
    ranges = list(zip(*tokenizer.divide(text), strict=True))
    if not _finds_words(tokenizer):
        ranges = [part for word in ranges for part in _cut(text, *word)]
    words = np.array(ranges, np.int64).reshape(-1, 2)
    return words[:, 0], words[:, 1]


def _finds_words(tokenizer: Tokenizer) -> bool:
    """Whether its words are found by the analysis of a language."""
    backend = tokenizer.backend
    own = isinstance(backend, PythonBackend) and backend.finds_words
    return tokenizer.segmenter != "none" or own


def _cut(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """A word where it has no such character; else these by themselves, and what is between."""
    for single in _UNSPACED.finditer(text, start, end):
        if start < single.start():
            yield start, single.start()
        yield single.span()
        start = single.end()
    if start < end:
        yield start, end
