"""Tag schemes: tables against chunks by brute force, detection, conversion, named repairs."""

from __future__ import annotations

from itertools import pairwise, product
from time import process_time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanfit.errors import DataError, RecipeError
from spanfit.tags import (
    BILOU,
    BIOES,
    BMES,
    IOB1,
    IOB2,
    PLAIN,
    SCHEMES,
    Change,
    Chunk,
    Scheme,
    Tag,
    Transitions,
    Violation,
    convert_tags,
    detect_scheme,
    encode_tags,
    find_scheme,
    list_violations,
    make_transitions,
    nearest_scheme,
    read_chunks,
    repair_tags,
    write_tags,
)

PREFIXED = [scheme for scheme in SCHEMES.values() if scheme.has_prefixes]
every_scheme = pytest.mark.parametrize("scheme", SCHEMES.values(), ids=lambda s: s.name)
prefixed = pytest.mark.parametrize("scheme", PREFIXED, ids=lambda s: s.name)

THREE_TWO_ONE = (Chunk("PER", 0, 3), Chunk("PER", 3, 5), Chunk("a-b", 6, 7))
WRITTEN = {
    "IOB1": "I-PER I-PER I-PER B-PER I-PER O I-a-b",
    "IOB2": "B-PER I-PER I-PER B-PER I-PER O B-a-b",
    "BIOES": "B-PER I-PER E-PER B-PER E-PER O S-a-b",
    "BILOU": "B-PER I-PER L-PER B-PER L-PER O U-a-b",
    "BMES": "B-PER M-PER E-PER B-PER E-PER O S-a-b",
}


@pytest.mark.parametrize("name", WRITTEN)
def test_how_schemes_write_the_same_chunks(name):
    tags = WRITTEN[name].split()
    assert write_tags(THREE_TWO_ONE, 7, SCHEMES[name]) == tags
    assert read_chunks(tags, SCHEMES[name]) == THREE_TWO_ONE


def test_a_tag_is_a_prefix_and_a_label():
    assert IOB2.parse("B-credit-card") == Tag("B", "credit-card")
    assert BILOU.parse("L-I-95") == Tag("E", "I-95")
    assert BMES.parse("M") == Tag("I", "")
    assert PLAIN.parse("credit-card") == Tag("S", "credit-card")
    assert PLAIN.parse("B-cell") == Tag("S", "B-cell")
    assert PLAIN.parse("O") == Tag("O")
    assert BILOU.format(Tag("S", "PER")) == "U-PER"


@pytest.mark.parametrize("text", ["PER", "E-PER", "b-PER", "B-", "", "O-PER", "-PER", "BI-PER"])
def test_what_is_no_tag_is_refused(text):
    with pytest.raises(DataError, match="no tag of the scheme IOB2"):
        IOB2.parse(text)


def test_labels_that_could_not_be_told_apart_are_not_written():
    with pytest.raises(ValueError, match="cannot write"):
        PLAIN.format(Tag("S", "O"))
    with pytest.raises(ValueError, match="no prefix E"):
        IOB2.format(Tag("E", "PER"))


def test_objects_are_valid_by_construction():
    with pytest.raises(ValueError, match="start < end"):
        Chunk("PER", 2, 2)
    with pytest.raises(ValueError, match="no label"):
        Tag("O", "PER")
    with pytest.raises(ValueError, match="unknown prefixes"):
        Scheme("new", letters={"B": "B"}, steps={"O": "O B", "B": "I="})
    with pytest.raises(ValueError, match="need shapes"):
        Transitions(np.ones((2, 2), bool), np.ones(1, bool), np.ones(1, bool))


def test_schemes_have_names_and_other_names():
    assert find_scheme("iob2") is find_scheme("BIO") is IOB2
    assert find_scheme("IOBES") is BIOES
    with pytest.raises(RecipeError, match="BIOES"):
        find_scheme("BIOESS")


def chunkings(n: int, labels: tuple[str, ...]) -> list[tuple[Chunk, ...]]:
    """All ways to lay chunks into n units."""
    if n == 0:
        return [()]
    found = list(chunkings(n - 1, labels))  # the last unit is in no chunk
    for start, label in product(range(n), labels):
        found += [(*rest, Chunk(label, start, n)) for rest in chunkings(start, labels)]
    return found


