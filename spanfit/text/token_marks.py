"""What tokenizers add to the spelling of their tokens: `##ing`, `ing</w>`, `in@@`, `<0xE3>`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from spanfit.text.spelling import Int64

_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")


@dataclass(frozen=True)
class TokenMarks:
    """The mark that begins a token which goes on a word, and those that end one; "" for none."""

    prefix: str = ""
    suffix: str = ""

    @classmethod
    def of(cls, join: Callable[[list[str]], str]) -> TokenMarks:
        """The marks that `join`, which makes a text of tokens again, takes off.

        Asked so: a sign that it leaves in the text is no mark.
        """
        return cls(
            prefix="##" if _joined(join, ["a", "##b"]) == "ab" else "",
            suffix="</w>"
            if _joined(join, ["a</w>", "b</w>"]) == "a b"
            else "@@"
            if _joined(join, ["a@@", "b"]) == "ab"
            else "",
        )

    def strip(self, token: str) -> str:
        """The token without its mark; a token that is nothing but the mark is kept."""
        bare = token.removeprefix(self.prefix).removesuffix(self.suffix)
        return bare or token


def _joined(join: Callable[[list[str]], str], tokens: list[str]) -> str:
    try:
        return str(join(tokens)).strip()
    except Exception:  # a tokenizer may know none but its own tokens
        return ""


@dataclass(frozen=True, eq=False)
class BytePieces:
    """Tokens of which some are bytes: whole characters, and which of them each token is of.

    `spellings` has one entry a character of bytes, else a token; `owners` (N,) int64 is the entry
    of each of the N tokens.
    """

    spellings: list[str]
    owners: Int64


def read_bytes(tokens: Sequence[str]) -> BytePieces | None:
    """Tokens read as bytes of UTF-8, written `<0xE3>` or as the character of that number.

    None where there are none, or where they make no characters.
    """
    written = any(map(_BYTE.fullmatch, tokens))
    values = [_byte_of(token, written=written) for token in tokens]
    spellings: list[str] = []
    owners: list[int] = []
    position = 0
    while position < len(values):
        lead = values[position]
        size = 1 if lead is None else _size(lead)
        some = [value for value in values[position : position + size] if value is not None]
        try:
            text = tokens[position] if lead is None else bytes(some).decode()
        except UnicodeDecodeError:
            return None
        owners += [len(spellings)] * size
        spellings.append(text)
        position += size
    if all(value is None for value in values):
        return None
    return BytePieces(spellings, np.array(owners, np.int64))


def _byte_of(token: str, *, written: bool) -> int | None:
    if written:
        match = _BYTE.fullmatch(token)
        return int(match.group(1), 16) if match else None
    return ord(token) if len(token) == 1 and ord(token) < 256 else None


def _size(lead: int) -> int:
    """Bytes of the character that begins with this one."""
    return 1 if lead < 0xC0 else 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
