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
    another one as long as there are any. In the order of the examples.

    """
    articles = _group(examples)
    answerable = [row for row, example in enumerate(examples) if example.is_answerable]
    n_wanted = round(share * len(answerable))
    if n_wanted == 0:
        return Synthesis((), n_wanted)
    random.Random(seed).shuffle(answerable)
    made: dict[int, QuestionExample] = {}
    for row in answerable:
        if len(made) == n_wanted:
            break
        example = examples[row]
        other = _choose(example, articles.get(example.title, {}))
        if other is not None:
            made[row] = _ask_again(example, other)
    return Synthesis(tuple(made[row] for row in sorted(made)), n_wanted)


def _group(examples: Iterable[QuestionExample]) -> dict[str, dict[str, frozenset[str]]]:
    """The paragraphs of each title with their grams, in the order of the data."""
    articles: dict[str, dict[str, frozenset[str]]] = {}
    for example in examples:
        if example.title:
            paragraphs = articles.setdefault(example.title, {})
            if example.context not in paragraphs:
                paragraphs[example.context] = _grams(example.context)
    return articles


def _grams(text: str) -> frozenset[str]:
    folded = text.casefold()
    return frozenset(folded[at : at + _GRAM] for at in range(max(1, len(folded) - _GRAM + 1)))


def _choose(example: QuestionExample, paragraphs: dict[str, frozenset[str]]) -> str | None:
    """The other paragraph to ask of: like the example's in length, and near to its question."""
    golds = [answer.text.strip().casefold() for answer in example.answers or ()]
    free = [
        paragraph
        for paragraph in paragraphs
        if paragraph != example.context and not any(gold in paragraph.casefold() for gold in golds)
    ]
    size, wanted = len(example.context), _grams(example.question)
    near = sorted(free, key=lambda paragraph: abs(len(paragraph) - size))[:_NEAREST]
    return max(near, key=lambda paragraph: len(wanted & paragraphs[paragraph]), default=None)


def _ask_again(example: QuestionExample, context: str) -> QuestionExample:
    return replace(
        example,
        id=example.id + _SUFFIX,
        context=context,
        answers=(),
        synthetic=OTHER_PARAGRAPH,
        place=f"made of {example.id!r}",
    )
