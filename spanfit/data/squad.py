r"""SQuAD's nested JSON: articles, paragraphs, questions.

    {"version": "v2.0",
     "data": [
       {"title": "Lighthouses",
        "paragraphs": [
          {"context": "The lamp of Pellan Head was lit in 1864.",
           "qas": [
             {"id": "q1", "question": "When was the lamp lit?",
              "answers": [{"text": "1864", "answer_start": 35}],
              "is_impossible": false},
             {"id": "q2", "question": "Who lit the lamp?",
              "answers": [], "is_impossible": true,
              "plausible_answers": [{"text": "Pellan", "answer_start": 12}]}]}]}]}

`answer_start` counts code points. Version 1.1 has no `is_impossible`. JSQuAD, KorQuAD 1, CMRC2018
(paragraphs with ids of their own; -1 for an unknown start), XQuAD, MLQA and JaQuAD come in the same
shape. `version`, `title` and other keys may be missing; unknown keys are ignored. A question whose
gold is not given (a blind test set) has no `answers`; an empty list says "no answer".

Source: Rajpurkar et al. 2016, 2018, and the files at rajpurkar.github.io/SQuAD-explorer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from spanfit.data import fields
from spanfit.data.fields import JsonObject
from spanfit.errors import DataError
from spanfit.types import Answer, QuestionExample


def parse_squad(document: JsonObject, name: str) -> Iterator[QuestionExample]:
    """The questions of a parsed file `name`, in its order.

    Raises:
        DataError: something is not as above; with the paragraph and the question.
    """
    try:
        articles = fields.get_list(document, "data")
    except DataError as error:
        raise fields.located(error, name) from None
    for number, article in enumerate(articles, 1):
        try:
            title, paragraphs = _read_article(article, name)
        except DataError as error:
            raise fields.located(error, f"{name}, article {number} of 'data'") from None
        of_article = repr(title) if title else f"article {number}"
        for index, paragraph in enumerate(paragraphs, 1):
            place = f"paragraph {index} of {of_article}"
            yield from _read_paragraph(paragraph, title=title, place=place, name=name)


def _read_article(article: object, name: str) -> tuple[str, list[Any]]:
    record = fields.get_object(article, "the article")
    if "paragraphs" not in record and "question" in record:
        raise DataError(
            "'data' holds questions, not articles",
            expected="articles with 'paragraphs', or JSON Lines: one such question a line",
            fix=f"jq -c '.data[]' {name} > questions.jsonl",
        )
    return fields.get_optional_text(record, "title"), fields.get_list(record, "paragraphs")


def _read_paragraph(
    paragraph: object, *, title: str, place: str, name: str
) -> Iterator[QuestionExample]:
    try:
        record = fields.get_object(paragraph, "the paragraph")
        context = fields.get_text(record, "context")
        questions = fields.get_list(record, "qas")
    except DataError as error:
        raise fields.located(error, f"{name}, {place}") from None
    for number, question in enumerate(questions, 1):
        try:
            example = _read_question(question, context=context, title=title, place=place)
        except DataError as error:
            raise fields.located(error, f"{name}, {place}, {_name(question, number)}") from None
        yield example


def _read_question(question: object, *, context: str, title: str, place: str) -> QuestionExample:
    record = fields.get_object(question, "the question")
    return QuestionExample(
        id=fields.get_id(record),
        question=fields.get_text(record, "question"),
        context=context,
        answers=_read_answers(record),
        title=title,
        place=place,
    )


def _name(question: object, number: int) -> str:
    given = question.get("id") if isinstance(question, dict) else None
    return f"question {given!r}" if given else f"question {number}"


def _read_answers(question: JsonObject) -> tuple[Answer, ...] | None:
    """The golds; () where the question has no answer, None where the file does not say."""
    impossible = question.get("is_impossible")
    if impossible is not None and not isinstance(impossible, bool):
        raise DataError(
            "'is_impossible' is not true or false",
            expected="true or false",
            found=fields.describe(impossible),
        )
    if question.get("answers") is None:
        fields.refuse_near_misses(question, ["answers"])
        return () if impossible else None
    answers = tuple(_read_answer(answer) for answer in fields.get_list(question, "answers"))
    if impossible is not None and impossible == bool(answers):
        raise _contradiction_error(answers)
    return answers


def _read_answer(answer: object) -> Answer:
    record = fields.get_object(answer, "the answer", shape='{"text": …, "answer_start": …}')
    return Answer(fields.get_text(record, "text"), fields.get_start(record, "answer_start"))


def _contradiction_error(answers: tuple[Answer, ...]) -> DataError:
    """No published file has either case, and the programs that read them disagree about both."""
    if answers:
        return DataError(
            "'is_impossible' is true, but there is an answer",
            expected='"answers": [] (others may stand in "plausible_answers")',
            found=repr(answers[0].text),
            fix="empty 'answers', or set 'is_impossible' to false",
        )
    return DataError(
        "'is_impossible' is false, but 'answers' is empty",
        expected="at least one answer",
        fix="set 'is_impossible' to true, or leave 'answers' out where the gold is not known",
    )
