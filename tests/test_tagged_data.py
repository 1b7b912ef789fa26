"""Tagged texts on the road of all data: read, counted, digested, split, from tables and the hub."""

from __future__ import annotations

import io
import json
import random
from collections import Counter
from dataclasses import replace

import pyarrow
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from question_files import write

from spanfit.data import count, count_kinds, digest, read, stream
from spanfit.data.joiner import decide_joiner, find_joiner, join_words
from spanfit.data.splitting import limit, split_off
from spanfit.errors import DataError
from spanfit.examples import Reading
from spanfit.tagged import Entity, TaggedExample
from spanfit.types import QuestionExample

CONLL = """\
-DOCSTART- -X- -X- O

Mira NNP B-NP B-PER
left VBD B-VP O

-DOCSTART- -X- -X- O

Oslo NNP B-NP B-LOC
"""


def make(*places):
    """Texts of (document, text) pairs, each text one word."""
    return [
        TaggedExample(
            str(row), text, starts=(0,), ends=(len(text),), tags=("O",), document=document
        )
        for row, (document, text) in enumerate(places)
    ]


def ids(examples):
    return [example.id for example in examples]


class TestReading:
    @pytest.mark.parametrize(
        ("tags", "expected"),
        [
            (-1, ("B-PER", "O")),
            ("ner", ("B-PER", "O")),
            ("chunk", ("B-NP", "B-VP")),
            (2, ("NNP", "VBD")),
        ],
    )
    def test_each_column_of_one_file(self, tmp_path, tags, expected):
        first, second = read(write(tmp_path, CONLL), reading=Reading(tags=tags))
        assert first.tags == expected
        assert (first.document, second.document) == ("1", "2")
        assert [first.place_of(0), first.place_of(1)] == ["line 3", "line 4"]

    def test_without_gold(self, tmp_path):
        one = write(tmp_path, "Mira\nleft\n\nOslo\n", "one")
        first, second = read(one, reading=Reading(tags=None))
        assert (first.text, first.tags, second.text) == ("Mira left", None, "Oslo")
        first, _ = read(write(tmp_path, CONLL), reading=Reading(tags=None))
        assert (first.text, first.tags) == ("Mira left", None)
        with pytest.raises(DataError, match="plain text"):
            read(one)
        with pytest.raises(DataError, match="where there is no gold, --columns tags="):
            read(one, reading=Reading(separator=" "))

    def test_names_that_a_model_remembers(self, tmp_path):
        """They are left aside where the file has other columns."""
        names = ("token", "pos", "ner")
        one = write(tmp_path, "Mira\nleft\n\n")
        everything = frozenset({"words", "tags", "names"})
        reading = Reading(words="token", tags="ner", names=names, remembered=everything)
        (words,) = read(one, reading=reading)
        assert (words.words, words.tags) == (["Mira", "left"], None)
        two = write(tmp_path, "Mira B-PER\nleft O\n\n", "two")
        assert read(two, reading=reading)[0].tags == ("B-PER", "O")
        three = write(tmp_path, "Mira NNP B-PER\nleft VBD O\n\n", "three")
        assert read(three, reading=reading)[0].tags == ("B-PER", "O")
        typed = replace(reading, remembered=everything - {"tags"})
        assert read(three, reading=replace(typed, tags="pos"))[0].tags == ("NNP", "VBD")
        assert read(one, reading=replace(typed, tags=None))[0].words == ["Mira", "left"]
        with pytest.raises(DataError, match="3 names for 1 column"):  # typed names bind
            read(one, reading=replace(reading, remembered=frozenset()))
        with pytest.raises(DataError, match="no column 'chunk'"):  # and so do typed tags
            read(two, reading=replace(typed, tags="chunk"))

    def test_lines_of_a_text_are_not_taken_for_columns_of_words(self, tmp_path):
        """All but the first word of each line would be lost."""
        text = write(tmp_path, "Ada Reed is in Rome\nObama left for Paris yesterday\n")
        with pytest.raises(DataError, match="5 columns, or a line of text") as caught:
            read(text, reading=Reading(tags=None))
        assert "spanfit tag MODEL - --lines < FILE" in str(caught.value)
        names = ("a", "b", "c", "d", "e")
        (example,) = read(text, reading=Reading(tags=None, names=names))
        assert example.words == ["Ada", "Obama"]

    def test_columns_that_nobody_reads_are_told(self, tmp_path):
        file = write(tmp_path, "Mira NNP X B-PER\nleft VBD Y O\n\n")
        unread = Counter()
        list(stream(file, unread=unread))
        assert set(unread) == {"'2' of the columns", "'3' of the columns"}

    def test_a_joiner(self, tmp_path):
        first, _ = read(write(tmp_path, CONLL), reading=Reading(joiner="_"))
        assert first.text == "Mira_left"

    def test_several_files(self, tmp_path):
        files = [write(tmp_path, CONLL, "a.conll"), write(tmp_path, CONLL, "b.conll")]
        examples = read(*files)
        assert ids(examples) == ["a:3", "a:8", "b:3", "b:8"]
        assert [item.document for item in examples] == ["a:1", "a:2", "b:1", "b:2"]
        assert examples[3].place == f"{files[1]}, line 8"
        assert examples[3].place_of(0) == f"{files[1]}, line 8"

    def test_an_example_that_comes_again(self, tmp_path):
        line = {"id": "a", "text": "At sea.", "entities": []}
        files = [write(tmp_path, [line], "a"), write(tmp_path, [line], "b")]
        with pytest.raises(DataError, match="the id 'a' comes a second time"):
            read(*files)
        repeats = []
        assert ids(stream(*files, repeats=repeats)) == ["a"]
        assert repeats == ["a"]

    def test_what_is_not_read_is_counted(self, tmp_path):
        unread = Counter()
        path = write(tmp_path, [{"words": ["a"], "ner_tags": ["O"], "mood": 1}])
        list(stream(path, unread=unread))
        assert unread == {"'mood' of the texts": 1}

    @pytest.mark.parametrize(
        ("content", "n"),
        [
            (CONLL, 2),
            ([{"text": "a"}, {"words": ["b"]}], 2),
            (json.dumps([{"text": "a"}, {"text": "b"}, {"text": "c"}], indent=4), 3),
        ],
    )
    def test_counted_before(self, tmp_path, content, n):
        assert count(write(tmp_path, content)) == n

    def test_counting_takes_the_same_choices(self, tmp_path):
        path = write(tmp_path, "Mira;PER\nleft;O\n")
        assert count(path, reading=Reading(separator=";")) == 1
        with pytest.raises(DataError, match="plain text"):
            count(path)


