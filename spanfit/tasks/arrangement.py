"""Tagged texts as a model reads them: divided into units, with what stands around them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import cast

from spanfit.data.joiner import characters_of
from spanfit.data.neighbours import surround
from spanfit.settings import TagSettings
from spanfit.tagged import TaggedExample
from spanfit.tokenizer import Tokenizer


def arrange(
    examples: Iterable[TaggedExample], tokenizer: Tokenizer, settings: TagSettings
) -> Iterator[TaggedExample]:
    """The examples with units, and with `settings.context_sentences` neighbours on each side.

    Neighbours are of the same document (see `data.neighbours`). Where the tokenizer needs it, the
    text begins with a space.
    """
    leads = tokenizer.needs_leading_space and settings.units == "words" and settings.joiner == " "
    for example in cast("Iterator[TaggedExample]", surround(examples, settings.context_sentences)):
        lead = " " if leads and not example.surrounded_text[:1].isspace() else ""
        yield replace(
            _divide(example, tokenizer, settings),
            before=lead + (example.before or ""),
            after=example.after or "",
        )


def _divide(example: TaggedExample, tokenizer: Tokenizer, settings: TagSettings) -> TaggedExample:
    """The example with units, where it has none yet."""
    if example.starts or example.tags is not None:
        return example
    is_by_character = settings.units == "characters"
    starts, ends = (
        characters_of(example.text) if is_by_character else tokenizer.divide(example.text)
    )
    return replace(example, starts=starts, ends=ends)