@every_scheme
def test_tables_allow_exactly_what_chunks_can_be_written_as(scheme):
    labels = ("x", "y")
    order = np.random.default_rng(0).permutation(len(scheme.list_tags(labels)))
    tags = [scheme.list_tags(labels)[i] for i in order]
    table = make_transitions(scheme, tags)
    for n in (1, 2, 3, 4) if len(tags) < 9 else (1, 2, 3):
        written = [
            write_tags(chunks, n, scheme)
            for chunks in chunkings(n, labels)
            if scheme != PLAIN or all(len(chunk) == 1 for chunk in chunks)
        ]
        allowed = [
            [tags[i] for i in path]
            for path in product(range(len(tags)), repeat=n)
            if table.start[path[0]]
            and table.end[path[-1]]
            and all(table.allowed[step] for step in pairwise(path))
        ]
        assert sorted(written) == sorted(allowed)
        assert len({tuple(path) for path in written}) == len(written)


def test_a_table_by_pencil():
    table = make_transitions(BIOES, ["E-x", "O", "B-x", "E-y"])
    assert table.n_tags == 4
    assert table.allowed.astype(int).tolist() == [
        [0, 1, 1, 0],
        [0, 1, 1, 0],
        [1, 0, 0, 0],
        [0, 1, 1, 0],
    ]
    assert table.start.tolist() == [False, True, True, False]
    assert table.end.tolist() == [True, True, False, True]
    with pytest.raises(ValueError, match="read-only"):
        table.start[0] = True
    with pytest.raises(ValueError, match="once"):
        make_transitions(IOB2, ["O", "O"])


@st.composite
def chunks_in_a_text(draw, longest=4):
    label = st.sampled_from(["PER", "credit-card", "B-x", "人名"])
    unit, chunks = 0, []
    for _ in range(draw(st.integers(0, 6))):
        start = unit + draw(st.integers(0, 2))
        unit = start + draw(st.integers(1, longest))
        chunks.append(Chunk(draw(label), start, unit))
    return tuple(chunks), unit + draw(st.integers(0, 2))


@prefixed
@given(chunks_in_a_text())
def test_chunks_come_back_from_their_tags(scheme, text):
    chunks, n = text
    tags = write_tags(chunks, n, scheme)
    assert read_chunks(tags, scheme) == chunks
    assert not list_violations([tags], scheme)


@given(chunks_in_a_text(longest=1))
def test_plain_keeps_equal_neighbours_apart(text):
    chunks, n = text
    assert read_chunks(write_tags(chunks, n, PLAIN), PLAIN) == chunks


@given(chunks_in_a_text(), st.sampled_from(PREFIXED), st.sampled_from(PREFIXED))
def test_conversion_loses_nothing(text, source, target):
    chunks, n = text
    tags = write_tags(chunks, n, source)
    there = convert_tags(tags, source=source, target=target)
    assert read_chunks(there, target) == chunks
    assert convert_tags(there, source=target, target=source) == tags


def test_conversion_refuses_what_it_would_lose():
    assert convert_tags(["DT", "NN"], source=PLAIN, target=IOB2) == ["B-DT", "B-NN"]
    with pytest.raises(DataError, match=r"plain cannot say that units 0 to 1 are one 'x'"):
        convert_tags(["B-x", "I-x"], source=IOB2, target=PLAIN)
    with pytest.raises(DataError, match="unit 1: I-y may not follow B-x in the scheme IOB2"):
        convert_tags(["B-x", "I-y"], source=IOB2, target=BIOES)
    with pytest.raises(DataError, match="unit 1: the end of the text may not follow B-x"):
        read_chunks(["B-x"], BIOES)
    with pytest.raises(ValueError, match="does not fit"):
        write_tags([Chunk("x", 0, 2), Chunk("y", 1, 3)], 3, IOB2)
    with pytest.raises(ValueError, match="does not fit"):
        write_tags([Chunk("x", 0, 4)], 3, IOB2)


