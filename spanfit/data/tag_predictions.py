r"""Predictions of tagged texts: JSON Lines and columns, plain or gzip.

Ours, JSON Lines, one text a line, as `spanfit predict` writes them:

    {"id": "a1", "text": "Mira left.", "units": [[0, 4], [5, 9], [9, 10]], "tags": ["B-PER", "O", "O"], "entities": [{"start": 0, "end": 4, "label": "PER", "text": "Mira", "probability": 0.98}]}

What another program says may come as any record of gold does (see `tagged_jsonl`): words with tags,
or a text with entities. `probability` is read where every entity has one.

Columns, as conlleval reads them: a word a line, with the predicted tag in the last column; where
there are three columns or more, the last but one has the gold once more.

    Mira B-PER B-PER
    left O O
"""  # noqa: E501 (a line of the format is a line)

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from itertools import chain, tee
from pathlib import Path
from typing import Any

from spanfit.data import fields
from spanfit.data.column_choice import ColumnChoice
from spanfit.data.conll import parse_conll
from spanfit.data.fields import JsonObject, Source, suggesting
from spanfit.data.files import DataFile, numbered_lines, open_data
from spanfit.data.foreign import refuse_other
from spanfit.data.prediction_lines import WRITTEN_BY, get_probability
from spanfit.data.record_keys import TAG_KEYS
from spanfit.data.tagged_jsonl import parse_array, parse_lines
from spanfit.data.tagged_records import NumberedRecord, stream_tagged
from spanfit.errors import DataError
from spanfit.tagged import TaggedEntity, TaggedExample, TaggingPrediction

EXPECTED = (
    "the JSON Lines of `spanfit predict`, or columns: a word, its gold tag if you like, and the "
    "predicted tag"
)

_JSON = re.compile(rb'\s*(?:\[\s*)?(?:\{\s*["}]|[\[{]\s*$)')


@dataclass(frozen=True, slots=True)
class TagResponse:
    """What was predicted for one text, as far as a score needs it.

    `said` is the text with the predicted tags in place of the gold. `gold` are the gold tags where
    the file repeats them. `entities` are what the tags make, where each came with a probability.
    """

    said: TaggedExample
    gold: tuple[str, ...] | None = None
    entities: tuple[TaggedEntity, ...] | None = None

    def __post_init__(self) -> None:
        if self.said.tags is None:
            raise ValueError("a prediction needs tags")

    @property
    def tags(self) -> tuple[str, ...]:
        """One for each unit of the text."""
        return self.said.tags or ()

    @classmethod
    def of(cls, prediction: TaggingPrediction) -> TagResponse:
        """What a score needs of a prediction."""
        said = TaggedExample(
            prediction.id,
            prediction.text,
            starts=prediction.starts,
            ends=prediction.ends,
            tags=prediction.tags,
        )
        return cls(said, entities=prediction.entities)


@dataclass(frozen=True, slots=True)
class TagResponses:
    """What a file predicts, in its order; `has_ids` is False where the order says whose it is."""

    responses: tuple[TagResponse, ...]
    has_ids: bool


def read_tag_predictions(path: str | Path) -> TagResponses:
    """The responses of a predictions file of either format, in its order.

    Raises:
        DataError: no such file, neither format, a wrong line, or an id twice.
    """
    name = str(path)
    with suggesting(WRITTEN_BY), open_data(Path(path)) as file:
        first = next(numbered_lines(file), None)
        file.seek(0)
        if first is None:
            raise DataError("the file is empty", where=name, expected=EXPECTED)
        if _JSON.match(first[1]):
            return TagResponses(tuple(_read_records(file, name)), has_ids=True)
        refuse_other(first[1], name, expected=EXPECTED)
        return TagResponses(_read_columns(file.read(), name), has_ids=False)


def _read_columns(data: bytes, name: str) -> tuple[TagResponse, ...]:
    source = Source(name)
    parsed = parse_conll(BytesIO(data), source, joiner=" ")
    if parsed.layout.n_columns < 3:
        return tuple(map(TagResponse, parsed.examples))
    golds = parse_conll(BytesIO(data), source, ColumnChoice(tags=-2), joiner=" ").examples
    return tuple(
        TagResponse(said, gold=gold.tags) for said, gold in zip(parsed.examples, golds, strict=True)
    )


def _read_records(file: DataFile, name: str) -> Iterator[TagResponse]:
    source = Source(name)
    records, same = tee(_check_records(_list_records(file, source), name))
    places: dict[str, str] = {}
    for said, record in zip(stream_tagged(records, source), same, strict=True):
        if said.id in places:
            raise DataError(
                f"the id {said.id!r} comes twice",
                where=f"{name}, {said.place}",
                expected="each text once",
                found=f"the same id at {places[said.id]}",
            )
        places[said.id] = said.place
        try:
            entities = _read_entities(record.value)
        except DataError as error:
            raise fields.located(error, f"{name}, {said.place}, id {said.id!r}") from None
        yield TagResponse(said, entities=entities)


def _list_records(file: DataFile, source: Source) -> Iterator[NumberedRecord]:
    lines = numbered_lines(file)
    number, first = next(lines)
    if first.lstrip().startswith(b"["):
        return parse_array(first + file.read(), source, line=number)
    return parse_lines(chain([(number, first)], lines), source)


def _check_records(records: Iterable[NumberedRecord], name: str) -> Iterator[NumberedRecord]:
    """The records as they come, each of which says something."""
    for record in records:
        value = record.value
        keys = (*TAG_KEYS, "entities")
        if isinstance(value, dict) and all(value.get(key) is None for key in keys):
            key = value.get("id")
            raise DataError(
                "this line predicts no tags",
                where=f"{name}, {record.kind} {record.number}"
                + ("" if key is None else f", id {key!r}"),
                expected="'tags' of 'units' or 'words', or 'entities' of a 'text'",
                found=f"the keys {', '.join(map(repr, value))}" if value else "an empty object",
                fix="spanfit score QUESTIONS PREDICTIONS: these belong to questions"
                if value.keys() & {"answer", "n_best"}
                else "",
            )
        yield record


def _read_entities(value: object) -> tuple[TaggedEntity, ...] | None:
    """The entities of a record that was read already; None where one has no probability."""
    items: Any = value.get("entities") if isinstance(value, dict) else None
    if not isinstance(items, list) or not all(_has_probability(item) for item in items):
        return None
    return tuple(map(_read_entity, items))


def _has_probability(item: object) -> bool:
    keys = {"start", "end", "label", "probability"}
    return isinstance(item, dict) and keys <= item.keys() and item["probability"] is not None


def _read_entity(item: JsonObject) -> TaggedEntity:
    probability = get_probability(item)
    assert probability is not None  # see `_has_probability`
    start, end = fields.get_start(item, "start"), fields.get_start(item, "end")
    label = fields.get_text(item, "label")
    try:
        return TaggedEntity(start, end, label, probability=float(probability))
    except ValueError as error:
        raise DataError(f"no entity: {error}", expected="0 <= start < end, and a label") from None
