r"""Words of what stands between Chinese characters, as the Penn Treebank sets them apart.

cmrc2018_evaluate.py gives such stretches to NLTK's word tokenizer, which follows those rules. Of
them this has what a stretch can need: the metric has taken "-:_*^/\~`+=“”’" away before, and has
put all in lower case.

    "(e.g., 3,000 cats) don't."  →  ( e.g. , 3,000 cats ) do n't .

NLTK looks for the ends of sentences before, with a model that was learnt; this does not. It would
matter where one ends inside a stretch: there its full stop would be a word, as at the end of the
stretch.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_CLOSING = "[\\])}>\"'» ]*"
_RULES: Final = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"[«‘„]", r" \g<0> "),
        # A double quote opens at the beginning, behind a space or a bracket; else it closes.
        (r"^\"", " `` "),
        (r"([ (\[{<])(?:\"|'')", r"\1 `` "),
        # An apostrophe opens where no word stands before it, and it begins none of the clitics.
        (r"(?<!\w)'(?!(?:re|ve|ll|m|t|s|d|n)\b)(?=\w)", "' "),
        (r"[;@#$%&?!‒-―]", r" \g<0> "),
        # The full stop at the very end, which others may close; not that of "...".
        (rf"([^.])\.({_CLOSING})\s*$", r"\1 . \2 "),
        (r"\.{2,}", r" \g<0> "),
        # A comma, but not inside of a number.
        (r",(\D)", r" , \1"),
        (r",$", " , "),
        (r"(?<=[^'])' ", " ' "),
        (r"[\[\](){}<>]", r" \g<0> "),
        (r"»|''", r" \g<0> "),
        (r"\"", " '' "),
        (r"$", " "),
        (r"\s+", " "),
        (r"(?<=[^' ])('[smd]|') ", r" \1 "),
        (r"(?<=[^' ])('ll|'re|'ve|n't) ", r" \1 "),
        (r"\b(can)(not)\b|\b(d)('ye)\b|\b(gim)(me)\b|\b(gon)(na)\b", r" \1\3\5\7 \2\4\6\8 "),
        (r"\b(got)(ta)\b|\b(lem)(me)\b|\b(more)('n)\b|\b(wan)(na)(?=\s)", r" \1\3\5\7 \2\4\6\8 "),
        (r"(?<= )('t)(is)\b", r" \1 \2 "),
        (r"(?<= )('t)(was)\b", r" \1 \2 "),
    )
)


@lru_cache(maxsize=1 << 14)
def split_words(stretch: str) -> tuple[str, ...]:
    """The words of a stretch in lower case; double quotes are `` and '' among them."""
    for pattern, replacement in _RULES:
        stretch = pattern.sub(replacement, stretch)
    return tuple(stretch.split())
