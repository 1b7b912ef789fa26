"""Which columns of a file are read, as its user chose or a model remembers."""

from __future__ import annotations

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

    def fit(self, n_columns: int) -> ColumnChoice:
        """The same without a model's names, where those are of more or fewer columns.

        They stay where the tags are the model's as well, which would be looked for among them.
        """
        is_chosen = "tags" not in self.remembered and "names" in self.remembered
        if not is_chosen or len(self.names) == n_columns:
            return self
        is_named = "words" in self.remembered and isinstance(self.words, str)
        return replace(self, names=(), words=1 if is_named else self.words)
