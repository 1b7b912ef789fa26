"""Answer normalisation: which differences between two answers a metric does not see.

English, as the official SQuAD scripts (evaluate-v1.1.py and evaluate-v2.0.py, which agree) have
it: lower case, then no ASCII punctuation, then no articles, then single spaces.

    "The  U.S.-led Coalition!"  →  "usled coalition"
"""

from __future__ import annotations

import re
import string
from functools import lru_cache

_WITHOUT_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLE = re.compile(r"\b(?:a|an|the)\b")


@lru_cache(maxsize=1 << 16)
def normalise_english(text: str) -> str:
    """`text` as SQuAD compares it; "" where nothing is left ("The", "?!").

    Only ASCII punctuation goes: "€5", "l’an" and "1–0" keep their marks. An article is a whole
    word between Unicode word borders, so "l’an" loses its "an" all the same. The most recent
    distinct texts are remembered.
    """
    kept = text.lower().translate(_WITHOUT_PUNCTUATION)
    return " ".join(_ARTICLE.sub(" ", kept).split())