@pytest.mark.parametrize(
    ("text", "name", "also"),
    [
        ("B-x I-x B-x O / O B-y", "IOB2", []),
        ("I-x I-x B-x O / I-y", "IOB1", []),
        ("B-x I-x E-x O / S-y", "BIOES", []),
        ("B-x E-x O / S-y", "BIOES", ["BMES"]),
        ("B-x I-x L-x O / U-y", "BILOU", []),
        ("B-x M-x E-x O / S-y", "BMES", []),
        ("B M E S S", "BMES", []),
        ("B I O B", "IOB2", []),
        ("O O / O", "IOB2", ["BIOES", "BILOU", "BMES", "IOB1"]),
        ("DT NN . NN", "plain", []),
        ("DT I . B", "plain", []),
        ("credit-card O", "plain", []),
    ],
)
def test_detection(text, name, also):
    detection = detect_scheme([part.split() for part in text.split(" / ")])
    assert detection.scheme is SCHEMES[name]
    assert detection.fits == (name, *also)


def test_detection_names_its_evidence():
    detection = detect_scheme([["O", "B-x", "I-x"], ["B-y", "O", "O", "O"], []])
    assert str(detection) == "IOB2 (found O 4, B- 2, I- 1)"
    assert detection.n_violations == {"BIOES": 2, "BILOU": 2, "BMES": 2, "IOB1": 2}
    both = detect_scheme([["B-x", "E-x"]])
    assert str(both) == "BIOES (found B- 1, E- 1; BMES would fit too)"
    assert str(detect_scheme([["NN", "O"]])) == "plain (found without prefix 1, O 1)"


def test_what_follows_no_scheme_is_shown_by_the_nearest():
    wrong = [["B-x", "I-x", "O"], ["O", "I-y"], ["B-y", "B-x"]]
    with pytest.raises(DataError) as caught:
        detect_scheme(wrong)
    where, *lines = str(caught.value).splitlines()
    assert where.startswith("sequence 1, unit 1: these tags follow no scheme; the nearest is IOB2")
    assert lines[:2] == [
        "  expected: O or B-x or B-y after O",
        "  found:    'I-y'",
    ]
    with pytest.raises(DataError, match="nearest is IOB2"):
        detect_scheme([["B-x", "I-x", "PER"]])
    with pytest.raises(DataError, match="without a tag"):
        detect_scheme([[], []])


def test_violations_by_pencil():
    sequences = [["I-x", "I-x"], [], ["O", "B-x", "I-y", "I-y"], ["PER", "I-x"]]
    assert list_violations(sequences, IOB2) == [
        Violation(0, 0, "", "I-x", ("O", "B-x", "B-y")),
        Violation(2, 2, "B-x", "I-y", ("O", "B-x", "I-x", "B-y")),
        Violation(3, 0, "", "PER", ("O", "B-x", "B-y")),
    ]
    # A text that ends inside a chunk: its last tag is the wrong one, here the only one allowed is
    # an end that the data does not have.
    assert list_violations([["S-x"], ["B-x", "I-x"]], BIOES) == [
        Violation(1, 1, "B-x", "I-x", ("E-x",))
    ]


def test_a_column_of_words_is_looked_at_in_no_time():
    words = [[f"word{n}", f"B-{n}", f"I-{n}", "O"] for n in range(5_000)]
    started = process_time()
    assert nearest_scheme(words) == IOB2
    violations = list_violations(words, IOB2)
    assert process_time() - started < 5  # minutes where each is compared with each
    assert [item.found for item in violations] == [f"word{n}" for n in range(5_000)]


@prefixed
def test_a_table_of_many_tags_is_what_each_pair_says(scheme):
    tags = [*scheme.list_tags(["x", "", "O"])]
    parsed, outside = [scheme.parse(tag) for tag in tags], Tag("O")
    table = make_transitions(scheme, tags)
    assert table.allowed.tolist() == [[scheme.allows(a, b) for b in parsed] for a in parsed]
    assert table.start.tolist() == [scheme.allows(outside, tag) for tag in parsed]
    assert table.end.tolist() == [scheme.allows(tag, outside) for tag in parsed]


