"""Neighbours taken together, in groups of bounded size: neither many nor long ones fill memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")

CHARACTERS_AT_ONCE = 500_000
"""Texts that are worked on together hold at most so many characters, or are a single text."""


def gather(
    items: Iterable[Item],
    *,
    size: Callable[[Item], int],
    max_items: int,
    max_size: int,
) -> Iterator[list[Item]]:
    """The items in order, in groups of at most `max_items` whose sizes sum up to `max_size`.

    A larger item is a group by itself. Where a group ends depends only on the items from its
    first one on, so work that is taken up at such a place finds the same groups. A full group is
    given out before the next item is asked for.
    """
    group: list[Item] = []
    total = 0
    for item in items:
        amount = size(item)
        if group and total + amount > max_size:
            yield group
            group, total = [], 0
        group.append(item)
        total += amount
        if len(group) == max_items or total >= max_size:
            yield group
            group, total = [], 0
    if group:
        yield group