class TestDigest:
    def test_all_that_is_scored_matters(self):
        example = TaggedExample("a", "b c", starts=(0, 2), ends=(1, 3), tags=("O", "B-x"))
        changed = [
            replace(example, id="x"),
            replace(example, text="b d"),
            replace(example, starts=(0, 1), ends=(1, 3)),
            replace(example, tags=("O", "O")),
            replace(example, tags=None),
            replace(example, starts=(), ends=(), tags=()),
            replace(example, starts=(), ends=(), tags=None),
        ]
        digests = {digest([item]) for item in (example, *changed)} | {digest([])}
        assert len(digests) == len(changed) + 2

    def test_documents_places_and_the_order_do_not(self):
        examples = make(("D", "a"), ("D", "b"), ("E", "c"))
        other = [replace(item, document="X", place="line 9", before="y") for item in examples]
        random.Random(1).shuffle(other)
        assert digest(other) == digest(examples)

    def test_ranges_and_their_tags_are_the_same_gold(self):
        entity = Entity(0, 1, "x")
        example = TaggedExample("a", "b", starts=(0,), ends=(1,), tags=("B-x",), entities=(entity,))
        assert digest([example]) == digest([replace(example, entities=None)])

    def test_it_stays_what_it_is(self):
        """Digests are stored with models: they must be the same in each version and machine."""
        example = TaggedExample("a", "où ?", starts=(0, 3), ends=(2, 4), tags=("O", "B-x"))
        assert digest([example]) == "6f1e9b6e5b244da62d9526db2fe2f772"

    def test_a_question_is_no_text(self):
        assert digest([QuestionExample("a", "b", "c")]) != digest([TaggedExample("a", "b")])


