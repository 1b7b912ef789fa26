"""The three parts of the data that a recipe names: read, checked, split, and added to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from spanfit.data import digest, stream
from spanfit.data.answers import check_answers
from spanfit.data.splitting import limit, split_off
from spanfit.data.synthesis import make_unanswerable
from spanfit.errors import DataError, RecipeError, list_some
from spanfit.progress import Progress
from spanfit.recipe import DataSection, Files
from spanfit.types import QuestionExample

Examples = Sequence[QuestionExample]


@dataclass(frozen=True)
class Parts:
    """The three parts of the data; `calibration` and `validation` may be empty.

    `calibration` is what threshold, best epoch and early stopping are chosen on: held out of the
    training file (by title, else by context), unless the recipe names a file of its own.
    """

    training: Examples
    calibration: Examples
    validation: Examples

    @property
    def by_name(self) -> dict[str, Examples]:
        """The parts as they are called everywhere."""
        return {
            "training": self.training,
            "calibration": self.calibration,
            "validation": self.validation,
        }

    @property
    def learns_null(self) -> bool:
        """Whether a question without answer is learnt; without any a model always answers."""
        return any(not example.is_answerable for example in self.training)

    def digests(self) -> dict[str, str]:
        """The content digest of each part that is there."""
        return {name: digest(examples) for name, examples in self.by_name.items() if examples}

    def counts(self) -> dict[str, dict[str, int]]:
        """How many questions each part has, and how many of them are of which kind."""
        return {
            name: {
                "all": len(examples),
                "unanswerable": sum(not example.is_answerable for example in examples),
                "synthetic": sum(bool(example.synthetic) for example in examples),
            }
            for name, examples in self.by_name.items()
        }


def read_parts(data: DataSection, *, progress: Progress) -> Parts:
    """The parts that a recipe names, gold answers checked.

    Raises:
        RecipeError: no training file is named.
        DataError: a file is missing or faulty, without gold, or an answer is not at its offset.
    """
    if not data.train:
        raise RecipeError(
            "the recipe names no training data",
            expected="data.train",
            fix="--set data.train=FILE, or spanfit init FILE > recipe.toml",
        )
    training: Examples = _read_checked(data.train, data, progress)
    training = limit(training, data.max_examples, seed=data.seed)
    if data.calibration is not None:
        calibration: Examples = _read_checked(data.calibration, data, progress)
    else:
        training, calibration = split_off(training, share=data.calibration_share, seed=data.seed)
        calibration = _add_unanswerable(calibration, data, progress, part="calibration")
    if not training:
        raise DataError("there is no question to learn from", where=_name(data.train))
    training = _add_unanswerable(training, data, progress, part="training")
    validation: Examples = ()
    if data.validation is not None:
        validation = _read_checked(data.validation, data, progress)
    return Parts(training=training, calibration=calibration, validation=validation)


def _add_unanswerable(
    examples: Examples, data: DataSection, progress: Progress, *, part: str
) -> Examples:
    """The examples and, where the recipe wants them, unanswerable questions made of them.

    Made of each part by itself, so that no question is on both sides.

    Raises:
        DataError: none can be made for the training part.
    """
    if data.synthetic_unanswerable == 0:
        return examples
    synthesis = make_unanswerable(examples, share=data.synthetic_unanswerable, seed=data.seed)
    if part == "training" and not synthesis.examples:
        titles = {example.title for example in examples if example.title}
        raise DataError(
            "no unanswerable question can be made of the training part",
            where="data.synthetic_unanswerable",
            expected="titles with several contexts, one of them without the question's answer",
            found=f"{len(titles):,} titles for {len(examples):,} questions",
            fix="--set data.synthetic_unanswerable=0",
        )
    progress.note(f"{part}: {synthesis.summary()}")
    return (*examples, *synthesis.examples)


def _read_checked(files: Files, data: DataSection, progress: Progress) -> Examples:
    """The questions of one part; with several files, the places of questions name theirs."""
    paths = [files] if isinstance(files, str) else files
    repeats: list[str] | None = [] if len(paths) > 1 else None
    examples = list(stream(*paths, repeats=repeats))
    if repeats:
        progress.warn(
            f"{_name(files)}: {len(repeats):,} questions stand in more than one of these files, "
            f"equal in everything, and count once: {list_some(repeats)}"
        )
    name = paths[0] if len(paths) == 1 else ""
    if without := next((example for example in examples if example.answers is None), None):
        raise DataError(
            f"question {without.id!r} has no gold",
            where=", ".join(filter(None, (name, without.place))),
            expected='"answers" for every question, [] where the context holds none',
        )
    repair = None if data.bad_answers == "fail" else data.bad_answers
    checked = check_answers(examples, repair=repair, name=name)
    for line in checked.summary():
        progress.warn(f"{_name(files)}: {line}")
    return checked.examples


def _name(files: Files) -> str:
    return files if isinstance(files, str) else ", ".join(files)
