"""Writing columns: a word, its tag and, if there is one, a predicted tag a line.

What is written reads back as the same sentences, which is checked before a byte of it is kept. An
id that is not just the number of its sentence's first line, a text that is not just its words
joined, and a document's name stand in comments before the sentence; so CoNLL-2003, whose files have
none of these, gets none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from io import BytesIO
from typing import TextIO

from spanfit.data.column_choice import ColumnChoice
from spanfit.data.conll import DOCSTART, parse_conll
from spanfit.data.fields import Source
from spanfit.data.joiner import decide_joiner
from spanfit.errors import DataError
from spanfit.tagged import TaggedExample

Tags = tuple[str, ...]


def write_conll(
    file: TextIO,
    examples: Sequence[TaggedExample],
    *,
    predicted: Sequence[Tags] | None = None,
    separator: str = "\t",
) -> None:
    """Write the sentences in columns, which stand apart by a tab or a space.

    `predicted` has the predicted tags of each sentence, which become the last column.

    Raises:
        DataError: a sentence would not read back as it is: it has no words, a word holds the
            separator or a line's end, or something else would be taken for what it is not.
        ValueError: some sentences have gold and others none, or `predicted` does not fit.
    """
    if len({example.tags is None for example in examples}) > 1:
        raise ValueError("either all sentences have tags or none")
    columns = [_columns_of(example, separator) for example in examples]
    if predicted is not None:
        if [len(tags) for tags in predicted] != [len(example.starts) for example in examples]:
            raise ValueError("predicted needs one tag for each word of each sentence")
        for cells, tags in zip(columns, predicted, strict=True):
            cells.append(tags)
    joiner = decide_joiner(words for words, *_ in columns)
    content = "".join(
        f"{line}\n" for line in _lines(examples, columns, separator=separator, joiner=joiner)
    )
    _check(content, examples)
    file.write(content)


def _columns_of(example: TaggedExample, separator: str) -> list[Tags]:
    """Words, and tags if there are any."""
    words = tuple(example.words)
    if not words:
        raise _loss_error(example, found="a text without words")
    for cell in (*words, *(example.tags or ())):
        if separator in cell or "\n" in cell:
            what = "a space" if separator == " " else "a tab"
            fix = "tabs between the columns, or JSON Lines" if separator == " " else ""
            raise _loss_error(
                example, found=f"{what if separator in cell else 'a line end'} in {cell!r}", fix=fix
            )
    return [words] if example.tags is None else [words, example.tags]


def _lines(
    examples: Sequence[TaggedExample],
    columns: Sequence[Sequence[Tags]],
    *,
    separator: str,
    joiner: str,
) -> Iterator[str]:
    written, documents, document = 0, 0, ""
    for example, cells in zip(examples, columns, strict=True):
        lines = []
        if example.document != document:
            documents, document = documents + 1, example.document
            if document == str(documents):
                lines += [separator.join([DOCSTART, *["O"] * (len(cells) - 1)]), ""]
            else:
                lines.append(f"# newdoc id = {document}".rstrip())
        if example.text != joiner.join(cells[0]):
            lines.append(f"# text = {example.text}")
        if example.id != str(written + len(lines) + 1):
            lines.append(f"# sent_id = {example.id}")
        lines += [separator.join(row) for row in zip(*cells, strict=True)]
        lines.append("")
        written += len(lines)
        yield from lines


def _check(content: str, examples: Sequence[TaggedExample]) -> None:
    """Refuse what would not read back: a word "# a" that begins a sentence, for example."""
    if not examples:
        return
    choice = ColumnChoice(tags=None if examples[0].tags is None else 2)
    try:
        found = parse_conll(BytesIO(content.encode()), Source("the file to write"), choice).examples
    except DataError as error:
        raise DataError(
            f"these texts can't be written in columns: {error.problem}",
            where=error.where,
            found=error.found,
            fix="JSON Lines, which take any text",
        ) from None
    for example, again in zip(examples, found, strict=False):
        # Gold given as ranges of characters is in the tags too.
        if again != replace(example, entities=None):
            raise _loss_error(example, found="what would read back as another text")
    if len(found) != len(examples):
        raise DataError(
            "these texts can't be written in columns",
            expected=f"{len(examples)} sentences to read back",
            found=str(len(found)),
            fix="JSON Lines, which take any text",
        )


def _loss_error(example: TaggedExample, *, found: str, fix: str = "") -> DataError:
    return DataError(
        "a text can't be written in columns",
        where=f"{example.place}, id {example.id!r}" if example.place else f"id {example.id!r}",
        expected="words that no separator and no line end divides",
        found=found,
        fix=fix or "JSON Lines, which take any text",
    )
