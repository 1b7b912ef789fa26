"""Character offsets of tokens without their outer white space.

Byte-level and Metaspace tokens carry the space before them in their offsets (35 to 43 % of the
tokens of ModernBERT, DeBERTa-v3 and others), and what a tokenizer trims itself differs from kind
to kind. So they are trimmed here, always, for all of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

WHITE_SPACE = np.array([c for c in range(0x3001) if chr(c).isspace()], np.uint32)
"""Code points that are white space to `str.isspace`; U+3000 is the last of them."""

_IS_SPACE = np.zeros(0x3002, bool)
_IS_SPACE[WHITE_SPACE] = True


def trim(
    texts: Sequence[str], lengths: npt.NDArray[np.int64], offsets: npt.NDArray[np.int32]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Starts and ends, int32 (N,) each, of tokens that lie in `texts` end to end.

    `lengths` (R,) are the tokens of each text, `offsets` (N, 2) their half-open ranges of
    characters. A token of nothing but white space becomes empty, at its end. Starts and ends that
    never decrease still do not.
    """
    starts, ends = offsets[:, 0], offsets[:, 1]
    sizes = np.fromiter(map(len, texts), np.int64, len(texts)) + 1
    shift = np.repeat(np.cumsum(sizes) - sizes, lengths)
    # One space closes each text, so that a position just behind its end is one of its own.
    codes = np.frombuffer("".join(f"{text} " for text in texts).encode("utf-32-le"), np.uint32)
    space = _IS_SPACE[np.minimum(codes, len(_IS_SPACE) - 1)]
    first, behind = starts + shift, ends + shift
    outer = (space[first] | space[np.maximum(behind - 1, 0)]) & (ends > starts)
    if not outer.any():
        return starts.copy(), ends.copy()
    places = np.arange(len(codes))
    following = np.where(space, len(codes), places)  # the next visible character
    following = np.minimum.accumulate(following[::-1])[::-1]
    preceding = np.maximum.accumulate(np.where(space, -1, places))  # the last visible one
    low = np.where(outer, np.minimum(following[first], behind), first)
    high = np.where(outer, np.maximum(preceding[np.maximum(behind - 1, 0)] + 1, low), behind)
    return (low - shift).astype(np.int32), (high - shift).astype(np.int32)
