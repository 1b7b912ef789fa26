"""In which encoding a file is written, if not in UTF-8; and its text, for all other checks.

    a mark at the start, many NULs                  UTF-8 with its mark, UTF-16, UTF-32
    single bytes above 0x7f between letters         Windows-1252 (and so Latin-1)
    pairs of bytes that make kana, Hangul or Han    Shift-JIS, EUC-JP, EUC-KR, GB 18030, Big5

It is a guess, and said to be one: the encodings of East Asia have most of their bytes in common, so
a file counts as one of them only if it decodes without a mistake and most of what it then holds is
the script of that language. A file that is UTF-8 but for some lines keeps its encoding; these
lines are looked at by themselves. Where nothing fits there is no guess.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import Final

_MARKS: Final = (  # the longer ones first: that of UTF-32 begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LOOKED_AT: Final = 1 << 16  # bytes that tell NULs, and characters that tell a script
_HIGH_RUN: Final = re.compile(rb"[\x80-\xff]+")
_HIGH: Final = re.compile(r"[^\W\d_\x00-\x7f]")
_SCRIPTS: Final = (  # how most letters beyond ASCII look, where the encoding is the right one
    ("cp932", re.compile("[\u3041-\u30ff]"), 0.15),
    ("euc_jp", re.compile("[\u3041-\u30ff]"), 0.15),
    ("cp949", re.compile("[\uac00-\ud7a3]"), 0.9),
    ("gb18030", re.compile("[\u4e00-\u9fff]"), 0.9),
    ("big5", re.compile("[\u4e00-\u9fff]"), 0.9),
)
_STRICTER: Final = {"gb18030": "gb2312"}
"""What common text in an encoding keeps to: nearly any bytes are some character of GB 18030."""


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that is not UTF-8 in a file that otherwise is: its number and its first wrong byte.

    `encoding` is the one that it seems to be in, empty where none fits.
    """

    line: int
    byte: int
    value: int
    encoding: str


@dataclass(frozen=True, slots=True)
class DecodedFile:
    """A file's text as UTF-8 without a mark, and what it was before.

    `encoding` is "" where none fits, and the text then has replacement characters. `bad_lines` are
    those that are in another encoding than the file.
    """

    content: bytes
    encoding: str = "utf-8"
    has_mark: bool = False
    bad_lines: tuple[BadLine, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether no character was lost."""
        return bool(self.encoding) and all(line.encoding for line in self.bad_lines)


def decode_file(data: bytes) -> DecodedFile:
    """The text of a file in whatever encoding."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            rest = data[len(mark) :]
            if name == "utf-8":
                return _decode(rest, has_mark=True)
            encoding = name if _fits(rest, name) else ""
            return DecodedFile(_transcode(rest, name), encoding, has_mark=True)
    if (name := _guess_wide(data)) and _fits(data, name):
        return DecodedFile(_transcode(data, name), name)
    return _decode(data, has_mark=False)


def _decode(data: bytes, *, has_mark: bool) -> DecodedFile:
    if _fits(data, "utf-8"):
        return DecodedFile(data, has_mark=has_mark)
    if _is_mostly_utf8(data):
        lines = data.split(b"\n")
        bad = tuple(
            _look_at(line, number)
            for number, line in enumerate(lines, 1)
            if not _fits(line, "utf-8")
        )
        for item in bad:
            lines[item.line - 1] = _transcode(lines[item.line - 1], item.encoding or "utf-8")
        return DecodedFile(b"\n".join(lines), has_mark=has_mark, bad_lines=bad)
    name = _guess(data)
    return DecodedFile(_transcode(data, name or "utf-8"), name, has_mark=has_mark)


def _transcode(data: bytes, encoding: str) -> bytes:
    """The text as UTF-8, with replacement characters for what the encoding has not."""
    return data.decode(encoding, "replace").encode("utf-8", "replace")


def _fits(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _is_mostly_utf8(data: bytes) -> bool:
    """Whether more characters beyond ASCII are right than are wrong."""
    text = data.decode("utf-8", "replace")
    n_lost = text.count("\ufffd")
    return len(_HIGH.findall(text)) > n_lost


def _look_at(line: bytes, number: int) -> BadLine:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError as error:
        encoding = "cp1252" if _is_latin(line) else ""
        return BadLine(number, error.start + 1, line[error.start], encoding)
    raise ValueError(f"line {number} is UTF-8")


def _guess_wide(data: bytes) -> str:
    """UTF-16 without a mark, which every second byte of ASCII text tells; else empty."""
    start = data[:_LOOKED_AT]
    even, odd = start[::2].count(0), start[1::2].count(0)
    if 3 * max(even, odd) < len(start) // 2 or min(even, odd) * 10 > max(even, odd):
        return ""
    return "utf-16-be" if even > odd else "utf-16-le"


def _guess(data: bytes) -> str:
    """The encoding that a text which is not UTF-8 seems to be in; empty where none fits."""
    if _is_latin(data):
        return "cp1252"
    for name, script, share in _SCRIPTS:
        if not _fits(data, name):
            continue
        text = data.decode(name)
        letters = _HIGH.findall(text[:_LOOKED_AT])
        if len(script.findall(text[:_LOOKED_AT])) < share * max(1, len(letters)):
            continue
        if name not in _STRICTER or _fits_mostly(data, _STRICTER[name]):
            return name
    return ""


def _fits_mostly(data: bytes, encoding: str) -> bool:
    """Whether hardly a character is missing in the encoding."""
    text = data[:_LOOKED_AT].decode(encoding, "replace")
    return 20 * text.count("\ufffd") <= len(_HIGH.findall(text))


def _is_latin(data: bytes) -> bool:
    """Whether bytes above ASCII mostly stand alone, as letters with accents do in a word."""
    runs = _HIGH_RUN.findall(data)
    n_single = sum(len(run) == 1 for run in runs)
    return bool(runs) and 10 * n_single >= 7 * len(runs) and _fits(data, "cp1252")
