"""Named repairs of tags that break their scheme. Never done unasked, and always listed.

    repair      what becomes of a chunk that is written wrongly
    conlleval   it stays: it is what conlleval reads there, written as the scheme would
    discard     its units become O

What conlleval reads is told by `chunks.read_chunks_leniently`. In IOB2, `O I-PER I-ORG` becomes
`O B-PER B-ORG` by the one and `O O O` by the other. Tags that are no tags of the scheme are beyond
repair.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from spanfit.errors import RecipeError, did_you_mean
from spanfit.tags.chunks import read_chunks_leniently, write_tags
from spanfit.tags.schemes import Scheme
from spanfit.tags.sequences import TagSequence, encode_tags, find_violations

Repair = Literal["conlleval", "discard"]
REPAIRS: Final[tuple[Repair, ...]] = ("conlleval", "discard")


@dataclass(frozen=True, slots=True)
class Change:
    """A tag that a repair replaced."""

    sequence: int
    unit: int
    found: str
    repaired: str

    def __str__(self) -> str:
        return f"sequence {self.sequence}, unit {self.unit}: {self.found} → {self.repaired}"


@dataclass(frozen=True, slots=True)
class Repaired:
    """Valid sequences, and every tag that is another one than before, in order."""

    repair: Repair
    sequences: tuple[tuple[str, ...], ...]
    changes: tuple[Change, ...]


def repair_tags(sequences: Sequence[TagSequence], scheme: Scheme, *, repair: Repair) -> Repaired:
    """Make every sequence valid; valid ones stay as they are.

    Raises:
        DataError: a tag is none of the scheme.
        RecipeError: there is no such repair.
    """
    if repair not in REPAIRS:
        raise RecipeError(f"there is no repair {repair!r}", fix=did_you_mean(repair, REPAIRS))
    coded = encode_tags(sequences)
    for tag in coded.tags:
        scheme.parse(tag)
    ends = coded.lengths.cumsum()
    broken = set(ends.searchsorted(find_violations(coded, scheme), side="right").tolist())
    repaired = tuple(
        tuple(_repair(tags, scheme, repair=repair) if sequence in broken else tags)
        for sequence, tags in enumerate(sequences)
    )
    changes = tuple(
        Change(sequence, unit, found, new)
        for sequence in sorted(broken)
        for unit, (found, new) in enumerate(
            zip(sequences[sequence], repaired[sequence], strict=True)
        )
        if found != new
    )
    return Repaired(repair, repaired, changes)


def _repair(tags: TagSequence, scheme: Scheme, *, repair: Repair) -> list[str]:
    chunks = read_chunks_leniently(tags, scheme)
    written = write_tags(chunks, len(tags), scheme)
    if repair == "conlleval":
        return written
    right = [c for c in chunks if written[c.start : c.end] == list(tags[c.start : c.end])]
    return write_tags(right, len(tags), scheme)
