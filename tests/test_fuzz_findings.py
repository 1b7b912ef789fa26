"""What fuzzing found, told as a user would have met it."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from toy_tokenizers import load

from spanfit.data import count, read, stream
from spanfit.data.gold import convert_all
from spanfit.data.nbest import read_question_predictions
from spanfit.data.predictions import read_na_probs, read_predictions
from spanfit.decode.spans import best_spans
from spanfit.doctor import check
from spanfit.errors import DataError, ModelError, RecipeError, represent
from spanfit.examples import Reading
from spanfit.recipe import read_recipe
from spanfit.settings import FILE_NAME, read_settings
from spanfit.tags import IOB2, PLAIN, convert_tags
from spanfit.text.alignment import align

HUGE = "1" + "0" * 400
"""A whole number that no float can hold."""
ENDLESS = "9" * 5_000
"""A whole number that Python refuses to read or write in decimal digits."""


@pytest.fixture
def put(tmp_path):
    def write(content, name="data"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def refusal(read, path, error=DataError):
    with pytest.raises(error) as caught:
        read(path)
    assert str(path) in caught.value.where
    return str(caught.value)


def test_numbers_that_no_float_can_hold(put):
    assert "not a finite number" in refusal(read_na_probs, put(f'{{"q": {HUGE}}}'))
    line = f'{{"id": "q", "answer": null, "null_odds": {HUGE}}}'
    assert "'null_odds' is not a number" in refusal(read_predictions, put(line))
    best = f'[{{"text": "a", "start": 0, "end": 1, "score": {HUGE}}}]'
    line = f'{{"id": "q", "answer": null, "null_odds": 0, "n_best": {best}}}'
    assert "the score of n_best[0]" in refusal(read_question_predictions, put(line))


@pytest.mark.parametrize(
    ("columns", "cells", "told"),
    [
        ("answer,answer_start", f"b,{ENDLESS}", "'answer_start' is not a whole number"),
        ("answers", "{1: 2}", "the key 'text' is missing"),
        ("answers", f"\"{{'text': ['b'], 'answer_start': [0x{'f' * 4_000}]}}\"", "can't be read"),
        ("answers", f"\"{{'text': [0x{'f' * 4_000}], 'answer_start': [1]}}\"", "can't be read"),
        ("answers", "\"{'text': {'b'}, 'answer_start': [1]}\"", "'text' is not an array"),
        ("answers", "\"[{'text': 'b', 'start': ...}]\"", "'start' is not a whole number"),
    ],
)
def test_cells_that_are_python_and_no_json(put, columns, cells, told):
    message = refusal(read, put(f"question,context,{columns}\na,b,{cells}\n"))
    assert told in message and "row 1 (line 2)" in message


def test_escapes_in_a_cell_are_no_warning(put, recwarn):
    (example,) = read(put("question,context,answers\na,\\d,\"[{'text': '\\d', 'start': 0}]\"\n"))
    assert example.answers[0].text == "\\d" and not recwarn


def test_a_header_that_can_not_be_read_behind_its_beginning(put):
    path = put(f"question,context,{'a' * 20_000}\rx\na,b,c\n")
    assert "line 1: the header can't be read" in refusal(read, path)


def test_a_squad_file_on_one_line_stays_one_where_lines_may_be_left_out(put):
    article = {"paragraphs": [{"context": "c", "qas": [{"id": "a", "question": "q"}]}]}
    path = put(json.dumps({"tokens": 3, "text": "x", "data": [article]}))
    faults = []
    found = list(stream(path, on_fault=lambda *fault: faults.append(fault)))
    assert found == read(path) and [one.id for one in found] == ["a"] and not faults


def test_a_line_of_nothing_but_a_mark_is_not_counted(put):
    path = put(b'\xef\xbb\xbf\n{"question": "a", "context": "b"}\n')
    assert count(path) == len(read(path)) == 1


def test_values_of_a_parquet_file_that_are_none_of_python(tmp_path):
    broken = pa.array([b"\xff\xfe"], pa.binary()).view(pa.string())
    twice = pa.StructArray.from_arrays([pa.array(["a"])] * 2, names=["text", "text"])
    for name, column in (("context", broken), ("answers", twice)):
        columns = {"question": pa.array(["q"]), "context": pa.array(["c"]), name: column}
        pq.write_table(pa.table(columns), path := tmp_path / "data")
        assert "a value of the table is none of Python" in refusal(read, path)


def test_a_parquet_file_whose_names_are_not_utf8(tmp_path):
    columns = {"question": pa.array(["q"]), "context": pa.array(["c"])}
    pq.write_table(pa.table(columns), path := tmp_path / "data", store_schema=False)
    path.write_bytes(path.read_bytes().replace(b"context", b"conte\xff\xfe"))
    assert "the Parquet table can't be read" in refusal(read, path)


def test_neither_words_nor_a_text(put):
    for line in (
        '{"words": null, "tags": ["O"]}',
        '{"text": null}',
        '{"tokens": [], "text": null}',
    ):
        path = put(f'{{"words": ["a"], "tags": ["O"]}}\n{line}\n')
        if "[]" in line:
            assert read(path)[1].text == ""
        else:
            assert "line 2: " in refusal(read, path)


def test_halves_of_surrogate_pairs(put):
    path = put('{"words": ["a"], "tags": ["\\ud83d"]}\n')
    assert "'tags' holds half of a surrogate pair" in refusal(read, path)
    path = put('{"q1": "\\ud83d"}\n')
    message = refusal(read_predictions, path)
    assert "'q1' holds half of a surrogate pair" in message


def test_columns_that_begin_with_a_brace(put):
    path = put("{\tO\nx y\tO\n")
    assert read(path, reading=Reading(tags=2))[0].words == ["{", "x y"]


@pytest.mark.parametrize("value", [ENDLESS, "0x" + "f" * 5_000, "[" * 3_000])
def test_recipes_without_end(put, value):
    path = put(f"[run]\nseed = {value}\n", "recipe.toml")
    assert len(refusal(read_recipe, path, RecipeError)) < 1_000
    empty = put("", "empty.toml")
    refusal(lambda path: read_recipe(path, overrides=[f"run.seed={value}"]), empty, RecipeError)


@pytest.mark.parametrize("content", [f'{{"format_version": {ENDLESS}}}', "[" * 100_000])
def test_settings_without_end(put, content):
    path = put(content, FILE_NAME)
    with pytest.raises(ModelError, match="not JSON") as caught:
        read_settings(path.parent)
    assert caught.value.where == str(path)


def test_white_space_that_a_tokenizer_takes_for_a_letter():
    starts, ends = load("unigram").divide("a\x1cb c\x1f")
    assert (starts, ends) == ((0, 2, 4), (1, 3, 5))


def test_white_space_within_a_character_takes_nothing_from_its_other_pieces():
    assert [side.tolist() for side in align("a½ b", ["a", "1", " ", "⁄2", " ", "b"])] == [
        [0, 1, 1, 1, 2, 3],
        [1, 2, 2, 2, 2, 4],
    ]


def test_labels_that_a_scheme_can_not_write():
    for tags in (["B-O"], ["B"]):
        for convert in (
            lambda tags: convert_tags(tags, source=IOB2, target=PLAIN),
            lambda tags: convert_all([tags], source=IOB2, target=PLAIN),
        ):
            with pytest.raises(
                DataError, match="the scheme plain cannot write the label"
            ) as caught:
                convert(tags)
            assert "rename the label" in caught.value.fix


def test_a_repair_does_not_divide_columns(put):
    path = put("a B-x\nb O\n\x0c O\nx\x0cy O\n")
    out = path.with_name("fixed")
    check(path).fix(out)
    assert [one.words for one in read(out)] == [["a", "b", "\x0c", "x\x0cy"]]


def test_a_repair_leaves_escapes_of_half_a_character_where_nobody_reads_them(put):
    path = put('[{"text": "a\x00b", "more": "\\ud83d"}]'.replace("\x00", "\\u0000"))
    out = path.with_name("fixed")
    check(path).fix(out)
    assert out.read_bytes() == b'[{"text": "ab", "more": "\\ud83d"}]'


def test_a_repair_that_would_be_read_as_something_else_is_refused(put):
    path = put('\x01[{"c\na\n')
    reading = Reading(tags=None)
    diagnosis = check(path, reading=reading)
    with pytest.raises(DataError, match="would not be read as the old one") as caught:
        diagnosis.fix(out := path.with_name("fixed"))
    assert "--ignore" in caught.value.fix and caught.value.where == str(out)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_what_python_will_not_show():
    assert represent([1, "a"]) == "[1, 'a']"
    assert "too large" in represent(16**5_000)


def test_logits_whose_sum_is_no_number_are_refused():
    largest = np.full((1, 2), 3e38, np.float32)
    everything = np.ones((1, 2), bool)
    with pytest.raises(ModelError, match="NaN or infinity"):
        best_spans(largest, largest, everything, k=2, max_answer_tokens=2)
    smallest = np.array([[-3e38, 0]], np.float32)
    best = best_spans(smallest, smallest, everything, k=2, max_answer_tokens=1)
    assert (best.score.tolist(), best.first.tolist()) == ([[0, -np.inf]], [[1, -1]])
