"""Tags of every scheme: validity, chunks, repairs, conversions and tables, each against another.

What is valid, what a chunk is and what a repair gives are told by one rule written here, which
looks at one tag after the other: conlleval's.
"""

from __future__ import annotations

import numpy as np

from fuzz.draws import Draws
from fuzz.target import Target, read_or_refuse
from spanfit.data.gold import convert_all
from spanfit.tags import (
    SCHEMES,
    Chunk,
    Scheme,
    complete_table,
    convert_tags,
    detect_scheme,
    encode_tags,
    find_violations,
    list_violations,
    nearest_scheme,
    read_chunks,
    read_chunks_leniently,
    repair_tags,
    write_tags,
)

_LABELS = ("x", "y", "x-y", "O", "B", "B-x", "東", "", "-")
_OTHERS = ("O", "", "-", "B", "I", "S", "B-", "-x", "NN", "X-x", "o", "O-x", "b-x", "B x")

Sequences = list[tuple[str, ...]]


def _draw_sequences(draws: Draws) -> Sequences:
    letters = draws.choose(["BI", "BIES", "BILU", "BMES", "BIESLUM"])
    pool = ["O"]
    for _ in range(draws.integer(1, 3)):
        label = draws.choose(_LABELS)
        pool += [f"{letter}-{label}" if label else letter for letter in letters]
    pool += draws.items(lambda: draws.choose(_OTHERS), most=2)
    return [
        tuple(draws.items(lambda: draws.choose(pool), most=7)) for _ in range(draws.integer(0, 4))
    ]


def _read_slowly(tags: tuple[str, ...], scheme: Scheme) -> list[Chunk]:
    """The chunks by conlleval's rule, one tag after the other; all tags are the scheme's."""
    found: list[Chunk] = []
    is_open = False
    for unit, text in enumerate(tags):
        tag = scheme.parse(text)
        goes_on = is_open and tag.prefix in ("I", "E") and found[-1].label == tag.label
        if goes_on:
            found[-1] = Chunk(tag.label, found[-1].start, unit + 1)
        elif tag.prefix != "O":
            found.append(Chunk(tag.label, unit, unit + 1))
        is_open = tag.prefix in ("B", "I")
    return found


def _fits(sequences: Sequences, scheme: Scheme) -> bool:
    """Whether all sequences are valid."""
    return all(
        read_or_refuse(lambda tags=tags: read_chunks(tags, scheme)) is not None  # type: ignore[misc]
        for tags in sequences
    )


def _check_scheme(sequences: Sequences, scheme: Scheme, target: Scheme) -> None:
    """All of a scheme's functions on these sequences."""
    violations = list_violations(sequences, scheme)
    coded = encode_tags(sequences)
    assert len(find_violations(coded, scheme)) == len(violations)
    broken = {violation.sequence for violation in violations}
    are_known = all(scheme.find_tag(tag) is not None for tags in sequences for tag in tags)
    for row, tags in enumerate(sequences):
        read = read_or_refuse(lambda tags=tags: read_chunks(tags, scheme))  # type: ignore[misc]
        assert (read is None) == (row in broken), "violations and reading disagree"
        if any(scheme.find_tag(tag) is None for tag in tags):
            continue
        chunks = _read_slowly(tags, scheme)
        assert list(read_chunks_leniently(tags, scheme)) == chunks
        written = write_tags(chunks, len(tags), scheme)
        assert (list(tags) == written) == (row not in broken), "what is valid is written so"
        assert list(read_chunks(written, scheme)) == chunks, "tags do not say the chunks"
        if row not in broken:
            _check_conversion(tags, scheme, target)
    if are_known:
        _check_table(sequences, scheme)
        _check_repairs(sequences, scheme, broken)


def _check_conversion(tags: tuple[str, ...], scheme: Scheme, target: Scheme) -> None:
    other = read_or_refuse(lambda: convert_tags(tags, source=scheme, target=target))
    at_once = read_or_refuse(lambda: convert_all([tags], source=scheme, target=target))
    assert (other is None) == (at_once is None)
    if other is not None:
        assert at_once == [tuple(other)]
        assert convert_tags(other, source=target, target=scheme) == list(tags)


def _check_table(sequences: Sequences, scheme: Scheme) -> None:
    table = complete_table(scheme, [tag for tags in sequences for tag in tags])
    rows = {tag: row for row, tag in enumerate(table.tags)}
    codes = np.array([rows[tag] for tags in sequences for tag in tags], np.int64)
    splits = np.concatenate([[0], np.cumsum([len(tags) for tags in sequences])]).astype(np.int64)
    arrays = table.find_chunks(codes, splits)
    found = [
        Chunk(table.labels[label], start, end)
        for start, end, label in zip(
            arrays.start.tolist(), arrays.end.tolist(), arrays.label.tolist(), strict=True
        )
    ]
    expected, written = [], []
    for begin, tags in zip(splits.tolist(), sequences, strict=False):
        chunks = _read_slowly(tags, scheme)
        expected += [Chunk(c.label, begin + c.start, begin + c.end) for c in chunks]
        written += write_tags(chunks, len(tags), scheme)
    assert found == expected, "the table finds other chunks"
    assert [table.tags[code] for code in table.write(arrays, splits)] == written
    for code, behind in enumerate(table.behind().tolist()):
        same_label = table.label[code] == table.label[behind]
        assert same_label and (table.prefix[behind] == table.prefix[code] or scheme.has_prefixes)


def _check_repairs(sequences: Sequences, scheme: Scheme, broken: set[int]) -> None:
    for repair in ("conlleval", "discard"):
        done = repair_tags(sequences, scheme, repair=repair)
        assert not list_violations(done.sequences, scheme), "a repair leaves something broken"
        assert {change.sequence for change in done.changes} <= broken
        changed = {(change.sequence, change.unit) for change in done.changes}
        for row, (old, new) in enumerate(zip(sequences, done.sequences, strict=True)):
            differ = {
                (row, unit) for unit, (a, b) in enumerate(zip(old, new, strict=True)) if a != b
            }
            assert differ == {place for place in changed if place[0] == row}
            kept = _read_slowly(old, scheme)
            said = _read_slowly(new, scheme)
            assert said == kept if repair == "conlleval" else {*said} <= {*kept}


def check(data: bytes) -> None:
    """Sequences of tags in a scheme, and which scheme they are in."""
    draws = Draws(data)
    scheme, target = (SCHEMES[draws.choose([*SCHEMES])] for _ in range(2))
    sequences = _draw_sequences(draws)
    _check_scheme(sequences, scheme, target)
    fits = {name for name, other in SCHEMES.items() if _fits(sequences, other)}
    detection = read_or_refuse(lambda: detect_scheme(sequences))
    if not any(sequences):
        assert detection is None
        return
    prefixed = {name for name in fits if SCHEMES[name].has_prefixes}
    if detection is not None:
        assert {*detection.fits} == (prefixed or {"plain"}), "other schemes fit"
        assert str(detection)
    else:
        assert not prefixed, "a scheme fits and is not found"
    assert nearest_scheme(sequences).name in SCHEMES


TARGET = Target(
    "tags",
    check,
    seeds=(
        b"\0\1\0\0\0\0\1\5\1\2\0\1\2",
        b"\1\4\1\0\0\0\2\5\1\3\0\4\2\4\1\3\4\0",
        b"\3\0\3\1\0\3\1\4\2\7\0\1\2\3\4\5\6\3\1\2\3",
        b"\2\5\4\2\1\2\7\2\3\5\4\7" + bytes(range(40)),
    ),
)
