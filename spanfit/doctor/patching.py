"""Repaired examples put back into the text that they were read from; all else in it stays.

    SQuAD's JSON, an array   the same document with other values; every key stays
    JSON Lines               lines without a change stay to the byte
    columns                  cells are replaced; lines, other columns and comments stay

Tables (CSV, Parquet, the hub) have no such text: `writing` writes them anew.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from spanfit.data.column_choice import ColumnChoice
from spanfit.data.columns import find_layout
from spanfit.data.conll import is_about_sentence
from spanfit.data.layout import Layout, is_border
from spanfit.doctor.files import OpenedFile
from spanfit.doctor.records import Patcher
from spanfit.examples import Example
from spanfit.tagged import TaggedExample

Pair = tuple[Example, Example | None]
"""An example as it was, and as it is now; None: left out."""

_INDENT = re.compile(rb"[\[{]\r?\n( +)")
_NUMBER = re.compile(r"\D+(\d+)")
_HALVES = "backslashreplace"
"""Half a surrogate pair, in a part that nobody reads, stays the escape in JSON that it was."""

Patch = Callable[[bytes, Sequence[Pair], Patcher], bytes]


def find_patch(file: OpenedFile) -> Patch | None:
    """What changes a text of the file's format; None for tables. The places tell the format."""
    first = file.examples[0]
    if isinstance(first, TaggedExample) and first.first_line:
        return _patch_columns
    return {"paragraph": _patch_document, "line": _patch_lines, "item": _patch_array}.get(
        first.place.split(" ")[0]
    )


def _patch_document(content: bytes, pairs: Sequence[Pair], patcher: Patcher) -> bytes:
    """SQuAD's JSON; a paragraph or article of which no question is left goes too."""
    document = json.loads(content)
    rest = deque(pairs)
    for article in document["data"]:
        if not rest:
            break  # the file may not have been read to its end
        for paragraph in article["paragraphs"]:
            if not rest:
                break
            questions = list(_patch_questions(paragraph, rest, patcher))
            if paragraph["qas"] and not questions:
                paragraph.clear()
            else:
                paragraph["qas"] = questions
        paragraphs = [paragraph for paragraph in article["paragraphs"] if paragraph]
        if article["paragraphs"] and not paragraphs:
            article.clear()
        else:
            article["paragraphs"] = paragraphs
    document["data"] = [article for article in document["data"] if article]
    return _dump(document, content)


def _patch_questions(
    paragraph: dict[str, Any], pairs: deque[Pair], patcher: Patcher
) -> Iterator[Any]:
    """The questions that are left of a paragraph, whose context is cleaned with the first."""
    for question in paragraph["qas"]:
        if not pairs:
            yield question
            continue
        old, new = pairs.popleft()
        if new is None:
            continue
        if new is not old:
            patcher.patch(question, old, new)
            paragraph["context"] = getattr(new, "context", paragraph["context"])
        yield question


def _patch_array(content: bytes, pairs: Sequence[Pair], patcher: Patcher) -> bytes:
    records = json.loads(content)
    dropped = set()
    for old, new in pairs:
        number = _number(old.place)
        if new is None:
            dropped.add(number)
        elif new is not old:
            patcher.patch(records[number - 1], old, new)
    return _dump([r for n, r in enumerate(records, 1) if n not in dropped], content)


def _patch_lines(content: bytes, pairs: Sequence[Pair], patcher: Patcher) -> bytes:
    lines: list[bytes | None] = [*content.split(b"\n")]
    for old, new in pairs:
        place = _number(old.place) - 1
        if new is None:
            lines[place] = None
        elif new is not old and (line := lines[place]) is not None:
            record = json.loads(line)
            patcher.patch(record, old, new)
            end = b"\r" if line.endswith(b"\r") else b""
            text = json.dumps(record, ensure_ascii=False)
            lines[place] = text.encode(errors=_HALVES) + end
    return b"\n".join(line for line in lines if line is not None)


def _patch_columns(content: bytes, pairs: Sequence[Pair], patcher: Patcher) -> bytes:
    lines: list[str | None] = [*content.decode().split("\n")]
    plain = [(line or "").removesuffix("\r") for line in lines]
    layout = find_layout(plain, "", ColumnChoice.of(patcher.reading))
    for old, new in pairs:
        assert isinstance(old, TaggedExample)
        first = old.first_line - 1
        if new is None:
            end = first + len(old.starts)
            end += end < len(lines) - 1 and is_border(plain[end], layout.separator)
            while (
                first
                and layout.is_comment(plain[first - 1])
                and is_about_sentence(plain[first - 1])
            ):
                first -= 1  # else it would be taken for the next sentence's
            lines[first:end] = [None] * (end - first)
        elif new is not old:
            assert isinstance(new, TaggedExample)
            _patch_sentence(lines, first, old, new, layout)
    return "\n".join(line for line in lines if line is not None).encode()


def _patch_sentence(
    lines: list[str | None], first: int, old: TaggedExample, new: TaggedExample, layout: Layout
) -> None:
    tags = zip(old.tags or old.words, new.tags or old.words, strict=True)
    for unit, ((before, after), tag) in enumerate(
        zip(zip(old.words, new.words, strict=True), tags, strict=True), first
    ):
        line = lines[unit] or ""
        if before != after:
            line = _replace_cell(line, layout.words, after, layout.separator)
        if tag[0] != tag[1] and layout.tags is not None:
            line = _replace_cell(line, layout.tags, tag[1], layout.separator)
        lines[unit] = line
    place = first - 1
    while old.text != new.text and place >= 0 and (comment := lines[place] or "").startswith("#"):
        lines[place] = comment.replace(f"text = {old.text}", f"text = {new.text}")
        place -= 1


def _replace_cell(line: str, column: int, cell: str, separator: str) -> str:
    """The line with another cell in a column (from 1); runs of spaces stay as they are."""
    text = line.removesuffix("\r")
    end = line[len(text) :]
    if separator != " ":
        cells = text.split(separator)
        cells[column - 1] = cell
        return separator.join(cells) + end
    match = list(re.finditer("[^ ]+", text))[column - 1]
    return text[: match.start()] + cell + text[match.end() :] + end


def _number(place: str) -> int:
    """The number of a line or item, from its place."""
    match = _NUMBER.match(place)
    assert match is not None
    return int(match[1])


def _dump(value: Any, content: bytes) -> bytes:  # noqa: ANN401 (a JSON document)
    """A document, indented as the old one was."""
    indent = _INDENT.match(content)
    text = json.dumps(value, ensure_ascii=False, indent=len(indent[1]) if indent else None)
    return text.encode(errors=_HALVES) + (b"\n" if content.endswith(b"\n") else b"")
