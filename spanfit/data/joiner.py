"""The text behind a list of words: what stands between them, and where each one lies.

Files of tagged words do not hold the text itself, but an entity needs characters, and a tokenizer
the real neighbours of a word. So the words are joined: by nothing where the spaces are among them
(KLUE) or where every word is one character and some are Chinese, Japanese or Korean (Chinese NER);
else by a space. That is decided once for a file, can be overridden, and is part of what a reader
returns.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain

from spanfit.errors import DataError
from spanfit.examples import Example
from spanfit.tagged import TaggedExample

Ranges = tuple[tuple[int, ...], tuple[int, ...]]
"""Starts and ends of units, as `TaggedExample` has them."""

_CJK = re.compile(
    r"[\u1100-\u11ff\u3005-\u30ff\u3130-\u318f\u31f0-\u31ff\u3400-\u9fff\uac00-\ud7af"
    r"\uf900-\ufaff\uff66-\uff9d\U00020000-\U0003ffff]"
)
"""Han, kana or Hangul."""


def decide_joiner(sentences: Iterable[Sequence[str]]) -> str:
    """What joins the words of all these sentences: "" or " "."""
    distinct = set(chain.from_iterable(sentences))
    if " " in distinct:
        return ""
    if all(map(_is_character, distinct)) and any(map(_CJK.search, distinct)):
        return ""
    return " "


def find_joiner(examples: Iterable[TaggedExample]) -> str:
    """What stands between neighbouring units, most often, in examples that are read already.

    Where no text has two units it is decided from the units.
    """
    examples = list(examples)
    gaps: Counter[str] = Counter()
    for example in examples:
        ends, starts = example.ends[:-1], example.starts[1:]
        if ends == starts:
            gaps[""] += len(ends)
        else:
            gaps.update(example.text[a:b] for a, b in zip(ends, starts, strict=True))
    if gaps.total():
        return gaps.most_common(1)[0][0]
    return decide_joiner(example.words for example in examples)


def find_word_joiner(examples: Iterable[Example]) -> str | None:
    """The same of texts that are divided into words; None where there are none of these.

    Not of texts whose characters are their units because the gold is ranges of them.
    """
    texts = [
        example
        for example in examples
        if isinstance(example, TaggedExample) and example.starts and example.entities is None
    ]
    return find_joiner(texts) if texts else None


def join_words(words: Iterable[str], joiner: str) -> tuple[str, Ranges]:
    """The text that the words make, and where they lie in it."""
    words = list(words)
    starts, ends = [], []
    end = -len(joiner)
    for word in words:
        start = end + len(joiner)
        end = start + len(word)
        starts.append(start)
        ends.append(end)
    return joiner.join(words), (tuple(starts), tuple(ends))


def locate_words(words: Iterable[str], text: str) -> Ranges:
    """Where the words lie in a text that holds them one after the other.

    Between two of them there may be white space, which the second one may itself begin with.

    Raises:
        DataError: the text does not hold just these words; without the place.
    """
    starts, ends = [], []
    end = 0
    for number, word in enumerate(words, 1):
        start = end
        while not text.startswith(word, start):
            if not text[start : start + 1].isspace():
                raise DataError(
                    f"the text does not go on with word {number}",
                    expected=repr(word),
                    found=repr(text[end : end + len(word) + 10]) if end < len(text) else "its end",
                )
            start += 1
        end = start + len(word)
        starts.append(start)
        ends.append(end)
    if rest := text[end:].strip():
        raise DataError("the text goes on after its last word", found=repr(rest[:60]))
    return tuple(starts), tuple(ends)


def characters_of(text: str) -> Ranges:
    """Every character as a unit."""
    return tuple(range(len(text))), tuple(range(1, len(text) + 1))


def _is_character(word: str) -> bool:
    """Whether a word is one character, marks that combine with it included."""
    return len(word) == 1 or all(map(unicodedata.combining, word[1:]))
