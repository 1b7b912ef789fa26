"""Words cut before the tokenizer sees a text, for models that were trained on cut words.

    東京へ行く。 ─mecab─▶ 東京 へ 行く 。 ─tokenizer─▶ offsets there ─▶ offsets in the original

A segmenter says what the words of a text are; here they are found in the text again, so that its
own characters are what the tokenizer reads, one space between two words. Every character that is
not white space is in one word. What the tokenizer finds before anything else (`[SEP]`) is a word
as it stands, else it would lose its meaning.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from spanfit.errors import ModelError, require
from spanfit.offsets import WHITE_SPACE
from spanfit.text.alignment import align
from spanfit.text.spelling import Int64

Int32 = npt.NDArray[np.int32]

JUMANPP_HOME = "https://github.com/ku-nlp/jumanpp"

_BORDERS = (r"[\n\r]", r"[。．！？!?]", r"\s", r"[、，,]")
"""Where a long text is best cut, behind one of these; the first that there is counts."""

_CONTROLS = dict.fromkeys([*range(9), *range(10, 32), 127], " ")  # programs end a text at some


class Segmenter(Protocol):
    """A program that cuts a text into words. It is given at most `limit` characters at once."""

    limit: int
    by_line: bool  # it reads lines, so none of its texts may hold a line break

    def cut(self, text: str) -> list[str]:
        """The words of a text, as the program spells them."""
        ...

    def signature(self) -> str:
        """Programs and versions: equal ones give equal words."""
        ...


class Mecab:
    """MeCab with the dictionary unidic-lite.

    Raises:
        MissingExtraError: fugashi or unidic-lite is not installed.
    """

    limit = 10_000
    by_line = False

    def __init__(self) -> None:
        fugashi, dictionary = (require(name, extra="ja") for name in ("fugashi", "unidic_lite"))
        folder = dictionary.DICDIR
        self._tagger = fugashi.GenericTagger(f'-d "{folder}" -r "{Path(folder) / "mecabrc"}"')

    def cut(self, text: str) -> list[str]:
        """The words of a text."""
        return [word.surface for word in self._tagger(text.translate(_CONTROLS))]

    def signature(self) -> str:
        """Programs and versions."""
        return f"mecab: fugashi {version('fugashi')}, unidic-lite {version('unidic-lite')}"


class Jumanpp:
    """Juman++, a program that rhoknp talks to.

    Raises:
        MissingExtraError: rhoknp is not installed.
        ModelError: the program is not installed.
    """

    limit = 1_000  # the program refuses lines above 4,096 bytes
    by_line = True
    seconds = 60  # the longest that it may take for one line

    def __init__(self) -> None:
        rhoknp = require("rhoknp", extra="ja")
        where = shutil.which("jumanpp")
        self._program: Any = rhoknp.Jumanpp() if where else None
        if not (self._program and self._program.is_available()):
            raise ModelError(
                "the segmenter jumanpp needs the program Juman++, which does not run here",
                where="segmenter = 'jumanpp'",
                expected="a program named jumanpp on the PATH",
                found=where or "none",
                fix=f"install Juman++ 2 from {JUMANPP_HOME}; then jumanpp --version must answer",
            )

    def cut(self, text: str) -> list[str]:
        """The words of a line.

        Raises:
            ModelError: the program fails.
        """
        try:
            sentence = self._program.apply_to_sentence(
                text.translate(_CONTROLS), timeout=self.seconds
            )
        except Exception as error:  # rhoknp passes on whatever the program makes of it
            raise ModelError(
                f"Juman++ fails on a text: {error}",
                where=repr(text[:40]),
                expected="words",
                found=type(error).__name__,
                fix="jumanpp --version, to see whether it runs",
            ) from error
        return [morpheme.text for morpheme in sentence.morphemes]

    def signature(self) -> str:
        """Programs and versions."""
        return f"jumanpp: rhoknp {version('rhoknp')}, {self._program.get_version()}"


SEGMENTERS: dict[str, type[Mecab] | type[Jumanpp]] = {"mecab": Mecab, "jumanpp": Jumanpp}
"""The segmenters by name; "none" is none of them."""


@dataclass(frozen=True, eq=False)
class Segmented:
    """A text as a tokenizer is to read it, and where its characters are in the original.

    `places` (L + 1,) int64: the original character of each character of `text`; of a space, and
    behind the end, the one behind the word before it.
    """

    text: str
    places: Int64


def restore(
    parts: Sequence[Segmented], lengths: Int64, starts: Int32, ends: Int32
) -> tuple[Int32, Int32]:
    """Starts and ends, int32 (N,), in the originals of those that are in the segmented texts.

    `lengths` (R,) are the tokens of each text; tokens are without outer white space.
    """
    sizes = np.array([len(part.places) for part in parts], np.int64)
    shift = np.repeat(np.cumsum(sizes) - sizes, lengths)
    places = np.concatenate([part.places for part in parts])
    begins = places[shift + starts]
    stops = np.where(ends > starts, places[shift + np.maximum(ends - 1, 0)] + 1, begins)
    return begins.astype(np.int32), stops.astype(np.int32)


def segment(text: str, segmenter: Segmenter, *, kept: Sequence[str] = ()) -> Segmented:
    """The words of a text with a space between them; each of `kept` is a word where it stands.

    Raises:
        DataError: the segmenter's words do not spell the text.
        ModelError: the segmenter fails.
    """
    starts, ends = find_words(text, segmenter, kept=kept)
    lengths = ends - starts + 1  # with the space behind each word
    firsts = np.cumsum(lengths) - lengths
    places = np.arange(lengths.sum()) + np.repeat(starts - firsts, lengths)
    words = [text[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
    return Segmented(" ".join(words), places if len(places) else np.zeros(1, np.int64))


def find_words(text: str, segmenter: Segmenter, *, kept: Sequence[str] = ()) -> tuple[Int64, Int64]:
    """Starts and ends of the words of a text, in its own characters; errors as in `segment`."""
    owners = np.full(len(text), -1, np.int64)
    n_words = 0
    for begin, end, is_kept in _parts(text, kept):
        if is_kept:
            owners[begin:end] = n_words
            n_words += 1
            continue
        for low, high in _chunks(text, begin, end, segmenter=segmenter):
            starts, ends = align(text[low:high], segmenter.cut(text[low:high]))
            lengths = ends - starts
            shift = np.repeat(starts - (np.cumsum(lengths) - lengths), lengths)
            owners[low + np.arange(len(shift)) + shift] = n_words + np.repeat(
                np.arange(len(lengths)), lengths
            )
            n_words += len(lengths)
    return _runs(text, owners)


def _runs(text: str, owners: Int64) -> tuple[Int64, Int64]:
    """Starts and ends of the runs of visible characters that belong to one word, or to none."""
    codes = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    labels = np.where(np.isin(codes, WHITE_SPACE), -2, owners)
    borders = np.flatnonzero(np.diff(labels, prepend=-3)) if len(labels) else np.zeros(0, int)
    ends = np.append(borders[1:], len(labels))[: len(borders)]
    visible = labels[borders] != -2
    return borders[visible], ends[visible]


def _parts(text: str, kept: Sequence[str]) -> Iterator[tuple[int, int, bool]]:
    """The text in parts: start, end, and whether it is one of `kept`."""
    position = 0
    pattern = "|".join(re.escape(word) for word in sorted(kept, key=len, reverse=True))
    for match in re.finditer(pattern, text) if pattern else ():
        yield position, match.start(), False
        yield match.start(), match.end(), True
        position = match.end()
    yield position, len(text), False


def _chunks(text: str, begin: int, end: int, *, segmenter: Segmenter) -> Iterator[tuple[int, int]]:
    """The part of a text in chunks that a segmenter can be given, none of white space alone.

    A line that begins with "#" is a comment to Juman++, so there that sign is a word of its own.
    """
    lines = [begin]
    if segmenter.by_line:
        lines += [m.end() for m in re.compile(r"[\n\r]+|^#+", re.M).finditer(text, begin, end)]
    for low, stop in zip(lines, [*lines[1:], end], strict=True):
        while low < stop:
            high = stop if stop - low <= segmenter.limit else _cut(text, low, segmenter.limit)
            if text[low:high].strip().strip("#" if segmenter.by_line else ""):
                yield low, high
            low = high


def _cut(text: str, low: int, limit: int) -> int:
    """Where the next chunk of a long text ends: behind the last border within the limit."""
    for border in _BORDERS:
        ends = [m.end() for m in re.finditer(border, text[low : low + limit])]
        if ends:
            return low + ends[-1]
    return low + limit
