"""Reading and writing data: one file a format, recognised from its content.

files        opening, plain or gzip; lines and texts, with the place of what is wrong
parsing      bytes → JSON values
unpacking    gzip as it is read; bombs
recognition  which format a file holds, and what a wrong file looks like
squad        SQuAD's nested JSON, and all that is published in its shape
jsonl        one question a line
tabular      one question a row: CSV, TSV, Parquet
rows         the rows of a CSV table, and those that cannot be read
cells        what stands in the cells of a table
hub          data sets of the Hugging Face hub, by name
records      one question as a flat record, which lines, rows and the hub have in common
tables       tables with typed columns: Parquet, the hub
conll        tagged texts in columns; `columns` is their layout, `column_choice` which are read,
             `conll_writing` writes them
tagged_*     tagged texts in JSON, and in tables; one of them as a flat record
entities     gold as ranges of characters
joiner       the text behind a list of words
fields       checked access to the keys of a JSON object
writing      a file of examples in a format that the user chose
contents     a digest of examples, and how many there are of which kind
checking     is the gold right? of answers (see `answers`) and of tags; named repairs
gold         the gold tags of many texts at once: chunks, another scheme
splitting    calibration part, seeded subsets
synthesis    unanswerable questions made of answerable ones
neighbours   the neighbours of a sentence in its document
faults       lines that cannot be read: refused, or left out and listed
unfinished   a file of lines that can be continued after any end of the process
prediction_lines  the lines that `predict` writes
predictions  what `score` reads of them, and the official formats
nbest        those lines read back with their candidates
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from spanfit.data.contents import count_kinds, digest
from spanfit.data.fields import OnFault, Source, suggesting
from spanfit.data.files import all_lines, open_data
from spanfit.data.hub import is_hub_name, open_hub
from spanfit.data.recognition import find_lines, parse, parse_table
from spanfit.errors import DataError
from spanfit.examples import AS_IT_IS, Example, Reading
from spanfit.types import QuestionExample

__all__ = ["Counted", "count", "count_kinds", "digest", "read", "read_questions", "stream", "tally"]

ItemT = TypeVar("ItemT")
_TALLIED = 10_000  # examples between two signs of life


@dataclass(frozen=True, slots=True)
class Counted:
    """What there is to read in a file: examples, lines or rows that are none, blank lines.

    JSON Lines are counted and not read: those that cannot be are among the `examples`.
    """

    examples: int
    faulty: int = 0
    blank: int = 0

    @property
    def records(self) -> int:
        """All that is either read or left out."""
        return self.examples + self.faulty


def read(*paths: str | Path, reading: Reading = AS_IT_IS) -> list[Example]:
    """All questions or tagged texts of one file or several, in their order.

    Takes questions in SQuAD's JSON (v1.1, v2.0 and whatever else is published in that shape), JSON
    Lines, CSV and Parquet; tagged texts in columns (CoNLL), JSON Lines, a JSON array and Parquet
    (see docs/files.md), plain or gzip-compressed; the content decides, not the name.
    `hub:ORG/NAME:SPLIT` is a data set of the hub. Texts are left exactly as they are, and the
    questions of a paragraph share its string. `reading` says how tagged texts are read where
    their files leave a choice; their tags are as the file has them, valid or not.

    Raises:
        DataError: a file is missing, is something else, or holds a mistake; two examples have
            the same id, or are of different kinds.
        MissingExtraError: it takes pyarrow or datasets, which is not installed.
    """
    return list(stream(*paths, reading=reading))


def read_questions(*paths: str | Path) -> list[QuestionExample]:
    """The same of files that hold questions.

    Raises:
        DataError: as `read`, or they hold tagged texts.
        MissingExtraError: as `read`.
    """
    questions: list[QuestionExample] = []
    for example in stream(*paths):
        if not isinstance(example, QuestionExample):
            raise DataError(
                f"these are {example.kind}",
                where=", ".join(filter(None, (str(paths[0]), example.place))),
                expected=QuestionExample.kind,
                fix="the file that holds the questions",
            )
        questions.append(example)
    return questions


def stream(
    *paths: str | Path,
    reading: Reading = AS_IT_IS,
    unread: Counter[str] | None = None,
    check_ids: bool = True,
    on_fault: OnFault | None = None,
    repeats: list[str] | None = None,
) -> Iterator[Example]:
    """The examples one by one; JSON Lines and tables are read no further than was asked for.

    What is kept is each id and its place, to find duplicates; nothing without `check_ids`. SQuAD's
    nested JSON, a JSON array and columns are read whole, and so are lines of words where what
    joins them has to be decided. `unread` counts the keys and columns that SpanFit does not carry.
    `on_fault` hears of each line or row that cannot be read, and leaves it out unless it raises:
    without it the first one is an error. With several files the places name the file, and what
    stands for a missing id begins with it, so that the third lines of two files differ. An example
    that comes again, equal in all that is read of it, is left out where `repeats` collects its id
    (SQuAD v2.0 holds the questions of v1.1); else it is an error.

    Raises:
        DataError: as `read`, when the faulty place is reached.
        MissingExtraError: as `read`.
    """
    unread = Counter() if unread is None else unread
    names = [str(path) for path in paths]
    sources = [
        Source(name, id_prefix=prefix, unread=unread, on_fault=on_fault)
        for name, prefix in zip(names, _id_prefixes(names), strict=True)
    ]
    examples = _chain(sources, reading)
    yield from _refuse_duplicates(examples, names, repeats) if check_ids else examples


def count(
    path: str | Path,
    *,
    reading: Reading = AS_IT_IS,
    advance: Callable[[int], object] = lambda _: None,
) -> int:
    """How many examples there are, for a bar: see `tally`."""
    return tally(path, reading=reading, advance=advance).examples


def tally(
    path: str | Path,
    *,
    reading: Reading = AS_IT_IS,
    advance: Callable[[int], object] = lambda _: None,
) -> Counted:
    """What there is to read in a file; JSON Lines are counted and not read.

    `advance` is told now and then how many more have been seen.

    Raises:
        DataError: no such file, or not one of examples.
        MissingExtraError: as `read`.
    """
    if not is_hub_name(str(path)):
        with open_data(Path(path)) as file:
            if find_lines(file) is not None:
                kinds = Counter(bool(line.strip()) for _, line in _noted(all_lines(file), advance))
                return Counted(kinds[True], blank=kinds[False])
    faults: list[int] = []
    examples = stream(
        path, reading=reading, check_ids=False, on_fault=lambda _, number, __: faults.append(number)
    )
    n = sum(1 for _ in _noted(examples, advance))
    return Counted(n, faulty=len(faults))


def _noted(items: Iterable[ItemT], advance: Callable[[int], object]) -> Iterator[ItemT]:
    """The items, with a sign of life now and then."""
    for n, item in enumerate(items, 1):
        yield item
        if n % _TALLIED == 0:
            advance(_TALLIED)


def _chain(sources: list[Source], reading: Reading) -> Iterator[Example]:
    """The examples of all sources; the places name the file where there are several.

    Raises:
        DataError: one file holds questions, and another tagged texts.
    """
    if len(sources) == 1:
        yield from _read_source(sources[0], reading)
        return
    first: Example | None = None
    for source in sources:
        for example in _read_source(source, reading):
            first = first or example
            if example.kind != first.kind:
                raise DataError(
                    f"{example.kind} beside {first.kind}",
                    where=source.name,
                    expected=f"{first.kind}, as in {sources[0].name}",
                    found=example.kind,
                    fix="each kind by itself",
                )
            yield replace(example, place=f"{source.name}, {example.place}")


def _read_source(source: Source, reading: Reading) -> Iterator[Example]:
    again = ", and the same --columns" * (reading != AS_IT_IS)
    with suggesting(f"{_check_command(source.name)}{again}, which lists every such place"):
        if is_hub_name(source.name):
            yield from parse_table(open_hub(source.name), source, reading)
        else:
            with open_data(Path(source.name)) as file:
                yield from parse(file, source, reading)


def _check_command(name: str) -> str:
    return f"spanfit check {shlex.quote(name)}"


def _id_prefixes(names: list[str]) -> list[str]:
    """What leads the number that stands for a missing id: nothing, where there is one file."""
    if len(names) == 1:
        return [""]
    stems = [Path(name.removesuffix(".gz")).stem for name in names]
    return [f"{key}:" for key in (stems if len({*stems}) == len(names) else names)]


def _refuse_duplicates(
    examples: Iterator[Example], names: list[str], repeats: list[str] | None
) -> Iterator[Example]:
    """Pass on `examples` until an id comes twice; then read to the end, to count, and raise.

    With `repeats`, equal examples are no mistake: the first passes, the ids of others go there.
    """
    places: dict[str, str] = {}
    seen: dict[str, Example] = {}
    for example in examples:
        if example.id not in places:
            places[example.id] = example.place
            if repeats is not None:
                seen[example.id] = example
            yield example
        elif repeats is not None and seen[example.id] == example:
            repeats.append(example.id)
        else:
            raise _duplicate_error(example, rest=examples, places=places, names=names)


def _duplicate_error(
    example: Example,
    *,
    rest: Iterator[Example],
    places: dict[str, str],
    names: list[str],
) -> DataError:
    seen = set(places)
    more = 0
    for later in rest:
        more += later.id in seen
        seen.add(later.id)
    return DataError(
        f"the id {example.id!r} comes a second time",
        where=f"{names[0]}, {example.place}" if len(names) == 1 else example.place,
        expected="an id of its own for each",
        found=f"the same id at {places[example.id]}"
        + (f", and {more} more with an id that came before" if more else ""),
        fix=" ".join([_check_command(names[0]), *map(shlex.quote, names[1:])])
        + ", which lists them",
    )
