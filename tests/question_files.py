"""Small files of questions, right and wrong, and the errors that the wrong ones give."""

from __future__ import annotations

import json

import pytest

from spanfit.data import read
from spanfit.errors import DataError

CONTEXT = "The lamp of Pellan Head was lit in 1864."
LIT = {
    "id": "q1",
    "question": "When was the lamp lit?",
    "answers": [{"text": "1864", "answer_start": 35}],
}
LINE = {"id": "a", "question": "Where?", "context": "At sea.", "answers": []}


def squad(*questions, context=CONTEXT, **article):
    """A document in SQuAD's shape with one paragraph."""
    return {"data": [article | {"paragraphs": [{"context": context, "qas": list(questions)}]}]}


def write(folder, content, name="file"):
    """Write bytes, a text, a JSON value, or a list of values as lines."""
    path = folder / name
    if isinstance(content, list):
        content = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in content)
    if not isinstance(content, str | bytes):
        content = json.dumps(content, ensure_ascii=False)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def complaint(path):
    with pytest.raises(DataError) as caught:
        read(path)
    message = str(caught.value)
    assert str(path) in message
    return message
