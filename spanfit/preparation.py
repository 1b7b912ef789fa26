"""From a recipe to what a training needs: parts of the data, encoder, windows, a plan."""

from __future__ import annotations

import math
from dataclasses import dataclass

from spanfit.backends.pretrained import Pretrained, load_encoder, tokenizer_warnings
from spanfit.cache import TokenCache, find_folder
from spanfit.errors import RecipeError
from spanfit.examples import Example, Examples
from spanfit.metrics import check_metric, choose_name
from spanfit.optimization import describe_learning, set_up_learning
from spanfit.parts import Parts, read_parts
from spanfit.prediction import prepare_windows
from spanfit.progress import Progress
from spanfit.recipe import Recipe
from spanfit.settings import ModelSettings
from spanfit.tasks import COVERAGES, TASKS
from spanfit.tasks.base import AnyTask, Coverage, Targets
from spanfit.tasks.coverage import summarise_lengths
from spanfit.windows import Windows


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
    def epochs_begun(self) -> int:
        """How many epochs these steps reach into."""
        return math.ceil(self.steps / self.steps_per_epoch)

    @property
    def warmup_steps(self) -> int:
        """Steps until the learning rate is at its highest."""
        return min(math.ceil(self.steps * self.warmup_ratio), self.steps - 1)


@dataclass(frozen=True)
class Prepared:
    """A training that is ready to start; `windows` and `targets` are of the training part.

    `metric` is what all of it goes by: threshold, temperature, best epoch, scores and ceiling.
    """

    recipe: Recipe
    task: AnyTask
    parts: Parts
    pretrained: Pretrained
    settings: ModelSettings
    windows: Windows
    targets: Targets
    coverage: Coverage
    plan: Plan
    metric: str

    def losses_by_id(self) -> dict[str, list[str]]:
        """The ids of the examples whose targets are not their gold, as run.json lists them."""
        ids = [example.id for example in self.parts.training]
        return {what: [ids[row] for row in rows] for what, rows in self.targets.losses.items()}


def prepare(recipe: Recipe, *, progress: Progress) -> Prepared:
    """Read and check the data, load the encoder, make the windows of the training part.

    Raises:
        RecipeError: the task has no metric of that name.
        DataError: a file is missing or faulty, or an answer is not at its offset.
        ModelError: the encoder cannot be loaded or does not fit the windows.
    """
    task = TASKS[recipe.task.name]
    check_metric(recipe.task.metric, task=task.name)
    parts = read_parts(recipe, kind=task.example_type, progress=progress)
    metric = _choose_metric(recipe, parts)
    _check_selection(recipe, parts, progress)
    for warning in task.advise(parts.by_name, recipe):
        progress.warn(warning)
    settings = task.settle(parts.training, recipe, scheme=parts.scheme)
    model = recipe.model
    pretrained = load_encoder(
        model,
        task=task.name,
        outputs=task.outputs(settings),
        max_length=recipe.windows.max_length,
    )
    for note in (*pretrained.notes, *tokenizer_warnings(model.name, revision=model.revision)):
        progress.note(f"model: {note}")
    set_up_learning(pretrained.network, recipe)
    settings = _find_ceiling(task, parts, pretrained, settings, metric=metric)
    examples, windows = _make_windows(task, parts.training, pretrained, settings)
    targets = task.targets(examples, windows, recipe.task, settings)
    targets = task.weigh(targets, recipe.task)
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
        coverage=COVERAGES[task.name](examples, windows, settings),
        plan=plan,
        metric=metric,
    )
    for line in describe(prepared):
        progress.note(line)
    return prepared


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


def describe(prepared: Prepared) -> list[str]:
    """What a training will do and what its windows lose, a line each."""
    parts, plan = prepared.parts, prepared.plan
    lengths, batch = summarise_lengths(prepared.windows), prepared.recipe.batch
    lines = [
        f"data: {prepared.task.describe(parts.training)} to learn from, "
        f"{len(parts.calibration):,} for calibration, {len(parts.validation):,} for validation",
        f"windows: {len(prepared.windows):,} of {lengths.min} to {lengths.max} tokens, "
        f"mean {lengths.mean:.0f}",
        f"steps: {plan.steps_per_epoch:,} an epoch of up to {batch.windows_per_step} windows, "
        f"{plan.steps:,} in all, {plan.warmup_steps:,} of them to warm up",
        describe_learning(prepared.pretrained.network, prepared.recipe.model),
        *prepared.coverage.describe(prepared.recipe.task),
    ]
    if ceiling := prepared.settings.ceiling:
        figures = ", ".join(f"{name} {value:.2f}" for name, value in ceiling.items())
        lines.append(f"ceiling of what is scored: {figures}")
    return lines


def _choose_metric(recipe: Recipe, parts: Parts) -> str:
    """One metric for the whole training: the recipe's, or the one that suits what is scored.

    Raises:
        DataError: it does not suit that.
    """
    scored = [*parts.calibration, *parts.validation] or parts.training
    return choose_name(scored, metric=recipe.task.metric, scheme=parts.scheme)


def _make_windows(
    task: AnyTask, part: Examples, pretrained: Pretrained, settings: ModelSettings
) -> tuple[list[Example], Windows]:
    """The examples as a model reads them, and their windows."""
    tokenizer = pretrained.tokenizer
    examples = list(task.arrange(part, tokenizer, settings))
    memory = TokenCache(tokenizer, find_folder())
    return examples, prepare_windows(examples, task, tokenizer, settings, memory=memory)


def _find_ceiling(
    task: AnyTask, parts: Parts, pretrained: Pretrained, settings: ModelSettings, *, metric: str
) -> ModelSettings:
    """The settings with the best score that windows and limits allow on what will be scored."""
    scored = parts.validation or parts.calibration
    if not scored:
        return settings
    examples, windows = _make_windows(task, scored, pretrained, settings)
    coverage = COVERAGES[task.name](examples, windows, settings, metric=metric)
    return settings.model_copy(update={"ceiling": coverage.figures})
