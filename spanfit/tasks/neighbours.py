"""Tagged texts as a model reads them: divided into units, with what stands around them.

before            text                          after
"Ada slept . "    "She works in Brooklyn ."     " It rained ."      neighbours, one a side
" "               "She works in Brooklyn ."     ""                  a space, for some tokenizers
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace

from spanfit.data.joiner import characters_of
from spanfit.settings import TagSettings
from spanfit.tagged import TaggedExample
from spanfit.tokenizer import Tokenizer


def arrange(
    examples: Iterable[TaggedExample], tokenizer: Tokenizer, settings: TagSettings
) -> Iterator[TaggedExample]:
    """The examples with units, and with `settings.context_sentences` neighbours on each side.

    Neighbours are of the same document. As many examples as came, in their order; a stream is read
    no further ahead than so many.
    """
    leads = tokenizer.needs_leading_space and settings.units == "words" and settings.joiner == " "
    divided = (_divide(example, tokenizer, settings) for example in examples)
    for before, example, after in _surround(divided, settings.context_sentences):
        joiner = settings.joiner
        left = "".join(neighbour.text + joiner for neighbour in before)
        right = "".join(joiner + neighbour.text for neighbour in after)
        if leads and not (left + example.text)[:1].isspace():
            left = f" {left}"
        yield replace(example, before=left, after=right)


def _divide(example: TaggedExample, tokenizer: Tokenizer, settings: TagSettings) -> TaggedExample:
    """The example with units, where it has none yet."""
    if example.starts or example.tags is not None:
        return example
    is_by_character = settings.units == "characters"
    starts, ends = (
        characters_of(example.text) if is_by_character else tokenizer.divide(example.text)
    )
    return replace(example, starts=starts, ends=ends)


def _surround(
    examples: Iterable[TaggedExample], n: int
) -> Iterator[tuple[list[TaggedExample], TaggedExample, list[TaggedExample]]]:
    """Each example between at most n neighbours of its document on each side, nearest innermost."""
    behind: deque[TaggedExample] = deque(maxlen=n)
    ahead: deque[TaggedExample] = deque()
    for example in examples:
        ahead.append(example)
        if len(ahead) > n:
            yield _meet(behind, ahead)
            behind.append(ahead.popleft())
    while ahead:
        yield _meet(behind, ahead)
        behind.append(ahead.popleft())


def _meet(
    behind: Iterable[TaggedExample], ahead: deque[TaggedExample]
) -> tuple[list[TaggedExample], TaggedExample, list[TaggedExample]]:
    example = ahead[0]
    before, after = (
        [other for other in side if other.document == example.document and example.document]
        for side in (behind, list(ahead)[1:])
    )
    return before, example, after