class TestKinds:
    def test_of_texts(self, tmp_path):
        examples = read(write(tmp_path, CONLL))
        assert count_kinds(examples) == {"all": 2, "units": 3, "entities": 2}
        examples = read(write(tmp_path, CONLL), reading=Reading(tags="pos"))
        assert count_kinds(examples) == {"all": 2, "units": 3, "entities": 0}

    def test_without_gold(self):
        assert count_kinds([TaggedExample("a", "b")]) == {"all": 1, "units": 0, "entities": 0}

    def test_of_questions_and_of_nothing(self):
        question = QuestionExample("a", "b", "c", answers=())
        assert count_kinds([question]) == {"all": 1, "unanswerable": 1, "synthetic": 0}
        assert count_kinds([]) == {"all": 0}


class TestJoiner:
    @given(
        st.lists(st.lists(st.text("ab", min_size=1), min_size=1, max_size=4), min_size=1),
        st.sampled_from(["", " ", "--"]),
    )
    def test_it_is_found_again(self, sentences, joiner):
        examples = []
        for words in sentences:
            text, (starts, ends) = join_words(words, joiner)
            examples.append(TaggedExample("x", text, starts=starts, ends=ends))
        is_seen = any(len(words) > 1 for words in sentences)
        assert find_joiner(examples) == (joiner if is_seen else decide_joiner(sentences))

    def test_what_stands_there_most_often(self):
        example = TaggedExample("x", "a b c, d", starts=(0, 2, 4, 5, 7), ends=(1, 3, 5, 6, 8))
        assert find_joiner([example]) == " "
        assert find_joiner([TaggedExample("x", "not divided")]) == " "
        assert find_joiner([]) == " "


