"""CSV and TSV: questions in rows."""

from __future__ import annotations

import csv
import json
from io import StringIO
from typing import Literal

from fuzz.draws import Draws
from fuzz.json_files import CONTEXT
from fuzz.reading import READINGS, check_reading
from fuzz.target import Target
from fuzz.values import change, wrap

COLUMNS = (
    *("id", "title", "context", "question", "answers", "is_impossible", "synthetic"),
    *("answer", "answer_text", "answer_start", "Question", "more", "", "id"),
)
"""What a header may name; the first five most often."""

_GOLDS = {"text": ["1864"], "answer_start": [35]}
_ANSWERS = (
    json.dumps(_GOLDS),
    repr(_GOLDS),
    "{'text': array(['1864'], dtype=object), 'answer_start': array([35], dtype=int32)}",
    "[{'text': 'it\\'s', 'start': np.int64(2)}]",
    *("", "[]", "{}", "None", "1864", "{1: 2}", "[[[", "{'text': [0x10]}", "nan", "'\\d'"),
)
_CELLS = (
    *("", "q1", "q2", "1864", "35", "35.0", "-1", " 7 ", "９", "1" * 20, "true", "False", "0"),
    *("a,b", "a\tb", 'a "b"', "line\nline", "\r", "\x00", "é東", CONTEXT),
)


def _draw_cell(draws: Draws, column: str) -> str:
    if column == "answers" and draws.byte() < 200:
        if draws.flag():
            return draws.choose(_ANSWERS)
        value = change(draws, [{"text": "1864", "start": 35}], ("text", "start", "end"))
        return json.dumps(value) if draws.flag() else repr(value)
    return draws.text() if draws.byte() > 200 else draws.choose(_CELLS)


def draw_content(draws: Draws) -> bytes:
    """A file of these, right or wrong."""
    columns = draws.items(lambda: draws.choose(COLUMNS), most=7)
    if draws.byte() < 220:
        columns = [*columns, "question", "context"]
    out = StringIO(newline="")
    delimiter = draws.choose(",\t;")
    quoting: Literal[0, 1] = csv.QUOTE_ALL if draws.flag() else csv.QUOTE_MINIMAL
    writer = csv.writer(
        out, delimiter=delimiter, quoting=quoting, lineterminator=draws.choose(["\n", "\r\n"])
    )
    writer.writerow(columns)
    for _ in range(draws.integer(0, 4)):
        writer.writerow([_draw_cell(draws, column) for column in columns])
        if draws.byte() > 230:
            out.write(draws.text())  # a row with too much, or quotes that hide where it ends
    return out.getvalue().encode("utf-8", "replace")


def check(data: bytes) -> None:
    """Bytes as a file, or a file made of them."""
    draws = Draws(data)
    content = wrap(draws, draw_content(draws)) if draws.flag() else draws.rest()
    check_reading(content, READINGS[0])


_FILES = (
    f"id,title,context,question,answers\nq1,L,{CONTEXT},When?,\"{{'text': ['1864'], "
    "'answer_start': [35]}\"\n",
    f"id\tcontext\tquestion\tanswer\tanswer_start\nq1\t{CONTEXT}\tWhen?\t1864\t35.0\n"
    f'q2\t"two\n""lines"""\tWho?\t\t\n',
    f"question;context;is_impossible\r\nWhen?;{CONTEXT};True\r\n\r\nWho?;x;\r\n",
)

TARGET = Target(
    "csv",
    check,
    seeds=(
        *(b"\0" + file.encode() for file in _FILES),
        bytes([1, 5, 0, 2, 3, 4, 9, 0, 0, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]),
    ),
    words=(
        *(column.encode() for column in COLUMNS if column),
        *(b",", b'"', b'""', b"\t", b"array([", b"np.int64(", b"{'text': [", b"'answer_start': ["),
    ),
)
