"""Predicted tags in the scheme of the gold, whatever scheme they are written in.

Predictions that follow another scheme are put into the gold's, never the gold into theirs, so that
systems of two schemes are scored on the same gold. Entities as conlleval reads them stay the same;
what else is counted of tags (strict entities, accuracy) is only then about what was predicted, and
not about how it is written.

Which scheme that is, the predictions show. Those that only break the gold's scheme here and there
are not in another one: they stay as they are, and the metric's rule applies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from spanfit.data.gold import convert_all, find_chunks
from spanfit.errors import DataError
from spanfit.metrics.tag_counting import TagMetric
from spanfit.metrics.tag_responses import Aligned
from spanfit.tags import (
    IOB1,
    SCHEMES,
    Scheme,
    encode_tags,
    find_scheme,
    find_violations,
    repair_tags,
)
from spanfit.tags.sequences import TagSequence

BROKEN_SHARE = 0.25
"""Predictions of whose chunks so large a share breaks the gold's scheme may be in another one."""

FOLLOWED_SHARE = 0.05
"""They are in one that at most so large a share breaks."""

FEWEST_FOR_IOB1 = 20
"""An I- where a B- is due is also how a system breaks IOB2: so many chunks must show that it is its
way to write."""


@dataclass(frozen=True, slots=True)
class Converted:
    """Predictions in the gold's scheme, what was done for it, and how often they broke theirs."""

    aligned: Aligned
    notes: tuple[str, ...]
    n_violations: int


def convert_responses(
    aligned: Aligned, scheme: Scheme, *, metric: TagMetric, where: str
) -> Converted:
    """Put predictions that are in another scheme into that of the gold.

    Chunks that break their own scheme are then read as the metric reads them: as conlleval does, or
    as none (seqeval_strict). `where` is what messages call the predictions.

    Raises:
        DataError: a predicted tag is no tag of the gold's scheme, and all of them are of no other.
    """
    said = [response.tags for response in aligned if response is not None]
    source = find_source(said, scheme)
    if source is None:
        raise _foreign_tag(aligned, scheme, where)
    n_violations = len(find_violations(encode_tags(said), source)) if source.has_prefixes else 0
    if source == scheme:
        return Converted(aligned, (), n_violations)
    is_strict = metric == "seqeval_strict"
    repaired = repair_tags(said, source, repair="discard" if is_strict else "conlleval")
    written = iter(convert_all(repaired.sequences, source=source, target=scheme))
    converted = tuple(
        None
        if response is None
        else replace(response, said=replace(response.said, tags=next(written)))
        for response in aligned
    )
    note = (
        f"{where}: written in {source.name}, and the gold in {scheme.name}: "
        f"compared in {scheme.name}"
    )
    if n_violations:
        treated = "count for nothing" if is_strict else "are read as conlleval reads them"
        note += f"; entities that break {source.name} ({n_violations:,} tags) {treated}"
    return Converted(converted, (note,), n_violations)


def find_source(said: Sequence[TagSequence], gold: Scheme) -> Scheme | None:
    """The scheme that predictions are in: the gold's, unless they show another one.

    They do where one of their tags is none of the gold's scheme; then it is the scheme that the
    fewest of their chunks break. And where many chunks break the gold's scheme, and hardly one
    another. None where no scheme has all of their tags.
    """
    tags = encode_tags(said).tags
    is_own = all(map(gold.find_tag, tags))
    if is_own and not gold.has_prefixes:
        return gold
    chunks = {
        scheme.name: find_chunks(said, scheme)
        for scheme in SCHEMES.values()
        if scheme.has_prefixes and all(map(scheme.find_tag, tags))
    }
    if not chunks:
        return None
    broken = {name: found.count_broken() for name, found in chunks.items()}
    nearest = min(broken, key=lambda name: broken[name])  # of several the first
    if not is_own:
        return find_scheme(nearest)
    n_chunks = len(chunks[nearest].chunks)
    fewest = FEWEST_FOR_IOB1 if nearest == IOB1.name else 1
    is_other = (
        n_chunks >= fewest
        and broken[gold.name] >= BROKEN_SHARE * n_chunks
        and broken[nearest] <= FOLLOWED_SHARE * n_chunks
    )
    return find_scheme(nearest) if is_other else gold


def _foreign_tag(aligned: Aligned, scheme: Scheme, where: str) -> DataError:
    response, unit = next(
        (response, unit)
        for response in aligned
        if response is not None
        for unit, tag in enumerate(response.tags)
        if scheme.find_tag(tag) is None
    )
    said = response.said
    place = said.place_of(unit) or f"the prediction for {said.id!r}"
    return DataError(
        f"the predicted tag {response.tags[unit]!r} is none of the scheme {scheme.name}",
        where=f"{where}, {place}",
        expected=scheme.describe(),
        found=f"{response.tags[unit]!r} for {said.words[unit]!r}",
        fix="--columns scheme=NAME, if the gold is in another scheme",
    )
