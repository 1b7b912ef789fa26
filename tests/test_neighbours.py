"""Neighbours of sentences: of the same document, found before anything is left out, once."""

from __future__ import annotations

import pytest
from tagged_texts import tagged

from spanfit.data.neighbours import surround
from spanfit.types import QuestionExample


def sentences(*texts, document="1"):
    return [
        tagged(text.split(), "O " * len(text.split()), id=str(n), document=document)
        for n, text in enumerate(texts)
    ]


def around(examples):
    return [(example.before, example.after) for example in examples]


def test_neighbours_by_pencil():
    found = surround(sentences("It rained .", "Ada slept .", "She woke ."), 1)
    assert around(found) == [
        ("", " Ada slept ."),
        ("It rained . ", " She woke ."),
        ("Ada slept . ", ""),
    ]
    found = surround(sentences("a", "b", "c", "d"), 2)
    assert around(found) == [("", " b c"), ("a ", " c d"), ("a b ", " d"), ("b c ", "")]


def test_only_sentences_of_the_same_document_are_neighbours():
    examples = sentences("a", "b") + sentences("c", document="2") + sentences("d", document="")
    assert around(surround(examples, 3)) == [("", " b"), ("a ", ""), ("", ""), ("", "")]


@pytest.mark.parametrize(
    ("left", "right", "between"),
    [
        ("東京に住む。", "雨だ。", ""),
        ("Ada slept .", "She woke .", " "),
        ("나는 잤다 .", "비가 왔다 .", " "),
        ("はい", "Yes", ""),
    ],
)
def test_a_space_stands_between_sentences_where_their_script_has_spaces(left, right, between):
    first, second = surround(
        [tagged(left, None, document="1"), tagged(right, None, document="1")], 1
    )
    assert (first.after, second.before) == (between + right, left + between)


def test_what_has_its_neighbours_keeps_them():
    first = list(surround(sentences("a", "b", "c"), 1))
    assert around(surround([first[0], first[2]], 1)) == [("", " b"), ("b ", "")]


def test_a_stream_is_read_no_further_ahead_than_needed():
    read = []

    def stream():
        for example in sentences(*"abcdef"):
            read.append(example.id)
            yield example

    next(surround(stream(), 2))
    assert len(read) == 3


def test_questions_and_no_wish_change_nothing():
    question = QuestionExample("q", "Who?", "Ada.")
    assert list(surround([question], 2)) == [question]
    examples = sentences("a", "b")
    assert list(surround(examples, 0)) == examples
