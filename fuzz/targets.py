"""All targets by name, in the order in which they run."""

from __future__ import annotations

from fuzz import (
    alignment,
    columns,
    csv_files,
    decoder,
    doctor,
    json_files,
    parquet_files,
    predictions,
    recipes,
    tag_tables,
)

TARGETS = {
    module.TARGET.name: module.TARGET
    for module in (
        json_files,
        csv_files,
        parquet_files,
        columns,
        predictions,
        recipes,
        tag_tables,
        alignment,
        decoder,
        doctor,
    )
}
