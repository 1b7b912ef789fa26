"""Fine-tuning: the loop over steps and epochs.

A step sees exactly the windows that a plain random batch would hold; inside the step they are
computed in micro-batches of like length. The loss is the sum over the whole step divided by the
whole step's count, so the gradient is that of the padded batch.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import set_seed
from numpy.typing import NDArray

from spanfit.backends.torch import (
    TorchBackend,
    resolve_device,
    resolve_precision,
)
from spanfit.batching import join
from spanfit.dropout import cheapen_dropout
from spanfit.errors import RunError
from spanfit.losses import LOSSES
from spanfit.optimization import make_optimizer, make_schedule
from spanfit.preparation import Plan, Prepared, prepare
from spanfit.progress import Progress, format_seconds
from spanfit.publication import Publication
from spanfit.recipe import Recipe, make_recipe, read_recipe
from spanfit.runs import Run, RunFolder, check_free, describe_run
from spanfit.tracking import StepLog, check_trackers, track

Rows = NDArray[np.int64]


def train(
    recipe: Recipe | str | Path,
    *,
    out: str | Path | None = None,
    overrides: Sequence[str] = (),
    trackers: Sequence[str] = (),
    progress: Progress | None = None,
) -> Run:
    """Fine-tune an encoder as a recipe says; the run folder is `out`, or a new one under runs/.

    `trackers` names what else gets the metrics: tensorboard, wandb, … as Accelerate knows them.

    Raises:
        RecipeError: the recipe, an override or a tracker's name is wrong.
        DataError, ModelError: data or encoder cannot be used.
        MissingExtraError: a tracker is not installed.
        RunError: the folder is taken, or the loss is not a number.
        KeyboardInterrupt: interrupted; the run folder holds a usable model then.
    """
    progress = progress or Progress()
    recipe = resolve_recipe(recipe, overrides=overrides)
    check_trackers(trackers)
    if out is not None:
        check_free(Path(out))  # now, not after minutes of preparation
    check_hardware(recipe)
    set_up_torch(recipe)
    prepared = prepare(recipe, progress=progress)
    folder = RunFolder.create(out, default_name=prepared.task.name)
    return Training(prepared, folder, progress, trackers=trackers).run()


def resolve_recipe(recipe: Recipe | str | Path, *, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe of a file or an object, overrides applied.

    Raises:
        RecipeError: the file, a key or a value is wrong.
    """
    if not isinstance(recipe, Recipe):
        return read_recipe(recipe, overrides=overrides)
    return make_recipe(recipe.model_dump(), overrides=overrides) if overrides else recipe


def check_hardware(recipe: Recipe) -> None:
    """Refuse what this machine cannot do, before anything is read.

    Raises:
        RecipeError: there is no such device, or it does not compute in that precision.
        RunError: a launcher started several processes.
    """
    resolve_precision(recipe.run.precision, resolve_device(recipe.run.device))
    n_processes = os.environ.get("WORLD_SIZE", "1")
    if n_processes.isdecimal() and int(n_processes) > 1:
        raise refuse_processes(int(n_processes))


def refuse_processes(n: int) -> RunError:
    """The error of a training in several processes."""
    return RunError(
        "training in several processes is not supported yet",
        found=f"{n} processes",
        fix="spanfit train RECIPE, without a launcher",
    )


def set_up_torch(recipe: Recipe) -> None:
    """Seeds of Python, NumPy and torch, and the number of threads."""
    set_seed(recipe.run.seed)
    if recipe.run.threads is not None:
        torch.set_num_threads(recipe.run.threads)


