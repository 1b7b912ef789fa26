"""Do the gold answers stand where the file says? And the repairs that a user may name.

Checked where offsets are used (training, windows), not by reading or scoring. Nothing is repaired
unless asked for, and what was done is listed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from spanfit.errors import DataError
from spanfit.types import Answer, QuestionExample

Repair = Literal["drop", "relocate"]
_LISTED = 3  # ids that a line of a summary names
_SHOWN = 60  # characters of a text that a message quotes


class BadAnswer(NamedTuple):
    """A gold answer that is not at its place, and its question."""

    example: QuestionExample
    answer: Answer

    @property
    def starts(self) -> list[int]:
        """Where the answer's text does occur."""
        return find_all(self.answer.text, self.example.context)

    def explain(self) -> str:
        """What stands at the answer's place, and where its text stands instead."""
        return f"{_what_stands(self.answer, self.example.context)}; {_where_it_stands(self)}"


class Relocation(NamedTuple):
    """An answer that was moved: the question's id, the start in the file, the start used."""

    id: str
    old: int
    new: int


@dataclass(frozen=True, slots=True)
class CheckedAnswers:
    """Examples whose every gold answer stands at its place, and what was done for it."""

    examples: tuple[QuestionExample, ...]
    dropped: tuple[str, ...] = ()
    """Ids of the questions dropped, because no gold answer was left to them."""
    dropped_answers: tuple[BadAnswer, ...] = ()
    """The answers dropped, those of the dropped questions included."""
    relocated: tuple[Relocation, ...] = ()

    def summary(self) -> list[str]:
        """What was done, for people: a line for each kind of repair, none if all was right."""
        lines = []
        if self.relocated:
            moves = [f"{move.id} ({move.old} → {move.new})" for move in self.relocated]
            lines.append(f"gold answers relocated: {len(moves):,}: {_list(moves)}")
        if self.dropped_answers:
            ids = list(dict.fromkeys(bad.example.id for bad in self.dropped_answers))
            lines.append(
                "gold answers dropped that do not stand where the file says: "
                f"{len(self.dropped_answers):,}, of {_list(ids)}"
            )
        if self.dropped:
            lines.append(
                "questions dropped that had no other gold answer: "
                f"{len(self.dropped):,}: {_list(self.dropped)}"
            )
        return lines


def check_answers(
    examples: Iterable[QuestionExample], *, repair: Repair | None = None, name: str
) -> CheckedAnswers:
    """Check that each gold answer stands in its context at its start.

    `name` is the file's, for messages; empty where the places of the examples name their files.
    An answer of white space alone is bad too: there is nothing to point at. `repair="drop"` drops
    the bad answers, and each question to which none is left (it must not turn unanswerable);
    `repair="relocate"` moves those whose text occurs exactly once.

    Raises:
        DataError: an answer is bad and no repair was named, or can't be relocated.
    """
    examples = tuple(examples)
    bad = [
        BadAnswer(example, answer)
        for example in examples
        for answer in example.answers or ()
        if not is_good(answer, example.context)
    ]
    if not bad:
        return CheckedAnswers(examples)
    if repair is None:
        raise _bad_error(bad, name)
    if repair == "drop":
        return _drop(examples, bad)
    return _relocate(examples, bad, name)


def is_good(answer: Answer, context: str) -> bool:
    """Whether a gold answer can be pointed at: it stands at its start and is not blank."""
    return answer.stands_in(context) and bool(answer.text) and not answer.text.isspace()


def find_all(text: str, context: str) -> list[int]:
    """All starts of `text` in `context`, overlapping ones too; none for a blank text."""
    starts: list[int] = []
    start = context.find(text) if text.strip() else -1
    while start >= 0:
        starts.append(start)
        start = context.find(text, start + 1)
    return starts


