"""Tagged texts in tables: Parquet, and data sets of the hub, a text a row.

    id: "0"   tokens: ["Mira", "left"]   ner_tags: [1, 0]      ClassLabel names: O, B-PER, I-PER

The columns are the keys of `tagged_records`. What the numbers stand for the table says itself: the
library `datasets` keeps it with the column, in Parquet as JSON in the schema.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from spanfit.data import fields
from spanfit.data.fields import Source
from spanfit.data.record_keys import WORD_KEYS, TagChoice, find_tag_key
from spanfit.data.tables import Features, Table
from spanfit.data.tagged_records import NumberedRecord, stream_tagged
from spanfit.errors import DataError
from spanfit.examples import Reading
from spanfit.tagged import TaggedExample


def holds_texts(columns: Sequence[str]) -> bool:
    """Whether a table with these columns holds tagged texts, not questions."""
    record = dict.fromkeys(columns)
    is_question = any(fields.near_miss(key, record) for key in ("question", "context"))
    return not is_question and bool({"text", *WORD_KEYS} & {*columns})


def parse_table(table: Table, source: Source, reading: Reading) -> Iterator[TaggedExample]:
    """The text of each row.

    Raises:
        DataError: several columns may hold the tags and none is chosen, or the chosen one is not
            there; the table names tags in another way than the reading; a row is not a text.
    """
    choice = TagChoice.of(reading)
    try:
        tag_key = find_tag_key(dict.fromkeys(table.columns, True), choice)
        names = read_names(table.features, tag_key)
        if not names or "names" not in reading.remembered:
            names = _agree(names, choice.names)
    except DataError as error:
        raise fields.located(error, source.name) from None
    columns = [name for name in table.columns if name in choice.read_keys(tag_key)]
    for name in {*table.columns} - {*columns}:
        source.unread[f"{name!r} of the texts"] += table.n_rows
    records = (
        NumberedRecord("row", number, row) for number, row in enumerate(table.rows(columns), 1)
    )
    return stream_tagged(records, source, replace(choice, names=names), joiner=reading.joiner)


def read_names(features: Features, column: str) -> tuple[str, ...]:
    """What the numbers of a column of lists stand for; () where the table does not say.

    A feature is `{"feature": {"names": [...], "_type": "ClassLabel"}, "_type": "List"}`, or, as
    older versions of `datasets` wrote it, a list that holds the inner one.
    """
    feature = features.get(column)
    if isinstance(feature, dict):
        feature = feature.get("feature")
    elif isinstance(feature, list) and feature:
        feature = feature[0]
    names = feature.get("names") if isinstance(feature, dict) else None
    return tuple(map(str, names)) if isinstance(names, list) else ()


def _agree(said: tuple[str, ...], wanted: tuple[str, ...]) -> tuple[str, ...]:
    """The names of the table, or of the reading where the table has none."""
    if said and wanted and said != wanted:
        raise DataError(
            "the table names its tags in another way",
            expected=" ".join(wanted),
            found=" ".join(said),
            fix="--columns names=  (as the table says)",
        )
    return said or wanted
