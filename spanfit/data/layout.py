"""The layout of a file of columns: how its lines are taken apart, and what a wrong one lacks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from spanfit.data.fields import check_tags
from spanfit.errors import DataError

COMMENT = re.compile(r"#+(?: |$)")
"""How a comment begins."""
_CERTAIN_COMMENT = re.compile(r"#+ (?:new(?:doc|par)\b|\S+ =(?: |$))")
_SHOWN = 60  # characters of a line that a message quotes
_MOST_CELLS = 100_000


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
        return split_cells(line, self.separator)

    def is_comment(self, line: str) -> bool:
        """Whether a line at the begin of a sentence is a comment."""
        return is_comment(line, self.separator, self.n_columns)

    def check(self, cells: Sequence[str], line: str) -> None:
        """Refuse the cells of `line` if they are not as many as the others have, empty, or no tag.

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
                    found=show_line(line),
                    fix="a blank line, if a sentence ends here"
                    if not line.strip()
                    else "another column" * (what == "tag" and column == self.n_columns),
                )
        if self.tags is not None:
            check_tags([cells[self.tags - 1]])

    def _ragged_error(self, found: int, line: str) -> DataError:
        if COMMENT.match(line):
            fix = "a blank line before it, if it is a comment"
        elif self.separator == " " and found > self.n_columns:
            fix = "separate the columns by tabs, if a word holds a space"
        elif self.separator == "\t" and found == 1 and " " in line:
            fix = "separate all columns by tabs"
        else:
            fix = ""
        return DataError(
            f"{count_columns(found)} where the file has {self.n_columns}",
            expected=f"{count_columns(self.n_columns)} separated by {_name(self.separator)}, "
            f"as on line {self.example_line}: {show_line(self.example)}",
            found=show_line(line),
            fix=fix,
        )


def is_border(line: str, separator: str) -> bool:
    """Whether a line ends a sentence: nothing in it but white space, or but separators."""
    if line and not line.isspace():
        return False
    # In a file separated by tabs, " <tab>O" is a word, and " <tab>" one whose tag is missing.
    return separator != "\t" or "\t" not in line or not line.strip("\t")


def split_cells(line: str, separator: str) -> list[str]:
    """The cells of a line; where a space separates them, any run of spaces does."""
    cells = line.split(separator, _MOST_CELLS)  # the last has the rest of a line of any length
    return [cell for cell in cells if cell] if separator == " " and "" in cells else cells


def is_comment(line: str, separator: str, n_columns: int) -> bool:
    """Whether a line at the begin of a sentence is a comment, and not a word "#" with its tags."""
    if not COMMENT.match(line):
        return False
    if separator == "\t" and n_columns > 1:
        return True
    return bool(_CERTAIN_COMMENT.match(line)) or len(split_cells(line, separator)) != n_columns


def number_cells(cells: Sequence[str]) -> str:
    """The cells with their numbers, for messages: "1 'EU', 2 'B-ORG'"."""
    return ", ".join(f"{number} {cell!r}" for number, cell in enumerate(cells, 1))


def _name(separator: str) -> str:
    return {"\t": "single tabs", " ": "spaces"}.get(separator, repr(separator))


def count_columns(columns: int) -> str:
    """So many columns, for messages."""
    return f"{columns} column{'s' * (columns != 1)}"


def show_line(line: str) -> str:
    """A line, or its beginning, for messages."""
    return repr(line if len(line) <= _SHOWN else line[: _SHOWN - 1] + "…")
