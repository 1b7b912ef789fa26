"""Which keys of a tagged record are read, as its user chose or a model remembers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from spanfit.data import fields
from spanfit.data.fields import JsonObject
from spanfit.errors import DataError
from spanfit.examples import Reading

WORD_KEYS = ("words", "tokens")
TAG_KEYS = ("tags", "ner_tags", "pos_tags", "chunk_tags")
"""What tags may be called without being asked for; a record has only one of these then."""

KEYS = frozenset({"id", "curid", "document", "text", "units", "entities", *WORD_KEYS})
"""Everything that is read of a record, besides its tags."""


@dataclass(frozen=True, slots=True)
class TagChoice:
    """Where the tags of a record are: under `key` (None: the only one of TAG_KEYS that is there).

    `names` are what numbers stand for, from 0; empty: tags are strings. `is_remembered` says that
    the key is a model's, and that a record without it may have its tags under one of TAG_KEYS.
    Where not `has_gold`, neither tags nor entities are read.
    """

    key: str | None = None
    names: tuple[str, ...] = ()
    is_remembered: bool = False
    has_gold: bool = True

    @classmethod
    def of(cls, reading: Reading) -> TagChoice:
        """What a reading says of records; numbers of columns say nothing of them."""
        return cls(
            reading.tags if isinstance(reading.tags, str) else None,
            names=reading.names if reading.numbers is None else reading.numbers,
            is_remembered="tags" in reading.remembered,
            has_gold=reading.tags is not None,
        )

    def read_keys(self, tag_key: str) -> frozenset[str]:
        """Everything that is read of a record with its tags under `tag_key`."""
        return KEYS | {tag_key} if self.has_gold else KEYS - {"entities"}


def find_tag_key(record: JsonObject, choice: TagChoice) -> str:
    """The key of the tags; one that is not there, if the record has no tags, or none are read.

    Raises:
        DataError: the chosen key is not there, but another is that may be meant; or none is
            chosen, and there are several.
    """
    if not choice.has_gold:
        return ""
    there = [key for key in TAG_KEYS if record.get(key) is not None]
    falls_back = choice.is_remembered and bool(there)
    if choice.key is not None and (choice.key in record or not falls_back):
        if there and choice.key not in record:
            raise _missing_key(choice.key, there, record)
        if fields.near_miss(choice.key, record):
            fields.require_key(record, choice.key)
        return choice.key
    if len(there) > 1:
        raise DataError(
            "several kinds of tags",
            expected="one, or a choice among them",
            found=", ".join(map(repr, there)),
            fix=f"choose one by name: --columns tags={there[-1]}  (recipe: columns.tags)",
        )
    return there[0] if there else TAG_KEYS[0]


def _missing_key(key: str, there: Sequence[str], record: JsonObject) -> DataError:
    near = fields.near_miss(key, record)
    return DataError(
        f"the key {key!r} is missing",
        found=f"the keys {', '.join(map(repr, record))}",
        fix=f"--columns tags={there[-1]}  (recipe: columns.tags)"
        + (f", or rename {near!r} to {key!r}" if near and near not in there else ""),
    )
