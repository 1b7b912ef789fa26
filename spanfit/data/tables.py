"""Tables with typed columns, a row an example: Parquet files, and (see `hub`) data sets of the hub.

Whether the rows are questions or tagged texts is for `tabular` and `tagged_tables`.
"""

from __future__ import annotations

import io
import json
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from spanfit.data.files import DataFile
from spanfit.data.unpacking import Unpacked, refuse_bomb
from spanfit.errors import DataError, require

PARQUET_MAGIC = b"PAR1"
BATCH = 1_000
"""Rows that are Python objects at once."""

_ROW_BYTES = 16  # that an example takes at least; rows that are all the same take none in a file

Features = Mapping[str, Any]


@dataclass(frozen=True)
class Table:
    """A table that is open: its columns, the number of its rows, and how to read some columns.

    `features` says what the library `datasets` knows of each column, as it writes that down.
    """

    columns: Sequence[str]
    n_rows: int
    read: Callable[[Sequence[str]], Iterable[list[dict[str, Any]]]]
    features: Features = field(default_factory=dict)

    def rows(self, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
        """The rows, with these columns only."""
        for rows in self.read(columns):
            yield from rows


def open_parquet(file: DataFile, name: str) -> Table:
    """The table in a Parquet file, which is read a thousand rows at a time.

    Raises:
        DataError: the file is broken; also later, from inside `rows`.
        MissingExtraError: pyarrow is not installed.
    """
    arrow, parquet = (
        require("pyarrow", extra="tabular"),
        require("pyarrow.parquet", extra="tabular"),
    )

    def broken(error: Exception) -> DataError:
        problem = f"the Parquet table can't be read: {str(error).strip()}"
        return DataError(problem, where=name, fix="fetch it again")

    # Arrow reads from the end; what is unpacked on the way can't be.
    seekable = io.BytesIO(file.read()) if isinstance(file.raw, Unpacked) else file
    try:
        table = parquet.ParquetFile(seekable)
        schema, metadata = table.schema_arrow, table.metadata
        parts = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    except (OSError, ValueError, arrow.ArrowException) as error:  # names that are not UTF-8
        raise broken(error) from None

    unpacked = max(_ROW_BYTES * metadata.num_rows, sum(part.total_byte_size for part in parts))
    packed = seekable.seek(0, io.SEEK_END)
    refuse_bomb(unpacked, packed, where=name, fix="a table without so many repeated values")

    def read(columns: Sequence[str]) -> Iterator[list[dict[str, Any]]]:
        try:
            for batch in table.iter_batches(batch_size=BATCH, columns=list(columns)):
                yield _to_rows(batch, name)
        except (OSError, ValueError, arrow.ArrowException) as error:
            raise broken(error) from None

    return Table(schema.names, metadata.num_rows, read, _read_features(schema.metadata))


def _to_rows(batch: Any, name: str) -> list[dict[str, Any]]:  # noqa: ANN401 (of pyarrow)
    try:
        rows: list[dict[str, Any]] = batch.to_pylist()
    except (ValueError, OverflowError) as error:  # texts not in UTF-8, a key twice, year 10,000
        raise DataError(
            f"a value of the table is none of Python: {error}",
            where=name,
            expected="texts in UTF-8, each key of an object once, years up to 9999",
            fix=f"correct it there, and see: spanfit show {shlex.quote(name)}",
        ) from None
    return rows


def _read_features(metadata: Mapping[bytes, bytes] | None) -> Features:
    """What `datasets` wrote into the schema of a Parquet file; {} where it did not."""
    try:
        features = json.loads((metadata or {})[b"huggingface"])["info"]["features"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    return features if isinstance(features, dict) else {}
