"""Answer normalisation: which differences between two answers a metric does not see.

Each is that of an official script; where they agree and where not:

                     lower case  punctuation that goes   articles  spaces
    english          yes         ASCII                   a an the  single
    japanese         yes         "。" at the end         none      single
    korean           yes         ASCII, ‘’《》〈〉       none      single; some marks become one
    chinese          yes         32 marks                none      only the outer ones go
    multilingual     yes         ASCII, all of Unicode   by table  single; around Han in Chinese
    untouched        no          none                    none      as they are

    english("The  U.S.-led Coalition!")  →  "usled coalition"
    japanese("5月上旬。")                 →  "5月上旬"
    korean("'대한민국'")                  →  "대한민국"
    chinese("《红楼梦》")                 →  "红楼梦"
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from spanfit.text.division import HAN, divide_runs

_REMEMBERED: Final = 1 << 16  # distinct texts of each language
_WITHOUT_ASCII_MARKS = str.maketrans("", "", string.punctuation)
_ARTICLE = re.compile(r"\b(?:a|an|the)\b")
_KOREAN_MARKS = str.maketrans(dict.fromkeys("'\"()<>‘’《》〈〉", " "))
_CHINESE_MARKS = "-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』"
_WITHOUT_CHINESE_MARKS = str.maketrans("", "", _CHINESE_MARKS)


@lru_cache(maxsize=_REMEMBERED)
def normalise_english(text: str) -> str:
    """As evaluate-v1.1.py and evaluate-v2.0.py compare it; "" where nothing is left ("The", "?!").

    Only ASCII punctuation goes: "€5", "l’an" and "1–0" keep their marks. An article is a whole
    word between Unicode word borders, so "l’an" loses its "an" all the same. The most recent
    distinct texts are remembered.
    """
    kept = text.lower().translate(_WITHOUT_ASCII_MARKS)
    return " ".join(_ARTICLE.sub(" ", kept).split())


@lru_cache(maxsize=_REMEMBERED)
def normalise_japanese(text: str) -> str:
    """As JGLUE compares it: "。" goes at the very end only, and not in front of a space there."""
    return " ".join(text.lower().rstrip("。").split())


@lru_cache(maxsize=_REMEMBERED)
def normalise_korean(text: str) -> str:
    """As KorQuAD's evaluate-v1.0.py compares it: quotes and brackets part words, others do not.

    "(주)삼성" has two words, "A-B" has one, "AB".
    """
    parted = text.translate(_KOREAN_MARKS).lower()
    return " ".join(parted.translate(_WITHOUT_ASCII_MARKS).split())


@lru_cache(maxsize=_REMEMBERED)
def normalise_chinese(text: str) -> str:
    """As cmrc2018_evaluate.py compares it: no white space goes but the outer one.

    That goes first, so a space behind a leading mark stays. The script names "……" among the marks
    too; it looks at single characters, so "…" stays.
    """
    return text.lower().strip().translate(_WITHOUT_CHINESE_MARKS)


def leave_untouched(text: str) -> str:
    """The text itself."""
    return text


MULTILINGUAL_ARTICLES: Final[dict[str, str | None]] = {
    "en": r"\b(?:a|an|the)\b",
    "es": r"\b(?:un|una|unos|unas|el|la|los|las)\b",
    "hi": None,
    "vi": r"\b(?:của|là|cái|chiếc|những)\b",
    "de": r"\b(?:ein|eine|einen|einem|eines|einer|der|die|das|den|dem|des)\b",
    "ar": "ال",  # wherever it stands: the script asks for no word border
    "zh": None,
    "ru": None,
    "tr": None,
    "el": None,
    "th": None,
    "ro": None,
}
"""What MLQA takes for articles, by language. The last five are languages of XQuAD, for which there
is no such script: they keep all words."""


def make_multilingual(language: str) -> Callable[[str], str]:
    """How mlqa_evaluation_v1.py compares texts of one language (a key of MULTILINGUAL_ARTICLES).

    All punctuation of Unicode goes, and ASCII's; what is an article depends on the language. In
    Chinese each Han character is set apart by spaces, in Thai each Thai one, which has no word
    borders either; elsewhere white space parts words.
    """
    articles = MULTILINGUAL_ARTICLES[language]
    pattern = re.compile(articles) if articles else None
    singles = MULTILINGUAL_SINGLES.get(language)

    @lru_cache(maxsize=_REMEMBERED)
    def normalise_multilingual(text: str) -> str:
        kept = "".join(character for character in text.lower() if not _is_mark(character))
        if pattern is not None:
            kept = pattern.sub(" ", kept)
        return " ".join(divide_runs(kept, singles) if singles else kept.split())

    return normalise_multilingual


MULTILINGUAL_SINGLES: Final[dict[str, re.Pattern[str]]] = {
    "zh": HAN,
    "th": re.compile("[\u0e01-\u0e5b]"),
}
"""The characters that are words of their own, in languages that have such."""


@lru_cache(maxsize=1 << 14)
def _is_mark(character: str) -> bool:
    return character in string.punctuation or unicodedata.category(character).startswith("P")
