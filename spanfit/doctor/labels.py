"""What is wrong with tags: transitions, labels, and words that are tagged now so, now so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Final, NamedTuple

from spanfit.data.gold import GoldChunks, find_chunks
from spanfit.doctor.files import OpenedFile
from spanfit.doctor.findings import Finding, Reporter, quote
from spanfit.examples import Example, Reading
from spanfit.tagged import TaggedExample
from spanfit.tags import (
    OUTSIDE,
    PLAIN,
    Repair,
    Scheme,
    Violation,
    find_scheme,
    list_violations,
    nearest_scheme,
    repair_tags,
)

MANY: Final = 1_000
"""Distinct tags; with more, a third of which come only once, a column is hardly that of tags."""
RARE: Final = 10
"""A label with fewer entities than this, and fewer than one in a hundred, hardly occurs."""
_SHARE: Final = 100
TIMES: Final = 10
"""So many times as often another tag must be for one to stand out."""


class _Chunk(NamedTuple):
    row: int
    unit: int
    surface: str
    label: str


@dataclass(frozen=True)
class TaggedGold:
    """The texts of a file that have tags, their rows in it, and the scheme of the tags.

    `column` says where the tags are read, for messages.
    """

    rows: tuple[int, ...]
    examples: tuple[TaggedExample, ...]
    scheme: Scheme
    column: str = "this"

    @classmethod
    def of(cls, file: OpenedFile, reading: Reading) -> TaggedGold:
        """Those of a file; the scheme is the named one, else the one that is broken least."""
        chosen = {
            row: example
            for row, example in enumerate(file.examples)
            if isinstance(example, TaggedExample) and example.tags
        }
        sequences = [example.tags or () for example in chosen.values()]
        named = find_scheme(reading.scheme) if reading.scheme is not None else None
        scheme = named or (nearest_scheme(sequences) if sequences else PLAIN)
        column = _name_column(file.examples[0], reading)
        return cls(tuple(chosen), tuple(chosen.values()), scheme, column)

    @cached_property
    def counts(self) -> Counter[str]:
        """How often each tag comes."""
        return Counter(chain.from_iterable(self.sequences))

    @property
    def are_doubtful(self) -> bool:
        """Whether tags are as many, and as many of them come once, as words are and do."""
        n_once = sum(n == 1 for n in self.counts.values())
        return len(self.counts) > MANY and 3 * n_once > len(self.counts)

    @property
    def sequences(self) -> list[Sequence[str]]:
        """The tags of each text."""
        return [example.tags or () for example in self.examples]

    def list_chunks(self) -> Iterator[_Chunk]:
        """Every chunk that conlleval reads, with its characters."""
        gold: GoldChunks = find_chunks(self.sequences, self.scheme)
        row = 0
        ends = gold.splits[1:].tolist()
        columns = (gold.chunks.start, gold.chunks.end, gold.chunks.label)
        for start, end, label in zip(*(column.tolist() for column in columns), strict=True):
            while start >= ends[row]:
                row += 1
            base = ends[row - 1] if row else 0
            example = self.examples[row]
            surface = example.text[example.starts[start - base] : example.ends[end - base - 1]]
            yield _Chunk(row, start - base, surface, gold.table.labels[label])


def check_tags(golds: Sequence[TaggedGold], files: Sequence[OpenedFile]) -> Iterator[Finding]:
    """The findings of all tags; labels are compared with those of the first file."""
    chunks = [[] if gold.are_doubtful else list(gold.list_chunks()) for gold in golds]
    for number, (gold, file) in enumerate(zip(golds, files, strict=True)):
        if gold.are_doubtful:  # words, most likely: a finding for each would bury that
            yield _doubt(gold, file)
            continue
        yield from _check_transitions(gold, file.report)
        yield from _check_labels(chunks[number], gold, file.report)
        if number and golds[0].examples and not golds[0].are_doubtful:
            known = {chunk.label for chunk in chunks[0]}
            yield from _check_unseen(chunks[number], known, gold, files[0].name, file.report)
        if gold.scheme != PLAIN:
            yield from _check_surfaces(chunks[number], gold, file.report)


def mend_tags(gold: TaggedGold, repair: Repair) -> dict[int, tuple[str, ...]]:
    """The tags of the texts that break their scheme, repaired, by row of the file.

    A text with a tag that is none of the scheme is beyond repair and left out.
    """
    if gold.are_doubtful:
        return {}
    violations = list_violations(gold.sequences, gold.scheme)
    foreign = {item.sequence for item in violations if _is_foreign(item, gold.scheme)}
    broken = sorted({item.sequence for item in violations} - foreign)
    sequences = [gold.examples[row].tags or () for row in broken]
    mended = repair_tags(sequences, gold.scheme, repair=repair)
    return {gold.rows[row]: tags for row, tags in zip(broken, mended.sequences, strict=True)}


def _name_column(example: Example, reading: Reading) -> str:
    if isinstance(reading.tags, str):
        return repr(reading.tags)
    if not (isinstance(example, TaggedExample) and example.first_line):
        return "this"
    return "the last column" if reading.tags == -1 else f"column {reading.tags}"


def _doubt(gold: TaggedGold, file: OpenedFile) -> Finding:
    n_once = sum(n == 1 for n in gold.counts.values())
    shown = ", ".join(quote(tag) for tag, _ in zip(gold.counts, range(3), strict=False))
    return Finding(
        "many_tags",
        file.name,
        "the file",
        f"{len(gold.counts):,} distinct tags, {n_once:,} of them only once ({shown} …): is "
        f"{gold.column} where the tags are? They are held against no scheme",
        repair="--columns tags=N, or tags=NAME, chooses another",
    )


def _is_foreign(item: Violation, scheme: Scheme) -> bool:
    return scheme.find_tag(item.found) is None


def _check_transitions(gold: TaggedGold, report: Reporter) -> Iterator[Finding]:
    violations = list_violations(gold.sequences, gold.scheme)
    foreign = {item.sequence for item in violations if _is_foreign(item, gold.scheme)}
    for item in violations:
        is_foreign = _is_foreign(item, gold.scheme)
        example = gold.examples[item.sequence]
        word = example.text[example.starts[item.unit] : example.ends[item.unit]]
        after = f"after {item.previous}" if item.previous else "at the start of the text"
        allowed = " or ".join(item.allowed)
        is_mended = item.sequence not in foreign
        yield report.of(
            "foreign_tag" if is_foreign else "invalid_tag",
            gold.rows[item.sequence],
            example,
            f"{quote(item.found)} at {quote(word)}, {after}, is "
            + (f"no tag of {gold.scheme.name}" if is_foreign else f"not {gold.scheme.name}"),
            repair=f"{allowed}" + ("; --fix repairs the chunk" if is_mended else ""),
            is_mended=is_mended,
            place=_place(example, item.unit),
        )


def _check_labels(
    chunks: Sequence[_Chunk], gold: TaggedGold, report: Reporter
) -> Iterator[Finding]:
    """Labels of which there are too few to be learnt or scored."""
    counts = Counter(chunk.label for chunk in chunks)
    first: dict[str, _Chunk] = {}
    for chunk in chunks:
        first.setdefault(chunk.label, chunk)
    for label, n in counts.items():
        if n < RARE and n * _SHARE < len(chunks):
            yield _find(
                "rare_label",
                first[label],
                gold,
                report,
                f"{_name(label)} occurs {'once' if n == 1 else f'{n} times'} among {len(chunks):,},"
                f" first as {quote(first[label].surface)}",
                repair="a misspelt label? else more examples, or join it with another",
                weight=-n,
            )


def _check_unseen(
    chunks: Sequence[_Chunk], known: set[str], gold: TaggedGold, name: str, report: Reporter
) -> Iterator[Finding]:
    counts = Counter(chunk.label for chunk in chunks)
    told = set(known)
    for chunk in chunks:
        if chunk.label not in told:
            told.add(chunk.label)
            yield _find(
                "unseen_label",
                chunk,
                gold,
                report,
                f"{_name(chunk.label)}, {counts[chunk.label]:,} here, is no label of {name}: a "
                "model of that never says it",
                repair="the same names in both files",
                weight=counts[chunk.label],
            )


def _check_surfaces(
    chunks: Sequence[_Chunk], gold: TaggedGold, report: Reporter
) -> Iterator[Finding]:
    """Chunks, and words outside, whose characters nearly always have one other label."""
    labels: dict[str, Counter[str]] = {}
    for chunk in chunks:
        labels.setdefault(chunk.surface, Counter())[chunk.label] += 1
    outside = list(_list_outside(gold, {word for word, n in labels.items() if n.total() >= TIMES}))
    for chunk in outside:
        labels[chunk.surface][OUTSIDE] += 1
    for chunk in (*chunks, *outside):
        counts = labels[chunk.surface]
        usual, n = max(counts.items(), key=lambda item: item[1])
        if n >= TIMES * counts[chunk.label]:
            yield _find(
                "inconsistent_label",
                chunk,
                gold,
                report,
                f"{quote(chunk.surface)} is {_name(chunk.label)} here, {_name(usual)} {n:,} times "
                "elsewhere",
                repair=f"{_name(usual)}, unless it is meant",
                weight=n / counts[chunk.label],
            )


def _list_outside(gold: TaggedGold, surfaces: set[str]) -> Iterator[_Chunk]:
    """Words of the text that are in no chunk, of those that are some elsewhere."""
    for row, example in enumerate(gold.examples):
        if example.entities is not None:
            continue  # its units are characters
        for unit, (start, end, tag) in enumerate(
            zip(example.starts, example.ends, example.tags or (), strict=True)
        ):
            if tag == OUTSIDE and end - start > 1 and (word := example.text[start:end]) in surfaces:
                yield _Chunk(row, unit, word, OUTSIDE)


def _find(
    kind: str,
    chunk: _Chunk,
    gold: TaggedGold,
    report: Reporter,
    problem: str,
    *,
    repair: str,
    weight: float,
) -> Finding:
    example = gold.examples[chunk.row]
    place = _place(example, chunk.unit)
    row = gold.rows[chunk.row]
    return report.of(kind, row, example, problem, repair=repair, weight=weight, place=place)


def _name(label: str) -> str:
    return label or "a chunk without a label"


def _place(example: TaggedExample, unit: int) -> str:
    """The line of a unit, or its number in its text."""
    if example.first_line:
        return example.place_of(unit)
    return ", ".join(filter(None, (example.place, f"token {unit + 1}")))
