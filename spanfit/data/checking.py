"""Is the gold right? Answers at their places, tags that follow their scheme; and named repairs.

Checked where gold is learnt from or scored with, not by reading. Nothing is repaired unless asked
for, and what was done is said.

Tags that were made of ranges of characters are IOB2 by construction, whatever scheme is named for
the tags of files. All tags that come out are in one scheme.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

from spanfit.data.answers import check_answers
from spanfit.data.entities import tag_characters
from spanfit.data.fields import located
from spanfit.data.gold import convert_all
from spanfit.errors import DataError, RecipeError
from spanfit.examples import AS_IT_IS, Examples, Reading
from spanfit.tagged import TaggedExample
from spanfit.tags import (
    IOB2,
    Change,
    Repair,
    Scheme,
    Violation,
    find_scheme,
    list_violations,
    nearest_scheme,
    repair_tags,
)
from spanfit.tags.sequences import TagSequence
from spanfit.types import QuestionExample

_LISTED = 10  # repairs that a note names


@dataclass(frozen=True, slots=True)
class Checked:
    """Examples whose gold is right, what was done for it, and the scheme of their tags.

    `scheme` is None for questions, and where no text has a tag. `repair` is the one that was named
    and needed; None where nothing was repaired.
    """

    examples: Examples
    notes: tuple[str, ...] = ()
    scheme: str | None = None
    repair: Repair | None = None

    @property
    def reading(self) -> Reading:
        """How the gold is scored that was checked: in its scheme, signed with its repair."""
        return Reading(scheme=self.scheme, repair=self.repair)


def check_examples(
    examples: Examples,
    *,
    reading: Reading = AS_IT_IS,
    name: str,
    expected_scheme: str | None = None,
) -> Checked:
    """Check the gold of examples of one kind; those without gold pass.

    `name` is the file's, for messages; empty where the places of the examples name their files.
    Answers must stand at their places, or are repaired as `reading.bad_answers` says. Tags must be
    valid in the scheme that the reading names; else in the expected one, where they are, or in the
    one that they follow. With `reading.repair` they are made so, and with `reading.into` they are
    put into that scheme.

    Raises:
        DataError: the gold is wrong and no repair is named, or the one that is cannot mend it.
        RecipeError: there is no such scheme or repair, or it is named for questions.
    """
    if examples and isinstance(examples[0], TaggedExample):
        texts = cast("Sequence[TaggedExample]", examples)
        return _check_texts(texts, reading, name, expected_scheme)
    if examples and (reading.into is not None or reading.repair is not None):
        raise RecipeError(
            f"{examples[0].kind} have no tags to put into a scheme or to repair",
            where=name,
            fix="leave out --scheme and --columns",
        )
    questions = cast("Sequence[QuestionExample]", examples)
    checked = check_answers(questions, repair=reading.bad_answers, name=name)
    return Checked(checked.examples, tuple(checked.summary()))


def _check_texts(
    examples: Sequence[TaggedExample], reading: Reading, name: str, expected_scheme: str | None
) -> Checked:
    given, made = (
        [
            row
            for row, example in enumerate(examples)
            if example.tags and (example.entities is not None) == has_ranges
        ]
        for has_ranges in (False, True)
    )
    if not given and not made:
        return Checked(examples)
    sequences: list[TagSequence] = [examples[row].tags or () for row in given]
    source = _find_source(sequences, reading.scheme, expected_scheme)
    notes: tuple[str, ...] = ()
    repair: Repair | None = None
    if violations := list_violations(sequences, source):
        broken = _BrokenGold([examples[row] for row in given], violations, source, name)
        if reading.repair is None or broken.foreign:
            raise broken.error()
        repaired = repair_tags(sequences, source, repair=reading.repair)
        sequences = list(repaired.sequences)
        notes = (broken.describe_changes(repaired.changes, reading.repair),)
        repair = reading.repair
    target = find_scheme(reading.into) if reading.into is not None else source
    try:
        tags = _convert(sequences, source, target)
        tags += _convert([_tag_ranges(examples[row]) for row in made], IOB2, target)
    except DataError as error:
        raise located(error, name or "the gold") from None
    checked = list(examples)
    for row, new in zip(given + made, tags, strict=True):
        if new != examples[row].tags:
            checked[row] = replace(examples[row], tags=tuple(new))
    return Checked(checked, notes, scheme=target.name, repair=repair)


def _find_source(
    sequences: Sequence[TagSequence], named: str | None, expected: str | None
) -> Scheme:
    """The scheme that gold is in: the named one, else the expected one if it fits, else its own.

    Gold that no scheme fits is taken for the expected one, in which it is then repaired or refused.
    """
    if named is not None:
        return find_scheme(named)
    if not sequences:
        return IOB2
    if expected is not None and not list_violations(sequences, find_scheme(expected)):
        return find_scheme(expected)
    nearest = nearest_scheme(sequences)
    if expected is not None and list_violations(sequences, nearest):
        return find_scheme(expected)
    return nearest


def _convert(sequences: list[TagSequence], source: Scheme, target: Scheme) -> list[TagSequence]:
    """The sequences in the target; as they are where it is their own scheme.

    Raises:
        DataError: the target cannot say them, or they have no prefixes and so say no chunks.
    """
    if source == target:
        return sequences
    if target.has_prefixes and not source.has_prefixes:
        raise DataError(
            "these tags have no prefixes, so they say no entities or chunks",
            expected=f"tags of a scheme such as {target.name}: {target.describe()}",
            found=", ".join(sorted({tag for tags in sequences for tag in tags})[:6]),
            fix="--columns tags=NAME, if another column is meant",
        )
    return [*convert_all(sequences, source=source, target=target)]


def _tag_ranges(example: TaggedExample) -> TagSequence:
    """The IOB2 tags of the example's entities, whatever its tags were put into before."""
    return tag_characters(example.entities or (), len(example.text))


