"""Gold that is checked, repaired where a repair is named, and put into another scheme."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from question_files import LINE, write

from spanfit.data import read
from spanfit.data.checking import check_examples
from spanfit.data.entities import tag_characters
from spanfit.data.gold import convert_all, find_chunks
from spanfit.data.joiner import characters_of, join_words
from spanfit.errors import DataError, RecipeError
from spanfit.examples import Reading
from spanfit.tagged import Entity, TaggedExample
from spanfit.tags import (
    IOB1,
    IOB2,
    PLAIN,
    SCHEMES,
    convert_tags,
    read_chunks_leniently,
    write_tags,
)
from spanfit.tags.chunks import Chunk

BROKEN = "Mira B-PER\nleft I-PER\nOslo I-LOC\n\nOn O\nMay I-DATE\n3 I-DATE\n"


def tagged(*tags, **fields):
    """A text of as many words as there are tags."""
    text, (starts, ends) = join_words("abcdefgh"[: len(tags)], " ")
    return TaggedExample("x", text, starts=starts, ends=ends, tags=tags, **fields)


def marked(text, *entities):
    starts, ends = characters_of(text)
    found = tuple(Entity(start, end, "LOC", text=text[start:end]) for start, end in entities)
    tags = tag_characters(found, len(text))
    return TaggedExample("e", text, starts=starts, ends=ends, tags=tags, entities=found)


def tags_of(checked):
    return [example.tags for example in checked.examples]


class TestTags:
    @pytest.mark.parametrize(
        ("tags", "scheme"),
        [
            (("B-PER", "I-PER", "O"), "IOB2"),
            (("I-PER", "I-PER", "O"), "IOB1"),
            (("B-PER", "E-PER", "S-LOC"), "BIOES"),
            (("B-PER", "L-PER", "U-LOC"), "BILOU"),
            (("NNP", "VBD", "."), "plain"),
            (("O", "O"), "IOB2"),
        ],
    )
    def test_the_scheme_is_detected(self, tags, scheme):
        checked = check_examples([tagged(*tags)], name="x.conll")
        assert (checked.scheme, checked.notes) == (scheme, ())
        assert tags_of(checked) == [tags]

    def test_the_error_names_everything(self, tmp_path):
        path = write(tmp_path, BROKEN, "x.conll")
        with pytest.raises(DataError) as caught:
            check_examples(read(path), reading=Reading(scheme="IOB2"), name=str(path))
        message = str(caught.value)
        assert f"{path}, line 3, token 'Oslo': the scheme IOB2 does not allow this tag" in message
        assert "(one of 2; texts concerned: 2)" in message
        assert "expected: O or B-DATE or B-LOC or B-PER or I-PER after I-PER\n" in message
        assert "found:    I-LOC\n" in message
        assert "--columns repair=conlleval" in message

    def test_the_place_of_a_line_of_json(self, tmp_path):
        line = {"id": "a", "words": ["Mira", "left"], "tags": ["B-PER", "I-LOC"]}
        path = write(tmp_path, [line])
        with pytest.raises(DataError, match=r"x, line 1, id 'a', token 2 'left'"):
            check_examples(read(path), name="x")

    @pytest.mark.parametrize(
        ("repair", "tags", "note"),
        [
            (
                "conlleval",
                [("B-PER", "I-PER", "B-LOC"), ("O", "B-DATE", "I-DATE")],
                "2, texts: 2: line 3, token 'Oslo': I-LOC → B-LOC; line 6, token 'May'",
            ),
            (
                "discard",
                [("B-PER", "I-PER", "O"), ("O", "O", "O")],
                "3, texts: 2: line 3, token 'Oslo': I-LOC → O; line 6, token 'May': I-DATE → O;",
            ),
        ],
    )
    def test_a_repair_is_done_and_said(self, tmp_path, repair, tags, note):
        reading = Reading(scheme="IOB2", repair=repair)
        checked = check_examples(read(write(tmp_path, BROKEN)), reading=reading, name="x")
        assert tags_of(checked) == tags
        assert len(checked.notes) == 1
        assert f"tags repaired ({repair}, IOB2): {note}" in checked.notes[0]

    def test_many_repairs_are_counted(self):
        examples = [tagged(*["I-x", "O"] * 4) for _ in range(30)]
        reading = Reading(scheme="IOB2", repair="conlleval")
        (note,) = check_examples(examples, reading=reading, name="x").notes
        assert "120, texts: 30" in note and note.endswith("; and 110 more")

    def test_without_a_name_the_nearest_scheme_is_repaired(self):
        examples = [tagged("B-x", "I-x", "O"), tagged("B-x", "O", "I-y")]
        with pytest.raises(DataError, match="the scheme IOB2 does not allow"):
            check_examples(examples, name="x")
        checked = check_examples(examples, reading=Reading(repair="conlleval"), name="x")
        assert checked.scheme == "IOB2"
        assert tags_of(checked) == [("B-x", "I-x", "O"), ("B-x", "O", "B-y")]

    def test_no_repair_mends_what_is_no_tag(self):
        examples = [tagged("B-x", "I-y"), tagged("B-x", "NNP")]
        with pytest.raises(DataError) as caught:
            check_examples(examples, reading=Reading(repair="discard"), name="x")
        message = str(caught.value)
        assert "token 2 'b': no tag of the scheme IOB2" in message and "found:    NNP" in message
        assert "scheme=plain" in message

    def test_a_scheme_that_is_named(self):
        example = tagged("B-x", "I-x")
        assert check_examples([example], reading=Reading(scheme="plain"), name="").scheme == "plain"
        with pytest.raises(DataError, match="I-x"):
            check_examples([example], reading=Reading(scheme="BIOES"), name="")
        with pytest.raises(RecipeError, match="no tag scheme 'IOBB'"):
            check_examples([example], reading=Reading(scheme="IOBB"), name="")

    def test_into_another_scheme(self):
        examples = [tagged("B-x", "I-x", "B-x", "O"), tagged("O"), replace(tagged("O"), tags=None)]
        checked = check_examples(examples, reading=Reading(into="BIOES"), name="")
        assert checked.scheme == "BIOES"
        assert tags_of(checked) == [("B-x", "E-x", "S-x", "O"), ("O",), None]
        with pytest.raises(DataError, match=r"x: the scheme plain cannot say that 2 units"):
            check_examples(examples, reading=Reading(into="plain"), name="x")

    def test_repaired_and_then_converted(self):
        reading = Reading(scheme="IOB2", repair="conlleval", into="BILOU")
        checked = check_examples([tagged("I-x", "I-x", "I-y")], reading=reading, name="")
        assert tags_of(checked) == [("B-x", "L-x", "U-y")]


class TestRanges:
    def test_they_are_iob2_whatever_is_named(self):
        example = marked("At sea.", (3, 6))
        for reading in (Reading(), Reading(scheme="IOB2"), Reading(into="IOB2")):
            checked = check_examples([example], reading=reading, name="x")
            assert (checked.scheme, list(checked.examples)) == ("IOB2", [example])

    def test_they_follow_the_scheme_of_the_other_tags(self):
        examples = [marked("At sea.", (3, 6)), tagged("B-x", "E-x")]
        checked = check_examples(examples, name="x")
        assert checked.scheme == "BIOES"
        first = ("O", "O", "O", "B-LOC", "I-LOC", "E-LOC", "O")
        assert tags_of(checked) == [first, ("B-x", "E-x")]
        assert checked.examples[0].entities == examples[0].entities

    def test_they_are_checked_as_often_as_one_likes(self):
        example = marked("sea", (0, 3))
        there = check_examples([example], reading=Reading(into="BIOES"), name="x").examples
        assert check_examples(there, reading=Reading(into="BIOES"), name="x").examples == there
        assert check_examples(there, name="x").examples == [example]

    def test_they_are_put_into_the_scheme_that_is_named(self):
        checked = check_examples([marked("sea", (0, 3))], reading=Reading(scheme="IOB1"), name="x")
        assert (checked.scheme, tags_of(checked)) == ("IOB1", [("I-LOC",) * 3])


class TestOthers:
    def test_texts_without_gold_pass(self):
        examples = [TaggedExample("a", "At sea."), replace(tagged("O"), tags=None)]
        checked = check_examples(examples, name="x")
        assert (list(checked.examples), checked.scheme) == (examples, None)
        assert check_examples([tagged()], name="x").scheme is None

    def test_questions(self, tmp_path):
        bad = LINE | {"answers": [{"text": "sea", "start": 0}]}
        examples = read(write(tmp_path, [bad]))
        with pytest.raises(DataError, match="does not stand where the file says"):
            check_examples(examples, name="x")
        checked = check_examples(examples, reading=Reading(bad_answers="relocate"), name="x")
        assert checked.examples[0].answers[0].start == 3
        assert checked.notes and checked.scheme is None
        assert check_examples([], name="x").examples == ()


@st.composite
def chunk_lists(draw):
    """Some chunks over up to eight units, in order."""
    n = draw(st.integers(0, 8))
    cuts = sorted(draw(st.lists(st.integers(0, n), max_size=8)))
    pairs = zip(cuts[::2], cuts[1::2], strict=False)
    return n, [
        Chunk(draw(st.sampled_from(["x", "y", "credit-card"])), start, end)
        for start, end in pairs
        if start < end
    ]


@given(
    st.lists(chunk_lists(), max_size=4),
    st.sampled_from([s for s in SCHEMES.values() if s.has_prefixes]),
    st.sampled_from([s for s in SCHEMES.values() if s.has_prefixes]),
)
def test_all_at_once_is_one_after_the_other(texts, source, target):
    sequences = [tuple(write_tags(chunks, n, source)) for n, chunks in texts]
    expected = [tuple(convert_tags(tags, source=source, target=target)) for tags in sequences]
    converted = convert_all(sequences, source=source, target=target)
    assert converted == expected
    assert convert_all(converted, source=target, target=source) == sequences
    found = find_chunks(sequences, source)
    labels = [chunk.label for _, chunks in texts for chunk in chunks]
    assert {k: n for k, n in found.count_labels().items() if n} == {
        label: labels.count(label) for label in {*labels}
    }


@given(st.lists(st.lists(st.sampled_from(["O", "B-x", "I-x", "I-y", "junk"]), max_size=6)))
def test_chunks_of_invalid_tags_are_those_that_conlleval_reads(sequences):
    known = [[tag if tag != "junk" else "O" for tag in tags] for tags in sequences]
    found = find_chunks(sequences, IOB2).chunks
    assert len(found) == sum(len(read_chunks_leniently(tags, IOB2)) for tags in known)


def test_plain_there_and_back():
    sequences = [("NN", "VB", "O", "NN"), ()]
    prefixed = convert_all(sequences, source=PLAIN, target=IOB2)
    assert prefixed == [("B-NN", "B-VB", "O", "B-NN"), ()]
    assert convert_all(prefixed, source=IOB2, target=PLAIN) == sequences
    assert convert_all([("O",)], source=IOB1, target=PLAIN) == [("O",)]


class TestRealData:
    @pytest.mark.parametrize(
        ("tags", "scheme", "n"),
        [("pos", "plain", 0), ("chunk", "IOB2", 22_020), ("ner", "IOB2", 5_648)],
    )
    def test_each_column_of_conll_2003(self, shared, tags, scheme, n):
        reading = Reading(tags=tags)
        examples = read(shared / "data/conll2003/test.txt", reading=reading)
        checked = check_examples(examples, reading=reading, name="test.txt")
        assert (checked.scheme, checked.notes) == (scheme, ())
        assert list(checked.examples) == examples
        if n:
            gold = find_chunks(tags_of(checked), SCHEMES[scheme])
            assert len(gold.chunks) == n

    @pytest.mark.parametrize(
        "file", ["klue_ner/klue-ner-v1.1_dev.tsv", "ner_wikipedia_ja/ner.json"]
    )
    def test_characters(self, shared, file):
        examples = read(shared / "data" / file)
        there = check_examples(examples, reading=Reading(into="BIOES"), name=file)
        back = check_examples(there.examples, reading=Reading(into="IOB2", scheme=None), name=file)
        assert there.scheme == "BIOES"
        assert list(back.examples) == examples


def test_parts_of_speech_are_not_made_into_entities():
    example = TaggedExample("a", "Ada came", starts=(0, 4), ends=(3, 8), tags=("NNP", "VBD"))
    with pytest.raises(DataError, match="they say no entities or chunks") as caught:
        check_examples([example], reading=Reading(into="IOB2"), name="pos.conll")
    assert "NNP, VBD" in str(caught.value) and "--columns tags=NAME" in str(caught.value)


def test_a_scheme_that_is_named_wrongly_is_told_from_broken_tags():
    example = TaggedExample("a", "Ada came", starts=(0, 4), ends=(3, 8), tags=("B-x", "O"))
    with pytest.raises(DataError, match="the scheme BIOES does not allow") as caught:
        check_examples([example], reading=Reading(scheme="BIOES"), name="a.conll")
    assert "--columns scheme=IOB2, which all of them follow" in str(caught.value)
