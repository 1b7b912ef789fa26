"""The content decides what a file is: every file here is called "file"."""

from __future__ import annotations

import contextlib
import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from question_files import LINE, LIT, complaint, squad, write

from spanfit.data import count, read, stream
from spanfit.errors import DataError
from spanfit.examples import Reading
from spanfit.tagged import TaggedExample


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf", b"\n\n  "])
def test_squad(tmp_path, indent, pack, mark):
    content = pack(mark + json.dumps(squad(LIT), indent=indent).encode())
    assert [example.id for example in read(write(tmp_path, content))] == ["q1"]


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf", b"\n\n"])
def test_json_lines(tmp_path, pack, mark):
    content = pack(mark + json.dumps(LINE).encode())
    assert [example.id for example in read(write(tmp_path, content))] == ["a"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", ["the file is empty"]),
        (b" \n\n", ["the file is empty"]),
        (b"{}", ["an empty object"]),
        ({"a": "sea", "b": ""}, ["predictions ({id: text})", "spanfit score"]),
        ({"a": 0.5, "b": 0.25}, ["{id: number}", "--na-probs"]),
        ([{"id": "a", "answer": None, "n_best": []}], ["predictions (JSON Lines)"]),
        ({"Data": []}, ["rename 'Data' to 'data'"]),
        ({"rows": [], "features": []}, ["the keys 'rows', 'features'"]),
        (b"[" + json.dumps(LINE).encode() + b"]", ["a JSON array", "jq -c '.[]'"]),
        (b"1\tWhere is it?\tAt sea.\n", ["a table without a header"]),
        (b"Hello there\nGood night\n", ["plain text", "--columns names=word,tag"]),
        (b"HELLO THERE, GOOD NIGHT\nGOOD\nHELLO\n", ["plain text"]),
        (b"12 34\n56 78\n", ["plain text: '12 34'"]),
        ("# 標題\n本文 だけ\n".encode(), ["plain text"]),
        (b"B-PER\x00 O\nB-PER O\n", ["binary data"]),
        (json.dumps({"text": "At sea."}, indent=1), ["one text spread over several lines"]),
        (b"[]", ["a JSON array"]),
        (b"[1, 2]", ["a JSON array"]),
        (b'[\n{"text": "At sea."},\n{"text": }]', ["line 3, column 10", "not valid JSON"]),
        (b"id,frage,text\n1,Wo?,Auf See.\n", ["a table without a header", "'id,frage,text'"]),
        (b"1;Where?;At sea.;\n", ["'question' and 'context'"]),
        (b"Hello there", ["plain text: 'Hello there'"]),
        ("Où ?".encode("utf-16"), ["UTF-16"]),
        (b"PK\x03\x04\x00", ["a zip archive"]),
        (b"PAR1\x00", ["the Parquet table can't be read"]),
        (b"\x01\x00", ["binary data"]),
        (json.dumps(LINE, indent=2), ["spread over several lines", "jq -c ."]),
        (json.dumps(squad(LIT)) + "\n{}", ["line 2", "something follows the end"]),
        ('{"data": [\n  {"title": "T",}\n]}', ["line 2, column 1", "not valid JSON"]),
        ('{"data": [\n  {"title": "T"}\n', ["line 2, column 17", "ends too early"]),
        ('{"data": []} {"data": []}', ["line 1, column 14", "extra data", "jq -c ."]),
        ('{"data": ' + "[" * 200_000, ["nested too deeply"]),
        ('{"question": "Où"}'.encode("latin-1"), ["line 1, byte 16", "not UTF-8", "0xf9"]),
        (
            gzip.compress(mtime=0, data=b'{"data": []}' * 99)[:-12],
            ["gzip-compressed data is broken"],
        ),
    ],
)
def test_errors(tmp_path, content, expected):
    message = complaint(write(tmp_path, content))
    for part in expected:
        assert part in message


TEXT = {"id": "t", "text": "At sea.", "entities": [{"start": 3, "end": 6, "label": "LOC"}]}
COLUMNS = [
    "-DOCSTART- -X- -X- O\n\nAt IN B-PP O\nsea NN B-NP B-LOC\n",
    "At\tO\nsea\tB-LOC\n",
    "At O\r\nsea B-LOC\r\n",
    "token pos\nAt IN\nsea NN\n",  # a header is no tag, and half of the lines are enough
    "## 컬럼명 : CHAR\tNE_TAG\n## id-1\t<At>\nA\tO\nt\tO\n \tO\ns\tB-LOC\n\t\n",
    "At\tadp\nsea\tnoun\n",  # small letters, but single tabs
    "[ -LRB-\nsea NN\n] -RRB-\n",
    '[ "\nsea NN\n',
    "{ -LCB-\nsea NN\n} -RCB-\n",
    "At IN O\nsea NN\nnow RB O\n",  # a mistake in a line is told, not what kind of file it is
    "東京\tB-場所\nだ\tO\n",
]


