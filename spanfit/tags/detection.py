"""Which scheme do gold tags follow? All schemes are tried on all sequences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from spanfit.errors import DataError
from spanfit.tags.schemes import OUTSIDE, PLAIN, SCHEMES, Scheme
from spanfit.tags.sequences import (
    CodedTags,
    TagSequence,
    encode_tags,
    find_violations,
    list_violations,
)

PREFIXED = tuple(scheme for scheme in SCHEMES.values() if scheme.has_prefixes)
LETTERS = {letter for scheme in PREFIXED for letter in scheme.letters.values()}


@dataclass(frozen=True, slots=True)
class Detection:
    """The scheme that was chosen, and why.

    `fits` names every scheme under which all sequences are valid, the chosen one first.
    `prefixes` counts the tags by what is written before the hyphen (O for "O", "" for none), most
    frequent first. `n_violations` says how often the data breaks each scheme with prefixes that
    does not fit.
    """

    scheme: Scheme
    fits: tuple[str, ...]
    prefixes: Mapping[str, int] = field(compare=False)
    n_violations: Mapping[str, int] = field(compare=False)

    def __post_init__(self) -> None:
        if not self.fits or self.fits[0] != self.scheme.name:
            raise ValueError("the chosen scheme is the first of those that fit")

    def __str__(self) -> str:
        seen = ", ".join(f"{_show(prefix)} {n:,}" for prefix, n in self.prefixes.items())
        others = f"; {' and '.join(self.fits[1:])} would fit too" if self.fits[1:] else ""
        return f"{self.scheme.name} (found {seen}{others})"


def detect_scheme(sequences: Sequence[TagSequence]) -> Detection:
    """The scheme that these gold sequences follow.

    The first scheme with prefixes under which every sequence is valid, tried in the order IOB2,
    BIOES, BILOU, BMES, IOB1. If there is none and not a single tag looks like a letter of a scheme,
    a hyphen and a label: plain. (So tags that are all O count as IOB2.)

    Raises:
        DataError: there is no tag, or nothing fits; then it names the scheme that is broken least
            often and the first place.
    """
    coded = encode_tags(sequences)
    if not len(coded.codes):
        raise DataError("a tag scheme cannot be found without a tag")
    broken, fits = _try_schemes(coded)
    n_violations = {name: n for name, n in broken.items() if n}
    if not fits:
        raise _no_scheme(sequences, SCHEMES[min(broken, key=broken.__getitem__)])
    return Detection(SCHEMES[fits[0]], fits, _count_prefixes(coded), n_violations)


def nearest_scheme(sequences: Sequence[TagSequence]) -> Scheme:
    """The scheme that `detect_scheme` finds; where there is none, the one that is broken least."""
    broken, fits = _try_schemes(encode_tags(sequences))
    return SCHEMES[fits[0] if fits else min(broken, key=broken.__getitem__)]


def _try_schemes(coded: CodedTags) -> tuple[dict[str, int], tuple[str, ...]]:
    """How often the tags break each scheme with prefixes, and the names of those that fit."""
    broken = {scheme.name: len(find_violations(coded, scheme)) for scheme in PREFIXED}
    fits = tuple(name for name, n in broken.items() if not n)
    if not fits and not any(_looks_prefixed(tag) for tag in coded.tags) and "" not in coded.tags:
        fits = (PLAIN.name,)
    return broken, fits


def _no_scheme(sequences: Sequence[TagSequence], nearest: Scheme) -> DataError:
    violations = list_violations(sequences, nearest)
    first = violations[0]
    before = f"after {first.previous}" if first.previous else "at the start of the text"
    times = "once" if len(violations) == 1 else f"{len(violations):,} times"
    return DataError(
        f"these tags follow no scheme; the nearest is {nearest.name}, which is broken {times}",
        where=f"sequence {first.sequence}, unit {first.unit}",
        expected=" or ".join(first.allowed) + f" {before}",
        found=repr(first.found),
        fix="name a repair (conlleval or discard), or the scheme plain if these are no prefixes",
    )


def _looks_prefixed(tag: str) -> bool:
    letter, hyphen, label = tag.partition("-")
    return letter in LETTERS and bool(hyphen and label)


def _count_prefixes(coded: CodedTags) -> dict[str, int]:
    n_of = np.bincount(coded.codes, minlength=len(coded.tags)).tolist()
    counts: Counter[str] = Counter()
    for tag, n in zip(coded.tags, n_of, strict=True):
        is_prefixed = _looks_prefixed(tag) or tag in LETTERS or tag == OUTSIDE
        counts[tag.partition("-")[0] if is_prefixed else ""] += n
    return dict(counts.most_common())


def _show(prefix: str) -> str:
    return {OUTSIDE: OUTSIDE, "": "without prefix"}.get(prefix, f"{prefix}-")
