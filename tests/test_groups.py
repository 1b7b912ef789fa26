"""Groups of neighbours: nothing lost, bounded, and the same wherever one begins."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from spanfit.groups import CHARACTERS_AT_ONCE, gather


def groups_of(sizes, *, max_items=3, max_size=9):
    return list(gather(sizes, size=int, max_items=max_items, max_size=max_size))


def test_by_pencil():
    assert groups_of([3, 4, 5, 100, 1, 2]) == [[3, 4], [5], [100], [1, 2]]
    assert groups_of([1, 1, 1, 1]) == [[1, 1, 1], [1]]
    assert groups_of([9, 0, 0]) == [[9], [0, 0]]
    assert groups_of([]) == []


@given(st.lists(st.integers(0, 12)), st.integers(1, 4), st.integers(1, 10))
def test_groups_are_bounded_and_go_on_alike_from_any_border(sizes, max_items, max_size):
    bounds = {"max_items": max_items, "max_size": max_size}
    groups = groups_of(sizes, **bounds)
    assert [*itertools.chain(*groups)] == sizes
    for group in groups:
        assert 1 <= len(group) <= max_items
        assert sum(group) <= max_size or len(group) == 1
    for n in range(len(groups)):
        rest = sizes[sum(map(len, groups[:n])) :]
        assert groups_of(rest, **bounds) == groups[n:]


def test_a_full_group_does_not_wait_for_the_next_item():
    def items():
        yield from (1, 2, 6, 3, 3, 3)
        raise AssertionError("nobody asked for more")

    groups = gather(items(), size=int, max_items=3, max_size=9)
    assert [next(groups), next(groups)] == [[1, 2, 6], [3, 3, 3]]


def test_questions_of_usual_length_are_not_divided():
    assert CHARACTERS_AT_ONCE > 256 * 1500
