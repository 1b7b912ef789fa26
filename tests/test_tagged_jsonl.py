"""Tagged texts in JSON: what a record becomes, what the errors say, and that nothing is lost."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanfit.data.entities import tag_characters
from spanfit.data.fields import Source
from spanfit.data.files import open_data
from spanfit.data.joiner import find_joiner, join_words
from spanfit.data.recognition import parse as parse_file
from spanfit.data.tagged_jsonl import write_lines
from spanfit.errors import DataError
from spanfit.examples import Reading
from spanfit.tagged import Entity, TaggedExample

WORDS = {"id": "a", "words": ["Mira", "left"], "tags": ["B-PER", "O"]}
TEXT = {"id": "b", "text": "ミラはオスロへ。", "entities": [{"start": 0, "end": 2, "label": "人"}]}


def parse(*records, source=None, **choices) -> list[TaggedExample]:
    """The texts of a file of records, or of this content; `choices` are those of a Reading."""
    content = records[0]
    if not isinstance(content, str):
        content = "\n".join(json.dumps(record) for record in records)
    source = source or Source("ships.jsonl")
    file = io.BufferedReader(io.BytesIO(content.encode()))
    return list(parse_file(file, source, Reading(**choices)))


def only(*records, **request) -> TaggedExample:
    (example,) = parse(*records, **request)
    return example


def complaint(*records, **request) -> str:
    with pytest.raises(DataError) as caught:
        parse(*records, **request)
    return str(caught.value)


def test_words_and_tags():
    data = parse(WORDS, {"tokens": ["Oslo"], "tags": ["B-LOC"], "document": 7})
    first, second = data
    assert (first.text, first.starts, first.ends) == ("Mira left", (0, 5), (4, 9))
    assert (first.id, first.tags, first.entities) == ("a", ("B-PER", "O"), None)
    assert (second.id, second.document, second.place) == ("2", "7", "line 2")
    assert find_joiner(data) == " "


def test_a_text_and_entities():
    example = only(TEXT)
    assert example.entities == (Entity(0, 2, "人", text="ミラ"),)
    assert (example.starts, example.ends) == (tuple(range(8)), tuple(range(1, 9)))
    assert example.tags == ("B-人", "I-人", *["O"] * 6)
    assert find_joiner([example]) == ""


def test_entities_in_any_order_and_shape():
    text = {"text": "Mira left Oslo"}
    example = only(
        text
        | {
            "entities": [
                {"name": "Oslo", "span": [10, 14], "type": "LOC"},
                {"start": 0, "end": 4, "label": "PER", "text": "Mira"},
            ]
        }
    )
    assert [(e.start, e.end, e.label) for e in example.entities] == [(0, 4, "PER"), (10, 14, "LOC")]
    none = only(text | {"entities": []})
    assert (none.entities, set(none.tags)) == ((), {"O"})


def test_an_array():
    items = [
        {
            "curid": "7",
            "text": "ミラ",
            "entities": [{"name": "ミラ", "span": [0, 2], "type": "人名"}],
        },
        {"curid": "9", "text": "海", "entities": []},
        {"curid": "7", "text": "左", "entities": []},
    ]
    examples = parse("\n" + json.dumps(items, indent=2))
    assert [(e.id, e.document, e.place) for e in examples] == [
        ("7-1", "7", "item 1"),
        ("9-1", "9", "item 2"),
        ("7-2", "7", "item 3"),
    ]


def test_units_of_a_text():
    line = {"text": "Mira left.", "units": [[0, 4], [5, 9], [9, 10]], "tags": ["B-PER", "O", "O"]}
    example = only(line | {"entities": [{"start": 0, "end": 4, "label": "PER"}]})
    assert example.words == ["Mira", "left", "."]
    assert (example.tags, example.entities) == (("B-PER", "O", "O"), None)


def test_words_of_a_text():
    example = only({"text": " Mira's  boat", "words": ["Mira", "'s", "boat"], "tags": ["O"] * 3})
    assert (example.starts, example.ends) == ((1, 5, 9), (5, 7, 13))


def test_no_gold():
    example = only({"text": "Mira left"})
    assert (example.starts, example.tags, example.entities) == ((), None, None)
    assert only({"words": ["Mira"], "tags": None}).tags is None


def test_numbers_and_their_names():
    record = {"tokens": ["Mira", "left"], "ner_tags": [1, 0], "pos_tags": [0, 1]}
    names = ("O", "B-PER")
    assert only(record, tags="ner_tags", names=names).tags == ("B-PER", "O")
    found = complaint(record)
    assert "'ner_tags', 'pos_tags'" in found and "--columns tags=pos_tags" in found
    found = complaint(record, tags="ner_tags")
    assert "nothing names them" in found and "--columns names=O,B-PER,…" in found
    assert "the key 'ner' is missing" in complaint(record, tags="ner")
    assert only(record | {"ner": None}, tags="ner").tags is None
    found = complaint(record, tags="ner_tags", names=("O",))
    assert "a number in 'ner_tags' has no name" in found and "0 to 0: O" in found


def test_a_chosen_key_does_not_ask_gold_of_texts_without_any():
    """A model that learnt from a column `ner` also tags plain texts."""
    assert only({"text": "Mira left"}, tags="ner").tags is None
    assert only({"words": ["Mira"]}, tags="ner").tags is None
    assert only({"words": ["Mira"], "ner": ["B-PER"]}, tags="ner").tags == ("B-PER",)
    assert "the key 'ner' is missing" in complaint({"words": ["Mira"], "ners": ["O"]}, tags="ner")
    assert "the key 'ner' is missing" in complaint(WORDS, tags="ner")


REMEMBERED = frozenset({"words", "tags", "names"})


def test_a_key_that_a_model_remembers_binds_no_other_file():
    """A model of `columns.tags=ner` reads the texts that its own run held out."""
    assert only(WORDS, tags="ner", remembered=REMEMBERED).tags == ("B-PER", "O")
    both = WORDS | {"ner": ["O", "O"]}
    assert only(both, tags="ner", remembered=REMEMBERED).tags == ("O", "O")
    found = complaint(WORDS | {"pos_tags": ["NN", "VB"]}, tags="ner", remembered=REMEMBERED)
    assert "'tags', 'pos_tags'" in found and "--columns tags=pos_tags" in found
    assert only({"words": ["Mira"]}, tags="ner", remembered=REMEMBERED).tags is None
    assert "--columns tags=tags" in complaint(WORDS, tags="ner")  # typed, it does


def test_names_of_columns_are_no_names_of_numbers():
    record = {"words": ["Mira"], "ner_tags": [1]}
    choices = {"names": ("word", "ner"), "remembered": REMEMBERED}
    assert "nothing names them" in complaint(record, numbers=(), **choices)
    assert only(record, names=("O", "B-PER")).tags == ("B-PER",)
    assert only(record, numbers=("O", "B-PER"), remembered=REMEMBERED).tags == ("B-PER",)


@pytest.mark.parametrize("record", [WORDS, WORDS | {"tags": None}, {"words": ["Mira", "left"]}])
def test_no_gold_is_read_where_none_is_wanted(record):
    example = only(record, tags=None)
    assert (example.words, example.tags, example.entities) == (["Mira", "left"], None, None)


def test_entities_are_gold_too():
    source = Source("ships.jsonl")
    example = only(TEXT, tags=None, source=source)
    assert (example.text, example.starts, example.entities) == (TEXT["text"], (), None)
    assert source.unread == {"'entities' of the texts": 1}


def test_the_joiner_is_that_of_the_file():
    chinese = [{"words": ["东", "京"]}, {"words": ["A"]}]
    assert [e.text for e in parse(*chinese)] == ["东京", "A"]
    assert [e.text for e in parse(*chinese, {"words": ["AB"]})] == ["东 京", "A", "AB"]
    assert parse(*chinese, joiner="-")[0].text == "东-京"


def stream_broken(record, **choices):
    """A record, and a line that is none of JSON behind it."""
    file = io.BufferedReader(io.BytesIO(json.dumps(record).encode() + b"\n{broken"))
    return parse_file(file, Source("ships.jsonl"), Reading(**choices))


@pytest.mark.parametrize(
    ("record", "choices"),
    [(TEXT, {}), (WORDS, {"joiner": " "}), (WORDS | {"text": "Mira left"}, {})],
)
def test_texts_one_by_one(record, choices):
    """No line is read before it is asked for, where nothing has to be decided from all of them."""
    examples = stream_broken(record, **choices)
    assert next(examples).id == record["id"]
    with pytest.raises(DataError, match="line 2, column 2"):
        next(examples)


def test_words_are_read_whole_to_decide_what_joins_them():
    with pytest.raises(DataError, match="line 2, column 2"):
        next(stream_broken(WORDS))
    texts = [example.text for example in parse(TEXT, {"words": ["东", "京"]}, {"words": ["A"]})]
    assert texts == [TEXT["text"], "东京", "A"]


def test_keys_that_nobody_reads_are_counted():
    source = Source("x")
    parse(WORDS | {"weather": "calm"}, TEXT, source=source)
    assert dict(source.unread) == {"'weather' of the texts": 1}


def test_faulty_lines_can_be_left_out_and_are_told():
    faults = []
    source = Source("x", on_fault=lambda *fault: faults.append(fault[:2]))
    bad = {"text": "x", "entities": [{"start": 0, "end": 9, "label": "x"}]}
    data = parse("\n".join(["{", json.dumps(WORDS), json.dumps(bad)]), source=source)
    assert [example.id for example in data] == ["a"]
    assert faults == [("line", 1), ("line", 3)]


# What the errors say


def with_entities(*entities):
    keys = ("start", "end", "label", "text")
    return {
        "id": "e1",
        "text": "Mira left Oslo",
        "entities": [dict(zip(keys, entity, strict=False)) for entity in entities],
    }


def test_an_entity_that_is_not_there():
    assert complaint(with_entities((9, 13, "LOC", "Oslo"))) == (
        "ships.jsonl, line 1, id 'e1': an entity does not stand where the file says\n"
        "  expected: 'Oslo' at [9, 13)\n"
        "  found:    ' Osl'\n"
        "  try:      [10, 14), where it stands"
    )


@pytest.mark.parametrize(
    ("entities", "expected"),
    [
        ([(0, 15, "PER")], "0 <= start < end <= 14"),
        ([(-1, 3, "PER")], "an entity lies outside its text"),
        ([(3, 3, "PER")], "an entity holds no character"),
        ([(0, 6, "PER"), (5, 9, "LOC")], "PER 'Mira l' [0, 6) and LOC 'left' [5, 9)"),
        ([(0, 4, "PER"), (0, 4, "PER")], "two entities share characters"),
        ([(0, 4, "")], "an entity has no label"),
        ([(0, 4)], "the key 'label' is missing"),
        ([(0,)], "the key 'end' is missing"),
        ([("0", 4, "PER")], "'start' is not a whole number"),
        ([(True, 4, "PER")], "'start' is not a whole number"),
    ],
)
def test_entities_that_cannot_be(entities, expected):
    found = complaint(with_entities(*entities))
    assert found.startswith("ships.jsonl, line 1, id 'e1': ") and expected in found


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"words": ["a", "b"], "tags": ["O"]}, "expected: 2 tags\n  found:    1"),
        ({"words": ["a", ""], "tags": ["O", "O"]}, "word 2 of 'words' is not a word"),
        ({"words": ["a", 5]}, "word 2 of 'words' is not a word"),
        ({"words": "a b"}, "'words' is not an array"),
        ({"words": ["\ud800"]}, "half of a surrogate pair"),
        ({"words": ["a"], "tags": [""]}, "a tag of 'tags' is not one"),
        ({"words": ["a"], "tags": [True]}, "a tag of 'tags' is not one"),
        ({"words": ["a"], "tag": ["O"]}, "rename 'tag' to 'tags'"),
        ({"word": ["a"]}, "rename 'word' to 'words'"),
        ({"texts": "a"}, "rename 'texts' to 'text'"),
        ({"text": "a", "entites": []}, "rename 'entites' to 'entities'"),
        ({"text": "a b", "tags": ["O", "O"]}, "'words', or 'units' of the text"),
        ({"words": ["a"], "entities": []}, "'entities' beside words or units"),
        ({"text": "a b c", "words": ["a", "c"]}, "the text does not go on with word 2"),
        ({"text": "a b c", "words": ["a", "b"]}, "the text goes on after its last word"),
        ({"text": "ab", "units": [[0, 1], [0, 2]]}, "unit 2 is not the next range"),
        ({"text": "ab", "units": [[0, 3]]}, "0 <= start < end <= 2"),
        ({"text": "ab", "units": [[0, True]]}, "unit 1 is not the next range"),
        ({"text": "a", "id": ""}, "the id is empty"),
        ({"text": "a", "entities": [{"span": [1], "type": "x"}]}, "'span' is no pair"),
    ],
)
def test_records_that_cannot_be(record, expected):
    found = complaint({"id": 5} | record)
    if "id" not in record:
        assert found.startswith("ships.jsonl, line 1, id 5: ")
    assert expected in found


def test_files_that_cannot_be():
    assert "the file is empty" in complaint("\n")
    assert "not valid JSON" in complaint('[{"text": "a"}')
    assert "line 2: the line is not an object" in complaint('{"text": "a"}\n"a"')
    assert "item 2: the item is not an object" in complaint('[{"text": "a"}, 5]')


# Writing


def written(examples) -> str:
    file = io.StringIO()
    write_lines(file, examples)
    return file.getvalue()


@st.composite
def tagged_examples(draw):
    words = draw(
        st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=3))
    )
    text, (starts, ends) = join_words(words, draw(st.sampled_from(["", " ", "--", "\n"])))
    gold = {"tags": tuple(draw(st.sampled_from(["O", "B-x"])) for _ in words)}
    kind = draw(st.sampled_from(["tags", "no gold", "undivided", "entities"]))
    if kind == "no gold":
        gold = {}
    elif kind == "undivided":
        starts, ends, gold = (), (), {}
    elif kind == "entities":
        n = len(text)
        entities = tuple(
            Entity(start, end, "x", text=text[start:end])
            for start, end in zip(starts, ends, strict=True)
        )
        starts, ends = tuple(range(n)), tuple(range(1, n + 1))
        gold = {"tags": tag_characters(entities, n), "entities": entities}
    return TaggedExample(
        draw(st.text("ab", min_size=1)),
        text,
        starts=starts,
        ends=ends,
        document=draw(st.text("ab")),
        **gold,
    )


@given(st.lists(tagged_examples(), min_size=1, max_size=3))
def test_whatever_is_written_reads_back(examples):
    assert list(parse(written(examples))) == examples


def test_words_are_written_as_words():
    assert json.loads(written(parse(WORDS))) == WORDS | {"text": "Mira left"}


# Real data


def test_wikipedia_in_japanese(shared):
    path = shared / "data/ner_wikipedia_ja/ner.json"
    source = Source(str(path))
    with open_data(path) as file:
        examples = list(parse_file(file, source))
    assert len(examples) == len({example.id for example in examples}) == 5_343
    assert sum(len(example.entities) for example in examples) == 13_185
    published = json.loads(path.read_text(encoding="utf-8"))
    for example, item in zip(examples, published, strict=True):
        assert (example.text, example.document) == (item["text"], item["curid"])
        assert [
            (example.text[entity.start : entity.end], entity.label) for entity in example.entities
        ] == [(entity["name"], entity["type"]) for entity in item["entities"]]
    assert not source.unread
    assert list(parse(written(examples))) == list(examples)
