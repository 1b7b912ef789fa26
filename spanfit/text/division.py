"""Division: the units of a normalised text that an F1 counts.

words        "red sea"      →  red, sea
characters   "紅 海"         →  紅, " ", 海     (the space counts, as in JGLUE)
letters      "붉은 바다"     →  붉, 은, 바, 다   (it does not, as in KorQuAD)
mixed        "红海red sea"  →  红, 海, red, sea
whole        "red sea"      →  "red sea"
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from spanfit.text.latin_words import split_words

HAN: Final = re.compile("[\u4e00-\u9fa5]")
"""The Han characters that CMRC2018 and MLQA know: those of Unicode 1.1, no extension."""


@dataclass(frozen=True, slots=True)
class Division:
    """How a normalised text is cut into units.

    `singles` matches the characters that are a unit by themselves wherever they stand, whatever
    stands beside them; None where there are none. All others may come together to longer units, or
    go.
    """

    name: str
    split: Callable[[str], Sequence[str]]
    singles: re.Pattern[str] | None = None


def divide_runs(
    text: str, singles: re.Pattern[str], *, split: Callable[[str], Sequence[str]] = str.split
) -> Iterator[str]:
    """Each of `singles` as it is, and what `split` makes of the runs between them."""
    end = 0
    for single in singles.finditer(text):
        yield from split(text[end : single.start()])
        yield single.group()
        end = single.end()
    yield from split(text[end:])


def _split_mixed(text: str) -> list[str]:
    return list(divide_runs(text, HAN, split=split_words))


def _split_letters(text: str) -> str:
    return "".join(text.split())


def _keep_whole(text: str) -> tuple[str, ...]:
    return (text,)


WORDS: Final = Division("words", str.split)
# "。" goes at the end, and spaces fold, so neither always is a unit.
CHARACTERS: Final = Division("characters", str, singles=re.compile(r"[^\s。]"))
LETTERS: Final = Division("letters", _split_letters, singles=re.compile(r"\S"))
MIXED: Final = Division("mixed", _split_mixed, singles=HAN)
WHOLE: Final = Division("whole", _keep_whole)
