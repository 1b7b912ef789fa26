"""Questions sorted into kinds, so that a score can be looked at kind by kind.

A slice looks only at the gold, never at what was predicted:

    question_word    who, what, when … of an English, Japanese, Korean or Chinese question
    answer_length    of the first gold: words, or characters where words are not set apart
    context_length   in characters
    answer_position  the quarter of the context in which the first gold starts
    has_answer       HasAns and NoAns, as the official script calls them
    title            of the article
    synthetic        real, or the way in which a question that nobody asked was made
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache

from spanfit.errors import RecipeError, did_you_mean
from spanfit.metrics.question_words import QUESTION_WORDS, find_question_word
from spanfit.types import QuestionExample

NO_ANSWER = "no answer"
EMPTY = "empty"
UNKNOWN = "unknown"
NO_TITLE = "(no title)"
REAL = "real"

# The least number that belongs to each label.
_WORDS = {1: "1 word", 2: "2–3 words", 4: "4–7 words", 8: "8+ words"}
_CHARACTERS = {1: "1–2 characters", 3: "3–5 characters", 6: "6–10 characters", 11: "11+ characters"}
_CONTEXTS = {
    0: "0–249 characters",
    250: "250–499 characters",
    500: "500–749 characters",
    750: "750–999 characters",
    1000: "1,000–1,499 characters",
    1500: "1,500–2,499 characters",
    2500: "2,500–4,999 characters",
    5000: "5,000+ characters",
}
_QUARTERS = ("1st quarter", "2nd quarter", "3rd quarter", "4th quarter")
_WITHOUT_SPACES = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
"""Thai, Lao, Burmese, Khmer, kana and Han."""


def split_rows(examples: Sequence[QuestionExample], by: str) -> dict[str, list[int]]:
    """The rows of `examples` by their label, in an order that a reader expects; none is empty.

    Raises:
        RecipeError: there are no slices of that name.
    """
    check_slice(by)
    label, order = _LABELS[by]
    rows: dict[str, list[int]] = {}
    for row, example in enumerate(examples):
        rows.setdefault(label(example), []).append(row)
    if order is None:  # names that the data gives: the largest first
        counts = Counter({name: len(group) for name, group in sorted(rows.items())})
        order = tuple(name for name, _ in counts.most_common())
    return {name: rows[name] for name in order if name in rows}


def check_slice(by: str) -> None:
    """Refuse a name of slices that does not exist.

    Raises:
        RecipeError: with the name that was perhaps meant.
    """
    if by not in SLICES:
        raise RecipeError(f"there are no slices by {by!r}", fix=did_you_mean(by, SLICES))


def _question_word(example: QuestionExample) -> str:
    return find_question_word(example.question)


def _answer_length(example: QuestionExample) -> str:
    if not example.answers:
        return NO_ANSWER
    text = example.answers[0].text
    if _has_spaced_words(example.context):
        return _label(len(text.split()), _WORDS)
    return _label(len(text), _CHARACTERS)


def _context_length(example: QuestionExample) -> str:
    return _label(len(example.context), _CONTEXTS)


def _answer_position(example: QuestionExample) -> str:
    """`UNKNOWN` also where the file names a place that does not hold the text."""
    if not example.answers:
        return NO_ANSWER
    answer = example.answers[0]
    if not answer.text or not answer.stands_in(example.context):
        return UNKNOWN
    return _QUARTERS[len(_QUARTERS) * answer.start // len(example.context)]


def _has_answer(example: QuestionExample) -> str:
    return "HasAns" if example.is_answerable else "NoAns"


def _title(example: QuestionExample) -> str:
    return example.title or NO_TITLE


def _synthetic(example: QuestionExample) -> str:
    return example.synthetic or REAL


@lru_cache(maxsize=1024)  # the questions of a paragraph share its string
def _has_spaced_words(text: str) -> bool:
    """Whether scripts written without spaces make up no more than a fifth of the characters."""
    n_unspaced = len(_WITHOUT_SPACES.findall(text))
    return 5 * n_unspaced <= len("".join(text.split()))


def _label(number: int, edges: dict[int, str]) -> str:
    """The label of the largest edge that `number` reaches."""
    reached = [edge for edge in edges if edge <= number]
    return edges[reached[-1]] if reached else EMPTY


_LABELS: dict[str, tuple[Callable[[QuestionExample], str], tuple[str, ...] | None]] = {
    "question_word": (_question_word, QUESTION_WORDS),
    "answer_length": (
        _answer_length,
        (EMPTY, *_WORDS.values(), *_CHARACTERS.values(), NO_ANSWER),
    ),
    "context_length": (_context_length, tuple(_CONTEXTS.values())),
    "answer_position": (_answer_position, (*_QUARTERS, UNKNOWN, NO_ANSWER)),
    "has_answer": (_has_answer, ("HasAns", "NoAns")),
    "title": (_title, None),
    "synthetic": (_synthetic, None),
}
"""Each name with the label of an example, and the order of its labels (None: by size)."""

SLICES = tuple(_LABELS)
