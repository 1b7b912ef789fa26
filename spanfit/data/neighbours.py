"""The neighbours of a sentence in its document, which a model may read with it.

    before            text                          after
    "Ada slept . "    "She works in Brooklyn ."     " It rained ."      one a side

They are found before examples are drawn, split or skipped, so that a sentence has the same ones
wherever it is learnt or tagged.
"""

from __future__ import annotations

import unicodedata
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise

from spanfit.examples import Example
from spanfit.tagged import TaggedExample


def surround(examples: Iterable[Example], n: int) -> Iterator[Example]:
    """Each example with at most n neighbours of its document on each side.

    What has been looked at before stays as it is, and so do questions. A stream is read no further
    ahead than n examples.
    """
    if n == 0:
        yield from examples
        return
    behind: deque[Example] = deque(maxlen=n)
    ahead: deque[Example] = deque()
    for example in examples:
        ahead.append(example)
        if len(ahead) > n:
            yield _meet(behind, ahead)
            behind.append(ahead.popleft())
    while ahead:
        yield _meet(behind, ahead)
        behind.append(ahead.popleft())


def _meet(behind: Iterable[Example], ahead: deque[Example]) -> Example:
    """The first of those ahead, between its neighbours."""
    example = ahead[0]
    if not isinstance(example, TaggedExample) or example.before is not None:
        return example
    before = _list_neighbours(example, behind)
    after = _list_neighbours(example, list(ahead)[1:])
    texts = [*before, example.text, *after]
    spaces = ["" if _runs_on(left, right) else " " for left, right in pairwise(texts)]
    left = map("".join, zip(before, spaces[: len(before)], strict=True))
    right = map("".join, zip(spaces[len(before) :], after, strict=True))
    return replace(example, before="".join(left), after="".join(right))


def _list_neighbours(example: TaggedExample, others: Iterable[Example]) -> list[str]:
    """The texts of those that are of the example's document."""
    return [
        other.text
        for other in others
        if isinstance(other, TaggedExample)
        and example.document
        and other.document == example.document
    ]


def _runs_on(left: str, right: str) -> bool:
    """Whether nothing stands between two sentences: where either meets with a wide character.

    Those of Chinese and Japanese are wide; so is Hangul, but Korean has spaces.
    """
    return _is_wide(left[-1:]) or _is_wide(right[:1])


def _is_wide(character: str) -> bool:
    if not character or unicodedata.east_asian_width(character) not in "WF":
        return False
    return not unicodedata.name(character, "").startswith("HANGUL")
