"""From characters to tokens and back: spelling, trimming, segments, tokenizers, windows, labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from fuzz.draws import PIECES, Draws, one_of
from fuzz.target import Target, read_or_refuse
from spanfit.errors import DataError
from spanfit.offsets import trim
from spanfit.tasks.labels import find_tokens
from spanfit.text.alignment import align
from spanfit.text.segmentation import find_words, segment
from spanfit.text.spelling import KINDS, LETTER, spell, spell_text
from spanfit.text.token_marks import read_bytes
from spanfit.tokenizer import Tokenizer
from spanfit.tokenizer_opening import load_tokenizer
from spanfit.tokens import Texts
from spanfit.types import TextPair
from spanfit.windows import WindowSettings, make_windows

_TOKENIZERS = Path(__file__).resolve().parent.parent / "tests" / "data"
_KINDS = ("wordpiece", "bytelevel", "unigram")
_LETTERS = ("a", "b", "ab", "A", "Ａ", "東", "ß", "½", "㍿", "ﬁ", " ", "\n")
"""Pieces of texts that hold neither marks nor controls: these have their readings counted."""

Ranges = list[tuple[int, int]]


def _readings(symbols: str, tokens: Sequence[str | None], place: int = 0) -> Iterator[Ranges]:
    """Every way in which tokens, spelled, can share the symbols from a place on."""
    if not tokens:
        if place == len(symbols):
            yield []
        return
    token, *rest = tokens
    if token is None:
        ends: Sequence[int] = range(place + 1, len(symbols) + 1)
    else:
        ends = [place + len(token)] if symbols.startswith(token, place) else []
    for end in ends:
        for following in _readings(symbols, rest, end):
            yield [(place, end), *following]


def _cut(draws: Draws, text: str) -> list[str]:
    """A text in tokens: as it stands, or some of it spelled in another way."""
    tokens, position = [], 0
    while position < len(text):
        size = draws.integer(1, 4)
        token = text[position : position + size]
        tokens.append(spell(token) if draws.byte() > 180 else token)
        position += size
    return tokens


def _check_exactness(draws: Draws) -> None:
    """Texts of letters: found where there is exactly one reading, else refused."""
    text = draws.text(most=8, pieces=_LETTERS)
    tokens: list[str | None] = []
    for token in _cut(draws, text):
        fate = draws.byte()
        tokens += [None] if fate > 200 else [token]
        if fate > 245:
            tokens.append(draws.choose([None, "a", " ", "東"]))
    source = spell_text(text)
    spelled = [None if token is None else spell(token) for token in tokens]
    readings = []
    for reading in _readings(source.symbols, spelled):
        readings.append(reading)
        if len(readings) > 1:
            break
    try:
        starts, ends = align(text, tokens)
    except DataError as error:
        assert len(readings) != 1, f"one reading of {tokens} in {text!r}: {error}"
        return
    assert len(readings) == 1, f"{len(readings)} readings of {tokens} in {text!r}"
    for (begin, end), low, high in zip(readings[0], starts.tolist(), ends.tolist(), strict=True):
        if begin < end:
            assert (low, high) == (source.lows[begin], source.highs[end - 1])
        else:  # white space is empty, but within one character
            assert low == high or (high - low == 1 and source.lows[begin - 1] == low)


def _letters(text: str) -> str:
    return "".join(symbol for symbol in spell(text) if KINDS[symbol] == LETTER)


def _check_alignment(draws: Draws) -> None:
    """Texts of any characters: what is found spells its tokens, in order and within the text."""
    text = draws.text(most=10)
    tokens: list[str | None] = []
    for piece in _cut(draws, text):
        fate = draws.byte()
        if fate < 245:
            tokens.append(None if fate > 225 else piece)
        if fate > 252:
            tokens.append(draws.text(most=2))
    try:
        starts, ends = align(text, tokens)
    except DataError as error:
        assert str(error)
        return
    assert len(starts) == len(ends) == len(tokens)
    assert (starts <= ends).all() and (starts[1:] >= starts[:-1]).all()
    assert (ends[1:] >= ends[:-1]).all() and (starts >= 0).all() and (ends <= len(text)).all()
    for token, low, high in zip(tokens, starts.tolist(), ends.tolist(), strict=True):
        if token is not None:
            assert _letters(token) in _letters(text[low:high]), "a token of other letters"
    if None not in tokens:
        assert "".join(_letters(token or "") for token in tokens) == _letters(text)


def _check_trimming(draws: Draws) -> None:
    texts = draws.items(lambda: draws.text(most=5), most=3)
    lengths, offsets, expected = [], [], []
    for text in texts:
        lengths.append(draws.integer(0, 4))
        for _ in range(lengths[-1]):
            low = draws.integer(0, len(text))
            high = draws.integer(low, len(text))
            offsets.append((low, high))
            piece = text[low:high]
            bare = piece.strip()
            start = high if not bare else low + len(piece) - len(piece.lstrip())
            expected.append((low, high) if not piece else (start, start + len(bare)))
    array = np.array(offsets, np.int32).reshape(-1, 2)
    starts, ends = trim(texts, np.array(lengths, np.int64), array)
    assert list(zip(starts.tolist(), ends.tolist(), strict=True)) == expected


class _Cutter:
    """A segmenter that cuts as bytes tell it to."""

    def __init__(self, draws: Draws) -> None:
        self._draws = draws
        self.limit, self.by_line = draws.integer(1, 12), draws.flag()

    def cut(self, text: str) -> list[str]:
        assert 0 < len(text) <= self.limit, "a chunk above the limit"
        return [token for token in _cut(self._draws, text) if token.strip()]

    def signature(self) -> str:
        return "cutter"


def _check_segments(draws: Draws) -> None:
    text = draws.text(most=12)
    rest = draws.rest()
    kept = ("[SEP]", "##")
    found = read_or_refuse(lambda: find_words(text, _Cutter(Draws(rest)), kept=kept))
    parted = read_or_refuse(lambda: segment(text, _Cutter(Draws(rest)), kept=kept))
    assert (found is None) == (parted is None)
    if found is None or parted is None:
        return
    starts, ends = (side.tolist() for side in found)
    assert starts == sorted(starts) and all(a <= b for a, b in zip(ends, starts[1:], strict=False))
    words = [text[start:end] for start, end in zip(starts, ends, strict=True)]
    assert all(words) and "".join(words) == "".join(text.split()), "characters are lost"
    assert parted.text == " ".join(words)
    for character, place in zip(parted.text, parted.places.tolist(), strict=False):
        assert character == " " or text[place] == character


@cache
def _tokenizer(kind: str) -> Tokenizer:
    return load_tokenizer(_TOKENIZERS / kind)


def _check_windows(draws: Draws) -> None:
    """Tokens of real tokenizers, their ranges, the windows over them, and labels in these."""
    tokenizer = _tokenizer(draws.choose(_KINDS))
    pieces = (*PIECES, "The harbour ", "lighthouse", "don't ", "1904.")
    texts = [draws.text(most=14, pieces=pieces) for _ in range(draws.integer(1, 3))]
    question = draws.text(most=6, pieces=pieces) if draws.flag() else None
    size = draws.integer(1, 40)
    settings = read_or_refuse(lambda: WindowSettings(size, draws.integer(0, size)))
    if settings is None:
        return
    pairs = [TextPair(question, text) for text in texts]
    windows = read_or_refuse(lambda: make_windows(pairs, tokenizer, settings))
    if windows is None:
        return
    assert (windows.lengths <= settings.max_length).all(), "a window is too long"
    for row, text in enumerate(texts):
        own = windows.example == row
        tokens = windows.texts.splits[windows.sliced[own][0] :][:2]
        begins, stops = (
            side[tokens[0] : tokens[1]] for side in (windows.texts.starts, windows.texts.ends)
        )
        first, last = windows.first[own], windows.last[own]
        assert (first[0], last[-1]) == (0, len(begins)), "tokens in no window"
        assert (last[:-1] - first[1:] == settings.overlap).all(), "another overlap"
        assert (first[1:] > first[:-1]).all() and (last[1:] > last[:-1]).all()
        assert (begins <= stops).all() and (begins[1:] >= begins[:-1]).all()
        assert (stops[1:] >= stops[:-1]).all() and (stops <= len(text)).all()
        for low, high in zip(begins.tolist(), stops.tolist(), strict=True):
            assert text[low:high] == text[low:high].strip(), "white space in a token's range"
        starts, ends = tokenizer.divide(text)
        words = [text[start:end] for start, end in zip(starts, ends, strict=True)]
        assert all(words) and not any(map(str.isspace, "".join(words)))
        assert all(end <= start for end, start in zip(ends, starts[1:], strict=False))
        _check_labels(draws, text, windows.texts, int(windows.sliced[own][0]))


def _check_labels(draws: Draws, text: str, texts: Texts, row: int) -> None:
    """The tokens of a span cover every character of it that any token covers."""
    start = draws.integer(0, len(text))
    end = draws.integer(start, len(text))
    spans = {"rows": [row], "starts": [start], "ends": [end]}
    found = find_tokens(texts, **{key: np.array(value, np.int64) for key, value in spans.items()})
    low, high = texts.splits[row], texts.splits[row + 1]
    begins, stops = texts.starts[low:high], texts.ends[low:high]
    touching = np.flatnonzero((begins < end) & (stops > start) & (stops > begins))
    first, last = int(found.first[0]), int(found.last[0])
    if not len(touching) or start == end:
        assert first == last == -1
        return
    assert 0 <= first <= last < high - low, "an inverted range"
    held = {
        place for token in range(first, last + 1) for place in range(begins[token], stops[token])
    }
    wanted = {place for token in touching for place in range(begins[token], stops[token])}
    assert {place for place in wanted if start <= place < end} <= held, "characters not covered"
    assert bool(found.exact[0]) == (begins[first] == start and stops[last] == end)


def _check_bytes(draws: Draws) -> None:
    """Tokens that are bytes of UTF-8 make the characters again."""
    text = draws.text(most=5)
    written = draws.flag()
    tokens = [f"<0x{byte:02X}>" if written else chr(byte) for byte in text.encode()]
    pieces = read_bytes(tokens)
    assert (pieces is None) == (not text)
    if pieces is not None:
        assert pieces.spellings == [*text] and len(pieces.owners) == len(tokens)
    for _ in range(draws.integer(0, 4)):
        other = draws.choose(["word", "<0xE3>", "<0xff>", "\xc3", "", "\xf0"])
        tokens.insert(draws.integer(0, len(tokens)), other)
    again = read_bytes(tokens)
    assert again is None or len(again.owners) == len(tokens)


_CHECKS = (
    _check_exactness,
    _check_alignment,
    _check_trimming,
    _check_segments,
    _check_windows,
    _check_bytes,
)


TARGET = Target(
    "alignment",
    one_of(*_CHECKS),
    seeds=tuple(
        bytes([kind, 7, *range(kind, kind + n)]) for kind in range(len(_CHECKS)) for n in (20, 60)
    ),
)
