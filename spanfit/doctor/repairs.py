"""What `--fix` does with examples, and a log of every change: old → new.

Characters first, with the places of answers and entities led along; then answers are moved to the
only place where their text occurs, and cut to what is within their outer white space; tags that
break their scheme are written as conlleval reads them. An example that would be left without what
it is about (a word of nothing but a zero-width space) stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from spanfit.data.answers import is_good
from spanfit.data.entities import tag_characters
from spanfit.data.joiner import characters_of
from spanfit.doctor.answers import relocate, trim
from spanfit.doctor.characters import CleanText, clean
from spanfit.doctor.files import OpenedFile, text_of
from spanfit.examples import Example
from spanfit.tagged import Entity, TaggedExample
from spanfit.types import Answer, QuestionExample

CHARACTERS = frozenset({"mojibake", "control_character", "invisible_character", "normal_form"})
"""The kinds of troubles that characters can be rid of."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is other than before: of an example, or, without an id, of the whole file."""

    kind: str
    place: str
    id: str
    what: str
    old: Any
    new: Any

    def to_json(self) -> dict[str, Any]:
        """A line of the log."""
        return {
            "kind": self.kind,
            "place": self.place,
            "id": self.id,
            "field": self.what,
            "old": self.old,
            "new": self.new,
        }


@dataclass(frozen=True, slots=True)
class Mending:
    """Which repairs are made.

    `kinds` are those to be mended. `kept` are contexts that stay as they are. `tags` has the new
    tags of texts, by row.
    """

    kinds: frozenset[str]
    kept: frozenset[str] = frozenset()
    tags: Mapping[int, tuple[str, ...]] = field(default_factory=dict)

    def mend(self, row: int, example: Example) -> tuple[Example, list[Change]]:
        """The example without what these repairs can mend, and what was done."""
        mended = _MENDERS[type(example)](self, row, example)
        if mended == example:
            return example, []
        return mended, [*self._list_changes(example, mended)]

    def clean(self, text: str) -> CleanText:
        """A text without what is to be taken out of it; one that would be blank stays."""
        if text in self.kept:
            return CleanText(text)
        cleaned = clean(text, self.kinds & CHARACTERS)
        return cleaned if cleaned.text.strip() or not text.strip() else CleanText(text)

    def mend_question(self, row: int, example: QuestionExample) -> QuestionExample:
        """Characters, then places, then borders."""
        del row
        context = self.clean(example.context)
        question = self.clean(example.question).text
        answers = example.answers
        if answers is not None:
            answers = tuple(self._mend_answer(gold, example.context, context) for gold in answers)
        if (context.text, question, answers) == (
            example.context,
            example.question,
            example.answers,
        ):
            return example
        return replace(example, context=context.text, question=question, answers=answers)

    def _mend_answer(self, gold: Answer, before: str, context: CleanText) -> Answer:
        if not gold.stands_in(before):
            gold = Answer(self.clean(gold.text).text, gold.start)
        elif context.passes:
            start, end = context.move(gold.start, gold.start + len(gold.text))
            gold = Answer(context.text[start:end], start)
        if "misplaced_answer" in self.kinds and not is_good(gold, context.text):
            gold = relocate(gold, context.text) or gold
        if "padded_answer" in self.kinds and is_good(gold, context.text):
            gold = trim(gold)
        return gold

    def mend_text(self, row: int, example: TaggedExample) -> TaggedExample:
        """Characters of the text, or of each of its words, and tags."""
        cleaned = self.clean(example.text)
        if cleaned.passes:
            example = _clean_ranges(example, cleaned) or example
        if "invalid_tag" in self.kinds and row in self.tags:
            example = replace(example, tags=self.tags[row])
        return example

    def _list_changes(self, old: Any, new: Any) -> Iterator[Change]:  # noqa: ANN401 (of one type)
        """What differs, field by field, and which repair did it."""
        for what, before, after in _CHANGED[type(old)](old, new):
            if before == after:
                continue
            if what.startswith("tags"):
                yield Change("invalid_tag", old.place, old.id, what, before, after)
            elif isinstance(before, str):
                yield from self._list_edits(old, what, before)
            else:
                kind = self._kind_of(old, new, before, after)
                yield Change(kind, old.place, old.id, what, before, after)

    def _list_edits(self, example: Example, what: str, text: str) -> Iterator[Change]:
        """Each piece of a text that is another one; its place counts in what the last pass left."""
        for before, edits in self.clean(text).passes:
            for edit in edits:
                where = f"{what}[{edit.start}:{edit.end}]"
                piece = before[edit.start : edit.end]
                yield Change(edit.kind, example.place, example.id, where, piece, edit.new)

    def _kind_of(self, old: Example, new: Example, before: Any, after: Any) -> str:  # noqa: ANN401 (JSON)
        """Why an answer or entity is another one: its text was cleaned, or it was itself mended."""
        if (text := text_of(old)) != text_of(new):
            return self._name_edits(text)
        if before["text"] == after["text"]:
            return "misplaced_answer"
        is_cut = before["text"].strip() == after["text"]
        return "padded_answer" if is_cut else self._name_edits(before["text"])

    def _name_edits(self, text: str) -> str:
        """The kinds of what is taken out of a text."""
        edits = (edit for item in self.clean(text).passes for edit in item.edits)
        return ", ".join(sorted({edit.kind for edit in edits}))


