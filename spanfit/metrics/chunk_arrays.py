"""Where the chunks lie in many sequences of tags: arrays in, arrays out, no loop over tags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from spanfit.metrics.found_spans import FoundSpans
from spanfit.metrics.label_counts import Counts
from spanfit.tags import IOB1, IOB2, OUTSIDE, PLAIN, PREFIXES, Scheme, Tag, cut_chunks

EntityMetric = Literal["conlleval", "seqeval_strict"]
Codes = NDArray[np.int32]
Flags = NDArray[np.bool_]

_, _B, _, _E, _S = range(len(PREFIXES))


@dataclass(frozen=True, eq=False)
class ParsedTags:
    """What each of some tags says, in their order: numbers of prefixes and labels, (n_tags,).

    `prefix` points into `tags.PREFIXES` and `label` into `labels`, which are sorted; O has -1.
    """

    prefix: NDArray[np.int8]
    label: Codes
    labels: tuple[str, ...]

    @classmethod
    def of(cls, tags: list[Tag]) -> ParsedTags:
        """The arrays of these tags."""
        labels = tuple(sorted({tag.label for tag in tags if tag.prefix != OUTSIDE}))
        codes = {label: code for code, label in enumerate(labels)}
        return cls(
            np.array([PREFIXES.index(tag.prefix) for tag in tags], dtype=np.int8),
            np.array([-1 if t.prefix == OUTSIDE else codes[t.label] for t in tags], dtype=np.int32),
            labels,
        )


def find_chunks(
    codes: Codes, lengths: Counts, parsed: ParsedTags, *, scheme: Scheme, metric: EntityMetric
) -> FoundSpans:
    """The chunks of sequences end to end, which `lengths` (n,) cut; positions are units of each.

    `codes` (n_units,) point into the tags that were parsed.
    """
    first = np.cumsum(lengths) - lengths
    is_first = np.zeros(len(codes), dtype=np.bool_)
    is_first[first[lengths > 0]] = True
    prefix, label = parsed.prefix[codes], parsed.label[codes]
    start, end = cut_chunks(prefix, label, is_first)
    if metric == "seqeval_strict":
        start, end = _keep_strict(prefix, label, is_first, start=start, end=end, scheme=scheme)
    example = np.repeat(np.arange(len(lengths)), lengths)[start]
    offset = first[example]
    return FoundSpans(example, start - offset, end - offset, label[start].astype(np.int64))


def _keep_strict(
    prefix: NDArray[np.int8],
    label: Codes,
    is_first: Flags,
    *,
    start: Counts,
    end: Counts,
    scheme: Scheme,
) -> tuple[Counts, Counts]:
    """The chunks of `tags.cut_chunks` that seqeval 1.2.2 finds in strict mode (its scheme.py)."""
    first, last = prefix[start], prefix[end - 1]
    if scheme == PLAIN:
        return start, end
    if scheme == IOB1:
        # A B that follows no chunk of its label begins none there, but the I behind it does; and a
        # chunk whose last tag is B is not closed by a B of another label.
        same = ~is_first & (label == np.roll(label, 1))
        follows, other = same[start], np.append(~same & ~is_first & (prefix == _B), False)[end]
        start = start + ((first == _B) & ~follows)
        keep = (start < end) & ~((last == _B) & other)
    elif scheme == IOB2:
        keep = first == _B
    else:
        keep = (first == _S) | ((first == _B) & (last == _E))
    return start[keep], end[keep]