@prefixed
def test_violations_are_what_brute_force_finds(scheme):
    tags = scheme.list_tags(["x", "y"])
    sequences = [list(path) for n in (1, 2, 3) for path in product(tags, repeat=n)]
    border = Tag("O")
    for_one = []
    for number, sequence in enumerate(sequences):
        parsed = [border, *map(scheme.parse, sequence), border]
        steps = [scheme.allows(a, b) for a, b in pairwise(parsed)]
        wrong = [unit for unit in range(len(sequence)) if not steps[unit]]
        if not steps[-1] and len(sequence) - 1 not in wrong:
            wrong.append(len(sequence) - 1)
        for_one += [(number, unit) for unit in wrong]
    found = [(v.sequence, v.unit) for v in list_violations(sequences, scheme)]
    assert found == for_one


@pytest.mark.parametrize(
    ("name", "found", "conlleval", "discard"),
    [
        ("IOB2", "O I-x I-y", "O B-x B-y", "O O O"),
        ("IOB2", "B-x I-y I-y B-x", "B-x B-y I-y B-x", "B-x O O B-x"),
        ("IOB1", "O B-x I-x I-y", "O I-x I-x I-y", "O O O I-y"),
        ("IOB1", "B-x B-x", "I-x B-x", "O I-x"),
        ("BIOES", "B-x I-x O I-y E-y", "B-x E-x O B-y E-y", "O O O O O"),
        ("BIOES", "S-x I-x B-y E-y", "S-x S-x B-y E-y", "S-x O B-y E-y"),
        ("BILOU", "B-x U-x L-x", "U-x U-x U-x", "O U-x O"),
    ],
)
def test_repairs_by_pencil(name, found, conlleval, discard):
    for repair, expected in (("conlleval", conlleval), ("discard", discard)):
        done = repair_tags([["O"], found.split()], SCHEMES[name], repair=repair)
        assert done.sequences == (("O",), tuple(expected.split()))
        assert done.changes == tuple(
            Change(1, unit, old, new)
            for unit, (old, new) in enumerate(zip(found.split(), expected.split(), strict=True))
            if old != new
        )


@prefixed
@given(st.data())
def test_noise_is_repaired_to_valid_tags(scheme, data):
    tag = st.sampled_from(scheme.list_tags(["x", "y"]))
    noise = data.draw(st.lists(st.lists(tag, max_size=8), max_size=4))
    broken = {violation.sequence for violation in list_violations(noise, scheme)}
    for repair in ("conlleval", "discard"):
        done = repair_tags(noise, scheme, repair=repair)
        assert list_violations(done.sequences, scheme) == []
        assert {change.sequence for change in done.changes} == broken
        again = repair_tags(done.sequences, scheme, repair=repair)
        assert again.sequences == done.sequences
        assert not again.changes


def test_repairs_are_refused_where_they_cannot_help():
    with pytest.raises(RecipeError, match="no repair 'fix'"):
        repair_tags([["O"]], IOB2, repair="fix")
    with pytest.raises(DataError, match="'PER' is no tag"):
        repair_tags([["PER"]], IOB2, repair="discard")


def test_real_tags_are_recognised_and_valid(shared):
    text = (shared / "data" / "conll2003" / "valid.txt").read_text(encoding="utf-8")
    rows = [[line.split() for line in part.splitlines()] for part in text.split("\n\n")]
    rows = [part for part in rows if part and part[0][0] != "-DOCSTART-"]
    speech, chunk, entity = ([[row[i] for row in part] for part in rows] for i in (1, 2, 3))
    assert detect_scheme(entity).scheme is detect_scheme(chunk).scheme is IOB2
    assert detect_scheme(speech).scheme is PLAIN
    chunk = chunk[:500]
    there = [convert_tags(tags, source=IOB2, target=IOB1) for tags in chunk]
    assert detect_scheme(there).scheme is IOB1
    assert [convert_tags(tags, source=IOB1, target=IOB2) for tags in there] == chunk
    assert encode_tags(entity).tags[-1] == "O"
