"""Parquet: questions or tagged texts in columns of whatever types, and broken files."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from fuzz.draws import Draws
from fuzz.reading import READINGS, check_reading
from fuzz.target import Target
from fuzz.values import change

NAMES = (
    *("id", "title", "context", "question", "answers", "is_impossible", "synthetic"),
    *("answer", "answer_start", "text", "words", "tokens", "tags", "ner_tags", "pos_tags"),
    *("entities", "units", "document", "curid", "Context", "more", ""),
)

_FEATURES = {"info": {"features": {"ner_tags": {"feature": {"names": ["O", "B-x", "I-x"]}}}}}
"""What the library `datasets` writes into a schema."""

Make = Callable[[Draws, int], pa.Array]


def _texts(draws: Draws, n: int) -> pa.Array:
    values = [draws.text() if draws.byte() < 220 else None for _ in range(n)]
    return pa.array(values, draws.choose([pa.string(), pa.large_string()]))


def _broken_texts(draws: Draws, n: int) -> pa.Array:
    """Bytes that claim to be UTF-8."""
    return pa.array([draws.take(3) for _ in range(n)], pa.binary()).view(pa.string())


def _numbers(draws: Draws, n: int) -> pa.Array:
    type_ = draws.choose([pa.int32(), pa.int64(), pa.float64(), pa.uint8()])
    return pa.array([draws.integer(0, 40) for _ in range(n)], pa.int64()).cast(type_)


def _lists(draws: Draws, n: int) -> pa.Array:
    kind = draws.integer(0, 2)
    if kind == 0:
        return pa.array([draws.items(draws.text, most=3) for _ in range(n)], pa.list_(pa.string()))
    if kind == 1:
        return pa.array(
            [draws.items(lambda: draws.integer(0, 4), most=3) for _ in range(n)],
            pa.list_(pa.int64()),
        )
    pairs = [draws.items(lambda: [draws.byte() % 4, draws.byte() % 9], most=2) for _ in range(n)]
    return pa.array(pairs, pa.list_(pa.list_(pa.int64())))


def _answers(draws: Draws, n: int) -> pa.Array:
    type_ = pa.struct({"text": pa.list_(pa.string()), "answer_start": pa.list_(pa.int32())})
    rows = []
    for _ in range(n):
        m = draws.integer(0, 2)
        starts = [draws.integer(-1, 9) for _ in range(m + (draws.byte() > 240))]
        row = {"text": [draws.text() for _ in range(m)], "answer_start": starts}
        rows.append(row if draws.byte() < 220 else None)
    return pa.array(rows, type_)


def _records(draws: Draws, n: int) -> pa.Array:
    type_ = pa.struct({"start": pa.int64(), "end": pa.int64(), "label": pa.string()})
    rows = [
        draws.items(
            lambda: {"start": draws.byte() % 5, "end": draws.byte() % 9, "label": draws.text()},
            most=2,
        )
        for _ in range(n)
    ]
    return pa.array(rows, pa.list_(type_))


def _others(draws: Draws, n: int) -> pa.Array:
    type_ = draws.choose(
        [
            *(pa.bool_(), pa.binary(), pa.timestamp("ns"), pa.timestamp("s", "Mars/Base")),
            *(pa.duration("us"), pa.decimal128(5, 2), pa.date64(), pa.null()),
            pa.dictionary(pa.int8(), pa.string()),
            pa.map_(pa.string(), pa.int64()),
            pa.struct([("text", pa.int64()), ("text", pa.int64())]),
        ]
    )
    if pa.types.is_struct(type_):
        return pa.StructArray.from_arrays(
            [pa.array([0] * n), pa.array([1] * n)], fields=list(type_)
        )
    if pa.types.is_timestamp(type_) or pa.types.is_duration(type_) or pa.types.is_date(type_):
        days = [draws.integer(-(2**40), 2**40) * 86_400_000 for _ in range(n)]
        return pa.array(days, pa.int64()).cast(type_)
    if pa.types.is_binary(type_):
        return pa.array([draws.take(2) for _ in range(n)], type_)
    if pa.types.is_boolean(type_):
        return pa.array([draws.flag() for _ in range(n)], type_)
    return pa.nulls(n, type_)


_MAKERS: tuple[Make, ...] = (_texts, _answers, _numbers, _lists, _records, _others, _broken_texts)
_USUAL: dict[str, Make] = {
    **dict.fromkeys(("id", "title", "context", "question", "synthetic", "answer", "text"), _texts),
    **dict.fromkeys(("words", "tokens", "tags", "ner_tags", "pos_tags", "units"), _lists),
    "answers": _answers,
    "answer_start": _numbers,
    "entities": _records,
}


def _draw_content(draws: Draws) -> bytes:
    names = draws.items(lambda: draws.choose(NAMES), most=5)
    names += draws.choose([("question", "context"), ("words", "tags"), ("text", "entities"), ()])
    n = draws.integer(0, 4)
    columns = []
    for name in names:
        make = _USUAL.get(name, _texts) if draws.byte() < 200 else draws.choose(_MAKERS)
        columns.append(make(draws, n))
    metadata: dict[bytes, bytes] = {}
    if draws.flag():
        keys = ("info", "features", "feature", "names", "ner_tags", "words")
        value: Any = change(draws, _FEATURES, keys)
        metadata[b"huggingface"] = json.dumps(value).encode()
    table = pa.Table.from_arrays(columns, names=list(names)).replace_schema_metadata(metadata)
    out = BytesIO()
    pq.write_table(table, out, compression="none", use_dictionary=draws.flag())
    return out.getvalue()


def check(data: bytes) -> None:
    """Bytes behind Parquet's own, a table made of them, or such a table with wrong bytes."""
    draws = Draws(data)
    reading = draws.choose(READINGS) if draws.flag() else READINGS[0]
    if draws.byte() % 8 == 1:
        return check_reading(b"PAR1" + draws.rest(), reading)
    try:
        content = bytearray(_draw_content(draws))
    except (pa.ArrowException, OverflowError):
        return None  # a table that pyarrow does not write
    if draws.byte() % 4 == 1:
        for _ in range(draws.integer(1, 4)):
            content[draws.integer(0, len(content) - 1)] = draws.byte()
    return check_reading(bytes(content), reading)


TARGET = Target(
    "parquet",
    check,
    seeds=(
        b"\0\0\0\0\2",
        b"\0\0\2\0\4\0\2" + bytes(range(60)),
        b"\0\0\1\0\1\2" + bytes(range(40)),
        b"\0\0\3\0\6\7\2\3" + bytes(range(200, 256)) + bytes(range(60)),
        b"\0\1\x15\x04\x15\x00PAR1",
    ),
    words=(b"PAR1",),
)
