"""One tagged text as a record: a line of JSON Lines, an item of an array, a row of the hub.

    {"id", "document", "words" | "tokens", "tags", "text", "units", "entities"}

`tagged_jsonl` shows what stands in them. Words come with tags, a text with entities, or with tags
of given units; all without gold is a text to tag.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from spanfit.data import fields
from spanfit.data.entities import read_entities, tag_characters
from spanfit.data.fields import JsonObject, Source
from spanfit.data.joiner import Ranges, characters_of, decide_joiner, join_words, locate_words
from spanfit.data.record_keys import WORD_KEYS, TagChoice, find_tag_key
from spanfit.errors import DataError
from spanfit.tagged import Entity, TaggedExample


class NumberedRecord(NamedTuple):
    """What stands at a place of a file: the `number`-th "line", "item" or "row", from 1."""

    kind: str
    number: int
    value: object


def stream_tagged(
    records: Iterable[NumberedRecord],
    source: Source,
    choice: TagChoice | None = None,
    *,
    joiner: str | None = None,
) -> Iterator[TaggedExample]:
    """The texts one by one; a record that cannot be read is left out if the source allows it.

    `joiner` None means that it is decided from all words that come without a text: at the first
    such record the others are read too.

    Raises:
        DataError: a record is not as above, when it is reached.
    """
    reader = _Reader(source, choice or TagChoice())
    records = iter(records)
    for record in records:
        if joiner is None and _lone_words(record.value):
            rest = [record, *records]
            joiner = decide_joiner(filter(None, (_lone_words(item.value) for item in rest)))
            yield from reader.read_all(rest, joiner=joiner)
            return
        yield from reader.read_all([record], joiner=joiner or "")


def _lone_words(value: object) -> list[str] | None:
    """The words of a record without a text; None where there are none, or none that are right."""
    if not isinstance(value, dict) or value.get("text") is not None:
        return None
    words = next((value[key] for key in WORD_KEYS if value.get(key) is not None), None)
    is_right = isinstance(words, list) and all(isinstance(word, str) for word in words)
    return words if is_right else None


@dataclass(frozen=True, slots=True)
class _Reader:
    source: Source
    choice: TagChoice
    articles: Counter[str] = field(default_factory=Counter)

    def read_all(
        self, records: Iterable[NumberedRecord], *, joiner: str
    ) -> Iterator[TaggedExample]:
        for record in records:
            place = f"{record.kind} {record.number}"
            try:
                yield self._read(record, place, joiner)
            except DataError as error:
                key = record.value.get("id") if isinstance(record.value, dict) else None
                where = f"{self.source.name}, {place}" + ("" if key is None else f", id {key!r}")
                located = fields.located(error, where)
                self.source.fault(record.kind, record.number, located, record=record.value)

    def _read(self, record: NumberedRecord, place: str, joiner: str) -> TaggedExample:
        value = fields.get_object(record.value, f"the {record.kind}")
        fields.refuse_near_misses(value, ["id", "tags", "entities"])
        tag_key = find_tag_key(value, self.choice)
        if unread := value.keys() - self.choice.read_keys(tag_key):
            self.source.pass_over(unread, "texts")
        key, document = self._read_names(value, record.number)
        text, (starts, ends), tags, entities = self._read_content(value, tag_key, joiner)
        return TaggedExample(
            key,
            text,
            starts=starts,
            ends=ends,
            tags=tags,
            entities=entities,
            document=document,
            place=place,
        )

    def _read_names(self, record: JsonObject, number: int) -> tuple[str, str]:
        """The id and the document."""
        document = _read_name(record, "document") or ""
        if (article := _read_name(record, "curid")) is not None:
            document = document or article
        key = _read_name(record, "id")
        if key == "":
            raise DataError("the id is empty", expected="a string that names the text")
        if key is None and article is not None:
            self.articles[article] += 1
            key = f"{article}-{self.articles[article]}"
        return f"{self.source.id_prefix}{number}" if key is None else key, document

    def _read_content(
        self, record: JsonObject, tag_key: str, joiner: str
    ) -> tuple[str, Ranges, tuple[str, ...] | None, tuple[Entity, ...] | None]:
        """Text, units, tags and entities."""
        word_key = next((key for key in WORD_KEYS if record.get(key) is not None), None)
        has_tags, has_entities = (
            self.choice.has_gold and record.get(key) is not None for key in (tag_key, "entities")
        )
        if word_key is None and record.get("text") is None:
            fields.require_key(record, "text" if fields.near_miss("text", record) else "words")
            raise DataError(
                "there are neither words nor a text", expected="'words' or a 'text'", found="null"
            )
        text = None if record.get("text") is None else fields.get_text(record, "text")
        units: Ranges | None = None
        if word_key is not None:
            words = _read_words(record, word_key)
            if text is None:
                text, units = join_words(words, joiner)
            else:
                units = locate_words(words, text)
        assert text is not None
        if record.get("units") is not None:
            units = _read_units(record, text)
        if units is None and has_tags:
            raise DataError(
                f"{tag_key!r} without what carries them",
                expected="'words', or 'units' of the text",
                found=f"the keys {', '.join(map(repr, record))}",
            )
        if has_tags and units is not None:
            return text, units, self._read_tags(record, tag_key, len(units[0])), None
        if has_entities and units is not None:
            raise DataError(
                "'entities' beside words or units",
                expected="'entities' of a 'text', or 'tags' of words or units",
                found=f"the keys {', '.join(map(repr, record))}",
            )
        if not has_entities:
            return text, units or ((), ()), None, None
        entities = read_entities(record["entities"], text, self.source)
        return text, characters_of(text), tag_characters(entities, len(text)), entities

    def _read_tags(self, record: JsonObject, key: str, n_units: int) -> tuple[str, ...]:
        tags = fields.get_list(record, key)
        if len(tags) != n_units:
            raise DataError(
                f"{key!r} has not one tag a word",
                expected=f"{n_units} tags",
                found=f"{len(tags)}",
            )
        read = tuple(_read_tag(tag, key, self.choice.names) for tag in tags)
        fields.get_text({key: "".join(read)}, key)  # refuses halves of surrogate pairs
        fields.check_tags(read)
        return read


def _read_name(record: JsonObject, key: str) -> str | None:
    """The string at `key`, or the digits of a number; None if there is nothing."""
    value = record.get(key)
    if value is None:
        return None
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return str(value) if is_number else fields.get_text(record, key)


def _read_words(record: JsonObject, key: str) -> Sequence[str]:
    words = fields.get_list(record, key)
    for number, word in enumerate(words, 1):
        if not isinstance(word, str) or not word:
            raise DataError(
                f"word {number} of {key!r} is not a word",
                expected="a string that is not empty",
                found=fields.describe(word),
            )
    fields.get_text({key: "".join(words)}, key)  # refuses halves of surrogate pairs
    return words


def _read_units(record: JsonObject, text: str) -> Ranges:
    end = 0
    units = fields.get_list(record, "units")
    for number, unit in enumerate(units, 1):
        is_pair = isinstance(unit, list) and len(unit) == 2 and {*map(type, unit)} == {int}
        if not is_pair or not end <= unit[0] < unit[1] <= len(text):
            raise DataError(
                f"unit {number} is not the next range of characters",
                expected=f"[start, end] with {end} <= start < end <= {len(text)}",
                found=fields.describe(unit),
            )
        end = unit[1]
    return tuple(unit[0] for unit in units), tuple(unit[1] for unit in units)


def _read_tag(tag: object, key: str, names: Sequence[str]) -> str:
    if isinstance(tag, str) and tag:
        return tag if tag.isascii() else fields.get_text({key: tag}, key)
    if not isinstance(tag, int) or isinstance(tag, bool):
        raise DataError(
            f"a tag of {key!r} is not one",
            expected="a string that is not empty",
            found=fields.describe(tag),
        )
    if not names:
        raise DataError(
            f"{key!r} holds numbers, and nothing names them",
            expected="strings, or the names that the numbers stand for",
            found=fields.describe(tag),
            fix="--columns names=O,B-PER,…, the first for 0  (recipe: columns.names)",
        )
    if not 0 <= tag < len(names):
        raise DataError(
            f"a number in {key!r} has no name",
            expected=f"0 to {len(names) - 1}: {' '.join(names)}",
            found=str(tag),
        )
    return names[tag]
