"""JSON Lines: what a line becomes, and what the errors say."""

from __future__ import annotations

import json

import pytest
from question_files import LINE, complaint, write

from spanfit.data import read, stream
from spanfit.errors import DataError
from spanfit.types import UNKNOWN_START, Answer


def test_examples(tmp_path):
    lines = [
        LINE | {"answers": [{"text": "sea", "start": 3}]},
        LINE | {"id": "b", "title": "Places", "weather": "calm"},
        {"question": "Where?", "context": "At sea."},
        LINE | {"id": 7, "answers": None},
        LINE | {"id": "c", "answers": [{"text": "sea"}, {"text": "At", "answer_start": 0}]},
    ]
    read_back = read(write(tmp_path, lines))
    assert [example.id for example in read_back] == ["a", "b", "3", "7", "c"]
    assert [example.answers for example in read_back] == [
        (Answer("sea", 3),),
        (),
        None,
        None,
        (Answer("sea", UNKNOWN_START), Answer("At", 0)),
    ]
    assert read_back[1].title == "Places"
    assert read_back[4].place == "line 5"
    assert len({id(example.context) for example in read_back}) == 1


def test_columns_of_squad(tmp_path):
    columns = {"text": ["sea", "At sea"], "answer_start": [3, 0]}
    lines = [
        LINE | {"answers": columns},
        LINE | {"id": "b", "answers": {"text": [], "answer_start": []}},
    ]
    first, second = read(write(tmp_path, lines))
    assert first.answers == (Answer("sea", 3), Answer("At sea", 0))
    assert second.answers == ()


def test_blank_lines_are_skipped_but_counted(tmp_path):
    line = json.dumps({"question": "Where?", "context": "At sea."})
    assert [item.id for item in read(write(tmp_path, f"\n{line}\r\n  \n{line}"))] == ["2", "4"]


def test_one_line_at_a_time(tmp_path):
    path = write(tmp_path, json.dumps(LINE) + "\n{broken")
    examples = stream(path)
    assert next(examples).id == "a"
    with pytest.raises(DataError, match="line 2, column 2"):
        next(examples)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("[]", ["line 2", "the line is not an object", "an array: []"]),
        ('{"id": "b", "question": "Why?"', ["line 2, column 31", "ends too early"]),
        ('{"id": "b", "context": ""}', ["line 2", "'question' is missing", "'context'"]),
        ('{"question": "", "Context": ""}', ["line 2", "rename 'Context' to 'context'"]),
        ('{"question": "", "context": "", "Answers": []}', ["rename 'Answers' to 'answers'"]),
        ('{"question": ["a"], "context": ""}', ["line 2", "'question' is not a string"]),
        ('{"id": true, "question": "", "context": ""}', ["'id' is not a string", "true or"]),
        (
            '{"question": "", "context": "", "answers": "sea"}',
            ["line 2", "'answers' is not an array", "a string: 'sea'"],
        ),
        (
            '{"question": "", "context": "", "answers": [{"text": "a", "starts": 1}]}',
            ["line 2", "rename 'starts' to 'start'"],
        ),
        (
            '{"question": "", "context": "", "answers": {"text": ["a"], "answer_start": []}}',
            ["line 2", "differ in length", "1 and 0"],
        ),
        (
            r'{"question": "", "context": "a \ud83d b"}',
            ["line 2", "'context' holds half of a surrogate pair", "character 2"],
        ),
    ],
)
def test_errors(tmp_path, line, expected):
    message = complaint(write(tmp_path, json.dumps(LINE) + "\n" + line + "\n"))
    for part in expected:
        assert part in message
