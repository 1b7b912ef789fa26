"""What a Trainer must be told for SpanFit's parts to work, and the files beside its checkpoints."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transformers import TrainerCallback
from transformers.utils.generic import find_labels

from spanfit.errors import RecipeError
from spanfit.runs import RunFolder
from spanfit.upload import list_model_files

if TYPE_CHECKING:
    from spanfit.integrations.trainer import TrainerKit

LABELS = "labels"
"""The key of a batch that a Trainer takes out for a loss function and hands to the metrics."""


class KitCallback(TrainerCallback):  # type: ignore[misc]  # transformers has no types
    """Refuses arguments that would go wrong in silence, and makes checkpoints models of SpanFit.

    Beside the weights of a checkpoint come tokenizer, spanfit.json, model card, predictions and
    scores. When the training ends, the output folder is laid out as a run's: `model/` is the best
    checkpoint, else the last.
    """

    def __init__(self, kit: TrainerKit) -> None:
        self._kit = kit

    def on_init_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:  # noqa: ANN401
        """Check the arguments.

        Raises:
            RecipeError: they would go wrong.
        """
        side = self._kit.prepared.pretrained.tokenizer.padding_side
        check_arguments(args, head=type(others["model"]), padding_side=side)
        if args.load_best_model_at_end or args.save_strategy == "best":
            metric = str(args.metric_for_best_model).removeprefix("eval_")
            is_held_out = metric.startswith("calibration_")
            self._kit.findings.selected_on = "calibration" if is_held_out else "validation"

    def on_step_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:  # noqa: ANN401
        """What was evaluated before is not of these weights."""
        self._kit.findings.forget()

    def on_save(self, args: Any, state: Any, control: Any, **others: Any) -> None:  # noqa: ANN401
        """Complete the checkpoint that was just written."""
        folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        if not state.is_world_process_zero:
            return
        if self._kit.evaluated and not self._kit.findings.is_evaluated:
            self._kit.progress.warn(
                f"{folder} is of a step without an evaluation, so nothing is fitted for it; "
                "the same steps for eval_strategy and save_strategy fit each checkpoint"
            )
        self._kit.findings.save(folder, epoch=state.epoch, step=state.global_step)

    def on_train_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:  # noqa: ANN401
        """Lay the output folder out as a run's."""
        out = Path(args.output_dir)
        best = state.best_model_checkpoint if args.load_best_model_at_end else None
        source = Path(best) if best else out / f"checkpoint-{state.global_step}"
        if not state.is_world_process_zero or not source.is_dir():
            return

        def fill(folder: Path) -> None:
            for file in list_model_files(source):
                shutil.copy2(file, folder / file.name)

        RunFolder(out).write_folder("model", fill)
        if best:  # the network has its weights again
            self._kit.findings.adopt(source)
        if (source / "scores.json").is_file():
            shutil.copy2(source / "scores.json", out / "scores.json")
            shutil.copytree(source / "predictions", out / "predictions", dirs_exist_ok=True)


def check_arguments(args: Any, *, head: type, padding_side: str) -> None:  # noqa: ANN401
    """Refuse `TrainingArguments` with which nothing would fail and something be wrong.

    Raises:
        RecipeError: it says which, why, and what to write.
    """
    names = find_labels(head) if args.label_names is None else args.label_names
    _refuse(
        names != [LABELS],
        "nothing would be scored: the Trainer looks for other labels",
        found=f"label_names {names}, which {head.__name__} asks for",
        fix=f'TrainingArguments(label_names=["{LABELS}"], …)',
    )
    _refuse(
        not args.batch_eval_metrics,
        "the Trainer would hold the logits of all windows until the end",
        found="batch_eval_metrics=False",
        fix="TrainingArguments(batch_eval_metrics=True, …)",
    )
    metric, is_higher_better = args.metric_for_best_model, args.greater_is_better
    _refuse(
        metric is not None and metric.endswith("loss") == is_higher_better,
        "the Trainer would keep the worst checkpoint for the best",
        found=f"metric_for_best_model={metric!r} with greater_is_better={is_higher_better}",
        fix=f"TrainingArguments(greater_is_better={not is_higher_better}, …)",
    )
    _refuse(
        args.label_smoothing_factor != 0,
        "the Trainer does not smooth labels beside a loss function",
        found=f"label_smoothing_factor={args.label_smoothing_factor}",
        fix=f"task.label_smoothing = {args.label_smoothing_factor} in the recipe",
    )
    _refuse(
        args.train_sampling_strategy not in ("random", "sequential"),
        "windows are no dictionaries whose lengths the Trainer could look up",
        found=f"train_sampling_strategy={args.train_sampling_strategy!r}",
        fix='train_sampling_strategy="random"; spanfit train puts like lengths together',
    )
    _refuse(
        args.n_gpu > 1,
        "several GPUs in one process share out no batch of windows",
        found=f"{args.n_gpu} GPUs",
        fix="torchrun --nproc-per-node N SCRIPT.py, or CUDA_VISIBLE_DEVICES=0",
    )
    _refuse(
        args.world_size > 1 and padding_side == "left",
        "rows of several processes that are padded on the left cannot be gathered",
        found=f"{args.world_size} processes",
        fix="one process",
    )


def _refuse(is_wrong: bool, problem: str, *, found: str, fix: str) -> None:
    if is_wrong:
        raise RecipeError(problem, where="transformers' Trainer", found=found, fix=fix)