@dataclass(frozen=True, slots=True)
class _BrokenGold:
    """Gold that breaks its scheme, and how to say so. `examples` are those with tags."""

    examples: Sequence[TaggedExample]
    violations: Sequence[Violation]
    scheme: Scheme
    name: str

    @property
    def foreign(self) -> list[Violation]:
        """What is no tag of the scheme at all: no repair can mend it."""
        return [item for item in self.violations if self.scheme.find_tag(item.found) is None]

    def error(self) -> DataError:
        foreign = self.foreign
        first = (foreign or self.violations)[0]
        problem = f"no tag of the scheme {self.scheme.name}"
        fix = "correct the tags, or --columns scheme=plain if they have no prefixes"
        if not foreign:
            problem = f"the scheme {self.scheme.name} does not allow this tag here"
            fix = "--columns repair=conlleval, or repair=discard  (recipe: columns.repair)"
            tags = [example.tags or () for example in self.examples]
            own = nearest_scheme(tags)
            if not list_violations(tags, own):
                fix = f"--columns scheme={own.name}, which all of them follow  (or {fix})"
        n_texts = len({item.sequence for item in self.violations})
        if len(self.violations) > 1:
            problem += f" (one of {len(self.violations):,}; texts concerned: {n_texts:,})"
        after = f"after {first.previous}" if first.previous else "at the start of the text"
        return DataError(
            problem,
            where=", ".join(filter(None, (self.name, self._place(first)))),
            expected=f"{' or '.join(first.allowed)} {after}",
            found=first.found,
            fix=fix,
        )

    def describe_changes(self, changes: Sequence[Change], repair: str) -> str:
        """A note that counts all changes and names the first ones."""
        n_texts = len({change.sequence for change in changes})
        listed = [
            f"{self._place(change)}: {change.found} → {change.repaired}"
            for change in changes[:_LISTED]
        ]
        more = len(changes) - len(listed)
        return (
            f"tags repaired ({repair}, {self.scheme.name}): {len(changes):,}, texts: {n_texts:,}: "
            + "; ".join(listed)
            + (f"; and {more:,} more" if more else "")
        )

    def _place(self, item: Violation | Change) -> str:
        """The line of a unit, or its number in its text, and the unit itself."""
        example = self.examples[item.sequence]
        word = example.text[example.starts[item.unit] : example.ends[item.unit]]
        if example.first_line:
            return f"{example.place_of(item.unit)}, token {word!r}"
        return ", ".join(
            filter(None, (example.place, f"id {example.id!r}", f"token {item.unit + 1} {word!r}"))
        )
