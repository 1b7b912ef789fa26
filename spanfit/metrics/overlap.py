"""What two answers share, unit by unit, and the F1 that follows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

CountShared = Callable[[Sequence[str], Sequence[str]], int]
"""How many units of two answers count as shared; no more than each has."""

_FIRST_CODE: Final = 0x10000  # behind the surrogates, which no text may hold


def count_common(predicted: Sequence[str], gold: Sequence[str]) -> int:
    """Units in any order, each as often as both hold it."""
    return sum((Counter(predicted) & Counter(gold)).values())


def count_longest_run(predicted: Sequence[str], gold: Sequence[str]) -> int:
    """The longest run of units that stands in both (CMRC2018's longest common substring)."""
    codes: dict[str, str] = {}
    # One character a unit, so that Python's own search finds runs.
    a, b = (
        "".join([codes.setdefault(unit, chr(_FIRST_CODE + len(codes))) for unit in units])
        for units in (predicted, gold)
    )
    longest = 0
    for start in range(len(a)):
        while start + longest < len(a) and a[start : start + longest + 1] in b:
            longest += 1
    return longest


def unit_f1(
    predicted: Sequence[str], gold: Sequence[str], *, count_shared: CountShared = count_common
) -> float:
    """F1 (0 to 1) of the units of two answers; 0 where they share none."""
    if not (shared := count_shared(predicted, gold)):
        return 0.0
    precision, recall = shared / len(predicted), shared / len(gold)
    return 2 * precision * recall / (precision + recall)
