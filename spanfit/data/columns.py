"""How a file of columns is laid out: its separator, the names of its columns, those that are read.

`find_layout` looks at the first line that holds a word and at what stands before it. See `conll`
for the rules.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from spanfit.data.column_choice import ColumnChoice
from spanfit.errors import DataError, did_you_mean

CONLL_2003 = ("token", "pos", "chunk", "ner")

_COMMENT = re.compile(r"#+(?: |$)")
_CERTAIN_COMMENT = re.compile(r"#+ (?:new(?:doc|par)\b|\S+ =(?: |$))")
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
_SHOWN = 60
_LOOKED_AT = 100  # lines with words that show whether a file holds columns
_CELL = re.compile(r"\S+| ")
_TAG = re.compile(r"[BIESLUM]-\S+|[!-`{-~]+")  # with a prefix, or without any small letter


@dataclass(frozen=True, slots=True)
class Layout:
    """What is known of a file of columns; numbers of columns and lines begin at 1.

    `names` is empty where nothing names the columns. `header` is the line that does, 0 for none.
    `example` is the first line that holds a word, and stands on line `example_line`.
    """

    separator: str
    n_columns: int
    names: tuple[str, ...]
    words: int
    tags: int | None
    header: int
    example: str
    example_line: int

    @property
    def unread(self) -> set[str]:
        """The columns that nobody reads, by name or number."""
        read = {self.words, self.tags}
        return {
            self.names[number - 1] if self.names else str(number)
            for number in range(1, self.n_columns + 1)
            if number not in read
        }

    def split(self, line: str) -> list[str]:
        """The cells of a line."""
        return _split(line, self.separator)

    def is_comment(self, line: str) -> bool:
        """Whether a line at the begin of a sentence is a comment."""
        return _is_comment(line, self.separator, self.n_columns)

    def check(self, cells: Sequence[str], line: str) -> None:
        """Refuse the cells of `line` if they are not as many as the others have, or are empty.

        Raises:
            DataError: they are; without the place.
        """
        if len(cells) != self.n_columns:
            raise self._ragged_error(len(cells), line)
        for what, column in (("word", self.words), ("tag", self.tags)):
            if column is not None and not cells[column - 1]:
                raise DataError(
                    f"the {what} is empty",
                    expected=f"something in column {column}",
                    found=_show(line),
                    fix="a blank line, if a sentence ends here"
                    if not line.strip()
                    else "another column" * (what == "tag" and column == self.n_columns),
                )

    def _ragged_error(self, found: int, line: str) -> DataError:
        if _COMMENT.match(line):
            fix = "a blank line before it, if it is a comment"
        elif self.separator == " " and found > self.n_columns:
            fix = "separate the columns by tabs, if a word holds a space"
        elif self.separator == "\t" and found == 1 and " " in line:
            fix = "separate all columns by tabs"
        else:
            fix = ""
        return DataError(
            f"{_count(found)} where the file has {self.n_columns}",
            expected=f"{_count(self.n_columns)} separated by {_name(self.separator)}, "
            f"as on line {self.example_line}: {_show(self.example)}",
            found=_show(line),
            fix=fix,
        )


def is_border(line: str, separator: str) -> bool:
    """Whether a line ends a sentence: nothing in it but white space, or but separators."""
    if line and not line.isspace():
        return False
    # In a file separated by tabs, " <tab>O" is a word, and " <tab>" one whose tag is missing.
    return separator != "\t" or "\t" not in line or not line.strip("\t")


def are_columns(lines: Sequence[str]) -> bool:
    """Whether lines look like words and tags in columns, and not like some other text.

    At least half of the lines with words have the same number of cells, two or more, in which is
    no white space; where no tabs separate them, the last cell looks like a tag.
    """
    if any(line.startswith("-DOCSTART-") for line in lines):
        return True
    words = [line for _, line in _word_lines(lines, limit=_LOOKED_AT)]
    separator = "\t" if words and "\t" in words[0] else " "
    rows = [_split(line, separator) for line in words]
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
        )
    number, line = words[0]
    separator = choice.separator or ("\t" if "\t" in line else " ")
    cells = _split(line, separator)
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
            f"{len(names)} names for {_count(len(cells))}",
            where=where,
            expected=f"{_count(len(names))}: {' '.join(names)}",
            found=_show(line),
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
            found=_number_cells(cells),
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
        is_other = _COMMENT.match(line) or line.startswith("-DOCSTART-")
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


def _split(line: str, separator: str) -> list[str]:
    cells = line.split(separator)
    return [cell for cell in cells if cell] if separator == " " and "" in cells else cells


def _is_comment(line: str, separator: str, n_columns: int) -> bool:
    if not _COMMENT.match(line):
        return False
    if separator == "\t" and n_columns > 1:
        return True
    return bool(_CERTAIN_COMMENT.match(line)) or len(_split(line, separator)) != n_columns


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
        fix = "--columns words=1, for example"
        if what == "tags":
            fix = f"--columns tags={len(cells)}, for example; tags= for words without gold"
    raise DataError(
        f"no column {column!r}", where=where, expected=expected, found=_number_cells(cells), fix=fix
    )


def _refuse_plain_text(
    choice: ColumnChoice, names: Sequence[str], cells: Sequence[str], separator: str, *, where: str
) -> None:
    """Refuse lines of several words where nobody says which of them is one.

    They may as well be a text, of which all but the first word of each line would be lost.
    """
    if choice.tags is None and separator == " " and len(cells) > 1 and not names:
        raise DataError(
            f"{_count(len(cells))}, or a line of text?",
            where=where,
            expected="one word a line, or names for the columns",
            found=_number_cells(cells),
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
            found=f"what looks like JSON: {_show(line)}",
        )


def _number_cells(cells: Sequence[str]) -> str:
    return ", ".join(f"{number} {cell!r}" for number, cell in enumerate(cells, 1))


def _name(separator: str) -> str:
    return {"\t": "single tabs", " ": "spaces"}.get(separator, repr(separator))


def _count(columns: int) -> str:
    return f"{columns} column{'s' * (columns != 1)}"


def _show(line: str) -> str:
    return repr(line if len(line) <= _SHOWN else line[: _SHOWN - 1] + "…")
