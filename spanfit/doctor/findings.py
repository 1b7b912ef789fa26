"""A finding: what is wrong, where, and what can be done about it; and many of them in order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from spanfit.doctor.kinds import KINDS, LEVELS, Level
from spanfit.examples import Example

_SHOWN = 60  # characters of a text that a message quotes


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a file or an example.

    `row` is that of the example in its file, -1 where it is none's; `also` are those of others that
    have the same thing wrong: what is wrong with a context is wrong for all of its questions.
    `repair` is what can be done, and `is_mended` whether `--fix` does just that. Of a kind the
    heaviest (`weight`) are the worst.
    """

    kind: str
    file: str
    place: str
    problem: str
    id: str = ""
    repair: str = ""
    is_mended: bool = False
    weight: float = 0.0
    row: int = -1
    also: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"there is no kind of findings {self.kind!r}")

    @property
    def level(self) -> Level:
        """Error, warning or note."""
        return KINDS[self.kind].level

    def to_json(self) -> dict[str, Any]:
        """Everything that a program or a person can use."""
        return {
            "kind": self.kind,
            "level": self.level,
            "file": self.file,
            "place": self.place,
            "id": self.id,
            "problem": self.problem,
            "repair": self.repair,
            "mended_by_fix": self.is_mended,
        }


@dataclass(frozen=True, slots=True)
class Reporter:
    """Makes the findings of one file."""

    file: str

    def of(
        self,
        kind: str,
        row: int,
        example: Example,
        problem: str,
        *,
        repair: str = "",
        is_mended: bool = False,
        weight: float = 0.0,
        place: str = "",
        also: Sequence[int] = (),
    ) -> Finding:
        """A finding of an example, at its place or at a place within it."""
        return Finding(
            kind,
            self.file,
            place or example.place,
            problem,
            id=example.id,
            repair=repair,
            is_mended=is_mended,
            weight=weight,
            row=row,
            also=tuple(also),
        )


def sort_findings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Errors first, then by kind, then the worst first; else as they were found."""
    order = {
        name: (LEVELS.index(kind.level), number)
        for number, (name, kind) in enumerate(KINDS.items())
    }
    return tuple(sorted(findings, key=lambda finding: (order[finding.kind], -finding.weight)))


def quote(text: str) -> str:
    """A text, or its beginning, for messages."""
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")
