"""What is wrong with questions: empty ones, repeated ones, and what their answers say then."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from spanfit.doctor.findings import Finding, Reporter, quote
from spanfit.metrics import find_question_metric, suit_name
from spanfit.types import QuestionExample

_PLAUSIBLE = b'"plausible_answers"'


def check_questions(examples: Sequence[QuestionExample], report: Reporter) -> Iterator[Finding]:
    """Empty questions and contexts, and questions that come again."""
    blank = defaultdict[str, list[int]](list)  # contexts, by their places
    for row, example in enumerate(examples):
        if not example.question.strip():
            repair = "write it, or leave it out"
            yield report.of("empty_question", row, example, "the question is empty", repair=repair)
        if not example.context.strip():
            blank[example.place].append(row)
    for row, *also in blank.values():
        yield report.of("empty_context", row, examples[row], "the context is empty", also=also)
    yield from _check_repeats(examples, report)


def key_of(example: QuestionExample) -> tuple[str, str]:
    """What makes two questions the same: the context, and the words of the question."""
    return example.context, " ".join(example.question.casefold().split()).rstrip(" ?？。.")


def _check_repeats(examples: Sequence[QuestionExample], report: Reporter) -> Iterator[Finding]:
    metric = find_question_metric(suit_name([item for item in examples if item.has_gold]))
    first: dict[tuple[str, str], int] = {}
    for row, example in enumerate(examples):
        if not example.question.strip():
            continue
        before = first.setdefault(key_of(example), row)
        if before == row:
            continue
        other = examples[before]
        where = f"{other.id} ({other.place})"
        if _agree(example, other, metric.normalise):
            same = example.answers == other.answers
            yield report.of(
                "repeated_question",
                row,
                example,
                f"{quote(example.question)} is asked of the same context in {where}, with "
                + ("the same answers" if same else "answers that agree"),
                repair="leave one out",
            )
        else:
            yield report.of(
                "contradicting_question",
                row,
                example,
                f"{quote(example.question)} is answered {_show(example)} here, and "
                f"{_show(other)} in {where}",
                repair="decide which, and leave the other out",
            )


def _agree(one: QuestionExample, other: QuestionExample, normalise: Any) -> bool:  # noqa: ANN401
    """Whether two golds can be right together: both say nothing, or they share an answer."""
    if one.answers is None or other.answers is None:
        return True
    if not one.answers or not other.answers:
        return one.answers == other.answers
    texts = {normalise(gold.text) for gold in other.answers}
    return any(normalise(gold.text) in texts for gold in one.answers)


def _show(example: QuestionExample) -> str:
    texts = dict.fromkeys(gold.text for gold in example.answers or ())
    return " or ".join(quote(text) for text in [*texts][:2]) if texts else "with nothing"


def check_plausible(
    examples: Sequence[QuestionExample], content: bytes, report: Reporter
) -> Iterator[Finding]:
    """Unanswerable questions without a plausible answer, in a file of SQuAD's that has some."""
    if _PLAUSIBLE not in content or not examples[0].place.startswith("paragraph"):
        return
    questions = (
        question
        for article in json.loads(content)["data"]
        for paragraph in article["paragraphs"]
        for question in paragraph["qas"]
    )
    # Of a file that is not read to its end, the questions behind the mistake have no example.
    for row, (example, question) in enumerate(zip(examples, questions, strict=False)):
        if example.answers == () and not _has_text(question.get("plausible_answers")):
            yield report.of(
                "missing_plausible",
                row,
                example,
                f"{quote(example.question)} has no answer, and no plausible one either",
                repair="a wrong answer that looks right, in 'plausible_answers'",
            )


def _has_text(answers: object) -> bool:
    return isinstance(answers, list) and any(
        isinstance(answer, dict) and str(answer.get("text") or "").strip() for answer in answers
    )
