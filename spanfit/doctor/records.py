"""One question or tagged text as it stands in JSON, changed where its example is another one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from spanfit.data.record_keys import WORD_KEYS, TagChoice, find_tag_key
from spanfit.doctor.characters import clean
from spanfit.examples import Example, Reading
from spanfit.tagged import Entity, TaggedExample
from spanfit.types import QuestionExample

Record = dict[str, Any]


def patch_record(
    record: Record,
    old: Any,  # noqa: ANN401 (two of one type)
    new: Any,  # noqa: ANN401
    kinds: frozenset[str],
    reading: Reading,
) -> None:
    """Put what differs between two examples of one type into a record, and touch nothing else."""
    _PATCHES[type(old)](record, old, new, kinds, reading)


def _patch_question(
    record: Record,
    old: QuestionExample,
    new: QuestionExample,
    kinds: frozenset[str],
    reading: Reading,
) -> None:
    del reading
    if new.question != old.question:
        record["question"] = new.question
    if new.context != old.context:
        if "context" in record:  # else it is the paragraph's
            record["context"] = new.context
        _move_plausible(record, old.context, kinds)
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


def _move_plausible(record: Record, context: str, kinds: frozenset[str]) -> None:
    """Lead the places of plausible answers along with their context."""
    cleaned = clean(context, kinds)
    plausible = record.get("plausible_answers")
    for item in plausible if isinstance(plausible, list) else ():
        if not isinstance(item, dict):
            continue
        text, start = item.get("text"), item.get("answer_start")
        if isinstance(text, str) and isinstance(start, int) and context.startswith(text, start):
            first, end = cleaned.move(start, start + len(text))
            item["text"], item["answer_start"] = cleaned.text[first:end], first


def _patch_text(
    record: Record, old: TaggedExample, new: TaggedExample, kinds: frozenset[str], reading: Reading
) -> None:
    del kinds
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
        choice = TagChoice.of(reading)
        key = find_tag_key(record, choice)
        are_numbers = any(isinstance(tag, int) for tag in record[key])
        record[key] = [choice.names.index(tag) if are_numbers else tag for tag in new.tags]


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
    QuestionExample: _patch_question,
    TaggedExample: _patch_text,
}
