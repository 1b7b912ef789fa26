"""Unanswerable questions made of answerable ones, for data that has too few.

    q1  "When was the lamp lit?"  paragraph 1 of "Lighthouses"  answer "1864"
    q1#other-paragraph            paragraph 4 of "Lighthouses"  no answer

The other paragraph is one of the same title in which no gold of the question occurs: of the eight
nearest in length to the question's own, the one that shares most with the question. A paragraph
about something else would teach little; the one that shares most of all is a long one (on average
1,185 characters against 709 on SQuAD), and the length would give the answer away. Whether it
answers the question in other words nobody has checked: that is why the data marks them
(`QuestionExample.synthetic`).
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice

from spanfit.types import QuestionExample

OTHER_PARAGRAPH = "other_paragraph"
"""What `QuestionExample.synthetic` says of them."""
_SUFFIX = "#other-paragraph"  # of their ids
_GRAM = 3  # characters: words would need a language
_NEAREST = 8  # paragraphs of about the same length


@dataclass(frozen=True, slots=True)
class Synthesis:
    """What was made, and how many questions were wanted."""

    examples: tuple[QuestionExample, ...]
    n_wanted: int

    def summary(self) -> str:
        """What was done, for people."""
        missing = self.n_wanted - len(self.examples)
        return f"{len(self.examples):,} unanswerable questions made of answerable ones" + (
            f", {missing:,} fewer than wanted: no other paragraph of their title" if missing else ""
        )


def make_unanswerable(examples: Sequence[QuestionExample], *, share: float, seed: int) -> Synthesis:
    """Ask `share` of the answerable questions again, of another paragraph of the same title.

    Which ones are drawn depends on `seed`; a question of which none can be made is replaced by
    another one as long as there are any. What is in the data already is not made again. In the
    order of the examples.
    """
    articles = _group(examples)
    ids = {example.id for example in examples}
    answerable = [row for row, example in enumerate(examples) if example.is_answerable]
    n_wanted = round(share * len(answerable))
    random.Random(seed).shuffle(answerable)
    near: dict[int, list[str]] = {}
    for row in answerable:
        if len(near) == n_wanted:
            break
        example = examples[row]
        found = _find_near(example, articles.get(example.title, ()))
        if found and example.id + _SUFFIX not in ids:
            near[row] = found
    made = [_ask_again(examples[row], near[row]) for row in sorted(near)]
    return Synthesis(tuple(made), n_wanted)


def _group(examples: Iterable[QuestionExample]) -> dict[str, tuple[str, ...]]:
    """The distinct paragraphs of each title, in the order of the data."""
    articles: dict[str, dict[str, None]] = {}
    for example in examples:
        if example.title:
            articles.setdefault(example.title, {})[example.context] = None
    return {title: tuple(paragraphs) for title, paragraphs in articles.items()}


def _find_near(example: QuestionExample, paragraphs: Iterable[str]) -> list[str]:
    """The other paragraphs nearest in length to the example's that hold none of its golds."""
    golds = [answer.text.strip().casefold() for answer in example.answers or ()]
    size = len(example.context)
    by_length = sorted(paragraphs, key=lambda paragraph: abs(len(paragraph) - size))
    free = (
        paragraph
        for paragraph in by_length
        if paragraph != example.context and not any(gold in paragraph.casefold() for gold in golds)
    )
    return list(islice(free, _NEAREST))


@lru_cache(maxsize=256)
def _grams(text: str) -> frozenset[str]:
    """The runs of characters of a text; those of an article's paragraphs are asked for again."""
    folded = text.casefold()
    return frozenset(folded[at : at + _GRAM] for at in range(max(1, len(folded) - _GRAM + 1)))


def _ask_again(example: QuestionExample, paragraphs: Sequence[str]) -> QuestionExample:
    """The question asked of the paragraph that shares most with it."""
    wanted = _grams(example.question)
    return replace(
        example,
        id=example.id + _SUFFIX,
        context=max(paragraphs, key=lambda paragraph: len(wanted & _grams(paragraph))),
        answers=(),
        synthetic=OTHER_PARAGRAPH,
        place=f"made of {example.id!r}",
    )
