"""SQuAD's nested JSON: what it becomes, and what the errors say."""

from __future__ import annotations

from dataclasses import replace

import pytest
from question_files import CONTEXT, LINE, LIT, complaint, squad, write

from spanfit.data import read
from spanfit.types import Answer, QuestionExample


def test_an_example(tmp_path):
    path = write(tmp_path, squad(LIT, title="Lighthouses"))
    assert read(path) == [
        QuestionExample(
            id="q1",
            question="When was the lamp lit?",
            context=CONTEXT,
            answers=(Answer("1864", 35),),
            title="Lighthouses",
        )
    ]
    assert read(path)[0].place == "paragraph 1 of 'Lighthouses'"


@pytest.mark.parametrize(
    ("keys", "answers"),
    [
        ({}, None),
        ({"answers": None}, None),
        ({"is_impossible": False}, None),
        ({"is_impossible": True}, ()),
        ({"answers": []}, ()),
        ({"answers": [], "is_impossible": True, "plausible_answers": LIT["answers"]}, ()),
        ({"answers": LIT["answers"], "is_impossible": False}, (Answer("1864", 35),)),
        ({"answers": [{"text": "1864", "answer_start": -1}]}, (Answer("1864", -1),)),
    ],
)
def test_golds(tmp_path, keys, answers):
    path = write(tmp_path, squad({"id": "q", "question": "When?"} | keys))
    assert read(path)[0].answers == answers


def test_a_contradiction_is_an_error(tmp_path):
    message = complaint(write(tmp_path, squad(LIT | {"is_impossible": True}), "yes"))
    assert "'is_impossible' is true, but there is an answer" in message
    message = complaint(write(tmp_path, squad(LIT | {"answers": [], "is_impossible": False})))
    assert "'is_impossible' is false, but 'answers' is empty" in message


def test_version_titles_and_other_keys_may_be_there_or_not(tmp_path):
    bare = read(write(tmp_path, squad(LIT), "bare"))
    full = squad(LIT | {"question_type": "When"}, title="T", id="article 1") | {"version": "9"}
    full["data"][0]["paragraphs"][0]["id"] = "paragraph 1"
    (example,) = read(write(tmp_path, full, "full"))
    assert replace(example, title="") == bare[0]


def test_a_numeric_id_is_its_digits(tmp_path):
    assert read(write(tmp_path, squad(LIT | {"id": 38544})))[0].id == "38544"


def test_questions_of_a_paragraph_share_its_string(tmp_path):
    first, second = read(write(tmp_path, squad(LIT, LIT | {"id": "q2"})))
    assert first.context is second.context


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"data": {}}, ["'data' is not an array", "an object: {}"]),
        ({"data": ["x"]}, ["article 1", "not an object", "a string: 'x'"]),
        ({"data": [{"title": "T"}]}, ["article 1", "'paragraphs' is missing", "'title'"]),
        ({"data": [LINE]}, ["holds questions, not articles", "jq -c '.data[]'"]),
        (squad(LIT, title=7), ["article 1", "'title' is not a string", "a whole number: 7"]),
        (squad(LIT, context=None), ["paragraph 1 of article 1", "'context'", "null"]),
        (
            squad(LIT, {"question": "Why?"}, title="T"),
            ["paragraph 1 of 'T', question 2", "the key 'id' is missing", "'question'"],
        ),
        (
            squad({"id": "q", "question": None}),
            ["question 'q'", "'question' is not a string", "null"],
        ),
        (squad({"id": "q", "questoin": "Why?"}), ["rename 'questoin' to 'question'"]),
        (
            squad({"id": "q", "question": "?", "answer": []}),
            ["'answer' is not known", "rename 'answer' to 'answers'"],
        ),
        (squad(LIT | {"answers": ["1864"]}), ["the answer is not an object", '{"text": …']),
        (squad(LIT | {"answers": {"text": []}}), ["'answers' is not an array"]),
        (squad(LIT | {"answers": [{"text": "1"}]}), ["'answer_start' is missing", "'text'"]),
        (
            squad(LIT | {"answers": [{"text": "1864", "answer_start": 35.0}]}),
            ["question 'q1'", "'answer_start' is not a whole number", "35.0"],
        ),
        (squad(LIT | {"is_impossible": "no"}), ["'is_impossible' is not true or false"]),
        (squad(LIT | {"id": ""}), ["the id is empty"]),
    ],
)
def test_errors(tmp_path, document, expected):
    message = complaint(write(tmp_path, document))
    for part in expected:
        assert part in message
