r"""JSON Lines: one question a line.

    {"id": "q1", "question": "When was the lamp lit?", "context": "The lamp was lit in 1864.", "answers": [{"text": "1864", "start": 20}]}
    {"id": "q2", "question": "Who lit the lamp?", "context": "The lamp was lit in 1864.", "answers": []}
    {"question": "Which year?", "context": "The lamp was lit in 1864."}

`start` counts code points; without it the place is unknown. No `answers` (or null): the gold is not
given; an empty list: the context holds no answer. Without `id` the number of the line is the id.
`title` (the document, for splitting) may be given. Blank lines are skipped, unknown keys ignored.

SQuAD's columns, as data sets are exported from the hub, are taken too, and so is `answer_start`:

    {"id": "q1", "title": "Lamps", "context": "…", "question": "…", "answers": {"text": ["1864"], "answer_start": [20]}}
"""  # noqa: E501 (a line of the format is a line)

from __future__ import annotations

from collections.abc import Iterable, Iterator

from spanfit.data import fields
from spanfit.data.fields import JsonObject
from spanfit.data.files import parse_json
from spanfit.errors import DataError
from spanfit.types import UNKNOWN_START, Answer, QuestionExample


def parse_lines(lines: Iterable[tuple[int, bytes]], name: str) -> Iterator[QuestionExample]:
    """The question of each numbered line of file `name`.

    Raises:
        DataError: a line is not as above; with its number.
    """
    previous = ""
    for number, line in lines:
        record = parse_json(line, name=name, line=number)
        try:
            example = _read_line(fields.get_object(record, "the line"), number, previous)
        except DataError as error:
            raise fields.located(error, f"{name}, line {number}") from None
        previous = example.context
        yield example


def _read_line(record: JsonObject, number: int, previous: str) -> QuestionExample:
    """The question of one line; a context equal to the `previous` one becomes the same object."""
    fields.refuse_near_misses(record, ["id", "answers"])
    context = fields.get_text(record, "context")
    has_id = record.get("id") is not None
    return QuestionExample(
        id=fields.get_id(record) if has_id else str(number),
        question=fields.get_text(record, "question"),
        context=previous if context == previous else context,
        answers=_read_answers(record),
        title=fields.get_optional_text(record, "title"),
        place=f"line {number}",
    )


def _read_answers(record: JsonObject) -> tuple[Answer, ...] | None:
    answers = record.get("answers")
    if answers is None:
        return None
    if isinstance(answers, dict):
        return _read_columns(answers)
    return tuple(_read_answer(answer) for answer in fields.get_list(record, "answers"))


def _read_columns(columns: JsonObject) -> tuple[Answer, ...]:
    texts = fields.get_list(columns, "text")
    starts = fields.get_list(columns, "answer_start")
    if len(texts) != len(starts):
        raise DataError(
            "the columns of 'answers' differ in length",
            expected="one 'answer_start' for each 'text'",
            found=f"{len(texts)} and {len(starts)}",
        )
    return tuple(
        Answer(fields.get_text({"text": text}, "text"), fields.as_start(start, "answer_start"))
        for text, start in zip(texts, starts, strict=True)
    )


def _read_answer(answer: object) -> Answer:
    record = fields.get_object(answer, "the answer", shape='{"text": …, "start": …}')
    key = "answer_start" if "answer_start" in record else "start"
    text = fields.get_text(record, "text")
    if record.get(key) is None:
        fields.refuse_near_misses(record, ["start", "answer_start"])
        return Answer(text, UNKNOWN_START)
    return Answer(text, fields.as_start(record[key], key))
