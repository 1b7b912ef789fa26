"""What is wrong with gold answers: their places, their borders, and how they go together."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final

from spanfit.data.answers import BadAnswer, is_good
from spanfit.doctor.findings import Finding, Reporter, quote
from spanfit.metrics import QuestionMetric, find_question_metric, suit_name
from spanfit.types import Answer, QuestionExample

_STARTS_SHOWN: Final = 5  # places of an ambiguous answer that a message names
_WORDLESS: Final = (  # no spaces between words, or particles written to them
    *((0x0E00, 0x1200), (0x1780, 0x1800), (0x2E80, 0xD800)),
    *((0xF900, 0xFB00), (0xFE30, 0xFE50), (0xFF00, 0xFFF0), (0x1F000, 0x110000)),
)
"""Thai to Hangul's letters, Khmer, all of Chinese, Japanese and Korean, and symbols."""


def check_answers(examples: Sequence[QuestionExample], report: Reporter) -> Iterator[Finding]:
    """The findings of all gold answers.

    Words of which the metric leaves nothing are those of the metric that suits the golds.
    """
    with_gold = [example for example in examples if example.answers is not None]
    metric = find_question_metric(suit_name(with_gold)) if with_gold else None
    for row, example in enumerate(examples):
        if not example.answers or metric is None:
            continue
        for number, gold in enumerate(example.answers, 1):
            if not is_good(gold, example.context):
                yield _misplaced(row, example, number, report)
        golds = dict.fromkeys(example.answers)
        for gold in golds:
            if is_good(gold, example.context):
                yield from _check_borders(row, example, gold, report)
            if gold.text.strip() and not metric.normalise(gold.text):
                problem = f"{metric.name} leaves nothing of {quote(gold.text)}"
                yield report.of("empty_answer", row, example, problem)
        if len(golds) > 1:
            yield from _check_agreement(row, example, tuple(golds), metric, report)


def relocate(answer: Answer, context: str) -> Answer | None:
    """The answer at the only place where its text occurs; None where there is none or several."""
    bad = BadAnswer(QuestionExample("", "", context, (answer,)), answer)
    starts = bad.starts
    return replace(answer, start=starts[0]) if len(starts) == 1 else None


def trim(answer: Answer) -> Answer:
    """The answer without its outer white space."""
    text = answer.text.strip()
    return Answer(text, answer.start + len(answer.text) - len(answer.text.lstrip()))


def _misplaced(row: int, example: QuestionExample, number: int, report: Reporter) -> Finding:
    answer = (example.answers or ())[number - 1]
    bad = BadAnswer(example, answer)
    starts = bad.starts
    kind, repair = "absent_answer", "none: correct the text, or leave the question out"
    if len(starts) == 1:
        kind, repair = "misplaced_answer", f"relocate: {answer.start} → {starts[0]}"
    elif starts:
        shown = ", ".join(map(str, starts[:_STARTS_SHOWN]))
        more = len(starts) - _STARTS_SHOWN
        kind = "ambiguous_answer"
        repair = f"choose among {shown}" + (f" and {more} more" if more > 0 else "")
    return report.of(
        kind,
        row,
        example,
        f"gold {number}, {quote(answer.text)} at {answer.start}: {bad.explain()}",
        repair=repair,
        is_mended=len(starts) == 1,
    )


def _check_borders(
    row: int, example: QuestionExample, gold: Answer, report: Reporter
) -> Iterator[Finding]:
    if gold.text != gold.text.strip():
        yield report.of(
            "padded_answer",
            row,
            example,
            f"{quote(gold.text)} at {gold.start} has outer white space",
            repair=f"{quote(trim(gold).text)} at {trim(gold).start}",
            is_mended=True,
        )
        gold = trim(gold)
    start, end = gold.start, gold.start + len(gold.text)
    begins, ends = _is_inside(example.context, start), _is_inside(example.context, end)
    if begins or ends:
        word_start, word_end = _widen(example.context, start, end)
        sides = " and ".join(["begins"] * begins + ["ends"] * ends)
        yield report.of(
            "cut_word",
            row,
            example,
            f"{quote(gold.text)} at {start} {sides} inside a word",
            repair=f"the whole word: {quote(example.context[word_start:word_end])} at {word_start}",
            weight=begins + ends,
        )


def _is_inside(text: str, place: int) -> bool:
    """Whether a word of a script that has spaces goes on over this place."""
    return 0 < place < len(text) and _is_letter(text[place - 1]) and _is_letter(text[place])


def _widen(text: str, start: int, end: int) -> tuple[int, int]:
    while _is_inside(text, start):
        start -= 1
    while _is_inside(text, end):
        end += 1
    return start, end


@lru_cache(maxsize=1 << 14)
def _is_letter(character: str) -> bool:
    code = ord(character)
    goes_on = character.isalnum() or unicodedata.category(character).startswith("M")
    return goes_on and not any(low <= code < high for low, high in _WORDLESS)


def _check_agreement(
    row: int,
    example: QuestionExample,
    golds: Sequence[Answer],
    metric: QuestionMetric,
    report: Reporter,
) -> Iterator[Finding]:
    """A gold that shares neither a unit of the metric nor a character's place with any other."""
    units = [frozenset(metric.divide(gold.text)) for gold in golds]
    if len({own for own in units if own}) < 2:
        return
    holders = Counter(unit for own in units for unit in own)
    for gold, own in zip(golds, units, strict=True):
        if own and all(holders[unit] == 1 for unit in own) and not _overlaps(gold, golds):
            others = next(other for other in golds if other is not gold and other.text.strip())
            yield report.of(
                "disagreeing_golds",
                row,
                example,
                f"the gold {quote(gold.text)} shares nothing with {quote(others.text)}"
                + (f" or the other {len(golds) - 2}" if len(golds) > 2 else ""),
            )
            return


def _overlaps(gold: Answer, golds: Sequence[Answer]) -> bool:
    """Whether another gold has a character of this one."""
    end = gold.start + len(gold.text)
    return any(
        other is not gold
        and other.start >= 0
        and other.start < end
        and gold.start < other.start + len(other.text)
        for other in golds
    )
