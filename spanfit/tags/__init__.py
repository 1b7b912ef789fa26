"""Tags of units: schemes, chunks, detection, named repairs. Nothing here knows of texts."""

from __future__ import annotations

from spanfit.tags.chunks import (
    Chunk,
    convert_tags,
    read_chunks,
    read_chunks_leniently,
    write_tags,
)
from spanfit.tags.detection import Detection, detect_scheme, require_valid
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
    "CodedTags",
    "Detection",
    "Prefix",
    "Repair",
    "Repaired",
    "Scheme",
    "Tag",
    "Transitions",
    "Violation",
    "convert_tags",
    "detect_scheme",
    "encode_tags",
    "find_scheme",
    "find_violations",
    "known_tags",
    "list_violations",
    "make_transitions",
    "read_chunks",
    "read_chunks_leniently",
    "repair_tags",
    "require_valid",
    "write_tags",
]