class TestSplitting:
    def test_ten_documents_are_split_by_document(self):
        """Though each has a sentence that all have."""
        examples = make(*((d, t) for d in "ABCDEFGHIJ" for t in ("Oslo", *"abcdef")))
        training, calibration = split_off(examples, seed=1)
        assert len(calibration) == 7
        assert len({item.document for item in calibration}) == 1
        assert len({item.document for item in training}) == 9

    def test_nine_documents_are_split_by_text(self):
        examples = make(*((d, f"{d}{n // 2}") for d in "ABCDEFGHI" for n in range(20)))
        training, calibration = split_off(examples, seed=1)
        assert len(calibration) == 18
        assert {item.text for item in calibration}.isdisjoint(item.text for item in training)
        assert len({item.document for item in training}) == 9

    def test_the_order_does_not_matter(self):
        examples = make(*((str(n // 3), str(n)) for n in range(60)))
        shuffled = random.Random(1).sample(examples, len(examples))
        one, other = split_off(examples, seed=3), split_off(shuffled, seed=3)
        assert {*ids(one.calibration)} == {*ids(other.calibration)}

    def test_a_limit(self):
        examples = make(*(("", str(n)) for n in range(50)))
        chosen = limit(examples, 10, seed=1)
        assert len(chosen) == 10 and ids(chosen) == sorted(ids(chosen), key=int)

    @pytest.mark.parametrize("file", ["conll2003/train.txt", "ner_wikipedia_ja/ner.json"])
    def test_real_documents(self, shared, file):
        examples = read(shared / "data" / file)
        training, calibration = split_off(examples, seed=0)
        documents = {item.document for item in calibration}
        assert documents.isdisjoint(item.document for item in training)
        assert 0.08 < len(calibration) / len(examples) < 0.12


FEATURES = {
    "id": {"dtype": "string", "_type": "Value"},
    "ner_tags": {
        "feature": {"names": ["O", "B-PER", "I-PER"], "_type": "ClassLabel"},
        "_type": "List",
    },
    "pos_tags": [{"names": ["NN", "VB"], "_type": "ClassLabel"}],
}
ROWS = [
    {"id": "0", "tokens": ["Mira", "left"], "ner_tags": [1, 0], "pos_tags": [0, 1]},
    {"id": "1", "tokens": ["Oslo"], "ner_tags": None, "pos_tags": [0]},
]


def parquet(folder, rows, *, features=FEATURES):
    table = pyarrow.Table.from_pylist(rows)
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    file = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(metadata if features else None), file)
    return write(folder, file.getvalue())


class TestTables:
    def test_numbers_are_named_by_the_table(self, tmp_path):
        path, unread = parquet(tmp_path, ROWS), Counter()
        first, second = stream(path, reading=Reading(tags="ner_tags"), unread=unread)
        assert (first.id, first.text, first.place) == ("0", "Mira left", "row 1")
        assert (first.tags, second.tags) == (("B-PER", "O"), None)
        assert unread == {"'pos_tags' of the texts": 2}
        assert read(path, reading=Reading(tags="pos_tags"))[0].tags == ("NN", "VB")

    def test_a_choice_is_asked_for(self, tmp_path):
        with pytest.raises(DataError, match="several kinds of tags") as caught:
            read(parquet(tmp_path, ROWS))
        assert "--columns tags=pos_tags" in str(caught.value)

    def test_names_of_the_user(self, tmp_path):
        rows = [{"tokens": ["Mira"], "ner_tags": [1]}]
        reading = Reading(names=("O", "B-PER", "I-PER"))
        assert read(parquet(tmp_path, rows, features={}), reading=reading)[0].tags == ("B-PER",)
        with pytest.raises(DataError, match="nothing names them"):
            read(parquet(tmp_path, rows, features={}))
        assert read(parquet(tmp_path, rows), reading=reading)[0].tags == ("B-PER",)
        with pytest.raises(DataError, match="names its tags in another way"):
            read(parquet(tmp_path, rows), reading=Reading(names=("O", "B-LOC")))

    def test_what_a_model_remembers_and_what_is_not_wanted(self, tmp_path):
        path = parquet(tmp_path, [{"tokens": ["Mira"], "ner_tags": [1]}])
        everything = frozenset({"words", "tags", "names"})
        reading = Reading(tags="ner", numbers=("O", "B-LOC"), remembered=everything)
        assert read(path, reading=reading)[0].tags == ("B-PER",)  # as the table says
        assert read(path, reading=Reading(tags=None))[0].tags is None

    def test_ranges_and_texts_without_gold(self, tmp_path):
        rows = [
            {"text": "At sea.", "entities": [{"start": 3, "end": 6, "label": "LOC"}]},
            {"text": "At sea.", "entities": None},
        ]
        first, second = read(parquet(tmp_path, rows, features={}))
        assert (first.id, first.entities) == ("1", (Entity(3, 6, "LOC", text="sea"),))
        assert (second.id, second.entities) == ("2", None)

    def test_faulty_rows(self, tmp_path):
        rows = [{"tokens": ["a", ""], "ner_tags": [0, 0]}, {"tokens": ["a"], "ner_tags": [7]}]
        path, faults = parquet(tmp_path, rows), []
        with pytest.raises(DataError, match="row 1: word 2 of 'tokens' is not a word"):
            read(path)
        assert not [*stream(path, on_fault=lambda *fault: faults.append(fault[:2]))]
        assert faults == [("row", 1), ("row", 2)]
