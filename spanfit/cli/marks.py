"""Spans marked in their text: by colour and underline on a terminal, by brackets elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rich.text import Text

from spanfit.types import Span

STYLE = "bold green underline"
ELLIPSIS = " … "
MARGIN = 160
"""Characters shown on each side of a marked span, where a long text is shortened."""

_SHORT_MARGIN = 40  # the same where a span gets no more than a line or two
_LONG = 4 * MARGIN  # texts up to this many characters are shown whole
_SNAP = 12  # a cut moves by up to this many characters to fall between words
_SCRAP = 40  # fewer characters than this are not worth cutting off an end
_SPACES = re.compile(r"\s+")
_BRACKETS = (("[[", "]]"), ("⟦", "⟧"), ("{{", "}}"), ("<<", ">>"), ("‹‹", "››"))

# Control characters would act on the terminal; each becomes one visible character, so that offsets
# stay what they are. Line ends and tabs are harmless.
_VISIBLE = {code: 0x2400 + code for code in range(32) if chr(code) not in "\n\t"}
_VISIBLE |= {0x7F: 0x2421} | dict.fromkeys(range(0x80, 0xA0), 0xFFFD)


def mark(
    text: str, spans: Iterable[Span], *, brackets: bool = False, shorten: bool = False
) -> Text:
    """The text with its spans marked; spans that overlap are marked as one.

    Args:
        text: the whole text that the spans point into.
        spans: what to mark; an empty span marks nothing.
        brackets: mark with a pair of brackets that does not occur in the text, without any style.
        shorten: of a long text show only what stands around the spans, or its beginning if there
            are none.

    """
    merged = merge([span for span in spans if len(span)])
    opening, closing = choose_brackets(text) if brackets else ("", "")
    pieces = excerpt(text, merged) if shorten else [Span(0, len(text))]
    marked = Text(ELLIPSIS.lstrip() if pieces[0].start else "")
    for number, piece in enumerate(pieces):
        marked.append(ELLIPSIS if number else "")
        end = piece.start
        for span in merged:
            if piece.start <= span.start < piece.end:
                marked.append(visible(text[end : span.start]))
                marked.append(
                    opening + visible(span.of(text)) + closing, None if brackets else STYLE
                )
                end = span.end
        marked.append(visible(text[end : piece.end]))
    return marked.append(ELLIPSIS.rstrip() if pieces[-1].end < len(text) else "")


def mark_in_line(text: str, span: Span, *, brackets: bool = False) -> Text:
    """The span marked in a short piece of its surroundings, without line breaks."""
    opening, closing = choose_brackets(text) if brackets else ("", "")
    piece = _widen(text, span, margin=_SHORT_MARGIN)
    before, after = text[piece.start : span.start], text[span.end : piece.end]
    marked = Text(ELLIPSIS.lstrip() if piece.start else "").append(in_line(before))
    marked.append(opening + in_line(span.of(text)) + closing, None if brackets else STYLE)
    rest = in_line(after) + (ELLIPSIS if piece.end < len(text) else "")
    return marked.append(rest.rstrip())


def merge(spans: Iterable[Span], *, gap: int = 0) -> list[Span]:
    """The spans in order, those that overlap or stand less than `gap` characters apart joined.

    With no gap, neighbours that only touch stay two.
    """
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.start < merged[-1].end + gap:
            merged[-1] = Span(merged[-1].start, max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return merged


def excerpt(text: str, spans: Sequence[Span]) -> list[Span]:
    """The pieces of a long text to show: what stands around the spans; of a short text, all."""
    if len(text) <= _LONG:
        return [Span(0, len(text))]
    if not spans:
        return [Span(0, _snap(text, 2 * MARGIN, backwards=True))]
    return merge((_widen(text, span) for span in spans), gap=_SCRAP)


def choose_brackets(text: str) -> tuple[str, str]:
    """The first pair of brackets of which neither occurs in `text`."""
    free = (pair for pair in _BRACKETS if pair[0] not in text and pair[1] not in text)
    return next(free, _BRACKETS[0])


def visible(text: str) -> str:
    """The text with each control character replaced by a visible one."""
    return text.translate(_VISIBLE)


def in_line(text: str) -> str:
    """The visible text without line breaks, each run of white space one space."""
    return visible(_SPACES.sub(" ", text))


def _widen(text: str, span: Span, *, margin: int = MARGIN) -> Span:
    """The span with what stands around it."""
    start, end = span.start - margin, span.end + margin
    return Span(
        0 if start < _SCRAP else _snap(text, start, backwards=False),
        len(text) if end > len(text) - _SCRAP else _snap(text, end, backwards=True),
    )


def _snap(text: str, cut: int, *, backwards: bool) -> int:
    """Move a cut to a border of words, if one is near; texts without spaces are cut anywhere."""
    near = text[cut - _SNAP : cut] if backwards else text[cut : cut + _SNAP]
    place = near.rfind(" ") if backwards else near.find(" ")
    if place < 0:
        return cut
    return cut - len(near) + place if backwards else cut + place + 1
