"""A training by transformers' `Trainer`, with SpanFit's windows, loss, decoding and scores.

    kit = prepare_trainer("recipe.toml")
    trainer = Trainer(
        model=kit.network,
        args=TrainingArguments("runs/by-trainer", **kit.arguments()),
        train_dataset=kit.training,
        eval_dataset=kit.evaluated,
        data_collator=collate,
        compute_loss_func=kit.compute_loss,
        compute_metrics=kit.compute_metrics,
        callbacks=[kit.callback],
    )

Labels are the numbers of windows. So no head computes a loss of its own, and loss and metrics are
the same for every head: question answering, token classification, and a token classifier whose two
outputs are start and end.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from spanfit.backends.inputs import taken_inputs
from spanfit.backends.torch import head_logits
from spanfit.batching import join
from spanfit.errors import RecipeError
from spanfit.examples import AS_IT_IS, Examples, Reading
from spanfit.hardware import set_up_torch
from spanfit.integrations.callback import LABELS, KitCallback
from spanfit.integrations.findings import FITTED_ON, Findings
from spanfit.integrations.gathering import Gathering
from spanfit.integrations.window_dataset import WindowDataset, WindowView, collate
from spanfit.integrations.window_dataset import collate_for_heads as collate_for_heads
from spanfit.losses import LOSSES
from spanfit.optimization import SCHEDULES
from spanfit.prediction import prepare_windows
from spanfit.preparation import Prepared, prepare
from spanfit.progress import Progress
from spanfit.recipe import Recipe
from spanfit.tasks.base import Targets
from spanfit.training import resolve_recipe
from spanfit.windows import Windows

__all__ = ["TrainerKit", "WindowView", "collate", "collate_for_heads", "prepare_trainer"]

Rows = NDArray[np.int64]


def prepare_trainer(
    recipe: Recipe | str | Path,
    *,
    overrides: Sequence[str] = (),
    progress: Progress | None = None,
) -> TrainerKit:
    """Read and check the data, load the encoder, make the windows: all before `Trainer` begins.

    The sections [optimizer], [batch], [run] and [selection] only shape `TrainerKit.arguments`.

    Raises:
        RecipeError: the recipe or an override is wrong.
        DataError, ModelError: data or encoder cannot be used.
    """
    progress = progress or Progress()
    chosen = resolve_recipe(recipe, overrides=overrides)
    set_up_torch(chosen)
    prepared = prepare(chosen, progress=progress)
    if prepared.pretrained.sees_padding:
        progress.warn(
            "padding changes what this architecture says of a text, and Trainer pads: its figures "
            "depend on the windows that are computed together, those of spanfit train do not"
        )
    return TrainerKit(prepared, progress=progress)


class TrainerKit:
    """What a `Trainer` is given, and what it found since the last step.

    `network` is the head of transformers that learns, `training` the data set that it learns,
    `evaluated` the calibration and the validation part, in this order: what is fitted on the
    first decides in the second.
    """

    def __init__(self, prepared: Prepared, *, progress: Progress) -> None:
        self.prepared, self.progress = prepared, progress
        self.network = prepared.pretrained.network
        self.findings = Findings(prepared, progress=progress)
        self._datasets: list[WindowDataset] = []
        self._gathering: Gathering | None = None
        parts = prepared.parts
        self.training = self._append(
            "training",
            parts.training,
            windows=prepared.windows,
            targets=prepared.targets,
            label_smoothing=prepared.recipe.task.label_smoothing,
        )
        self.evaluated = {
            name: self._append(name, parts.by_name[name], reading=parts.readings[name])
            for name in (FITTED_ON, "validation")
            if parts.by_name[name]
        }
        self.callback = KitCallback(self)

    def arguments(self) -> dict[str, Any]:
        """Arguments for `TrainingArguments` that do what the recipe says; any may be replaced.

        `label_names` and `batch_eval_metrics` must stay.
        """
        recipe, plan = self.prepared.recipe, self.prepared.plan
        optimizer, run, selection = recipe.optimizer, recipe.run, recipe.selection
        chosen: dict[str, Any] = {"eval_strategy": "epoch" if self.evaluated else "no"}
        if selection.on in self.evaluated:
            figure = selection.metric.removeprefix("eval_")
            chosen |= {
                "load_best_model_at_end": True,
                "metric_for_best_model": f"{selection.on}_{figure}",
                "greater_is_better": figure != "loss",
            }
        return chosen | {
            "label_names": [LABELS],
            "batch_eval_metrics": True,
            "save_strategy": "epoch",
            "save_total_limit": run.max_checkpoints,
            "learning_rate": optimizer.learning_rate,
            "weight_decay": optimizer.weight_decay,
            "lr_scheduler_type": SCHEDULES[optimizer.schedule],
            "warmup_steps": plan.warmup_steps,
            "max_grad_norm": optimizer.max_gradient_norm,
            "per_device_train_batch_size": plan.windows_per_step,
            "num_train_epochs": plan.epochs,
            "max_steps": plan.max_steps or -1,
            "logging_steps": run.log_every_steps,
            "seed": run.seed,
            "use_cpu": run.device == "cpu",
            "bf16": run.precision == "bf16",
            "fp16": run.precision == "fp16",
        }

    def add(
        self, examples: Examples, *, name: str = "test", reading: Reading = AS_IT_IS
    ) -> WindowDataset:
        """One more data set to evaluate or predict: `trainer.evaluate(kit.add(examples))`.

        Raises:
            DataError: the gold is wrong, and `reading` does not allow to repair it.
            RecipeError: there is a data set of that name.
        """
        if any(dataset.name == name for dataset in self._datasets):
            raise RecipeError("there is a data set of that name", found=name, fix="another name")
        checked = self.prepared.task.adapt(
            examples, self.prepared.settings, reading=reading, name=name
        )
        for note in checked.notes:
            self.progress.warn(f"{name}: {note}")
        return self._append(name, checked.examples, reading=checked.reading)

    def _append(
        self,
        name: str,
        gold: Examples,
        *,
        windows: Windows | None = None,
        targets: Targets | None = None,
        label_smoothing: float = 0.0,
        reading: Reading = AS_IT_IS,
    ) -> WindowDataset:
        """A data set that is counted on from the last; its windows and targets, if not given."""
        prepared, settings = self.prepared, self.prepared.settings
        task, tokenizer = prepared.task, prepared.pretrained.tokenizer
        examples = list(task.arrange(gold, tokenizer, settings))
        if windows is None:
            windows = prepare_windows(examples, task, tokenizer, settings)
        if targets is None:
            targets = task.targets(examples, windows, prepared.recipe.task, settings)
        dataset = WindowDataset(
            name=name,
            gold=gold,
            examples=examples,
            windows=windows,
            targets=targets,
            task=task.name,
            input_names=taken_inputs(self.network, tokenizer),
            first_number=sum(map(len, self._datasets)),
            label_smoothing=label_smoothing,
            reading=reading,
        )
        self._datasets.append(dataset)
        return dataset

    def _find(self, numbers: torch.Tensor | NDArray[np.int64]) -> tuple[WindowDataset, Rows]:
        """The data set of windows of these numbers, (B,), and their rows there."""
        values = torch.as_tensor(numbers).cpu().numpy().astype(np.int64)
        for dataset in self._datasets:
            rows = values - dataset.first_number
            if values.ndim == 1 and (rows >= 0).all() and (rows < len(dataset)).all():
                return dataset, rows
        raise RecipeError(
            "these labels are not the numbers of windows of one data set of this kit",
            expected="data_collator=collate, and data sets of the kit",
            found=f"labels of the shape {values.shape}",
            fix="from spanfit.integrations.trainer import collate",
        )

    def compute_loss(
        self,
        outputs: Any,  # noqa: ANN401 (of a head of transformers)
        labels: torch.Tensor,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> torch.Tensor:
        """The loss of a batch, for `compute_loss_func`: its sum over what the step's windows count.

        `num_items_in_batch` are the windows of the whole step, over its micro-batches and
        processes. Each counts what a window of the data set counts on average, so that an
        evaluation's mean over batches is the mean over all that is learnt.
        """
        dataset, rows = self._find(labels)
        logits = head_logits(outputs)
        total = LOSSES[dataset.task](
            logits,
            join(dataset.windows, rows),
            dataset.targets,
            label_smoothing=dataset.label_smoothing,
        )
        n_windows = len(rows) if num_items_in_batch is None else num_items_in_batch
        return total / (n_windows * max(dataset.mean_count, 1e-12))

    def compute_metrics(
        self,
        prediction: Any,  # noqa: ANN401 (a transformers EvalPrediction)
        compute_result: bool = True,
    ) -> dict[str, float]:
        """Take the logits of one batch; with the last one, the figures of the data set.

        The calibration part's evaluation fits threshold and temperature, and those decide in what
        is evaluated after it, until the next step.

        Raises:
            ModelError: the logits hold NaN or infinity.
            RunError: windows are missing.
        """
        dataset, rows = self._find(prediction.label_ids)
        gathering = self._gathering
        if gathering is None or gathering.dataset is not dataset or gathering.has_any(rows):
            gathering = Gathering(  # one that was broken off is thrown away
                dataset,
                self.prepared,
                settings=self.prepared.settings,
                calibration=self.findings.uncalibrated,
            )
        self._gathering = gathering
        gathering.add(rows, _join_outputs(prediction.predictions))
        if not compute_result:
            return {}
        self._gathering = None
        predictions, loss = gathering.finish()
        return self.findings.score(dataset, predictions, loss)

    def save(self, folder: str | Path) -> None:
        """Complete a folder that `trainer.save_model` has written: tokenizer, spanfit.json, card.

        With the scores of what was evaluated since the last step. The callback does it for
        checkpoints.
        """
        self.findings.save(Path(folder))


def _join_outputs(outputs: Any) -> torch.Tensor:  # noqa: ANN401 (what a head returns, gathered)
    """What a Trainer gathers of a head as logits (B, T, n_outputs), float32.

    Question-answering heads return start and end apart, (B, T) each; some heads return more.
    """
    if not isinstance(outputs, tuple | list):
        return torch.as_tensor(outputs).float()
    first = torch.as_tensor(outputs[0])
    if first.ndim == 2:
        return torch.stack((first, torch.as_tensor(outputs[1])), dim=-1).float()
    return first.float()
