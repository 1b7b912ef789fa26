"""Values made of bytes: equal ones of equal bytes, and the first of each kind when none is left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

_Item = TypeVar("_Item")

PIECES = (
    *("a", "B", "x y", "O", "lamp", "1864", " ", "\n", "\t", "\r", '"', "'", ",", ";", "#"),
    *("{", "}", "[", "]", ":", "\\", "-", "\x00", "\x0b", "\x1c", "\x85", "\u2028", "\u3000"),
    *("é", "e\u0301", "\u0301", "\u0323", "東京", "ガ", "ｶﾞ", "㌔", "각", "ß", "İ", "ς", "ﬁ"),
    *("½", "\u200b", "\u00ad", "\ufeff", "\ufffd", "👩\u200d🚀", "𠮷", "▁", "##", "[SEP]", "ΐ"),
)
"""What texts are made of: separators, quotes, white space, and characters that normalise."""


class Draws:
    """A reader of bytes that answers questions."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def __bool__(self) -> bool:
        """Whether a byte is left."""
        return self._at < len(self._data)

    def byte(self) -> int:
        """The next byte, 0 behind the end."""
        if self._at >= len(self._data):
            return 0
        self._at += 1
        return self._data[self._at - 1]

    def take(self, n: int) -> bytes:
        """The next n bytes, filled up with zeros."""
        taken = self._data[self._at : self._at + n]
        self._at += len(taken)
        return taken.ljust(n, b"\0")

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(len(self._data) - self._at)

    def integer(self, low: int, high: int) -> int:
        """A whole number from low to high."""
        n = high - low + 1
        size = max(1, ((n - 1).bit_length() + 7) // 8)
        return low + int.from_bytes(self.take(size), "little") % n

    def flag(self) -> bool:
        """True or False."""
        return self.byte() % 2 == 1

    def choose(self, options: Sequence[_Item]) -> _Item:
        """One of them."""
        return options[self.integer(0, len(options) - 1)]

    def items(self, make: Callable[[], _Item], *, most: int, least: int = 0) -> list[_Item]:
        """Some of what `make` makes."""
        return [make() for _ in range(self.integer(least, most))]

    def text(self, *, most: int = 8, pieces: Sequence[str] = PIECES) -> str:
        """A text of some pieces."""
        return "".join(self.items(lambda: self.choose(pieces), most=most))

    def floats(self, *shape: int, whole: bool) -> npt.NDArray[np.float32]:
        """Numbers: small whole ones, so that ties come, or of any bits."""
        n = int(np.prod(shape))
        if whole:
            values = np.frombuffer(self.take(n), np.int8) % 5 - 2
        else:
            values = np.frombuffer(self.take(4 * n), "<f4")
        return values.astype(np.float32).reshape(shape)


def one_of(*checks: Callable[[Draws], None]) -> Callable[[bytes], None]:
    """A check of bytes, of which the first chooses one of these and the others are drawn by it."""

    def check(data: bytes) -> None:
        draws = Draws(data)
        draws.choose(checks)(draws)

    return check
