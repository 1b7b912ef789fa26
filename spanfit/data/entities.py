"""Gold as ranges of characters: checked against the text, and as tags of its characters.

An entity is `{"start": 0, "end": 2, "label": "PER"}`; `text` may repeat what stands there and is
then checked. As Wikipedia's Japanese entities have it, `type`, `name` and `span` (start and end in
one) mean the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from operator import attrgetter

from spanfit.data import fields
from spanfit.data.fields import JsonObject, Source
from spanfit.errors import DataError
from spanfit.tagged import Entity

_SHAPE = '{"start": …, "end": …, "label": …}'
_KEYS = frozenset({"start", "end", "span", "label", "type", "text", "name"})


def read_entities(value: object, text: str, source: Source) -> tuple[Entity, ...]:
    """The entities of a text, in its order.

    Raises:
        DataError: one is not as above, lies outside the text, is empty, is not what its own text
            says, or shares characters with another; without the place.
    """
    items = fields.get_list({"entities": value}, "entities")
    entities = sorted((_read(item, text, source) for item in items), key=attrgetter("start", "end"))
    for before, after in pairwise(entities):
        if after.start < before.end:
            raise DataError(
                "two entities share characters",
                expected="each character in one entity at most",
                found=f"{_show(before)} and {_show(after)}",
            )
    return tuple(entities)


def tag_characters(entities: Sequence[Entity], n_characters: int) -> tuple[str, ...]:
    """The IOB2 tags of a text's characters."""
    tags = ["O"] * n_characters
    for entity in entities:
        tags[entity.start] = f"B-{entity.label}"
        tags[entity.start + 1 : entity.end] = [f"I-{entity.label}"] * (
            entity.end - entity.start - 1
        )
    return tuple(tags)


def _read(item: object, text: str, source: Source) -> Entity:
    record = fields.get_object(item, "the entity", shape=_SHAPE)
    if unread := record.keys() - _KEYS:
        source.pass_over(unread, "entities")
    start, end = _read_range(record)
    label = fields.get_text(record, "type" if "type" in record else "label")
    if not label:
        raise DataError("an entity has no label", expected=_SHAPE, found=fields.describe(item))
    fields.check_tags([label], "a label")
    if not 0 <= start < end <= len(text):
        raise DataError(
            "an entity lies outside its text" if start < end else "an entity holds no character",
            expected=f"0 <= start < end <= {len(text)}, the length of the text",
            found=f"[{start}, {end}) {label}",
        )
    entity = Entity(start, end, label, text=text[start:end])
    named = fields.get_optional_text(record, "name" if "name" in record else "text")
    if named and named != entity.text:
        raise DataError(
            "an entity does not stand where the file says",
            expected=f"{named!r} at [{start}, {end})",
            found=repr(entity.text),
            fix=_find_place(named, text),
        )
    return entity


def _read_range(record: JsonObject) -> tuple[int, int]:
    if "span" not in record:
        return _read_position(record, "start"), _read_position(record, "end")
    span = fields.get_list(record, "span")
    if len(span) != 2:
        raise DataError("'span' is no pair", expected="[start, end]", found=fields.describe(span))
    return _read_position({"span": span[0]}, "span"), _read_position({"span": span[1]}, "span")


def _read_position(record: JsonObject, key: str) -> int:
    fields.require_key(record, key)
    value = record[key]
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise DataError(
        f"{key!r} is not a whole number",
        expected="a number of characters",
        found=fields.describe(value),
    )


def _find_place(named: str, text: str) -> str:
    """The only place in the text where an entity's own text stands, as a fix; else empty."""
    start = text.find(named)
    if start < 0 or text.find(named, start + 1) >= 0:
        return ""
    return f"[{start}, {start + len(named)}), where it stands"


def _show(entity: Entity) -> str:
    return f"{entity.label} {entity.text!r} [{entity.start}, {entity.end})"
