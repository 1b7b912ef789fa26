"""The same text in several places: within a file, and in files that should be apart.

What is learnt from and what is scored with must have no text in common. Of several files each is
compared with those after it, and a text that two of them have is found in the earlier one: where
the first is learnt from, it is there that one leaves it out, since a score on fewer questions
is another score.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations

from spanfit.doctor.alike import find_alike
from spanfit.doctor.files import OpenedFile, group_by_text, has_own_id, text_of
from spanfit.doctor.findings import Finding, quote
from spanfit.doctor.questions import key_of
from spanfit.examples import Example
from spanfit.tagged import TaggedExample
from spanfit.types import QuestionExample

Rows = dict[str, list[int]]
"""Each text of a file, with the rows of the examples that have it."""

_SHORT_NUMBER = 8  # digits; ids of fewer are a numbering, which every file may have


def check_copies(files: Sequence[OpenedFile]) -> Iterator[Finding]:
    """Everything that is there twice, in one file or in two."""
    rows = [_list_texts(file.examples) for file in files]
    for file, own in zip(files, rows, strict=True):
        yield from _check_repeats(file, own)
    for one, other in combinations(range(len(files)), 2):
        yield from _check_leaks(files[one], files[other], rows[one], rows[other])
        yield from _check_ids(files[one], files[other])
    yield from _check_alike(files, rows)


def _list_texts(examples: Sequence[Example]) -> Rows:
    """Each text that is not blank."""
    return {text: rows for text, rows in group_by_text(examples).items() if text.strip()}


def _check_repeats(file: OpenedFile, rows: Rows) -> Iterator[Finding]:
    """Texts that come again whole.

    A context that several questions share is none, unless it stands in several paragraphs of
    SQuAD's JSON, or under several titles.
    """
    for shared in rows.values():
        first, *others = (file.examples[row] for row in shared)
        homes = defaultdict[str, list[int]](list)
        for row, example in zip(shared[1:], others, strict=True):
            if isinstance(example, TaggedExample) and isinstance(first, TaggedExample):
                yield _repeated_text(row, example, first, file)
            elif isinstance(example, QuestionExample):
                homes[_home_of(example)].append(row)
        if isinstance(first, QuestionExample):
            homes.pop(_home_of(first), None)
            for repeated in homes.values():
                yield _repeated_context(repeated, first, file)


def _repeated_text(
    row: int, example: TaggedExample, first: TaggedExample, file: OpenedFile
) -> Finding:
    differs = None not in (example.tags, first.tags) and example.tags != first.tags
    difference = f", with other tags: {_first_difference(first, example)}" if differs else ""
    return file.report.of(
        "contradicting_text" if differs else "repeated_text",
        row,
        example,
        f"{quote(example.text)} is also that of {first.place}{difference}",
        repair="tag both alike" if differs else "leave one out",
        weight=len(example.text),
    )


def _repeated_context(rows: list[int], first: QuestionExample, file: OpenedFile) -> Finding:
    """The context of all questions of a paragraph, which is that of another one too."""
    row, *also = rows
    title = f", {quote(first.title)}" * bool(first.title)
    return file.report.of(
        "repeated_text",
        row,
        file.examples[row],
        f"the context {quote(first.context)} is also that of {first.place}{title}",
        repair="put its questions together",
        weight=len(first.context),
        also=also,
    )


def _home_of(example: QuestionExample) -> str:
    """The paragraph of a question, or its title where every line has a context of its own."""
    return example.place if example.place.startswith("paragraph") else example.title


def _first_difference(one: TaggedExample, other: TaggedExample) -> str:
    for first, second, word in zip(one.tags or (), other.tags or (), other.words, strict=False):
        if first != second:
            return f"{quote(word)} is {first} there, {second} here"
    return "another number of words"


def _check_leaks(
    one: OpenedFile, other: OpenedFile, rows: Rows, other_rows: Rows
) -> Iterator[Finding]:
    shared = rows.keys() & other_rows.keys()
    if not shared:
        return
    asked = {
        key_of(example): example
        for example in other.examples
        if isinstance(example, QuestionExample) and example.context in shared
    }
    for row, example in enumerate(one.examples):
        text = text_of(example)
        if text not in shared:
            continue
        if rows[text][0] == row:
            there = other.examples[other_rows[text][0]]
            is_context = isinstance(example, QuestionExample)
            n = f" ({len(rows[text]):,} questions here)" * is_context
            yield one.report.of(
                "leaked_text",
                row,
                example,
                f"{quote(text)} is also in {other.name}, {there.place}{n}",
                repair="leave it out of what is learnt: --drop leaked_text",
                weight=len(text),
                also=rows[text][1:],
            )
        if isinstance(example, QuestionExample) and (twin := asked.get(key_of(example))):
            yield one.report.of(
                "leaked_question",
                row,
                example,
                f"{quote(example.question)} is asked of the same context in {other.name}, "
                f"{twin.place}, as {twin.id!r}",
                repair="leave it out of what is learnt: --drop leaked_question",
            )


def _check_ids(one: OpenedFile, other: OpenedFile) -> Iterator[Finding]:
    """Ids of both files that stand for different texts, as those of XQuAD are SQuAD's."""
    theirs = {example.id: example for example in other.examples if _is_telling(example)}
    for row, example in enumerate(one.examples):
        if (twin := theirs.get(example.id)) is None or not _is_telling(example):
            continue
        if text_of(twin) != text_of(example):
            yield one.report.of(
                "shared_id",
                row,
                example,
                f"the id is also in {other.name}, {twin.place}, with the text "
                f"{quote(text_of(twin))}: a translation, or another version?",
                repair="leave it out of what is learnt, if it is a translation: --drop shared_id",
            )


def _is_telling(example: Example) -> bool:
    """Whether the id is given, and more than a number that many files count by."""
    is_number = example.id.isdecimal() and len(example.id) < _SHORT_NUMBER
    return has_own_id(example) and not is_number


def _check_alike(files: Sequence[OpenedFile], rows: Sequence[Rows]) -> Iterator[Finding]:
    """Texts that are nearly the same: each once for each file that it is nearly in."""
    owners: dict[str, list[int]] = {}
    for number, own in enumerate(rows):
        for text in own:
            owners.setdefault(text, []).append(number)
    texts = [*owners]
    told: set[tuple[int, int, str]] = set()
    holders = {
        own: number for number, own in enumerate({tuple(own): None for own in owners.values()})
    }
    groups = [holders[tuple(owners[text])] for text in texts]
    for first, second, similarity in find_alike(texts, groups):
        for number in owners[texts[first]]:
            for later in owners[texts[second]]:
                is_within = number == later
                # Found in the earlier file; within a file, at the text that comes second.
                a, b = (second, first) if is_within or number > later else (first, second)
                here, there = min(number, later), max(number, later)
                if (here, there, texts[a]) in told:
                    continue
                told.add((here, there, texts[a]))
                row, *also = rows[here][texts[a]]
                twin = files[there].examples[rows[there][texts[b]][0]]
                yield files[here].report.of(
                    "near_text" if is_within else "leaked_near_text",
                    row,
                    files[here].examples[row],
                    f"{quote(texts[a])} is {similarity:.0%} the same as "
                    f"{'' if is_within else files[there].name + ', '}{twin.place}",
                    repair="leave one out"
                    if is_within
                    else "leave it out of what is learnt: --drop leaked_near_text",
                    weight=similarity,
                    also=also,
                )
