"""The three parts of the data that a recipe names: read, checked, split, and added to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from spanfit.data import count_kinds, digest, stream
from spanfit.data.checking import Checked, check_examples
from spanfit.data.joiner import find_word_joiner
from spanfit.data.neighbours import surround
from spanfit.data.splitting import limit, split_off
from spanfit.data.synthesis import make_unanswerable
from spanfit.errors import DataError, RecipeError, list_some
from spanfit.examples import Example, Examples, Reading
from spanfit.progress import Progress
from spanfit.recipe import DataSection, Files, Recipe
from spanfit.types import QuestionExample


@dataclass(frozen=True)
class Parts:
    """The three parts of the data; `calibration` and `validation` may be empty.

    `calibration` is what threshold, best epoch and early stopping are chosen on: held out of the
    training file (by title or document, else by text), unless the recipe names a file of its own.
    `scheme` is that of the tags of all parts, None for questions. `readings` say how the gold of
    each part is scored: signed with the repair that it needed.
    """

    training: Examples
    calibration: Examples
    validation: Examples
    scheme: str | None = None
    readings: Mapping[str, Reading] = field(default_factory=dict)

    @property
    def by_name(self) -> dict[str, Examples]:
        """The parts as they are called everywhere."""
        return {
            "training": self.training,
            "calibration": self.calibration,
            "validation": self.validation,
        }

    def digests(self) -> dict[str, str]:
        """The content digest of each part that is there."""
        return {name: digest(examples) for name, examples in self.by_name.items() if examples}

    def counts(self) -> dict[str, dict[str, int]]:
        """How many examples each part has, and how many of them are of which kind."""
        none = dict.fromkeys(count_kinds(self.training), 0)
        return {
            name: count_kinds(examples) if examples else none
            for name, examples in self.by_name.items()
        }


def read_parts(recipe: Recipe, *, kind: type[Example], progress: Progress) -> Parts:
    """The parts that a recipe names, their gold checked; all examples are of this kind.

    Tags of all parts are in the scheme of the training part.

    Raises:
        RecipeError: no training file is named.
        DataError: a file is missing or faulty, of another kind, without gold, or with gold that is
            wrong and may not be repaired.
    """
    data, reader = recipe.data, _Reader(recipe, kind, progress)
    if not data.train:
        raise RecipeError(
            "the recipe names no training data",
            expected="data.train",
            fix="--set data.train=FILE, or spanfit init FILE > recipe.toml",
        )
    learnt = reader.read(data.train)
    reader = reader.follow(learnt)
    training: Examples = limit(learnt.examples, data.max_examples, seed=data.seed)
    held_out, scored = learnt, Checked(())
    calibration: Examples
    if data.calibration is not None:
        held_out = reader.read(data.calibration)
        calibration = held_out.examples
    else:
        training, calibration = split_off(training, share=data.calibration_share, seed=data.seed)
        calibration = _add_unanswerable(calibration, data, progress, part="calibration")
    if not training:
        raise DataError(f"there is no {kind.noun} to learn from", where=_name(data.train))
    training = _add_unanswerable(training, data, progress, part="training")
    if data.validation is not None:
        scored = reader.read(data.validation)
    return Parts(
        training=training,
        calibration=calibration,
        validation=scored.examples,
        scheme=learnt.scheme,
        readings={"calibration": held_out.reading, "validation": scored.reading},
    )


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
    questions = cast("Sequence[QuestionExample]", examples)  # the key is for this task alone
    synthesis = make_unanswerable(questions, share=data.synthetic_unanswerable, seed=data.seed)
    if part == "training" and not synthesis.examples:
        titles = {example.title for example in questions if example.title}
        raise DataError(
            "no unanswerable question can be made of the training part",
            where="data.synthetic_unanswerable",
            expected="titles with several contexts, one of them without the question's answer",
            found=f"{len(titles):,} titles for {len(questions):,} questions",
            fix="--set data.synthetic_unanswerable=0",
        )
    progress.note(f"{part}: {synthesis.summary()}")
    return (*examples, *synthesis.examples)


@dataclass(frozen=True)
class _Reader:
    """Reads the files of one part.

    `scheme` is the one that tags are wanted in, if any, and `joiner` what stands between words that
    come without their text: those of the training part, once that is read.
    """

    recipe: Recipe
    kind: type[Example]
    progress: Progress
    scheme: str | None = None
    joiner: str | None = None

    def follow(self, training: Checked) -> _Reader:
        """A reader of other parts, which are read as the training part was."""
        return replace(self, scheme=training.scheme, joiner=find_word_joiner(training.examples))

    def read(self, files: Files) -> Checked:
        """The examples of one part; with several files, the places of examples name theirs.

        Sentences get their neighbours here, before any is left out.
        """
        paths = [files] if isinstance(files, str) else files
        repeats: list[str] | None = [] if len(paths) > 1 else None
        reading = self.recipe.columns.reading(bad_answers=self.recipe.data.bad_answers)
        if self.scheme is not None:  # the name that the recipe gives is that of the training file's
            reading = replace(reading, scheme=None, into=self.scheme)
        if reading.joiner is None:
            reading = replace(reading, joiner=self.joiner)
        examples = list(stream(*paths, repeats=repeats, reading=reading))
        self._require_kind(examples, files)
        if repeats:
            self.progress.warn(
                f"{_name(files)}: {len(repeats):,} {self.kind.kind} stand in more than one of "
                f"these files, equal in everything, and count once: {list_some(repeats)}"
            )
        name = paths[0] if len(paths) == 1 else ""
        if without := next((example for example in examples if not example.has_gold), None):
            raise DataError(
                f"{without.noun} {without.id!r} has no gold",
                where=", ".join(filter(None, (name, without.place))),
                expected=without.gold_form,
            )
        checked = check_examples(examples, reading=reading, name=name, expected_scheme=self.scheme)
        for line in checked.notes:
            self.progress.warn(f"{_name(files)}: {line}")
        n_neighbours = self.recipe.task.context_sentences
        return replace(checked, examples=list(surround(checked.examples, n_neighbours)))

    def _require_kind(self, examples: Examples, files: Files) -> None:
        """Refuse what another task learns.

        Raises:
            DataError: an example is of another kind.
        """
        for example in examples[:1]:
            if not isinstance(example, self.kind):
                task = self.recipe.task.name
                raise DataError(
                    f"these are no examples for the task {task}",
                    where=_name(files),
                    expected=self.kind.kind,
                    found=example.kind,
                    fix="spanfit init FILE > recipe.toml, which writes a recipe that fits the file",
                )


def _name(files: Files) -> str:
    return files if isinstance(files, str) else ", ".join(files)
