"""Tags of units: schemes, chunks, detection, named repairs. Nothing here knows of texts."""

from __future__ import annotations

from spanfit.tags.chunks import (
    Chunk,
    convert_tags,
    read_chunks,
    read_chunks_leniently,
    write_tags,
)
from spanfit.tags.detection import Detection, detect_scheme, nearest_scheme
from spanfit.tags.repairs import REPAIRS, Change, Repair, Repaired, repair_tags
from spanfit.tags.schemes import (
    BILOU,
    BIOES,
    BMES,
    IOB1,
    IOB2,
    OUTSIDE,
    PLAIN,
    PREFIXES,
    SCHEMES,
    Prefix,
    Scheme,
    Tag,
    Transitions,
    find_scheme,
    make_transitions,
)
from spanfit.tags.sequences import (
    CodedTags,
    Violation,
    encode_tags,
    find_violations,
    known_tags,
    list_violations,
)
from spanfit.tags.tables import (
    ChunkArrays,
    TagTable,
    complete_table,
    cut_chunks,
    first_units,
    make_table,
)

__all__ = [
    "BILOU",
    "BIOES",
    "BMES",
    "IOB1",
    "IOB2",
    "OUTSIDE",
    "PLAIN",
    "PREFIXES",
    "REPAIRS",
    "SCHEMES",
    "Change",
    "Chunk",
    "ChunkArrays",
    "CodedTags",
    "Detection",
    "Prefix",
    "Repair",
    "Repaired",
    "Scheme",
    "Tag",
    "TagTable",
    "Transitions",
    "Violation",
    "complete_table",
    "convert_tags",
    "cut_chunks",
    "detect_scheme",
    "encode_tags",
    "find_scheme",
    "find_violations",
    "first_units",
    "known_tags",
    "list_violations",
    "make_table",
    "make_transitions",
    "nearest_scheme",
    "read_chunks",
    "read_chunks_leniently",
    "repair_tags",
    "write_tags",
]
