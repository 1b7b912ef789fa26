"""Parts of a data set: a calibration part, a subset for a quick try. Seeded.

Nothing here depends on hashing, so the same data and seed give the same parts on every machine.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from spanfit.errors import RecipeError
from spanfit.types import QuestionExample

MIN_TITLES = 10
"""With fewer titles, a tenth of them can't be taken: contexts are split instead."""

_Group = tuple[str, str]  # what is never split: ("title" or "context", the string)


class Split(NamedTuple):
    """Two parts of a data set, each in the data's order."""

    training: list[QuestionExample]
    calibration: list[QuestionExample]


def split_off(examples: Sequence[QuestionExample], *, share: float = 0.1, seed: int) -> Split:
    """Split a calibration part off: about `share` of the questions, by whole titles or contexts.

    By titles where there are at least ten, else by contexts; never are two questions about one
    context in different parts. Which groups are taken depends on the names and `seed`, not on the
    order of the examples. Where there are two groups or more, at least one is taken (the smallest,
    if all are larger than `share`); from a single one nothing is.

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
    training: list[QuestionExample] = []
    calibration: list[QuestionExample] = []
    for example, group in zip(examples, groups, strict=True):
        (calibration if group in taken else training).append(example)
    return Split(training, calibration)


def limit(
    examples: Sequence[QuestionExample], max_examples: int | None, *, seed: int
) -> list[QuestionExample]:
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


def _group(examples: Iterable[QuestionExample]) -> list[_Group]:
    """The group of each example; a context under two titles belongs to the first by name."""
    examples = list(examples)
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
    """Draw groups as long as each brings the number of questions nearer to the share."""
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
