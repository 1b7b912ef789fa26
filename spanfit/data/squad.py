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
shape. `version`, `title` and other keys may be missing; unknown keys are passed over. A question
whose gold is not given (a blind test set) has no `answers`; an empty list says "no answer". A key
of our own is `synthetic`: how a question that nobody asked was made.

Source: Rajpurkar et al. 2016, 2018, and the files at rajpurkar.github.io/SQuAD-explorer.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any, TextIO

from spanfit.data import fields
from spanfit.data.fields import JsonObject, Source
from spanfit.data.records import read_gold
from spanfit.errors import DataError
from spanfit.types import Answer, QuestionExample

_ARTICLE_KEYS = frozenset({"title", "paragraphs"})
_PARAGRAPH_KEYS = frozenset({"context", "qas"})
_QUESTION_KEYS = frozenset({"id", "question", "answers", "is_impossible", "synthetic"})
_ANSWER_KEYS = frozenset({"text", "answer_start"})


def parse_squad(document: JsonObject, source: Source) -> Iterator[QuestionExample]:
    """The questions of a parsed file, in its order.

    Raises:
        DataError: something is not as above; with the paragraph and the question.
    """
    try:
        articles = fields.get_list(document, "data")
    except DataError as error:
        fix = _show("keys", source.name)
        raise fields.located(error, source.name, fix=fix) from None
    source.pass_over(document.keys() - {"data"}, "file")
    titles: set[str] = set()
    for number, article in enumerate(articles, 1):
        path = f".data[{number - 1}]"
        try:
            title, paragraphs = _read_article(article, source)
        except DataError as error:
            where = f"{source.name}, article {number} of 'data'"
            raise fields.located(error, where, fix=_show(path, source.name)) from None
        of_article = f"article {number}"
        if title:
            of_article = f"{title!r}, {of_article}" if title in titles else repr(title)
            titles.add(title)
        for index, paragraph in enumerate(paragraphs, 1):
            yield from _read_paragraph(
                paragraph,
                source,
                title=title,
                place=f"paragraph {index} of {of_article}",
                path=f"{path}.paragraphs[{index - 1}]",
            )


def _show(path: str, name: str) -> str:
    """What shows the part of the file at `path`."""
    file = shlex.quote(name)
    return f"zcat {file} | jq '{path}'" if name.endswith(".gz") else f"jq '{path}' {file}"


def _read_article(article: object, source: Source) -> tuple[str, list[Any]]:
    record = fields.get_object(article, "the article")
    if "paragraphs" not in record and "question" in record:
        raise DataError(
            "'data' holds questions, not articles",
            expected="articles with 'paragraphs', or JSON Lines: one such question a line",
            fix=f"jq -c '.data[]' {shlex.quote(source.name)} > questions.jsonl",
        )
    source.pass_over(record.keys() - _ARTICLE_KEYS, "articles")
    return fields.get_optional_text(record, "title"), fields.get_list(record, "paragraphs")


def _read_paragraph(
    paragraph: object, source: Source, *, title: str, place: str, path: str
) -> Iterator[QuestionExample]:
    try:
        record = fields.get_object(paragraph, "the paragraph")
        context = fields.get_text(record, "context")
        questions = fields.get_list(record, "qas")
    except DataError as error:
        fix = _show(path, source.name)
        raise fields.located(error, f"{source.name}, {place}", fix=fix) from None
    source.pass_over(record.keys() - _PARAGRAPH_KEYS, "paragraphs")
    for number, question in enumerate(questions, 1):
        try:
            example = _read_question(question, source, context=context, title=title, place=place)
        except DataError as error:
            where = f"{source.name}, {place}, {_name(question, number)}"
            fix = _show(f"{path}.qas[{number - 1}]", source.name)
            raise fields.located(error, where, fix=fix) from None
        yield example


def _read_question(
    question: object, source: Source, *, context: str, title: str, place: str
) -> QuestionExample:
    record = fields.get_object(question, "the question")
    if record.get("answers") is None:
        fields.refuse_near_misses(record, ["answers"])
    source.pass_over(record.keys() - _QUESTION_KEYS, "questions")
    return QuestionExample(
        id=fields.get_id(record),
        question=fields.get_text(record, "question"),
        context=context,
        answers=read_gold(record, lambda: _read_answers(record, source)),
        title=title,
        synthetic=fields.get_optional_text(record, "synthetic"),
        place=place,
    )


def _name(question: object, number: int) -> str:
    given = question.get("id") if isinstance(question, dict) else None
    return f"question {given!r}" if given else f"question {number}"


def _read_answers(question: JsonObject, source: Source) -> tuple[Answer, ...]:
    return tuple(_read_answer(answer, source) for answer in fields.get_list(question, "answers"))


def _read_answer(answer: object, source: Source) -> Answer:
    record = fields.get_object(answer, "the answer", shape='{"text": …, "answer_start": …}')
    source.pass_over(record.keys() - _ANSWER_KEYS, "answers")
    return Answer(fields.get_text(record, "text"), fields.get_start(record, "answer_start"))


def write_squad(file: TextIO, examples: Iterable[QuestionExample]) -> None:
    """Write a document, a paragraph at a time.

    Neighbours with one title share an article and those with one context a paragraph, so the order
    is kept. The version stands at the end, because it says whether an unanswerable question came.
    """
    version = "1.1"
    file.write('{"data": [')
    for number, (title, of_article) in enumerate(groupby(examples, lambda item: item.title)):
        start = json.dumps({"title": title}, ensure_ascii=False).removesuffix("}")
        file.write(f'{"," if number else ""}\n{start}, "paragraphs": [')
        for index, (context, group) in enumerate(groupby(of_article, lambda item: item.context)):
            questions = [_to_json(example) for example in group]
            if any(question.get("is_impossible") for question in questions):
                version = "v2.0"
            paragraph = json.dumps({"context": context, "qas": questions}, ensure_ascii=False)
            file.write(f"{',' if index else ''}\n{paragraph}")
        file.write("]}")
    file.write(f'],\n"version": "{version}"}}\n')


def _to_json(example: QuestionExample) -> dict[str, Any]:
    question: dict[str, Any] = {"id": example.id, "question": example.question}
    if example.answers is not None:
        question["answers"] = [
            {"text": gold.text, "answer_start": gold.start} for gold in example.answers
        ]
        question["is_impossible"] = not example.answers
    if example.synthetic:
        question["synthetic"] = example.synthetic
    return question
