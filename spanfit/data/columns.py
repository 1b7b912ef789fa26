"""How a file of columns is laid out: its separator, the names of its columns, those that are read.

`find_layout` looks at the first line that holds a word and at what stands before it. See `conll`
for the rules.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from spanfit.data.column_choice import ColumnChoice
from spanfit.data.foreign import SAMPLES
from spanfit.data.layout import (
    COMMENT,
    Layout,
    count_columns,
    is_border,
    number_cells,
    show_line,
    split_cells,
)
from spanfit.errors import DataError, did_you_mean

CONLL_2003 = ("token", "pos", "chunk", "ner")

_NAMES = re.compile(r"#+ (?:[^\t:=]*columns = ?|[^\t:=]*: ?(?=.*\t))(.*)")
_NUMBER = re.compile(r"-?\d+")
_HEADER = frozenset(
    [
        *("word", "words", "token", "tokens", "form", "char", "text"),
        *("tag", "tags", "label", "labels", "ner", "ner_tag", "ner_tags", "ne_tag"),
        *("pos", "pos_tag", "upos", "xpos", "chunk", "chunk_tag", "lemma"),
        *("id", "sentence", "sentence_id"),
    ]
)
"""What the cells of a line that names the columns may say, in whatever case."""
_LOOKED_AT = 100  # lines with words that show whether a file holds columns
_CELL = re.compile(r"\S+| ")
_TAG = re.compile(r"[BIESLUM]-\S+|[!-`{-~]+")  # with a prefix, or without any small letter


def are_columns(lines: Sequence[str]) -> bool:
    """Whether lines look like words and tags in columns, and not like some other text.

    At least half of the lines with words have the same number of cells, two or more, in which is
    no white space; where no tabs separate them, the last cell looks like a tag.
    """
    if any(line.startswith("-DOCSTART-") for line in lines):
        return True
    words = [line for _, line in _word_lines(lines, limit=_LOOKED_AT)]
    separator = "\t" if words and "\t" in words[0] else " "
    rows = [split_cells(line, separator) for line in words]
    usual = Counter(map(len, rows)).most_common(1)
    if not usual or usual[0][0] < 2:
        return False
    fitting = [
        row
        for row in rows
        if len(row) == usual[0][0]
        and all(map(_CELL.fullmatch, row))
        and (separator == "\t" or _TAG.fullmatch(row[-1]))
    ]
    has_letters = any(character.isalpha() for row in fitting for character in row[-1])
    return has_letters and 2 * len(fitting) >= len(rows)


def find_layout(lines: Sequence[str], name: str, choice: ColumnChoice) -> Layout:
    """The layout of the file `name`, of which these are the lines.

    Raises:
        DataError: there is no word in it; it does not hold columns, or not the chosen ones.
    """
    words = list(_word_lines(lines, limit=2))
    if not words:
        raise DataError(
            "no word in the file",
            where=name,
            expected="columns: a word and its tags a line, blank lines between sentences",
            fix=SAMPLES,
        )
    number, line = words[0]
    separator = choice.separator or ("\t" if "\t" in line else " ")
    cells = split_cells(line, separator)
    header = 0
    if _is_header(cells):
        header = number
        number, line = words[-1]
    _refuse_foreign(line, f"{name}, line {number}")
    found = tuple(cells) if header else _find_names(lines[:number], len(cells))
    choice = choice.fit(len(cells), found)
    names = choice.names or found
    where = f"{name}, line {number}"
    _refuse_plain_text(choice, names, cells, separator, where=where)
    if names and len(names) != len(cells):
        raise DataError(
            f"{len(names)} names for {count_columns(len(cells))}",
            where=where,
            expected=f"{count_columns(len(names))}: {' '.join(names)}",
            found=show_line(line),
        )
    read = [
        None if column is None else _resolve(column, names, cells, what=what, where=where)
        for what, column in (("words", choice.words), ("tags", choice.tags))
    ]
    word, tag = read
    assert word is not None
    if word == tag:
        raise DataError(
            "words and tags in the same column",
            where=where,
            expected="a column of words, and one of tags",
            found=number_cells(cells),
            fix="put the tag behind each word, separated by a tab; or, where there is no gold, "
            "--columns tags="
            if len(cells) == 1
            else "",
        )
    return Layout(
        separator,
        len(cells),
        names=names,
        words=word,
        tags=tag,
        header=header,
        example=line,
        example_line=number,
    )


def _word_lines(lines: Sequence[str], *, limit: int) -> Sequence[tuple[int, str]]:
    """The first lines, with their numbers, that are surely no border, comment or document."""
    found: list[tuple[int, str]] = []
    for number, line in enumerate(lines, 1):
        is_other = COMMENT.match(line) or line.startswith("-DOCSTART-")
        if not (is_other or is_border(line, "\t")):
            found.append((number, line))
            if len(found) == limit:
                break
    return found


def _find_names(before: Sequence[str], n_columns: int) -> tuple[str, ...]:
    """The names of the columns from the lines up to the first word; () if nothing gives them."""
    for line in before:
        if match := _NAMES.fullmatch(line):
            names = match[1].split("\t" if "\t" in match[1] else None)
            if len(names) == n_columns > 1:
                return tuple(names)
    has_documents = any(line.startswith("-DOCSTART-") for line in before)
    return CONLL_2003 if has_documents and n_columns == len(CONLL_2003) else ()


def _is_header(cells: Sequence[str]) -> bool:
    lowered = {cell.lower() for cell in cells}
    return len(cells) > 1 and len(lowered) == len(cells) and lowered <= _HEADER


def _resolve(
    column: int | str, names: Sequence[str], cells: Sequence[str], *, what: str, where: str
) -> int:
    """The number, from 1, of a column given by name or number, which holds `what`."""
    if isinstance(column, str) and column in names:
        return names.index(column) + 1
    if isinstance(column, int) or _NUMBER.fullmatch(column):
        number = int(column)
        if 1 <= abs(number) <= len(cells):
            return number if number > 0 else len(cells) + 1 + number
        expected, fix = f"a number from 1 to {len(cells)}", ""
    elif names:
        expected, fix = f"one of {' '.join(names)}", did_you_mean(column, names)
    else:
        expected = f"a number from 1 to {len(cells)}: nothing names the columns"
        fix = "--columns words=1, for example  (recipe: columns.words)"
        if what == "tags":
            fix = f"--columns tags={len(cells)}, for example  (recipe: columns.tags); "
            fix += "tags= for words without gold"
    raise DataError(
        f"no column {column!r}", where=where, expected=expected, found=number_cells(cells), fix=fix
    )


def _refuse_plain_text(
    choice: ColumnChoice, names: Sequence[str], cells: Sequence[str], separator: str, *, where: str
) -> None:
    """Refuse lines of several words where nobody says which of them is one.

    They may as well be a text, of which all but the first word of each line would be lost.
    """
    if choice.tags is None and separator == " " and len(cells) > 1 and not names:
        raise DataError(
            f"{count_columns(len(cells))}, or a line of text?",
            where=where,
            expected="one word a line, or names for the columns",
            found=number_cells(cells),
            fix="--columns names=NAME,NAME,… if they are columns; the lines of a text: "
            "spanfit tag MODEL - --lines < FILE",
        )


def _refuse_foreign(line: str, where: str) -> None:
    """Refuse JSON, of which any line could pass for columns."""
    start = line.strip()
    if start in ("{", "[") or re.match(r'\[?\s*\{\s*"', start):
        raise DataError(
            "not a file of columns",
            where=where,
            expected="a word and its tags a line, blank lines between sentences",
            found=f"what looks like JSON: {show_line(line)}",
        )
