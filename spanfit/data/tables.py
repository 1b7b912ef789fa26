"""Tables with typed columns, a row an example: Parquet files, and (see `hub`) data sets of the hub.

Whether the rows are questions or tagged texts is for `tabular` and `tagged_tables`.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from spanfit.data.files import DataFile
from spanfit.errors import DataError, require

if TYPE_CHECKING:
    import pyarrow

PARQUET_MAGIC = b"PAR1"
BATCH = 1_000
"""Rows that are Python objects at once."""

Features = Mapping[str, Any]


@dataclass(frozen=True)
class Table:
    """A table that is open: its columns, the number of its rows, and how to read some columns.

    `name` is the file's or the data set's, for messages.
    `features` says what the library `datasets` knows of each column, as it writes that down.
    """

    columns: Sequence[str]
    n_rows: int
    read: Callable[[Sequence[str]], Iterable[pyarrow.RecordBatch | pyarrow.Table]]
    name: str
    features: Features = field(default_factory=dict)

    def rows(self, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
        """The rows, with these columns only.

        Raises:
            DataError: a value cannot be read.
        """
        for batch in self.read(columns):
            yield from self._to_rows(batch)

    def _to_rows(self, batch: pyarrow.RecordBatch | pyarrow.Table) -> list[dict[str, Any]]:
        try:
            rows: list[dict[str, Any]] = batch.to_pylist()
        except (ValueError, OverflowError) as error:  # texts not in UTF-8, a key twice, year 10,000
            problem = f"a value of the table is none of Python: {error}"
            raise DataError(problem, where=self.name) from None
        return rows


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
        problem = f"the Parquet table can't be read: {error}"
        return DataError(problem, where=name, fix="fetch it again")

    # Arrow reads from the end; what is unpacked on the way can't be.
    seekable = file if isinstance(file, io.BufferedReader) else io.BytesIO(file.read())
    try:
        table = parquet.ParquetFile(seekable)
        schema = table.schema_arrow
    except (OSError, ValueError, arrow.ArrowException) as error:
        raise broken(error) from None

    def read(columns: Sequence[str]) -> Iterator[pyarrow.RecordBatch]:
        try:
            yield from table.iter_batches(batch_size=BATCH, columns=list(columns))
        except (OSError, ValueError, arrow.ArrowException) as error:
            raise broken(error) from None

    features = _read_features(schema.metadata)
    return Table(schema.names, table.metadata.num_rows, read, name, features)


def _read_features(metadata: Mapping[bytes, bytes] | None) -> Features:
    """What `datasets` wrote into the schema of a Parquet file; {} where it did not."""
    try:
        features = json.loads((metadata or {})[b"huggingface"])["info"]["features"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    return features if isinstance(features, dict) else {}