def _drop(examples: tuple[QuestionExample, ...], bad: Sequence[BadAnswer]) -> CheckedAnswers:
    touched = {id(item.example) for item in bad}
    kept: list[QuestionExample] = []
    dropped: list[str] = []
    for example in examples:
        if id(example) not in touched:
            kept.append(example)
            continue
        golds = tuple(gold for gold in example.answers or () if is_good(gold, example.context))
        if golds:
            kept.append(replace(example, answers=golds))
        else:
            dropped.append(example.id)
    return CheckedAnswers(tuple(kept), dropped=tuple(dropped), dropped_answers=tuple(bad))


def _relocate(
    examples: tuple[QuestionExample, ...], bad: Sequence[BadAnswer], name: str
) -> CheckedAnswers:
    starts = [item.starts for item in bad]
    lost = [item for item, found in zip(bad, starts, strict=True) if len(found) != 1]
    if lost:
        raise _lost_error(lost, n_bad=len(bad), name=name)
    moves = {
        (id(item.example), item.answer): found[0] for item, found in zip(bad, starts, strict=True)
    }
    touched = {id(item.example) for item in bad}
    mended = tuple(
        _move(example, moves) if id(example) in touched else example for example in examples
    )
    relocated = tuple(
        Relocation(item.example.id, item.answer.start, found[0])
        for item, found in zip(bad, starts, strict=True)
    )
    return CheckedAnswers(mended, relocated=relocated)


def _move(example: QuestionExample, moves: dict[tuple[int, Answer], int]) -> QuestionExample:
    golds = [
        Answer(gold.text, moves.get((id(example), gold), gold.start))
        for gold in example.answers or ()
    ]
    return replace(example, answers=tuple(golds))


def _bad_error(bad: Sequence[BadAnswer], name: str) -> DataError:
    answer = bad[0].answer
    n_single = sum(len(item.starts) == 1 for item in bad)
    fix = "--bad-answers drop"
    if n_single == len(bad):
        fix = "--bad-answers relocate (each text occurs exactly once), or --bad-answers drop"
    elif n_single:
        fix += f" (relocate could mend {n_single} of {len(bad)}: those that occur exactly once)"
    return DataError(
        f"a gold answer does not stand where the file says{_count_others(bad)}",
        where=_place(bad[0], name),
        expected=f"{_shorten(answer.text)} at character {answer.start} of the context",
        found=bad[0].explain(),
        fix=fix,
    )


def _lost_error(lost: Sequence[BadAnswer], *, n_bad: int, name: str) -> DataError:
    return DataError(
        f"a gold answer can't be relocated{_count_others(lost)}; {n_bad - len(lost)} could be",
        where=_place(lost[0], name),
        expected=f"{_shorten(lost[0].answer.text)} exactly once in the context",
        found=_where_it_stands(lost[0]),
        fix="--bad-answers drop, or correct the file",
    )


def _place(bad: BadAnswer, name: str) -> str:
    return ", ".join(filter(None, (name, bad.example.place, f"question {bad.example.id!r}")))


def _count_others(bad: Sequence[BadAnswer]) -> str:
    n_questions = len({id(item.example) for item in bad})
    return f" (one of {len(bad):,}; questions concerned: {n_questions:,})" if len(bad) > 1 else ""


def _what_stands(answer: Answer, context: str) -> str:
    if answer.start < 0:
        return "a negative start, which is no place"
    if not answer.text.strip():
        return "an answer with nothing to point at"
    if answer.start >= len(context):
        return f"the context ends at character {len(context)}"
    return _shorten(context[answer.start : answer.start + len(answer.text)])


def _where_it_stands(bad: BadAnswer) -> str:
    """Where the text occurs instead; a start counted in other units is recognised."""
    starts = bad.starts
    if not starts:
        return "the text occurs nowhere in the context"
    if len(starts) > 1:
        return f"the text occurs {len(starts)} times, first at {starts[0]}"
    before = bad.example.context[: starts[0]]
    sizes = {len(before.encode()): "bytes", len(before.encode("utf-16-le")) // 2: "UTF-16 units"}
    unit = sizes.get(bad.answer.start)
    return f"the text occurs once, at {starts[0]}" + (f" (the file counts {unit}?)" if unit else "")


def _shorten(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")


def _list(names: Sequence[str]) -> str:
    more = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {more} more" if more > 0 else "")
