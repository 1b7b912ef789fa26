"""Tag schemes as tables of allowed steps from one tag to the next.

A tag is a prefix and a label. Inside SpanFit the prefixes are always B (begins a chunk of several
units), I (goes on), E (ends), S (a chunk of a single unit) and O (in no chunk); which letters a
file writes for them belongs to the scheme:

    scheme   a chunk of three  of two   of one   letters
    IOB1     I I I             I I      I        B only where a chunk follows one of its own label
    IOB2     B I I             B I      B        also called BIO
    BIOES    B I E             B E      S        BILOU writes L and U for E and S, BMES M for I
    plain    -                 -        label    no prefixes: part of speech

In the plain scheme the whole tag is the label ("credit-card", "B-cell"), and equal neighbours stay
two. `O` alone is "in no chunk" in every scheme.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from spanfit.errors import DataError, RecipeError, did_you_mean

Flags = NDArray[np.bool_]
Numbers = NDArray[np.int64]

Prefix = Literal["O", "B", "I", "E", "S"]
PREFIXES: Final[tuple[Prefix, ...]] = ("O", "B", "I", "E", "S")
OUTSIDE: Final = "O"
"""The tag of a unit that is in no chunk."""
NO_PREFIX: Final = len(PREFIXES)
"""The number of what is no tag of a scheme, where prefixes are numbers."""
_NUMBERS: Final[dict[str, int]] = {prefix: number for number, prefix in enumerate(PREFIXES)}


@dataclass(frozen=True, slots=True, order=True)
class Tag:
    """What a tag says, whatever letters it is written with; the label of O is empty."""

    prefix: Prefix
    label: str = ""

    def __post_init__(self) -> None:
        if self.prefix not in PREFIXES:
            raise ValueError(f"a prefix is one of {', '.join(PREFIXES)}, found {self.prefix!r}")
        if self.prefix == OUTSIDE and self.label:
            raise ValueError(f"a unit in no chunk has no label, found {self.label!r}")


@dataclass(frozen=True, slots=True)
class Scheme:
    """Which letters are written for the prefixes, and which tag may follow which.

    `letters` has the prefixes that the scheme knows besides O, in the order in which tags are
    listed; an empty letter means that the label is written alone. `steps` gives for a prefix the
    prefixes that may follow it: "I=" only with the same label. A text begins as if after O and
    ends as if before it. Two schemes are the same when their names are.
    """

    name: str
    letters: Mapping[Prefix, str] = field(compare=False, repr=False)
    steps: Mapping[Prefix, str] = field(compare=False, repr=False)

    def __post_init__(self) -> None:
        if {*self.steps} != {OUTSIDE, *self.letters}:
            raise ValueError(f"{self.name}: every prefix, and O, needs its steps")
        if unknown := {step.rstrip("=") for step in self._all_steps()} - {*self.steps}:
            raise ValueError(f"{self.name}: steps to unknown prefixes {sorted(unknown)}")

    def _all_steps(self) -> Iterable[str]:
        return (step for steps in self.steps.values() for step in steps.split())

    @property
    def has_prefixes(self) -> bool:
        """Whether tags are written with a prefix; False for the plain scheme."""
        return "" not in self.letters.values()

    def find_tag(self, text: str) -> Tag | None:
        """The tag that `text` writes, None where it is no tag of this scheme."""
        return _find_tag(self, text)

    def parse(self, text: str) -> Tag:
        """The tag that `text` writes: "B-credit-card" is B and "credit-card", "B" alone B and "".

        Raises:
            DataError: it is no tag of this scheme.
        """
        if (tag := self.find_tag(text)) is None:
            raise DataError(
                f"{text!r} is no tag of the scheme {self.name}", expected=self.describe()
            )
        return tag

    def format(self, tag: Tag) -> str:
        """How this scheme writes a tag.

        Raises:
            ValueError: it has no such prefix, or could not be told from another tag.
        """
        if tag.prefix == OUTSIDE:
            return OUTSIDE
        if (letter := self.letters.get(tag.prefix)) is None:
            raise ValueError(f"the scheme {self.name} has no prefix {tag.prefix}")
        text = f"{letter}-{tag.label}" if letter and tag.label else letter or tag.label
        if self.find_tag(text) != tag:
            raise ValueError(f"the scheme {self.name} cannot write the label {tag.label!r}")
        return text

    def refuse_labels(self, labels: Iterable[str]) -> None:
        """Refuse labels that this scheme cannot write: O in the plain one, and none at all.

        Raises:
            DataError: one is such a label.
        """
        for label in labels:
            try:
                self.list_tags([label])
            except ValueError as error:
                raise DataError(
                    str(error),
                    expected="a label that cannot be taken for another tag",
                    fix="rename the label, or keep the tags in their own scheme",
                ) from None

    def list_tags(self, labels: Iterable[str]) -> tuple[str, ...]:
        """O, and every tag that these labels can have, label by label in the given order."""
        tags = (self.format(Tag(prefix, label)) for label in labels for prefix in self.letters)
        return (OUTSIDE, *tags)

    def allows(self, previous: Tag, tag: Tag) -> bool:
        """Whether `tag` may follow `previous`; where a text begins or ends, O stands there."""
        steps = self.steps[previous.prefix].split()
        same = previous.label == tag.label
        return tag.prefix in steps or (same and f"{tag.prefix}=" in steps)

    def describe(self) -> str:
        """The tags of the scheme, for messages: "O, B-LABEL, I-LABEL"."""
        return ", ".join(self.list_tags(["LABEL"]))


@lru_cache(maxsize=100_000)
def _find_tag(scheme: Scheme, text: str) -> Tag | None:
    if text == OUTSIDE:
        return Tag(OUTSIDE)
    if not scheme.has_prefixes:
        return Tag("S", text) if text else None
    letter, hyphen, label = text.partition("-")
    if hyphen and not label:
        return None
    prefixes = (prefix for prefix, written in scheme.letters.items() if written == letter)
    return next((Tag(prefix, label) for prefix in prefixes), None)


_ENDS_MARKED: Final[Mapping[Prefix, str]] = {
    "O": "O B S",
    "B": "I= E=",
    "I": "I= E=",
    "E": "O B S",
    "S": "O B S",
}
IOB1: Final = Scheme(
    "IOB1", letters={"B": "B", "I": "I"}, steps={"O": "O I", "B": "O I B=", "I": "O I B="}
)
IOB2: Final = Scheme(
    "IOB2", letters={"B": "B", "I": "I"}, steps={"O": "O B", "B": "O B I=", "I": "O B I="}
)
BIOES: Final = Scheme("BIOES", letters={"B": "B", "I": "I", "E": "E", "S": "S"}, steps=_ENDS_MARKED)
BILOU: Final = Scheme("BILOU", letters={"B": "B", "I": "I", "E": "L", "S": "U"}, steps=_ENDS_MARKED)
BMES: Final = Scheme("BMES", letters={"B": "B", "I": "M", "E": "E", "S": "S"}, steps=_ENDS_MARKED)
PLAIN: Final = Scheme("plain", letters={"S": ""}, steps={"O": "O S", "S": "O S"})

SCHEMES: Final = {scheme.name: scheme for scheme in (IOB2, BIOES, BILOU, BMES, IOB1, PLAIN)}
"""The schemes by name; of those that fit the same data, the first is chosen."""
_OTHER_NAMES: Final = {"BIO": IOB2, "IOBES": BIOES, "BIOUL": BILOU}


def find_scheme(name: str) -> Scheme:
    """The scheme of that name, upper or lower case; BIO is IOB2.

    Raises:
        RecipeError: there is none.
    """
    known = {key.lower(): scheme for key, scheme in (SCHEMES | _OTHER_NAMES).items()}
    if (scheme := known.get(name.lower())) is None:
        raise RecipeError(
            f"there is no tag scheme {name!r}", fix=did_you_mean(name, SCHEMES | _OTHER_NAMES)
        )
    return scheme


@dataclass(frozen=True, eq=False)
class Transitions:
    """Which of n tags may follow which, in their order; read-only bool arrays.

    `allowed` (n, n): the tag of the column may follow that of the row; `start` and `end` (n,): a
    text may begin or end with the tag.
    """

    allowed: Flags
    start: Flags
    end: Flags

    def __post_init__(self) -> None:
        n = self.n_tags
        if (self.allowed.shape, self.end.shape) != ((n, n), (n,)):
            raise ValueError(f"transitions of {n} tags need shapes ({n}, {n}), ({n},) and ({n},)")
        for array in (self.allowed, self.start, self.end):
            if array.dtype != np.bool_:
                raise ValueError("transitions are allowed or not: the arrays must be bool")
            array.setflags(write=False)

    @property
    def n_tags(self) -> int:
        """How many tags there are."""
        return len(self.start)


def make_transitions(scheme: Scheme, tags: Sequence[str]) -> Transitions:
    """The table of a scheme over these tags: any of them, in any order.

    Raises:
        DataError: one of them is no tag of the scheme.
        ValueError: one of them is there twice.
    """
    if len({*tags}) != len(tags):
        raise ValueError("a table of transitions needs every tag once")
    steps = tabulate_steps(scheme)
    prefix, label = number_tags([scheme.parse(tag) for tag in tags])
    outside = _NUMBERS[OUTSIDE]
    return Transitions(
        allowed=steps.allow((prefix[:, None], label[:, None]), (prefix, label)),
        start=steps.always[outside, prefix],
        end=steps.always[prefix, outside],
    )


@dataclass(frozen=True, eq=False)
class Steps:
    """What `Scheme.allows` says, for many tags at once.

    `always` and `alike` (6, 6): the prefix of the column may follow that of the row, whatever the
    labels, or if they are the same. Prefixes are counted as PREFIXES has them; the last row and
    column are those of a text that is no tag of the scheme, which may stand beside anything.
    """

    always: Flags
    alike: Flags

    def allow(self, previous: tuple[Numbers, Numbers], tags: tuple[Numbers, Numbers]) -> Flags:
        """Whether each of some tags may follow the previous one; of both, prefixes and labels.

        *Shape:* any four that broadcast together.
        """
        pair = previous[0], tags[0]
        allowed: Flags = self.always[pair] | (self.alike[pair] & (previous[1] == tags[1]))
        return allowed


@lru_cache
def tabulate_steps(scheme: Scheme) -> Steps:
    """The steps of a scheme as tables."""
    always = np.zeros((len(PREFIXES) + 1, len(PREFIXES) + 1), np.bool_)
    alike = np.zeros_like(always)
    always[NO_PREFIX, :] = always[:, NO_PREFIX] = True
    for previous, following in scheme.steps.items():
        for step in following.split():
            table = alike if step.endswith("=") else always
            table[_NUMBERS[previous], _NUMBERS[step.rstrip("=")]] = True
    return Steps(always, alike)


def number_tags(tags: Sequence[Tag | None]) -> tuple[Numbers, Numbers]:
    """Prefix and label of each tag as numbers, (n,): labels are equal where their numbers are.

    Prefixes are counted as PREFIXES has them; None is NO_PREFIX and label -1.
    """
    labels: dict[str, int] = {}
    pairs = [
        (NO_PREFIX, -1)
        if tag is None
        else (_NUMBERS[tag.prefix], labels.setdefault(tag.label, len(labels)))
        for tag in tags
    ]
    prefix, label = np.array(pairs, np.int64).reshape(-1, 2).T
    return prefix, label
