"""From a recipe to what a training needs: parts of the data, encoder, windows, a plan."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from spanfit.backends.pretrained import Pretrained, load_encoder, tokenizer_warnings
from spanfit.data import digest, stream
from spanfit.data.answers import check_answers
from spanfit.data.parts import limit, split_off
from spanfit.data.synthesis import make_unanswerable
from spanfit.errors import DataError, RecipeError, list_some
from spanfit.optimization import describe_learning, set_up_learning
from spanfit.prediction import prepare_windows
from spanfit.progress import Progress
from spanfit.recipe import DataSection, Files, Recipe
from spanfit.settings import ModelSettings
from spanfit.tasks import COVERAGES, TASKS
from spanfit.tasks.coverage import Coverage, summarise_lengths
from spanfit.tasks.questions import QuestionTask, SpanTargets
from spanfit.types import QuestionExample
from spanfit.windows import Windows

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


@dataclass(frozen=True)
class Plan:
    """How many steps a training takes."""

    n_windows: int
    windows_per_step: int
    epochs: int
    max_steps: int | None
    warmup_ratio: float

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps of one pass; the last one may be smaller."""
        return math.ceil(self.n_windows / self.windows_per_step)

    @property
    def steps(self) -> int:
        """All optimizer steps."""
        steps = self.steps_per_epoch * self.epochs
        return steps if self.max_steps is None else min(steps, self.max_steps)

    @property
    def warmup_steps(self) -> int:
        """Steps until the learning rate is at its highest."""
        return min(math.ceil(self.steps * self.warmup_ratio), self.steps - 1)


@dataclass(frozen=True)
class Prepared:
    """A training that is ready to start."""

    recipe: Recipe
    task: QuestionTask
    parts: Parts
    pretrained: Pretrained
    settings: ModelSettings
    windows: Windows
    targets: SpanTargets
    coverage: Coverage
    plan: Plan

    def losses_by_id(self) -> dict[str, list[str]]:
        """The ids of the questions whose targets are not their gold, as run.json lists them."""
        ids = [example.id for example in self.parts.training]
        return {
            "learnt_as_null": [ids[row] for row in self.targets.lost],
            "learnt_widened": [ids[row] for row in self.targets.widened],
        }


def prepare(recipe: Recipe, *, progress: Progress) -> Prepared:
    """Read and check the data, load the encoder, make the windows of the training part.

    Raises:
        DataError: a file is missing or faulty, or an answer is not at its offset.
        ModelError: the encoder cannot be loaded or does not fit the windows.
    """
    task = TASKS[recipe.task.name]
    parts = read_parts(recipe.data, progress=progress)
    _check_selection(recipe, parts, progress)
    _check_null(recipe, parts, progress)
    settings = ModelSettings(task=recipe.task.name, windows=recipe.windows, decode=recipe.decode)
    model = recipe.model
    pretrained = load_encoder(model, task=task.name, max_length=recipe.windows.max_length)
    for note in (*pretrained.notes, *tokenizer_warnings(model.name, revision=model.revision)):
        progress.note(f"model: {note}")
    set_up_learning(pretrained.network, recipe)
    settings = _find_ceiling(parts, pretrained, settings)
    examples = list(parts.training)
    windows = prepare_windows(examples, task, pretrained.tokenizer, settings)
    targets = task.weigh(task.targets(examples, windows, recipe.task), recipe.task)
    plan = Plan(
        n_windows=len(windows),
        windows_per_step=recipe.batch.windows_per_step,
        epochs=recipe.run.epochs,
        max_steps=recipe.run.max_steps,
        warmup_ratio=recipe.optimizer.warmup_ratio,
    )
    prepared = Prepared(
        recipe=recipe,
        task=task,
        parts=parts,
        pretrained=pretrained,
        settings=settings,
        windows=windows,
        targets=targets,
        coverage=COVERAGES[recipe.task.name](
            examples, windows, max_answer_tokens=recipe.decode.max_answer_tokens
        ),
        plan=plan,
    )
    for line in describe(prepared):
        progress.note(line)
    return prepared


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


def _check_selection(recipe: Recipe, parts: Parts, progress: Progress) -> None:
    """Refuse a selection without its part where the user named it; else say what it means.

    Raises:
        RecipeError: selection.on is validation, or early stopping is wanted, without such a part.
    """
    selection = recipe.selection
    if parts.validation if selection.on == "validation" else parts.calibration:
        return
    if selection.on == "validation" or selection.patience_epochs is not None:
        raise RecipeError(
            f"there is no {selection.on} part to choose the best epoch on",
            expected="data.validation" if selection.on == "validation" else "a calibration part",
            fix=f"--set data.{selection.on}=FILE",
        )
    if recipe.run.epochs > 1:
        progress.warn("there is no calibration part, so the last epoch is taken for the best")


def _check_null(recipe: Recipe, parts: Parts, progress: Progress) -> None:
    """Say that a model which learns no unanswerable question always answers, where that costs."""
    if parts.learns_null or recipe.selection.null_threshold is not None:
        return
    counts = {name: part["unanswerable"] for name, part in parts.counts().items()}
    if found := ", ".join(f"{n:,} in {name}" for name, n in counts.items() if n):
        progress.warn(
            "the model learns no unanswerable question, so it will never say 'no answer', but it "
            f"is scored on some ({found}); to learn it from questions asked of other paragraphs: "
            "--set data.synthetic_unanswerable=0.3"
        )


def describe(prepared: Prepared) -> list[str]:
    """What a training will do and what its windows lose, a line each."""
    parts, plan = prepared.parts, prepared.plan
    lengths, batch = summarise_lengths(prepared.windows), prepared.recipe.batch
    training = parts.counts()["training"]
    synthetic = f", of which {training['synthetic']:,} synthetic" if training["synthetic"] else ""
    lines = [
        f"data: {training['all']:,} questions to learn from ({training['unanswerable']:,} "
        f"unanswerable{synthetic}), "
        f"{len(parts.calibration):,} for calibration, {len(parts.validation):,} for validation",
        f"windows: {len(prepared.windows):,} of {lengths.min} to {lengths.max} tokens, "
        f"mean {lengths.mean:.0f}",
        f"steps: {plan.steps_per_epoch:,} an epoch of up to {batch.windows_per_step} windows, "
        f"{plan.steps:,} in all, {plan.warmup_steps:,} of them to warm up",
        describe_learning(prepared.pretrained.network, prepared.recipe.model),
        *prepared.coverage.describe(answers=prepared.recipe.task.answers),
    ]
    if ceiling := prepared.settings.ceiling:
        figures = ", ".join(f"{name} {value:.2f}" for name, value in ceiling.items())
        lines.append(f"ceiling of what is scored: {figures}")
    return lines


def _find_ceiling(parts: Parts, pretrained: Pretrained, settings: ModelSettings) -> ModelSettings:
    """The settings with the best score that windows and limits allow on what will be scored."""
    examples = list(parts.validation or parts.calibration)
    if not examples:
        return settings
    windows = prepare_windows(examples, TASKS[settings.task], pretrained.tokenizer, settings)
    coverage = COVERAGES[settings.task](
        examples, windows, max_answer_tokens=settings.decode.max_answer_tokens
    )
    ceiling = coverage.ceiling
    if ceiling is None:
        return settings
    figures = {f"{ceiling.metric} exact": ceiling.exact, f"{ceiling.metric} f1": ceiling.f1}
    return settings.model_copy(update={"ceiling": figures})
