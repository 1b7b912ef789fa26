"""Parts of a data set: a calibration part, a subset for a quick try. Seeded.

Nothing here depends on hashing, so the same data and seed give the same parts on every machine.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar

from spanfit.errors import RecipeError
from spanfit.examples import Example
from spanfit.tagged import TaggedExample
from spanfit.types import QuestionExample

MIN_TITLES = 10
"""With fewer titles or documents, a tenth of them can't be taken: contexts or texts are split."""

ExampleT = TypeVar("ExampleT", bound=Example)
_Group = tuple[str, str]  # what is never split: ("title" or "context", the string)


class Split(NamedTuple, Generic[ExampleT]):
    """Two parts of a data set, each in the data's order."""

    training: list[ExampleT]
    calibration: list[ExampleT]


def split_off(examples: Sequence[ExampleT], *, share: float = 0.1, seed: int) -> Split[ExampleT]:
    """Split a calibration part off: about `share` of the examples, by whole groups of them.

    Questions: by titles where there are at least ten, else by contexts; never are two questions
    about one context in different parts. Tagged texts: by documents where there are at least ten,
    else by text, so that equal ones stay together. Which groups are taken depends on the names and
    `seed`, not on the order of the examples. Where there are two groups or more, at least one is
    taken (the smallest, if all are larger than `share`); from a single one nothing is.

    Raises:
        RecipeError: `share` is not in [0, 1).
    """
    if not 0 <= share < 1:
        raise RecipeError(
            "the share of the calibration part is out of range",
            expected="a number from 0 up to, but not including, 1",
            found=str(share),
        )
    groups = _group(examples)
    taken = _take(Counter(groups), share=share, seed=seed)
    training: list[ExampleT] = []
    calibration: list[ExampleT] = []
    for example, group in zip(examples, groups, strict=True):
        (calibration if group in taken else training).append(example)
    return Split(training, calibration)


def limit(examples: Sequence[ExampleT], max_examples: int | None, *, seed: int) -> list[ExampleT]:
    """At most `max_examples` of the examples, drawn with `seed`, in the data's order; None: all.

    Raises:
        RecipeError: `max_examples` is below 1.
    """
    if max_examples is None:
        return list(examples)
    if max_examples < 1:
        raise RecipeError(
            "the limit of examples is too small", expected="1 or more", found=str(max_examples)
        )
    if max_examples >= len(examples):
        return list(examples)
    rows = random.Random(seed).sample(range(len(examples)), max_examples)
    return [examples[row] for row in sorted(rows)]


def _group(examples: Sequence[Example]) -> list[_Group]:
    """The group of each example; the examples are of one kind."""
    texts = [example for example in examples if isinstance(example, TaggedExample)]
    questions = [example for example in examples if isinstance(example, QuestionExample)]
    return _group_texts(texts) + _group_questions(questions)


def _group_texts(examples: Sequence[TaggedExample]) -> list[_Group]:
    has_documents = len({item.document for item in examples if item.document}) >= MIN_TITLES
    return [
        ("title", item.document) if has_documents and item.document else ("context", item.text)
        for item in examples
    ]


def _group_questions(examples: Sequence[QuestionExample]) -> list[_Group]:
    """A context under two titles belongs to the first by name."""
    if len({example.title for example in examples if example.title}) < MIN_TITLES:
        return [("context", example.context) for example in examples]
    titles: dict[str, str] = {}
    for example in examples:
        title = titles.setdefault(example.context, example.title)
        if example.title and (not title or example.title < title):
            titles[example.context] = example.title
    return [
        ("title", title) if (title := titles[example.context]) else ("context", example.context)
        for example in examples
    ]


def _take(sizes: Counter[_Group], *, share: float, seed: int) -> set[_Group]:
    """Draw groups as long as each brings the number of examples nearer to the share."""
    order = sorted(sizes)
    random.Random(seed).shuffle(order)
    wanted = share * sizes.total()
    taken: set[_Group] = set()
    n_taken = 0
    for group in order:
        if abs(n_taken + sizes[group] - wanted) < abs(n_taken - wanted):
            taken.add(group)
            n_taken += sizes[group]
    if not taken and share > 0 and len(order) > 1:
        taken.add(min(order, key=sizes.__getitem__))
    return taken
