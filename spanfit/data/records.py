"""One question as a flat record: a line of JSON Lines, a row of a table, an example of the hub.

    {"id", "title", "question", "context", "answers", "is_impossible", "synthetic"}

All but `question` and `context` may be missing. `answers` is a list of `{"text", "start"}` (or
`"answer_start"`), or two columns, `{"text": [...], "answer_start": [...]}`.
"""

from __future__ import annotations

from collections.abc import Callable

from spanfit.data import fields
from spanfit.data.fields import JsonObject, Source
from spanfit.errors import DataError
from spanfit.types import UNKNOWN_START, Answer, QuestionExample

KEYS = frozenset({"id", "title", "question", "context", "answers", "is_impossible", "synthetic"})
"""Everything that is read of a record."""

_ANSWER_KEYS = frozenset({"text", "start", "answer_start"})

Golds = tuple[Answer, ...]


def read_record(
    record: JsonObject, source: Source, *, number: int, place: str, previous: str
) -> QuestionExample:
    """The question of one record; without an id, `number` becomes it.

    A context equal to the `previous` one becomes the same object.

    Raises:
        DataError: the record is not as above; without its place.
    """
    fields.refuse_near_misses(record, ["id", "answers"])
    context = fields.get_text(record, "context")
    has_id = record.get("id") is not None
    if unread := record.keys() - KEYS:
        source.pass_over(unread, "questions")
    return QuestionExample(
        id=fields.get_id(record) if has_id else f"{source.id_prefix}{number}",
        question=fields.get_text(record, "question"),
        context=previous if context == previous else context,
        answers=read_gold(record, lambda: _read_answers(record, source)),
        title=fields.get_optional_text(record, "title"),
        synthetic=fields.get_optional_text(record, "synthetic"),
        place=place,
    )


def read_gold(record: JsonObject, read_answers: Callable[[], Golds]) -> Golds | None:
    """The golds; () where the question has no answer, None where the file does not say.

    Raises:
        DataError: `is_impossible` is no truth value or does not agree with the answers.
    """
    impossible = record.get("is_impossible")
    if impossible is not None and not isinstance(impossible, bool):
        raise DataError(
            "'is_impossible' is not true or false",
            expected="true or false",
            found=fields.describe(impossible),
        )
    if record.get("answers") is None:
        return () if impossible else None
    answers = read_answers()
    if impossible is not None and impossible == bool(answers):
        raise _contradiction_error(answers)
    return answers


def _read_answers(record: JsonObject, source: Source) -> Golds:
    answers = record["answers"]
    if isinstance(answers, dict):
        return _read_columns(answers, source)
    return tuple(_read_answer(answer, source) for answer in fields.get_list(record, "answers"))


def _read_columns(columns: JsonObject, source: Source) -> Golds:
    texts = fields.get_list(columns, "text")
    starts = fields.get_list(columns, "answer_start")
    if len(texts) != len(starts):
        raise DataError(
            "the columns of 'answers' differ in length",
            expected="one 'answer_start' for each 'text'",
            found=f"{len(texts)} and {len(starts)}",
        )
    if len(columns) > 2:
        source.pass_over(columns.keys() - _ANSWER_KEYS, "answers")
    return tuple(
        Answer(fields.get_text({"text": text}, "text"), fields.as_start(start, "answer_start"))
        for text, start in zip(texts, starts, strict=True)
    )


def _read_answer(answer: object, source: Source) -> Answer:
    record = fields.get_object(answer, "the answer", shape='{"text": …, "start": …}')
    key = "answer_start" if "answer_start" in record else "start"
    text = fields.get_text(record, "text")
    if unread := record.keys() - _ANSWER_KEYS:
        source.pass_over(unread, "answers")
    if record.get(key) is None:
        fields.refuse_near_misses(record, ["start", "answer_start"])
        return Answer(text, UNKNOWN_START)
    return Answer(text, fields.as_start(record[key], key))


def _contradiction_error(answers: Golds) -> DataError:
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
