"""How tags look on a terminal: entities marked in their text, words over their tags."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from spanfit.cli import console
from spanfit.cli.marks import choose_brackets, in_line, visible
from spanfit.cli.tagged_words import TaggedWord, lay_out, show_word
from spanfit.tagged import TaggedEntity, TaggedExample, TaggingPrediction
from spanfit.tags import OUTSIDE

if TYPE_CHECKING:
    from rich.text import Text

_COLOURS = ("green", "yellow", "cyan", "magenta", "blue", "bright_red", "bright_green", "orange3")
_WRONG = "bold red"
_GAP = 2  # columns between two words


def print_entities(prediction: TaggingPrediction) -> None:
    """Print the text with its entities marked, and a line for each: place, label, probability.

    Where the tags are no entities (parts of speech), words stand over their tags.
    """
    out = console.out()
    out.print()
    if not prediction.entities and any(tag != OUTSIDE for tag in prediction.tags):
        _print_words([TaggedWord(show_word(w), tag) for w, tag in _pairs(prediction)])
        return
    out.print(_mark(prediction, brackets=out.color_system is None), soft_wrap=not out.is_terminal)
    for entity in prediction.entities:
        out.print(_describe(entity))
    if not prediction.entities:
        console.plain("no entities")


def print_errors(prediction: TaggingPrediction, gold: TaggedExample) -> None:
    """Print words over what was predicted; where the gold differs, it stands behind a "≠"."""
    from rich.text import Text

    wanted = gold.tags or ()
    wrong = sum(tag != other for tag, other in zip(prediction.tags, wanted, strict=True))
    console.out().print()
    head = Text(visible(f"id {prediction.id}"), "bold")
    head.append(f"  {wrong:,} of {len(wanted):,} tags wrong", "" if wrong else "dim")
    head.append("  (predicted≠gold)" if wrong else "", "dim")
    console.out().print(head)
    words = [
        TaggedWord(show_word(word), tag, "" if tag == OUTSIDE else "green")
        if tag == other
        else TaggedWord(show_word(word), f"{tag}≠{other}", _WRONG)
        for (word, tag), other in zip(_pairs(prediction), wanted, strict=True)
    ]
    _print_words(words)


def _pairs(prediction: TaggingPrediction) -> list[tuple[str, str]]:
    text = prediction.text
    places = zip(prediction.starts, prediction.ends, prediction.tags, strict=True)
    return [(text[start:end], tag) for start, end, tag in places]


def _print_words(words: Sequence[TaggedWord]) -> None:
    out = console.out()
    for upper, lower in lay_out(words, gap=_GAP, width=out.width if out.is_terminal else None):
        out.print(upper)
        out.print(lower)


def _mark(prediction: TaggingPrediction, *, brackets: bool) -> Text:
    """The text with each entity in the colour of its label, or in brackets with it."""
    from rich.text import Text

    text, marked, end = prediction.text, Text(), 0
    opening, closing = choose_brackets(text) if brackets else ("", "")
    for entity in prediction.entities:
        marked.append(visible(text[end : entity.start]))
        style = "" if brackets else f"bold {_colour_of(entity.label)} underline"
        marked.append(f"{opening}{visible(text[entity.start : entity.end])}", style or None)
        marked.append(f" {entity.label}{closing}", None if brackets else "dim")
        end = entity.end
    return marked.append(visible(text[end:]))


def _describe(entity: TaggedEntity) -> Text:
    from rich.text import Text

    place = f"{entity.start}–{entity.end}"
    line = Text(f"  {place:<12}").append(f"{entity.label:<8}", _colour_of(entity.label))
    line.append(f"{100 * entity.probability:6.1f} %  ", "dim")
    return line.append(in_line(entity.text))


def _colour_of(label: str) -> str:
    """The same in every run: from the characters of the label alone."""
    return _COLOURS[sum(map(ord, label)) % len(_COLOURS)]
