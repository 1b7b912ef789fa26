"""Characters that most likely nobody meant, and the text without them.

    mojibake               Ã© for é: UTF-8 that was read as Windows-1252 or Latin-1
    replacement_character  U+FFFD, which stands where a character was lost; beyond repair
    control_character      C0 and C1 but tab and line ends
    invisible_character    zero-width and soft-hyphen characters where they do nothing, marks of
                           direction in a text without Hebrew or Arabic letters, U+FEFF in a text
    normal_form            not NFC (e and U+0301 for é), where other texts have composed characters

Zero-width joiners stay between letters that are joined, such as emoji and Indic ones, and
zero-width spaces in the scripts of South-East Asia, whose words they part.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

_SUSPECTS: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\ufffd\ufffe\uffff]"
)
_DIRECTION: Final = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
_JOINERS: Final = frozenset("\u200c\u200d")
_RIGHT_TO_LEFT: Final = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_SPACELESS: Final = re.compile("[\u0e00-\u109f\u1780-\u17ff]")

_LATIN_BYTES: Final = {
    **{bytes([value]).decode("cp1252", "ignore"): value for value in range(0x80, 0x100)},
    **{chr(value): value for value in range(0x80, 0x100)},
}
_LATIN_BYTES.pop("", None)
_REST: Final = "[" + "".join(map(re.escape, (c for c, v in _LATIN_BYTES.items() if v < 0xC0))) + "]"
_MOJIBAKE: Final = re.compile(
    f"[\u00c2-\u00df]{_REST}|[\u00e0-\u00ef]{_REST}{{2}}|[\u00f0-\u00f4]{_REST}{{3}}"
)
"""What the two, three or four bytes of a character look like when each is taken for one."""
_LIKELY: Final = re.compile(
    "[\u00a0-\u024f\u0370-\u03ff\u0400-\u052f\u0590-\u06ff\u2010-\u205e\u20a0-\u20cf\u2100-\u214f"
    "\u2190-\u22ff\u25a0-\u27bf\u3000-\u30ff\u3400-\u9fff\uac00-\ud7a3\ufb00-\ufb06\uff00-\uffef"
    "\U0001f300-\U0001faff]"
)
_CERTAIN: Final = "ÂÃâïð"
"""What mojibake of letters with accents, punctuation and emoji begins with. Others could be a
letter before a quotation mark ("Å”"): they count beside another, or where a text has several."""
_MARKS: Final = "‘’‚“”„–—…«»"
_MAX_PASSES: Final = 8  # what was taken out may have kept others apart; each pass leaves less


class Trouble(NamedTuple):
    """A piece of a text: what is wrong with it, its characters, and what should stand there.

    `new` is None where that cannot be known.
    """

    kind: str
    start: int
    end: int
    new: str | None


class Pass(NamedTuple):
    """A text, and what was replaced in it, in order and apart."""

    text: str
    edits: tuple[Trouble, ...]


@dataclass(frozen=True, slots=True)
class CleanText:
    """A text without its troubles, the passes that made it, and where its characters went."""

    text: str
    passes: tuple[Pass, ...] = ()

    def move(self, start: int, end: int) -> tuple[int, int]:
        """Where the characters [start, end) of the old text are; what was replaced is covered."""
        for _, edits in self.passes:
            start, end = _move(start, edits, at_end=False), _move(end, edits, at_end=True)
        return start, max(start, end)


def find_troubles(text: str, *, composes: bool = True) -> list[Trouble]:
    """What is wrong with the characters of a text, in order and apart.

    `composes`: also what is not in the normal form NFC.
    """
    if text.isascii() and not _SUSPECTS.search(text):
        return []
    found = [] if text.isascii() else list(_find_mojibake(text))
    taken = {place for item in found for place in range(item.start, item.end)}
    is_two_way = bool(_RIGHT_TO_LEFT.search(text))
    for match in _SUSPECTS.finditer(text):
        if match.start() not in taken and (item := _judge(text, match.start(), is_two_way)):
            found.append(item)
            taken.add(item.start)
    if composes and not unicodedata.is_normalized("NFC", text):
        found += [
            item for item in _find_decomposed(text) if taken.isdisjoint(range(item.start, item.end))
        ]
    return sorted(found, key=lambda item: item.start)


def clean(text: str, kinds: frozenset[str]) -> CleanText:
    """The text without troubles of these kinds; those that cannot be mended stay."""
    passes: list[Pass] = []
    for _ in range(_MAX_PASSES):
        edits = tuple(
            item
            for item in find_troubles(text, composes="normal_form" in kinds)
            if item.kind in kinds and item.new is not None
        )
        if not edits:
            break
        passes.append(Pass(text, edits))
        text = _apply(text, edits)
    return CleanText(text, tuple(passes))


def is_composed(text: str) -> bool:
    """Whether a text holds a character that could be written as several."""
    return not text.isascii() and not unicodedata.is_normalized("NFD", text)


def describe(trouble: Trouble, text: str) -> str:
    """The characters by their names or codes, and what stands around them."""
    piece = text[trouble.start : trouble.end]
    shown = " ".join(f"U+{ord(character):04X}" for character in piece[:4])
    around = text[max(0, trouble.start - 10) : trouble.end + 10]
    return f"{shown} at {trouble.start}, in {around!r}"


def _judge(text: str, place: int, is_two_way: bool) -> Trouble | None:
    """The trouble of a suspect character, if it is one there.

    `is_two_way`: the text has letters that are written from right to left.
    """
    character = text[place]
    before, after = text[place - 1 : place], text[place + 1 : place + 2]
    if character == "\ufffd":
        return Trouble("replacement_character", place, place + 1, None)
    if unicodedata.category(character) in ("Cc", "Cn"):
        return Trouble("control_character", place, place + 1, " " if character.isspace() else "")
    if character in _JOINERS and _joins(before) and _joins(after):
        return None
    if character in _DIRECTION and is_two_way:
        return None
    if character == "\u200b" and _SPACELESS.match(before) and _SPACELESS.match(after):
        return None
    return Trouble("invisible_character", place, place + 1, "")


def _joins(character: str) -> bool:
    return bool(character) and not character.isascii() and not character.isspace()


def _find_mojibake(text: str) -> Iterator[Trouble]:
    found = [item for match in _MOJIBAKE.finditer(text) if (item := _decode_rightly(match))]
    borders = Counter(border for item in found for border in (item.start, item.end))
    for item in found:
        touches = borders[item.start] > 1 or borders[item.end] > 1
        is_mark = text[item.end - 1] in _MARKS
        if text[item.start] in _CERTAIN or touches or (len(found) > 2 and not is_mark):
            yield item


def _decode_rightly(match: re.Match[str]) -> Trouble | None:
    try:
        new = bytes(map(_LATIN_BYTES.__getitem__, match.group())).decode("utf-8")
    except UnicodeDecodeError:
        return None
    # "à »" with its no-break space is French, and also the bytes of a Samaritan letter.
    is_likely = _LIKELY.fullmatch(new)
    return Trouble("mojibake", match.start(), match.end(), new) if is_likely else None


def _find_decomposed(text: str) -> Iterator[Trouble]:
    """The shortest pieces that NFC changes; one for the whole text if they depend on each other."""
    pieces = [
        Trouble("normal_form", start, end, new)
        for start, end in _list_clusters(text)
        if (new := unicodedata.normalize("NFC", text[start:end])) != text[start:end]
    ]
    if _apply(text, pieces) == unicodedata.normalize("NFC", text):
        yield from pieces
    else:
        yield Trouble("normal_form", 0, len(text), None)


def _list_clusters(text: str) -> Iterator[tuple[int, int]]:
    """Pieces that begin with a character that no other one before it composes with."""
    start = 0
    for place in range(1, len(text)):
        if not _may_compose(text[place]):
            yield start, place
            start = place
    if text:
        yield start, len(text)


def _may_compose(character: str) -> bool:
    is_jamo = "\u1160" <= character <= "\u11ff"
    return is_jamo or unicodedata.category(character).startswith("M")


def _apply(text: str, edits: Sequence[Trouble]) -> str:
    parts, end = [], 0
    for item in edits:
        parts += [text[end : item.start], item.new or ""]
        end = item.end
    return "".join([*parts, text[end:]])


def _move(place: int, edits: Sequence[Trouble], *, at_end: bool) -> int:
    """Where a border of characters is after the edits; within an edit, its start or its end."""
    n_before = bisect_right([item.end for item in edits], place)
    moved = sum(len(item.new or "") - (item.end - item.start) for item in edits[:n_before])
    if n_before < len(edits) and (around := edits[n_before]).start < place:
        return around.start + moved + (len(around.new or "") if at_end else 0)
    return place + moved
