r"""JSON Lines: one question a line.

    {"id": "q1", "question": "When was the lamp lit?", "context": "The lamp was lit in 1864.", "answers": [{"text": "1864", "start": 20}]}
    {"id": "q2", "question": "Who lit the lamp?", "context": "The lamp was lit in 1864.", "answers": []}
    {"question": "Which year?", "context": "The lamp was lit in 1864."}

`start` counts code points; without it the place is unknown. No `answers` (or null): the gold is not
given; an empty list: the context holds no answer. Without `id` the number of the line is the id.
`title` (the document, for splitting), `is_impossible` (as in SQuAD) and `synthetic` (how a question
that nobody asked was made) may be given. Blank lines are skipped, unknown keys passed over.

SQuAD's columns, as data sets are exported from the hub, are taken too, and so is `answer_start`:

    {"id": "q1", "title": "Lamps", "context": "…", "question": "…", "answers": {"text": ["1864"], "answer_start": [20]}}
"""  # noqa: E501 (a line of the format is a line)

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

from spanfit.data import fields
from spanfit.data.fields import Source
from spanfit.data.parsing import parse_json
from spanfit.data.records import read_record
from spanfit.errors import DataError
from spanfit.types import UNKNOWN_START, QuestionExample


def parse_lines(lines: Iterable[tuple[int, bytes]], source: Source) -> Iterator[QuestionExample]:
    """The question of each numbered line.

    Raises:
        DataError: a line is not as above; with its number.
    """
    previous = ""
    for number, line in lines:
        place, record = f"line {number}", None
        try:
            record = parse_json(line, name=source.name, line=number)
            example = read_record(
                fields.get_object(record, "the line"),
                source,
                number=number,
                place=place,
                previous=previous,
            )
        except DataError as error:
            where = error.where or f"{source.name}, {place}"
            source.fault("line", number, fields.located(error, where), record=record)
            continue
        previous = example.context
        yield example


def write_lines(file: TextIO, examples: Iterable[QuestionExample]) -> None:
    """Write a line for each question; keys that would say nothing are left out."""
    for example in examples:
        file.write(json.dumps(_to_json(example), ensure_ascii=False) + "\n")


def _to_json(example: QuestionExample) -> dict[str, Any]:
    record: dict[str, Any] = {"id": example.id}
    if example.title:
        record["title"] = example.title
    record |= {"question": example.question, "context": example.context}
    if example.answers is not None:
        record["answers"] = [
            {"text": gold.text} | ({} if gold.start == UNKNOWN_START else {"start": gold.start})
            for gold in example.answers
        ]
    if example.synthetic:
        record["synthetic"] = example.synthetic
    return record
