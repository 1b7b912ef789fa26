"""Reading data: one file a format, recognised from its content.

files        opening, plain or gzip; bytes → JSON values, with the place of what is wrong
recognition  which format a file holds, and what a wrong file looks like
squad        SQuAD's nested JSON, and all that is published in its shape
jsonl        one question a line
fields       checked access to the keys of a JSON object
answers      do the gold answers stand where the file says? named repairs
parts        calibration part, seeded subsets
predictions  the files that `predict` writes and `score` reads
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from spanfit.data.files import open_data
from spanfit.data.recognition import parse
from spanfit.errors import DataError
from spanfit.types import QuestionExample

__all__ = ["digest", "read", "stream"]


def read(path: str | Path) -> list[QuestionExample]:
    """All questions of a file, in its order.

    Takes SQuAD's JSON (v1.1, v2.0 and whatever else is published in that shape) and JSON Lines
    (see docs/files.md), plain or gzip-compressed; the content decides, not the name. Questions and
    contexts are left exactly as they are, and the questions of a paragraph share its string.

    Raises:
        DataError: the file is missing, is something else, or holds a mistake; two questions have
            the same id.
    """
    return list(stream(path))


def stream(path: str | Path) -> Iterator[QuestionExample]:
    """The questions of a file one by one; JSON Lines are read no further than was asked for.

    What is kept is each id and its place, to find duplicates. SQuAD's nested JSON is one value, so
    it is parsed whole.

    Raises:
        DataError: as `read`, when the faulty place is reached.
    """
    path = Path(path)
    with open_data(path) as file:
        yield from _refuse_duplicates(parse(file, str(path)), str(path))


def _refuse_duplicates(examples: Iterator[QuestionExample], name: str) -> Iterator[QuestionExample]:
    """Pass on `examples` until an id comes twice; then read to the end, to count, and raise."""
    places: dict[str, str] = {}
    for example in examples:
        if example.id in places:
            raise _duplicate_error(example, rest=examples, places=places, name=name)
        places[example.id] = example.place
        yield example


def _duplicate_error(
    example: QuestionExample, *, rest: Iterator[QuestionExample], places: dict[str, str], name: str
) -> DataError:
    seen = set(places)
    more = 0
    for later in rest:
        more += later.id in seen
        seen.add(later.id)
    return DataError(
        f"the id {example.id!r} comes a second time",
        where=f"{name}, {example.place}",
        expected="an id of its own for each question",
        found=f"the same id at {places[example.id]}"
        + (f", and {more} more questions with an id that came before" if more else ""),
    )


def digest(examples: Iterable[QuestionExample]) -> str:
    """A digest of ids, questions, contexts and golds: 32 hexadecimal digits (128 bits).

    It does not depend on the order of the examples, because no score does; the order of the golds
    within a question counts. Titles and places do not enter.
    """
    parts = sorted(_example_digest(example) for example in examples)
    return hashlib.blake2b(b"".join(parts), digest_size=16).hexdigest()


def _example_digest(example: QuestionExample) -> bytes:
    """Hash the fields, each led by its length, so that no two different examples look the same."""
    golds = example.answers
    texts = [example.id, example.question, example.context]
    texts += [part for gold in golds or () for part in (gold.text, str(gold.start))]
    hasher = hashlib.blake2b(b"no gold" if golds is None else b"gold", digest_size=16)
    for text in texts:
        data = text.encode("utf-8", "surrogatepass")
        hasher.update(len(data).to_bytes(8, "little") + data)
    return hasher.digest()