class Training:
    """One training under way: network, optimizer, schedule, and the step it has come to."""

    def __init__(
        self,
        prepared: Prepared,
        folder: RunFolder,
        progress: Progress,
        *,
        trackers: Sequence[str] = (),
    ) -> None:
        recipe, network = prepared.recipe, prepared.pretrained.network
        self.prepared, self.folder, self.progress = prepared, folder, progress
        device = resolve_device(recipe.run.device)
        precision = resolve_precision(recipe.run.precision, device)
        AcceleratorState._reset_state()  # an earlier training of this process may have chosen else
        self.accelerator = Accelerator(
            mixed_precision="no" if precision == "fp32" else precision,
            cpu=device.type == "cpu",
            log_with=list(trackers) or None,
            project_dir=str(folder.folder / "tracking"),
        )
        if self.accelerator.num_processes > 1:
            raise refuse_processes(self.accelerator.num_processes)
        self.precision = precision
        # Not prepared by Accelerate, which would have `forward` compute in half precision for good,
        # in evaluations too. They are in fp32, as the model will be when it is loaded.
        self.network = network.to(self.accelerator.device)
        optimizer = make_optimizer(network, recipe.optimizer)
        self.scheduler = make_schedule(
            optimizer,
            recipe.optimizer,
            steps=prepared.plan.steps,
            warmup_steps=prepared.plan.warmup_steps,
        )
        self.optimizer = self.accelerator.prepare(optimizer)
        self.step = 0
        if self.accelerator.device.type == "cpu":
            cheapen_dropout(network)
        self.backend = TorchBackend(
            network,
            prepared.pretrained.tokenizer,
            packs=recipe.batch.packed,
            sees_padding=prepared.pretrained.sees_padding,
            learns_in=precision,
        )
        self.publication = Publication(prepared, folder, progress=progress, backend=self.backend)

    def run(self) -> Run:
        """All epochs; an interruption leaves a usable run and is raised again."""
        started = time.monotonic()
        self.progress.note(self.backend.describe())
        self._write_record("running", started)
        self.publication.write_calibration_part()
        try:
            with track(self.folder, self.accelerator, self.prepared.recipe):
                self._epochs()
        except KeyboardInterrupt:
            self.publication.publish_unfinished(step=self.step)
            self._write_record("interrupted", started)
            self.progress.note(f"interrupted after step {self.step:,}: {self.folder.folder}")
            raise
        except Exception:
            self._write_record("failed", started)
            raise
        self._write_record("finished", started)
        seconds = format_seconds(time.monotonic() - started)
        self.progress.note(f"finished in {seconds}: {self.folder.folder}")
        return Run(self.folder.folder)

    def _epochs(self) -> None:
        plan = self.prepared.plan
        for epoch in range(1, plan.epochs + 1):
            self._epoch(epoch)
            self.publication.evaluate(epoch=epoch, step=self.step)
            if self.step >= plan.steps or self.publication.is_out_of_patience:
                break

    def _epoch(self, epoch: int) -> None:
        run, plan = self.prepared.recipe.run, self.prepared.plan
        log = StepLog(self.prepared.windows.lengths)
        steps = min(plan.steps_per_epoch, plan.steps - self.step)
        self.network.train()
        title = f"epoch {epoch}/{plan.epochs}"
        with self.progress.bar(title, total=steps, unit="steps") as bar:
            for rows in steps_of_epoch(plan, epoch=epoch, seed=run.seed):
                if self.step >= plan.steps:
                    break
                rate = self.scheduler.get_last_lr()[0]
                loss, gradient_norm = self.take_step(rows)
                log.add(rows, loss)
                bar.advance(text=f"loss {log.recent_loss:.3f}  lr {rate:.1e}  {log.speed}")
                is_last = self.step % plan.steps_per_epoch == 0 or self.step == plan.steps
                if self.step % run.log_every_steps == 0 or is_last:
                    figures = {"learning_rate": rate, "gradient_norm": gradient_norm, **log.take()}
                    self.folder.append_metrics({"step": self.step, "epoch": epoch, **figures})

    def take_step(self, rows: Rows) -> tuple[float, float]:
        """One optimizer step on these windows: its mean loss, and the norm of its gradient.

        Raises:
            RunError: the loss is NaN or infinite.
        """
        loss = self.accumulate_gradient(rows)
        if not np.isfinite(loss):
            raise self._broken_loss(loss, rows)
        norm = float(
            self.accelerator.clip_grad_norm_(
                self.network.parameters(), self.prepared.recipe.optimizer.max_gradient_norm
            )
        )
        self.optimizer.step()
        # In fp16 the fused optimizer leaves the weights alone where the gradient has overflowed.
        # Accelerate does not notice: `optimizer_step_was_skipped` is of optimizers called or not.
        if self.accelerator.scaler is None or np.isfinite(norm):
            self.scheduler.step()
        self.optimizer.zero_grad()
        self.step += 1
        return loss, norm

    def accumulate_gradient(self, rows: Rows) -> float:
        """Add the gradient of the mean loss over these windows; returns that loss."""
        lengths = self.prepared.windows.lengths[rows]
        count = max(self.prepared.targets.count(rows), 1e-12)  # 0: nothing to learn in these
        total = torch.zeros((), device=self.accelerator.device)
        micro_batches = self.backend.split(
            lengths, max_tokens=self.prepared.recipe.batch.max_tokens
        )
        for chosen in micro_batches:
            loss = self.loss_sum(rows[chosen]) / count
            self.accelerator.backward(loss)
            total += loss.detach()
        return float(total)

    def loss_sum(self, rows: Rows) -> torch.Tensor:
        """The summed loss of some windows, computed as one padded batch; a scalar."""
        batch = join(self.prepared.windows, rows)
        with self.accelerator.autocast():
            logits = self.backend.compute(batch)
        task = self.prepared.recipe.task
        return LOSSES[task.name](
            logits, batch, self.prepared.targets, label_smoothing=task.label_smoothing
        )

    def _broken_loss(self, loss: float, rows: Rows) -> RunError:
        examples = self.prepared.windows.example[rows]
        ids = [self.prepared.parts.training[row].id for row in examples]
        return RunError(
            f"the loss became {loss} at step {self.step + 1:,}",
            where=str(self.folder.folder),
            expected="a finite loss",
            found=f"this on the windows of {', '.join(ids[:5])}{' …' if len(ids) > 5 else ''}",
            fix="a lower optimizer.learning_rate, or run.precision=fp32",
        )

    def _write_record(self, status: str, started: float) -> None:
        """Write recipe.toml and run.json: what is needed to do it again."""
        self.folder.write_text("recipe.toml", self.prepared.recipe.to_toml())
        record = describe_run(
            status=status,
            steps=self.step,
            seconds=time.monotonic() - started,
            device=str(self.accelerator.device),
            threads=torch.get_num_threads(),
            resolved={
                "precision": self.precision,
                "packed": self.backend.packing is not None,
                "max_tokens": self.prepared.recipe.batch.max_tokens or self.backend.max_tokens,
                "seed": self.prepared.recipe.run.seed,
            },
            data=self.prepared.parts.digests(),
            examples=self.prepared.parts.counts(),
            coverage=self.prepared.coverage.to_json() | self.prepared.losses_by_id(),
            tokenizer=self.prepared.pretrained.tokenizer.digest,
        )
        self.folder.write_json("run.json", record)


def steps_of_epoch(plan: Plan, *, epoch: int, seed: int) -> Iterator[Rows]:
    """The windows of each step, in an order that seed and epoch decide; each window once."""
    order = np.random.default_rng([seed, epoch]).permutation(plan.n_windows)
    for start in range(0, plan.n_windows, plan.windows_per_step):
        yield order[start : start + plan.windows_per_step]
