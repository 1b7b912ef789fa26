"""What a tokenizer and its windows cannot say of the gold, and the ceiling that is left.

The same windows, losses and ceiling as those of `spanfit windows` and of a training, of what is
right in the gold: answers that are not at their places, and tags that break their scheme, are
findings of their own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from spanfit.data.checking import check_examples
from spanfit.doctor.files import OpenedFile
from spanfit.doctor.findings import Finding, quote
from spanfit.examples import Example, Examples, Reading
from spanfit.recipe import make_recipe
from spanfit.tagged import TaggedExample
from spanfit.tags import Repair
from spanfit.tasks import COVERAGES, find_task
from spanfit.tasks.coverage import Coverage
from spanfit.tasks.tag_coverage import TagCoverage
from spanfit.tokenizer import Tokenizer
from spanfit.types import QuestionExample
from spanfit.windows import Windows, WindowSettings, make_windows


@dataclass(frozen=True, slots=True)
class WindowShape:
    """Tokens of a window and of its overlap; None: the task's default."""

    max_length: int | None = None
    overlap: int | None = None


@dataclass(frozen=True)
class Measured:
    """The findings of a file's windows; its ceiling, None where no gold is left to measure."""

    findings: tuple[Finding, ...]
    ceiling: dict[str, float] | None = None


def measure_file(
    file: OpenedFile,
    tokenizer: Tokenizer,
    shape: WindowShape,
    reading: Reading,
    *,
    broken: frozenset[int] = frozenset(),
) -> Measured:
    """What windows and tokens lose of a file; `broken` are rows whose gold cannot be mended.

    Raises:
        ModelError: the tokenizer does not fit to the examples.
        RecipeError: the overlap leaves no room in a window.
    """
    rows, given = _name_apart(file, broken)
    repair = reading.repair or _REPAIRS[type(file.examples[0])]
    repairs = replace(reading, bad_answers="drop", repair=repair)
    checked = check_examples(given, reading=repairs, name=file.name)
    if not checked.examples:
        return Measured(())
    task = find_task(checked.examples[0])
    recipe = make_recipe({"task": {"name": task.name}})
    settings = task.settle(checked.examples, recipe, scheme=checked.scheme)
    examples = list(task.arrange(checked.examples, tokenizer, settings))
    windows = make_windows(
        [task.texts(example) for example in examples],
        tokenizer,
        WindowSettings(
            recipe.windows.max_length if shape.max_length is None else shape.max_length,
            recipe.windows.overlap if shape.overlap is None else shape.overlap,
        ),
    )
    coverage = COVERAGES[task.name](examples, windows, settings)
    lister = _Lister(file, rows)
    findings = _LISTED[type(coverage)](lister, coverage, examples, windows)
    return Measured(tuple(findings), coverage.figures or None)


def _name_apart(file: OpenedFile, broken: frozenset[int]) -> tuple[dict[str, int], list[Example]]:
    """The examples to be measured, each with an id of its own, and the row of each id."""
    rows: dict[str, int] = {}
    examples: list[Example] = []
    for row, example in enumerate(file.examples):
        if row in broken:
            continue
        named = example
        if example.id in rows:  # which is a finding of its own
            named = replace(example, id=f"{example.id}, {row}")
        rows[named.id] = row
        examples.append(named)
    return rows, examples


@dataclass(frozen=True, slots=True)
class _Lister:
    """Makes findings of ids, which is what a coverage knows; `rows` are those of the file."""

    file: OpenedFile
    rows: dict[str, int]

    def find(self, kind: str, key: str, problem: str, *, repair: str, weight: float = 0) -> Finding:
        row = self.rows[key]
        example = self.file.examples[row]
        return self.file.report.of(kind, row, example, problem, repair=repair, weight=weight)


def _list_questions(
    lister: _Lister, coverage: Coverage, examples: Examples, windows: Windows
) -> Iterator[Finding]:
    del examples
    best, limit = coverage.best_gold, coverage.max_answer_tokens
    for key in best.outside:
        problem = "no window holds any of its answers whole"
        yield lister.find("lost_answer", key, problem, repair="longer windows, more overlap")
    for key in best.too_long:
        problem = f"all its answers have more than {limit} tokens"
        yield lister.find("lost_answer", key, problem, repair="a larger decode.max_answer_tokens")
    for key in best.widened:
        problem = "its answers begin or end inside a token"
        yield lister.find("widened_answer", key, problem, repair="another tokenizer, or gold")
    for key in coverage.cut:
        problem = f"the question and {windows.settings.overlap} tokens of context fill a window"
        yield lister.find("cut_question", key, problem, repair="longer windows, a shorter question")


def _list_texts(
    lister: _Lister, coverage: TagCoverage, examples: Examples, windows: Windows
) -> Iterator[Finding]:
    for loss in coverage.losses:
        problem = f"{loss.entity.label} {quote(loss.entity.text)} at {loss.entity.start}: "
        repair = "another tokenizer, or gold at its borders"
        yield lister.find("lost_entity", loss.id, problem + loss.reason, repair=repair)
    for key, n in Counter(coverage.units_without_piece).items():
        problem = f"{n} of its words become no piece, and take their tag from what is around them"
        yield lister.find("no_piece", key, problem, repair="leave such words out", weight=n)
    n_tokens = np.bincount(windows.example, weights=windows.last - windows.first)
    counts = np.bincount(windows.example, minlength=len(examples))
    for row in np.flatnonzero(counts > 1).tolist():
        problem = f"{counts[row]} windows of at most {windows.settings.max_length} tokens"
        yield lister.find(
            "long_text", examples[row].id, problem, repair="shorter texts", weight=n_tokens[row]
        )


_REPAIRS: dict[type[Example], Repair | None] = {QuestionExample: None, TaggedExample: "conlleval"}
"""The repair of tags under which examples of each type are measured."""
_LISTED: dict[type[Any], Callable[[_Lister, Any, Examples, Windows], Iterator[Finding]]] = {
    Coverage: _list_questions,
    TagCoverage: _list_texts,
}
"""The findings of each task's coverage."""
