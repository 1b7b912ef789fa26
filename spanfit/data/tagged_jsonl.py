r"""JSON Lines: one tagged text a line, as words with tags, or as a text with ranges of characters.

    {"id": "a1", "words": ["Mira", "lives", "in", "Oslo"], "tags": ["B-PER", "O", "O", "B-LOC"]}
    {"id": "a2", "text": "ミラはオスロに住む。", "entities": [{"start": 0, "end": 2, "label": "PER"}]}
    {"id": "a3", "text": "Mira left.", "units": [[0, 4], [5, 9], [9, 10]], "tags": ["B-PER", "O", "O"]}
    {"text": "No gold here."}

`words` may be called `tokens`. A `text` beside them is what they stand in; otherwise they are
joined (see `joiner`). `tags` may be called `ner_tags`, `pos_tags`, `chunk_tags` or what the user
says; they are strings, or numbers of names that the user gives, as data sets of the hub have them.
`document` names what the text is a part of. Without `id` the number of the line is the id. Where
there are tags, `entities` beside them are passed over (files of predictions have both).

An entity's `label` may be called `type`, its `text` (which is checked) `name`, and `start` and
`end` be a `span`; so Wikipedia's Japanese entities are read as they are published, one JSON array:

    [{"curid": "3572156", "text": "ミラはオスロに住む。", "entities": [{"name": "ミラ", "span": [0, 2], "type": "人名"}]}]

`curid` is an article: it becomes the document and, with a number behind it, the id. The units of a
text with entities are its characters, and their tags are IOB2.
"""  # noqa: E501 (a line of the format is a line)

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

from spanfit.data.entities import tag_characters
from spanfit.data.fields import Source, describe
from spanfit.data.joiner import locate_words
from spanfit.data.parsing import parse_json
from spanfit.data.tagged_records import NumberedRecord
from spanfit.errors import DataError
from spanfit.tagged import TaggedExample


def parse_lines(lines: Iterable[tuple[int, bytes]], source: Source) -> Iterator[NumberedRecord]:
    """The record of each numbered line; one that is not JSON is left out if the source allows it.

    Raises:
        DataError: a line is not JSON.
    """
    for number, line in lines:
        try:
            value = parse_json(line, name=source.name, line=number)
        except DataError as error:
            source.fault("line", number, error)
            continue
        yield NumberedRecord("line", number, value)


def parse_array(data: bytes, source: Source, *, line: int = 1) -> Iterator[NumberedRecord]:
    """The records of a JSON array, which begins on line `line` of the file.

    Raises:
        DataError: not JSON, or no array.
    """
    value = parse_json(data, name=source.name, line=line)
    if not isinstance(value, list):
        raise DataError(
            "not an array", where=source.name, expected="[{…}, …]", found=describe(value)
        )
    for number, item in enumerate(value, 1):
        yield NumberedRecord("item", number, item)


def write_lines(file: TextIO, examples: Iterable[TaggedExample]) -> None:
    """Write a line for each text, from which the same example can be read, but for its place."""
    for example in examples:
        file.write(json.dumps(_to_json(example), ensure_ascii=False) + "\n")


def _to_json(example: TaggedExample) -> dict[str, Any]:
    record: dict[str, Any] = {"id": example.id}
    if example.document:
        record["document"] = example.document
    record["text"] = example.text
    if example.entities is not None and example.tags == tag_characters(
        example.entities, len(example.text)
    ):
        record["entities"] = [
            {"start": entity.start, "end": entity.end, "label": entity.label, "text": entity.text}
            for entity in example.entities
        ]
        return record
    if example.starts or example.tags is not None:
        if _are_found_again(example):
            record["words"] = example.words
        else:
            record["units"] = list(zip(example.starts, example.ends, strict=True))
    if example.tags is not None:
        record["tags"] = example.tags
    return record


def _are_found_again(example: TaggedExample) -> bool:
    """Whether reading finds the words in the text where they are now."""
    try:
        return locate_words(example.words, example.text) == (example.starts, example.ends)
    except DataError:
        return False
