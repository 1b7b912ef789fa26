"""Words over their tags, aligned in columns of a terminal, wide and combining characters too.

EU     rejects  German  call
B-ORG  O        B-MISC  O
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

from spanfit.cli.marks import visible

SPACE = "␣"
INVALID = "!"
"""Stands before a tag that breaks its scheme."""

_INVISIBLE = {ord("\n"): "␊", ord("\t"): "␉"}
_CARRIER = "◌"  # what a mark that combines with the letter before it is shown on


@dataclass(frozen=True, slots=True)
class TaggedWord:
    """A unit and its tag as they are shown, each in its style."""

    word: str
    tag: str
    word_style: str = ""
    tag_style: str = ""

    @property
    def width(self) -> int:
        """Columns of a terminal that the wider of both takes."""
        return max(cell_len(self.word), cell_len(self.tag))


def show_word(word: str) -> str:
    """A unit with what would not be seen by itself made visible; at least one column wide."""
    if word.isspace():
        return "".join(_INVISIBLE.get(ord(character), SPACE) for character in word)
    shown = visible(word.translate(_INVISIBLE))
    if unicodedata.category(shown[0]).startswith("M"):
        return _CARRIER + shown
    if not cell_len(shown):
        return " ".join(f"U+{ord(character):04X}" for character in shown)
    return shown


def lay_out(
    words: Sequence[TaggedWord], *, gap: int, width: int | None
) -> Iterator[tuple[Text, Text]]:
    """Lines of words, and the line of tags below each.

    Args:
        words: all of a text, in order.
        gap: columns between two words.
        width: columns that a line may have; None: all in one line. A word wider than that gets a
            line of its own.

    """
    line: list[TaggedWord] = []
    taken = 0
    for word in words:
        if line and width is not None and taken + gap + word.width > width:
            yield _join(line, gap)
            line = []
        taken = taken + gap + word.width if line else word.width
        line.append(word)
    if line:
        yield _join(line, gap)


def _join(line: Sequence[TaggedWord], gap: int) -> tuple[Text, Text]:
    above, below = Text(), Text()
    for number, word in enumerate(line, 1):
        parts = ((above, word.word, word.word_style), (below, word.tag, word.tag_style))
        for row, text, style in parts:
            row.append(text, style or None)
            if number < len(line):
                row.append(" " * (word.width - cell_len(text) + gap))
    return above, below
