"""A tagged text is valid by construction."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from spanfit.tagged import Entity, TaggedExample

GOOD = TaggedExample("a", "Mira left", starts=(0, 5), ends=(4, 9), tags=("B-PER", "O"))


@pytest.mark.parametrize(
    "change",
    [
        {"starts": (0,)},
        {"starts": (0, 3)},
        {"starts": (-1, 5)},
        {"ends": (4, 10)},
        {"ends": (0, 9)},
        {"starts": (5, 0), "ends": (9, 4)},
        {"tags": ("O",)},
        {"entities": (Entity(0, 4, "x"), Entity(3, 5, "x"))},
        {"entities": (Entity(5, 10, "x"),)},
        {"entities": (Entity(0, 4, "x", text="Miro"),)},
        {"place": "line 3", "first_line": 4},
    ],
)
def test_what_cannot_be(change):
    with pytest.raises(ValueError, match=r"\w"):
        replace(GOOD, **change)


@pytest.mark.parametrize(("start", "end", "label"), [(3, 3, "x"), (-1, 3, "x"), (0, 1, "")])
def test_an_entity_that_cannot_be(start, end, label):
    with pytest.raises(ValueError, match="an entity needs"):
        Entity(start, end, label)


def test_where_a_unit_stands():
    assert GOOD.words == ["Mira", "left"]
    assert replace(GOOD, place="line 9").place_of(1) == "line 9"
    columns = replace(GOOD, place="a.conll, line 9", first_line=9)
    assert [columns.place_of(unit) for unit in (0, 1)] == ["a.conll, line 9", "a.conll, line 10"]


def test_many_units_are_cheap():
    n = 200_000
    starts, ends, tags = tuple(range(n)), tuple(range(1, n + 1)), ("O",) * n
    begin = time.process_time()
    example = TaggedExample("a", "x" * n, starts=starts, ends=ends, tags=tags)
    assert time.process_time() - begin < 0.25
    assert len(example.words) == n