def keep_contexts(file: OpenedFile, kinds: frozenset[str]) -> frozenset[str]:
    """Contexts that cannot be cleaned.

    A gold answer that stands in them would be lost, or they have questions behind a mistake, which
    nobody has read and whose places would be wrong then.
    """
    kept: set[str] = set()
    if file.ends_early and isinstance(last := file.examples[-1], QuestionExample):
        kept.add(last.context)
    mending = Mending(kinds)
    for example in file.examples:
        if isinstance(example, QuestionExample) and example.context not in kept:
            cleaned = mending.clean(example.context)
            for gold in (example.answers or ()) if cleaned.passes else ():
                start, end = cleaned.move(gold.start, gold.start + len(gold.text))
                if is_good(gold, example.context) and not cleaned.text[start:end].strip():
                    kept.add(example.context)
    return frozenset(kept)


_MENDERS: dict[type[Example], Callable[[Mending, int, Any], Example]] = {
    QuestionExample: Mending.mend_question,
    TaggedExample: Mending.mend_text,
}


def _clean_ranges(example: TaggedExample, cleaned: CleanText) -> TaggedExample | None:
    """The text with its units or entities where they are now; None if one would be lost."""
    try:
        if example.entities is None:
            units = [cleaned.move(*unit) for unit in zip(example.starts, example.ends, strict=True)]
            words = [cleaned.text[start:end] for start, end in units]
            if any(_divides(*pair) for pair in zip(example.words, words, strict=True)):
                return None
            return replace(
                example,
                text=cleaned.text,
                starts=tuple(start for start, _ in units),
                ends=tuple(end for _, end in units),
            )
        entities = []
        for entity in example.entities:
            start, end = cleaned.move(entity.start, entity.end)
            entities.append(Entity(start, end, entity.label, cleaned.text[start:end]))
        starts, ends = characters_of(cleaned.text)
        return replace(
            example,
            text=cleaned.text,
            starts=starts,
            ends=ends,
            tags=tag_characters(entities, len(cleaned.text)),
            entities=tuple(entities),
        )
    except (ValueError, IndexError):  # a unit or an entity without a character left
        return None


def _divides(old: str, new: str) -> bool:
    """Whether a word has a space now that it had not, or nothing at all.

    What was white space of another kind does not divide the columns of a file, a space does.
    """
    return new.count(" ") > old.count(" ") or len(new.split()) != len(old.split())


def _compare_questions(
    old: QuestionExample, new: QuestionExample
) -> Iterator[tuple[str, Any, Any]]:
    yield "question", old.question, new.question
    yield "context", old.context, new.context
    for number, pair in enumerate(zip(old.answers or (), new.answers or (), strict=True)):
        before, after = ({"text": gold.text, "start": gold.start} for gold in pair)
        yield f"answers[{number}]", before, after


def _compare_texts(old: TaggedExample, new: TaggedExample) -> Iterator[tuple[str, Any, Any]]:
    yield "text", old.text, new.text
    for number, pair in enumerate(zip(old.entities or (), new.entities or (), strict=True)):
        before, after = ([item.start, item.end, item.label] for item in pair)
        yield f"entities[{number}]", before, after
    if old.entities is None:
        for number, (tag, other) in enumerate(zip(old.tags or (), new.tags or (), strict=True)):
            yield f"tags[{number}]", tag, other


_CHANGED: dict[type[Example], Callable[[Any, Any], Iterator[tuple[str, Any, Any]]]] = {
    QuestionExample: _compare_questions,
    TaggedExample: _compare_texts,
}
