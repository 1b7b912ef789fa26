"""Many sequences of tags at once: as one array of codes, and where they break their scheme."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, count

import numpy as np
from numpy.typing import NDArray

from spanfit.tags.schemes import Flags, Scheme, make_transitions

TagSequence = Sequence[str]
Ints = NDArray[np.int64]


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
    places = np.array([tags.index(tag) for tag in known], dtype=np.int32)
    return CodedTags(tags, places[codes], lengths)


def list_violations(sequences: Sequence[TagSequence], scheme: Scheme) -> list[Violation]:
    """Every tag that its scheme does not allow where it stands, in the order of the sequences.

    A text that is not a tag of the scheme at all is one too; what follows it is not blamed.
    """
    coded = encode_tags(sequences)
    units = find_violations(coded, scheme)
    every = known_tags(coded.tags, scheme)
    table = make_transitions(scheme, every)
    rows = {tag: row for row, tag in enumerate(every)}
    owners = np.searchsorted(np.cumsum(coded.lengths), units, side="right")
    found = []
    for sequence, position in zip(
        owners.tolist(), (units - coded.first[owners]).tolist(), strict=True
    ):
        tags = sequences[sequence]
        previous = tags[position - 1] if position else ""
        may_stand = np.ones_like(table.start) if position else table.start
        if previous in rows:
            may_stand = table.allowed[rows[previous]]
        if position == len(tags) - 1:
            may_stand = may_stand & table.end
        allowed = tuple(tag for tag, may in zip(every, may_stand, strict=True) if may)
        found.append(Violation(sequence, position, previous, tags[position], allowed))
    return found


def find_violations(coded: CodedTags, scheme: Scheme) -> Ints:
    """Where `list_violations` finds something: positions in `coded.codes`, ascending."""
    is_tag, table = _complete_table(coded.tags, scheme)
    codes, wrong = coded.codes, ~is_tag[coded.codes]
    filled = coded.lengths > 0
    first = coded.first[filled]
    last = first + coded.lengths[filled] - 1
    wrong[1:] |= ~table[codes[:-1], codes[1:]]
    wrong[first] = ~is_tag[codes[first]] | ~table[-1, codes[first]]
    wrong[last] |= ~table[codes[last], -1]
    return np.flatnonzero(wrong)


def known_tags(tags: Iterable[str], scheme: Scheme) -> tuple[str, ...]:
    """All tags of the scheme over the labels that these tags have; texts that are none are left."""
    parsed = (scheme.find_tag(tag) for tag in tags)
    labels = sorted({tag.label for tag in parsed if tag is not None and tag.prefix != "O"})
    return scheme.list_tags(labels)


def _complete_table(tags: Sequence[str], scheme: Scheme) -> tuple[Flags, Flags]:
    """Which of the n tags are the scheme's, (n,), and what may follow what, (n + 1, n + 1).

    The last row and column are the border of a text. What is no tag may stand beside anything.
    """
    is_tag = np.array([scheme.find_tag(tag) is not None for tag in tags], dtype=np.bool_)
    transitions = make_transitions(scheme, [t for t, is_ in zip(tags, is_tag, strict=True) if is_])
    table = np.ones((len(tags) + 1, len(tags) + 1), dtype=np.bool_)
    places = np.flatnonzero(is_tag)
    table[np.ix_(places, places)] = transitions.allowed
    table[-1, places] = transitions.start
    table[places, -1] = transitions.end
    return is_tag, table
