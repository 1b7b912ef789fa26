"""What a tokenizer says of texts, as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Texts:
    """The tokens of R texts, end to end, without special tokens.

    `ids`, `starts`, `ends`: int32 (N,), the token's id and its half-open range of characters
    (code points of its text) without outer white space. A token of nothing but white space, or of
    no character, has `ends == starts`. Both ends never decrease inside a text, but neighbours may
    overlap (byte pieces of one character). Text r has the tokens `splits[r]` to `splits[r + 1]`;
    `splits` is int64 (R + 1,).
    """

    ids: Int32
    starts: Int32
    ends: Int32
    splits: Int64

    def __len__(self) -> int:
        return len(self.splits) - 1

    @cached_property
    def lengths(self) -> Int32:
        """Tokens of each text, int32 (R,)."""
        return np.diff(self.splits).astype(np.int32)

    @cached_property
    def blank(self) -> npt.NDArray[np.bool_]:
        """Tokens without a visible character, bool (N,): never the border of an answer."""
        return self.ends <= self.starts
