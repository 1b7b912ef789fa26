"""Many sequences of tags at once: as one array of codes, and where they break their scheme."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain, count

import numpy as np
from numpy.typing import NDArray

from spanfit.tags.schemes import (
    NO_PREFIX,
    OUTSIDE,
    PREFIXES,
    Scheme,
    number_tags,
    tabulate_steps,
)

TagSequence = Sequence[str]
Ints = NDArray[np.int64]
_OUTSIDE = PREFIXES.index(OUTSIDE)


@dataclass(frozen=True, slots=True)
class Violation:
    """A tag that may not stand where it stands: which sequence, which unit, what may stand there.

    `previous` is the tag before it, "" at the start. Where a text may not end with its last tag,
    that tag is the one found. `allowed` has the scheme's tags over the labels of the data.
    """

    sequence: int
    unit: int
    previous: str
    found: str
    allowed: tuple[str, ...]

    def __str__(self) -> str:
        before = f"after {self.previous}" if self.previous else "at the start"
        return (
            f"sequence {self.sequence}, unit {self.unit}: {self.found} {before};"
            f" allowed there: {', '.join(self.allowed)}"
        )


@dataclass(frozen=True, eq=False)
class CodedTags:
    """Sequences of tags end to end: `codes` (n_units,) point into `tags`, `lengths` (n,) cut them.

    The tags are the distinct ones, sorted.
    """

    tags: tuple[str, ...]
    codes: NDArray[np.int32]
    lengths: Ints

    def __post_init__(self) -> None:
        if self.lengths.sum() != len(self.codes):
            raise ValueError("the lengths of the sequences need to add up to the number of codes")

    @property
    def first(self) -> Ints:
        """(n,): where each sequence begins in `codes`; for an empty one, where the next does."""
        return np.cumsum(self.lengths) - self.lengths


def encode_tags(
    sequences: Sequence[Sequence[str | None]], *, missing: str | None = None
) -> CodedTags:
    """All sequences as one array; no Python loop over the tags.

    `missing` is what stands for None in the result.

    Raises:
        ValueError: a tag is None, and nothing is given that may stand for it.
    """
    lengths = np.fromiter(map(len, sequences), dtype=np.int64, count=len(sequences))
    # A dict numbers the tags as they are met, and gives a character for each number: the characters
    # of one string are the codes. This is faster than an iterator of numbers.
    numbers: defaultdict[str | None, str] = defaultdict(map(chr, count()).__next__)
    letters = "".join(map(numbers.__getitem__, chain.from_iterable(sequences)))
    codes = np.frombuffer(letters.encode("utf-32-le", "surrogatepass"), dtype="<i4")
    met = [missing if tag is None else tag for tag in numbers]
    known = [tag for tag in met if tag is not None]
    if len(known) < len(met):
        raise ValueError("a tag is None")
    tags = tuple(sorted({*known}))
    place_of = {tag: place for place, tag in enumerate(tags)}
    places = np.array([place_of[tag] for tag in known], dtype=np.int32)
    return CodedTags(tags, places[codes], lengths)


def list_violations(sequences: Sequence[TagSequence], scheme: Scheme) -> list[Violation]:
    """Every tag that its scheme does not allow where it stands, in the order of the sequences.

    A text that is not a tag of the scheme at all is one too; what follows it is not blamed.
    """
    coded = encode_tags(sequences)
    units = find_violations(coded, scheme)
    owners = np.searchsorted(np.cumsum(coded.lengths), units, side="right")
    list_allowed = _tell_allowed(known_tags(coded.tags, scheme), scheme)
    found = []
    for sequence, position in zip(
        owners.tolist(), (units - coded.first[owners]).tolist(), strict=True
    ):
        tags = sequences[sequence]
        previous = tags[position - 1] if position else ""
        allowed = list_allowed(previous if position else None, position == len(tags) - 1)
        found.append(Violation(sequence, position, previous, tags[position], allowed))
    return found


def find_violations(coded: CodedTags, scheme: Scheme) -> Ints:
    """Where `list_violations` finds something: positions in `coded.codes`, ascending."""
    steps = tabulate_steps(scheme)
    prefix, label = number_tags([scheme.find_tag(tag) for tag in coded.tags])
    prefix, label = prefix[coded.codes], label[coded.codes]
    filled = coded.lengths > 0
    first = coded.first[filled]
    last = first + coded.lengths[filled] - 1
    may_stand = np.ones(len(prefix), np.bool_)
    may_stand[1:] = steps.allow((prefix[:-1], label[:-1]), (prefix[1:], label[1:]))
    may_stand[first] = steps.always[_OUTSIDE, prefix[first]]
    may_stand[last] &= steps.always[prefix[last], _OUTSIDE]
    return np.flatnonzero(~may_stand | (prefix == NO_PREFIX))


def _tell_allowed(
    every: tuple[str, ...], scheme: Scheme
) -> Callable[[str | None, bool], tuple[str, ...]]:
    """Tells which of all tags may follow one (None: at the start), also as the last of a text.

    Each answer is made once, since it may be asked for at every tag of a file.
    """
    steps, rows = tabulate_steps(scheme), {tag: row for row, tag in enumerate(every)}
    prefix, label = number_tags([scheme.parse(tag) for tag in every])

    @cache
    def list_allowed(previous: str | None, is_last: bool) -> tuple[str, ...]:
        may_stand = np.ones(len(every), np.bool_)
        if previous is None:
            may_stand = steps.always[_OUTSIDE, prefix]
        elif (row := rows.get(previous)) is not None:
            may_stand = steps.allow((prefix[row], label[row]), (prefix, label))
        if is_last:
            may_stand = may_stand & steps.always[prefix, _OUTSIDE]
        return tuple(every[place] for place in np.flatnonzero(may_stand).tolist())

    return list_allowed


def known_tags(tags: Iterable[str], scheme: Scheme) -> tuple[str, ...]:
    """All tags of the scheme over the labels that these tags have; texts that are none are left."""
    parsed = (scheme.find_tag(tag) for tag in tags)
    labels = sorted({tag.label for tag in parsed if tag is not None and tag.prefix != "O"})
    return scheme.list_tags(labels)