@pytest.mark.parametrize("content", COLUMNS)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf", b"\n\n"])
def test_columns(tmp_path, content, pack, mark):
    path = write(tmp_path, pack(mark + content.encode()))
    if content.startswith("At IN O\nsea NN\n"):
        assert "2 columns where the file has 3" in complaint(path)
    else:
        assert all(isinstance(example, TaggedExample) for example in read(path))
        assert read(path)[0].tags


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf", b"\n\n"])
@pytest.mark.parametrize(
    "content",
    [
        json.dumps(TEXT),
        json.dumps([TEXT]),
        json.dumps([TEXT], indent=4),
        json.dumps({"tokens": ["At", "sea"], "ner_tags": ["O", "B-LOC"]}),
        json.dumps({"words": ["At", "sea"]}),
        json.dumps({"text": "At sea."}),
    ],
)
def test_tagged_texts_as_json(tmp_path, content, pack, mark):
    (example,) = read(write(tmp_path, pack(mark + content.encode())))
    assert example.text in ("At sea", "At sea.")


def test_what_the_user_says_of_columns(tmp_path):
    """It makes any text one of columns, and is passed over where the file has none."""
    path = write(tmp_path, "Hello there\nGood night\n")
    (example,) = read(path, reading=Reading(names=("word", "tag")))
    assert example.tags == ("there", "night")
    path = write(tmp_path, "At;IN;O\nsea;NN;B-LOC\n")
    (example,) = read(path, reading=Reading(separator=";", tags=2))
    assert (example.text, example.tags) == ("At sea", ("IN", "NN"))
    question = write(tmp_path, [LINE])
    assert read(question, reading=Reading(words="FORM", tags=7, separator=";"))[0].id == "a"


def test_faulty_lines_of_texts_are_left_out(tmp_path):
    faults = []
    path = write(tmp_path, "not JSON\n" + json.dumps(TEXT) + '\n{"text": 5}\n')
    examples = list(stream(path, on_fault=lambda *fault: faults.append(fault[:2])))
    assert [example.id for example in examples] == ["t"]
    assert faults == [("line", 1), ("line", 3)]
    assert count(path) == 3


def test_questions_and_tagged_texts_are_not_mixed(tmp_path):
    question, text = write(tmp_path, [LINE], "q"), write(tmp_path, [TEXT], "t")
    with pytest.raises(DataError, match="tagged texts beside questions"):
        read(question, text)


def test_the_place_of_a_wrong_byte(tmp_path):
    lines = json.dumps(LINE).encode() + b"\n" + b'{"id": "\xff"}'
    assert "line 2, byte 9 of the line" in complaint(write(tmp_path, lines))


def test_a_missing_file_and_a_folder(tmp_path):
    write(tmp_path, squad(LIT), "dev-v2.0.json")
    message = complaint(tmp_path / "dev-v2.json")
    assert "no such file" in message and str(tmp_path / "dev-v2.0.json") in message
    assert "nor such a folder" in complaint(tmp_path / "absent" / "dev.json")
    message = complaint(tmp_path)
    assert "a folder" in message and str(tmp_path / "dev-v2.0.json") in message


QUESTION_KEYS = ("data", "paragraphs", "qas", "context", "question", "answers", "id")
TEXT_KEYS = (
    "id",
    "document",
    "text",
    "words",
    "tags",
    "entities",
    "units",
    "start",
    "end",
    "label",
)

values = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 40) | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*QUESTION_KEYS, *TEXT_KEYS]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(
    values
    | st.builds(squad, values, context=values)
    | st.dictionaries(st.sampled_from([*LINE]), values).map(LINE.__or__)
    | st.dictionaries(st.sampled_from(TEXT_KEYS), values).map(TEXT.__or__)
)
def test_any_json_is_read_or_refused_with_a_message(tmp_path_factory, value):
    path = write(tmp_path_factory.getbasetemp(), json.dumps(value))
    with contextlib.suppress(DataError):
        read(path)


@given(st.text(st.sampled_from("aOB-x# \t\r\n[{")))
def test_anything_like_columns_is_read_or_refused_with_a_message(tmp_path_factory, content):
    path = write(tmp_path_factory.getbasetemp(), content)
    with contextlib.suppress(DataError):
        read(path)


@given(st.binary() | st.builds(bytes.__add__, st.just(json.dumps(LINE).encode()), st.binary()))
def test_any_bytes_are_read_or_refused_with_a_message(tmp_path_factory, content):
    path = write(tmp_path_factory.getbasetemp(), content)
    with contextlib.suppress(DataError):
        read(path)
