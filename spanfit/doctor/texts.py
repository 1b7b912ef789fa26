"""The characters of every text of a file, each text looked at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from spanfit.doctor.characters import Trouble, describe, find_troubles, is_composed
from spanfit.doctor.files import group_by_text
from spanfit.doctor.findings import Finding, Reporter
from spanfit.doctor.kinds import KINDS
from spanfit.examples import Example
from spanfit.types import QuestionExample


def check_characters(examples: Sequence[Example], report: Reporter) -> Iterator[Finding]:
    """A finding for each kind of trouble in each context, question or tagged text.

    Decomposed characters count only where the file has composed ones too: else it has one form.
    """
    has_composed = needs_composing(examples)
    rows = group_by_text(examples)
    for row, what, text in _list_texts(examples):
        troubles = find_troubles(text, composes=has_composed)
        also = rows[text][1:] if what == "context" else ()
        for kind, n in Counter(item.kind for item in troubles).items():
            first = next(item for item in troubles if item.kind == kind)
            is_mended = all(item.new is not None for item in troubles if item.kind == kind)
            yield report.of(
                kind,
                row,
                examples[row],
                f"in the {what}, {n} place{'s' * (n > 1)}: {describe(first, text)}",
                repair=_repair(first) if is_mended else "",
                is_mended=is_mended,
                weight=n,
                also=also,
            )


def needs_composing(examples: Sequence[Example]) -> bool:
    """Whether decomposed characters of the file are to be composed, as others of it are."""
    return any(is_composed(text) for _, _, text in _list_texts(examples))


def _list_texts(examples: Sequence[Example]) -> Iterator[tuple[int, str, str]]:
    """Row, what it is, and text; a context that many questions share comes once."""
    seen: set[str] = set()
    for row, example in enumerate(examples):
        if not isinstance(example, QuestionExample):
            yield row, "text", example.text
            continue
        if example.context not in seen:
            seen.add(example.context)
            yield row, "context", example.context
        yield row, "question", example.question


def _repair(trouble: Trouble) -> str:
    return KINDS[trouble.kind].repair if not trouble.new else f"{trouble.new!r} in its place"
