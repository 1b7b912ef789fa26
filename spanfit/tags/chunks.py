"""Chunks and the tags that say them: reading, writing, and so converting from scheme to scheme."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from spanfit.errors import DataError
from spanfit.tags.schemes import OUTSIDE, PLAIN, Scheme, Tag


@dataclass(frozen=True, slots=True)
class Chunk:
    """A label over a half-open range of units."""

    label: str
    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(
                f"a chunk needs 0 <= start < end, found [{self.start}, {self.end}) {self.label}"
            )

    def __len__(self) -> int:
        return self.end - self.start


def read_chunks(tags: Sequence[str], scheme: Scheme) -> tuple[Chunk, ...]:
    """The chunks of one valid sequence of tags, in their order.

    Raises:
        DataError: a tag is none of the scheme, or may not follow the one before it.
    """
    parsed = [scheme.parse(tag) for tag in tags]
    steps = zip([Tag(OUTSIDE), *parsed], [*parsed, Tag(OUTSIDE)], strict=True)
    for unit, (previous, tag) in enumerate(steps):
        if not scheme.allows(previous, tag):
            before = scheme.format(previous) if unit else "the start of the text"
            found = scheme.format(tag) if unit < len(tags) else "the end of the text"
            raise DataError(
                f"unit {unit}: {found} may not follow {before} in the scheme {scheme.name}"
            )
    return tuple(_cut(parsed))


def read_chunks_leniently(tags: Sequence[str], scheme: Scheme) -> tuple[Chunk, ...]:
    """The chunks that conlleval reads from any sequence of the scheme's tags.

    Every unit that is not O is in a chunk. A unit goes on with the chunk before it if the labels
    are the same, that one's prefix is B or I, and its own I or E; otherwise it begins another one.
    In a valid sequence these are its chunks. (The rule of conlleval.pl and seqeval's default, with
    BILOU and BMES read as the BIOES that they are.)

    Raises:
        DataError: a tag is none of the scheme.
    """
    return tuple(_cut([scheme.parse(tag) for tag in tags]))


def _cut(tags: Sequence[Tag]) -> Iterator[Chunk]:
    start = 0
    for unit, tag in enumerate(tags):
        following = tags[unit + 1] if unit + 1 < len(tags) else Tag(OUTSIDE)
        if tag.prefix != OUTSIDE and not _goes_on(tag, following):
            yield Chunk(tag.label, start, unit + 1)
        if not _goes_on(tag, following):
            start = unit + 1


def _goes_on(tag: Tag, following: Tag) -> bool:
    return tag.prefix in "BI" and following.prefix in "IE" and tag.label == following.label


def write_tags(chunks: Sequence[Chunk], n_units: int, scheme: Scheme) -> list[str]:
    """The tags (n_units,) that say these chunks; `read_chunks` reads the same ones from them.

    Raises:
        ValueError: the chunks are not in order, overlap, or reach past the units.
        DataError: the scheme cannot say it: plain has no chunk of several units, and no label O.
    """
    scheme.refuse_labels({chunk.label for chunk in chunks})
    tags = [OUTSIDE] * n_units
    previous: Chunk | None = None
    for chunk in chunks:
        if chunk.start < (previous.end if previous else 0) or chunk.end > n_units:
            raise ValueError(f"{chunk} does not fit behind {previous} in {n_units} units")
        if scheme == PLAIN and len(chunk) > 1:
            raise DataError(
                f"the scheme plain cannot say that units {chunk.start} to {chunk.end - 1}"
                f" are one {chunk.label!r}",
                fix="a scheme with prefixes, such as IOB2",
            )
        tags[chunk.start : chunk.end] = _write(chunk, previous, scheme)
        previous = chunk
    return tags


def _write(chunk: Chunk, previous: Chunk | None, scheme: Scheme) -> list[str]:
    """The tags (len(chunk),) of a chunk; IOB1 also looks at the one before."""
    begin, inside = (
        scheme.format(Tag(prefix, chunk.label)) if prefix in scheme.letters else ""
        for prefix in ("B", "I")
    )
    if "S" in scheme.letters:
        if len(chunk) == 1:
            return [scheme.format(Tag("S", chunk.label))]
        return [begin, *[inside] * (len(chunk) - 2), scheme.format(Tag("E", chunk.label))]
    touches = previous and previous.end == chunk.start and previous.label == chunk.label
    marks_all = scheme.allows(Tag(OUTSIDE), Tag("B"))  # IOB2 does, IOB1 marks what touches its like
    return [begin if marks_all or touches else inside, *[inside] * (len(chunk) - 1)]


def convert_tags(tags: Sequence[str], *, source: Scheme, target: Scheme) -> list[str]:
    """The same chunks in another scheme, or in other letters; back again gives the same tags.

    Raises:
        DataError: the sequence is not valid, or the target cannot say it.
    """
    return write_tags(read_chunks(tags, source), len(tags), target)
