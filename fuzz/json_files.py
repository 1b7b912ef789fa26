"""SQuAD's JSON, JSON Lines and arrays: of questions, and of tagged texts."""

from __future__ import annotations

import json
from typing import Any

from fuzz.draws import Draws
from fuzz.reading import READINGS, check_reading
from fuzz.target import Target
from fuzz.values import change, draw_value, wrap, write_json, write_lines

CONTEXT = "The lamp of Pellan Head was lit in 1864."

QUESTIONS: list[dict[str, Any]] = [
    {
        "id": "q1",
        "title": "Lamps",
        "question": "When was it lit?",
        "context": CONTEXT,
        "answers": [{"text": "1864", "start": 35}],
    },
    {"id": "q2", "question": "Who?", "context": CONTEXT, "answers": [], "is_impossible": True},
    {"question": "Which?", "context": CONTEXT, "synthetic": "other_paragraph"},
    {
        "id": 4,
        "question": "",
        "context": "é東",
        "answers": {"text": ["é", "東"], "answer_start": [0, -1]},
    },
]
"""Questions as lines have them."""

SQUAD: dict[str, Any] = {
    "version": "v2.0",
    "data": [
        {
            "title": "Lamps",
            "paragraphs": [
                {
                    "context": CONTEXT,
                    "qas": [
                        {
                            "id": "s1",
                            "question": "When?",
                            "answers": [{"text": "1864", "answer_start": 35}],
                            "is_impossible": False,
                        },
                        {
                            "id": "s2",
                            "question": "Who?",
                            "answers": [],
                            "is_impossible": True,
                            "plausible_answers": [{"text": "Pellan", "answer_start": 12}],
                        },
                    ],
                }
            ],
        },
        {"paragraphs": [{"context": "x", "qas": [{"id": 3, "question": "?"}]}]},
    ],
}

TEXTS: list[dict[str, Any]] = [
    {"id": "a1", "words": ["Mira", "left", "Oslo"], "tags": ["B-PER", "O", "B-LOC"]},
    {
        "id": "a2",
        "text": "ミラはオスロに住む。",
        "entities": [
            {"start": 0, "end": 2, "label": "PER"},
            {"type": "LOC", "span": [3, 6], "name": "オスロ"},
        ],
    },
    {"id": "a3", "text": "Mira left.", "units": [[0, 4], [5, 9]], "tags": ["B-PER", "O"]},
    {"text": "No gold here.", "document": "d"},
    {"tokens": ["a", " ", "b"], "ner_tags": [0, 1, 2]},
    {"curid": 7, "text": "ab", "entities": []},
    {"text": "東 京", "words": ["東", "京"], "pos_tags": ["N", "N"], "document": 3},
]

KEYS = (
    *("id", "title", "question", "context", "answers", "answer", "text", "start", "answer_start"),
    *("is_impossible", "synthetic", "data", "paragraphs", "qas", "version", "plausible_answers"),
    *("words", "tokens", "tags", "ner_tags", "pos_tags", "chunk_tags", "entities", "units", "end"),
    *("span", "label", "type", "name", "document", "curid", "qid", "Question", "tag", ""),
)


def draw_content(draws: Draws) -> bytes:
    """A file of these, right or wrong."""
    kind = draws.integer(0, 5)
    if kind == 0:
        return write_json(draws, change(draws, SQUAD, KEYS)).encode()
    if kind == 1:
        return write_lines(draws, change(draws, QUESTIONS, KEYS))
    if kind == 2:
        return write_lines(draws, change(draws, TEXTS, KEYS))
    if kind == 3:
        return write_json(draws, change(draws, TEXTS, KEYS)).encode()
    if kind == 4:
        records = draws.items(lambda: draw_value(draws, KEYS), most=3)
        return write_lines(draws, change(draws, records, KEYS))
    mixed = [draws.choose([*QUESTIONS, *TEXTS, SQUAD]) for _ in range(draws.integer(1, 4))]
    return write_lines(draws, change(draws, mixed, KEYS))


def check(data: bytes) -> None:
    """Bytes as a file, or a file made of them."""
    draws = Draws(data)
    reading = draws.choose(READINGS) if draws.flag() else READINGS[0]
    content = wrap(draws, draw_content(draws)) if draws.flag() else draws.rest()
    check_reading(content, reading)


_PLAIN = b"\0\0"
_FILES = (
    json.dumps(SQUAD).encode(),
    json.dumps(SQUAD, indent=1).encode(),
    b"".join(json.dumps(record).encode() + b"\n" for record in QUESTIONS),
    b"".join(json.dumps(record, ensure_ascii=False).encode() + b"\n" for record in TEXTS[:4]),
    json.dumps(TEXTS, indent=0).encode(),
    json.dumps(TEXTS[5:]).encode(),
)

TARGET = Target(
    "json",
    check,
    seeds=(
        *(_PLAIN + file for file in _FILES),
        *(bytes([0, 1, kind]) for kind in range(6)),
        b"\1\5\0" + _FILES[3],
    ),
    words=(*(f'"{key}"'.encode() for key in KEYS), b"null", b"true", b"\\ud83d", b"-1"),
)
