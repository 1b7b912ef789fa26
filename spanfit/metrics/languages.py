"""Which metric suits some questions: by the script of their golds.

    kana               jsquad
    Hangul             korquad
    Han without kana   cmrc2018
    any other          squad_v1, or squad_v2 where a question has no answer

The golds say whether they are written in one of these scripts, most of their letters. Which of the
three it is, the contexts tell with them: a Japanese name may have no kana in it, a context has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from spanfit.types import QuestionExample

_KANA: Final = re.compile("[\u3041-\u3096\u30a1-\u30fa\uff66-\uff9d]")
_HANGUL: Final = re.compile("[\uac00-\ud7a3\u1100-\u11ff\u3131-\u318e]")
_HAN: Final = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_LETTER: Final = re.compile(r"[^\W\d_]")
_LEAST: Final = 0.1  # kana or Hangul among these letters; others have what names bring

_SAMPLE, _LENGTH = 500, 500  # golds and contexts that are looked at, characters of each


def suit_name(examples: Sequence[QuestionExample]) -> str:
    """The name of the metric for examples with gold."""
    golds = _sample(answer.text for example in examples for answer in example.answers or ())
    contexts = _sample({id(e.context): e.context for e in examples}.values())
    if _is_east_asian(golds if _LETTER.search(golds) else contexts):  # dates have no letter
        return _tell_apart(golds + contexts)
    return "squad_v1" if all(example.is_answerable for example in examples) else "squad_v2"


def _is_east_asian(text: str) -> bool:
    """Whether most letters are kana, Hangul or Han."""
    n = sum(len(script.findall(text)) for script in (_KANA, _HANGUL, _HAN))
    return 2 * n > len(_LETTER.findall(text))


def _tell_apart(text: str) -> str:
    kana, hangul, han = (len(script.findall(text)) for script in (_KANA, _HANGUL, _HAN))
    own = max(kana, hangul)
    if own <= _LEAST * (kana + hangul + han):
        return "cmrc2018"
    return "jsquad" if own == kana else "korquad"


def _sample(texts: Iterable[str]) -> str:
    """The beginnings of some of the texts, spread over all of them."""
    found = list(texts)
    chosen = found[:: max(1, len(found) // _SAMPLE)]
    return " ".join(text[:_LENGTH] for text in chosen)
