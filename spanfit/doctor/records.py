"""One question or tagged text as it stands in JSON, changed where its example is another one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from spanfit.data.record_keys import WORD_KEYS, TagChoice, find_tag_key
from spanfit.doctor.characters import clean
from spanfit.doctor.repairs import Change
from spanfit.errors import DataError
from spanfit.examples import Example, Reading
from spanfit.tagged import Entity, TaggedExample
from spanfit.types import Answer, QuestionExample

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Patcher:
    """Puts what differs between two examples of one type into a record, and touches nothing else.

    `kinds` are those that were mended. `note` hears of changes that no example has.
    """

    kinds: frozenset[str]
    reading: Reading
    note: Callable[[Change], object]

    def patch(self, record: Record, old: Any, new: Any) -> None:  # noqa: ANN401 (two of one type)
        """Change the record of an example to that of another one."""
        _PATCHES[type(old)](self, record, old, new)

    def patch_question(self, record: Record, old: QuestionExample, new: QuestionExample) -> None:
        """Question, context, gold, and the places of plausible answers."""
        if new.question != old.question:
            record["question"] = new.question
        if new.context != old.context:
            if "context" in record:  # else it is the paragraph's
                record["context"] = new.context
            self._move_plausible(record, old)
        if new.answers == old.answers or new.answers is None:
            return
        golds = record["answers"]
        if isinstance(golds, dict):
            golds["text"] = [gold.text for gold in new.answers]
            golds["answer_start"] = [gold.start for gold in new.answers]
            return
        for item, before, gold in zip(golds, old.answers or (), new.answers, strict=True):
            if gold != before:
                item["text"] = gold.text
                item["answer_start" if "answer_start" in item else "start"] = gold.start

    def _move_plausible(self, record: Record, old: QuestionExample) -> None:
        """Lead the places of plausible answers along with their context."""
        cleaned = clean(old.context, self.kinds)
        edits = {edit.kind for item in cleaned.passes for edit in item.edits}
        plausible = record.get("plausible_answers")
        for number, item in enumerate(plausible if isinstance(plausible, list) else ()):
            if not isinstance(item, dict):
                continue
            text, start = item.get("text"), item.get("answer_start")
            if not (isinstance(text, str) and isinstance(start, int)):
                continue
            if not Answer(text, start).stands_in(old.context):
                continue
            first, end = cleaned.move(start, start + len(text))
            item["text"], item["answer_start"] = cleaned.text[first:end], first
            before, after = {"text": text, "start": start}, {"text": item["text"], "start": first}
            if before != after:
                field = f"plausible_answers[{number}]"
                kind = ", ".join(sorted(edits))
                self.note(Change(kind, old.place, old.id, field, before, after))

    def patch_text(self, record: Record, old: TaggedExample, new: TaggedExample) -> None:
        """Text or words, units, entities or tags."""
        if new.text != old.text:
            if record.get("text") is not None:
                record["text"] = new.text
            for key in WORD_KEYS:
                if record.get(key) is not None:
                    record[key] = new.words
            if record.get("units") is not None:
                record["units"] = [list(unit) for unit in zip(new.starts, new.ends, strict=True)]
        if old.entities is not None and new.entities is not None:
            items = sorted(record["entities"], key=_range_of)
            for item, before, entity in zip(items, old.entities, new.entities, strict=True):
                if entity != before:
                    _patch_entity(item, entity)
        elif new.tags != old.tags and new.tags is not None:
            choice = TagChoice.of(self.reading)
            key = find_tag_key(record, choice)
            are_numbers = any(isinstance(tag, int) for tag in record[key])
            record[key] = _number(new, choice.names) if are_numbers else list(new.tags)


def _number(example: TaggedExample, names: Sequence[str]) -> list[int]:
    """The tags as the numbers of their names.

    Raises:
        DataError: one is not among the names.
    """
    tags = example.tags or ()
    if new := next((tag for tag in tags if tag not in names), None):
        raise DataError(
            f"the repaired tag {new!r} has no number",
            where=f"{example.place}, id {example.id!r}",
            expected="one of " + ", ".join(names),
            fix=f"--columns names={','.join([*names, new])}  (or --ignore invalid_tag)",
        )
    return [names.index(tag) for tag in tags]


def _range_of(item: Record) -> tuple[int, int]:
    start, end = item["span"] if "span" in item else (item["start"], item["end"])
    return start, end


def _patch_entity(item: Record, entity: Entity) -> None:
    if "span" in item:
        item["span"] = [entity.start, entity.end]
    else:
        item["start"], item["end"] = entity.start, entity.end
    for key in ("text", "name"):
        if item.get(key):
            item[key] = entity.text


_PATCHES: dict[type[Example], Callable[..., None]] = {
    QuestionExample: Patcher.patch_question,
    TaggedExample: Patcher.patch_text,
}
