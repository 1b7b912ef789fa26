"""Which columns of a file are read, as its user chose or a model remembers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from spanfit.examples import Reading


@dataclass(frozen=True, slots=True)
class ColumnChoice:
    """Which columns to read, by name or by number: from 1, or from -1 at the right end.

    `tags` None means that no gold is read. `names` names all columns; empty: as the file does.
    `separator` None means that it is seen from the file; otherwise it is the string that separates
    columns, where a single space stands for any run of spaces. `remembered` are those of these that
    are a model's, as `Reading` has them.
    """

    words: int | str = 1
    tags: int | str | None = -1
    names: tuple[str, ...] = ()
    separator: str | None = None
    remembered: frozenset[str] = frozenset()

    @classmethod
    def of(cls, reading: Reading) -> ColumnChoice:
        """What a reading says of columns."""
        return cls(
            reading.words, reading.tags, reading.names, reading.separator, reading.remembered
        )

    def fit(self, n_columns: int, file_names: Sequence[str]) -> ColumnChoice:
        """The same without what is a model's and not this file's, whose names these are.

        Then words stand in the first column, and tags in the last, if there is another one.
        """
        names = self.names
        if "names" in self.remembered and len(names) != n_columns:
            names = ()
        known = names or tuple(file_names)

        def is_there(column: int | str | None) -> bool:
            if isinstance(column, str) and column in known:
                return True
            number = str(column).removeprefix("-")
            return column is None or (number.isdecimal() and 1 <= int(number) <= n_columns)

        words, tags = self.words, self.tags
        if "words" in self.remembered and not is_there(words):
            words = 1
        if "tags" in self.remembered and (n_columns == 1 or not is_there(tags)):
            tags = -1 if n_columns > 1 else None
        return replace(self, words=words, tags=tags, names=names)
