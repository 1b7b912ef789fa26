"""The content decides what a file is: every file here is called "file"."""

from __future__ import annotations

import contextlib
import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from question_files import LINE, LIT, complaint, squad, write

from spanfit.data import read
from spanfit.errors import DataError


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
        ([{"words": ["At"], "tags": ["O"]}], ["tagged text"]),
        ({"Data": []}, ["rename 'Data' to 'data'"]),
        ({"rows": [], "features": []}, ["the keys 'rows', 'features'"]),
        (b"[" + json.dumps(LINE).encode() + b"]", ["a JSON array", "jq -c '.[]'"]),
        (b"-DOCSTART- -X- -X- O\n\nEU NNP B-NP B-ORG\n", ["columns (CoNLL)"]),
        (b"EU\tB-ORG\nrejects\tO\n", ["columns (CoNLL)"]),
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
        ('{"data": ' + "[" * 200_000, ["JSON that can't be read"]),
        ('{"question": "Où"}'.encode("latin-1"), ["line 1, byte 16", "not UTF-8", "0xf9"]),
        (gzip.compress(b'{"data": []}' * 99)[:-12], ["gzip-compressed data is broken"]),
    ],
)
def test_errors(tmp_path, content, expected):
    message = complaint(write(tmp_path, content))
    for part in expected:
        assert part in message


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


values = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 40) | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["data", "paragraphs", "qas", "context", "question", "answers", "id"]),
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
)
def test_any_json_is_read_or_refused_with_a_message(tmp_path_factory, value):
    path = write(tmp_path_factory.getbasetemp(), json.dumps(value))
    with contextlib.suppress(DataError):
        read(path)


@given(st.binary() | st.builds(bytes.__add__, st.just(json.dumps(LINE).encode()), st.binary()))
def test_any_bytes_are_read_or_refused_with_a_message(tmp_path_factory, content):
    path = write(tmp_path_factory.getbasetemp(), content)
    with contextlib.suppress(DataError):
        read(path)
