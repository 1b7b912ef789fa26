"""One training under way: the loop over steps and epochs, its checkpoints, every way to its end."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

import torch

from spanfit.checkpoints import Interval, Position, restore, save_state
from spanfit.errors import LostProcessError, OutOfMemoryError, RunError
from spanfit.failures import explained_memory, lost_process
from spanfit.hardware import describe_device
from spanfit.interruptions import noticed, uninterrupted
from spanfit.preparation import Prepared
from spanfit.processes import ALONE, Processes
from spanfit.progress import Progress, format_seconds
from spanfit.publication import Publication
from spanfit.run_records import continue_record, describe_run, list_differences
from spanfit.runs import CHECKPOINT_MINUTES, METRICS, RECORD, Run, RunFolder, resume_command
from spanfit.shared_runs import begin_alike
from spanfit.steps import Stepper, steps_of_epoch
from spanfit.tracking import StepLog, track


class Training(Stepper):
    """One training under way, from step to step, epoch to epoch, checkpoint to checkpoint."""

    def __init__(
        self,
        prepared: Prepared,
        folder: RunFolder,
        progress: Progress,
        *,
        trackers: Sequence[str] = (),
        checkpoint_minutes: float = CHECKPOINT_MINUTES,
        processes: Processes = ALONE,
    ) -> None:
        super().__init__(prepared, folder, trackers=trackers, processes=processes)
        self.progress, self._last_words = processes.voice(progress), progress
        self._again = processes.command(resume_command(folder.folder))
        self._log = StepLog(prepared.windows.lengths)
        # The clock of the first process decides.
        self._interval = Interval(checkpoint_minutes if processes.is_first else math.inf)
        self._started = time.monotonic()
        self._record_before: dict[str, Any] | None = None
        self._resumed_after = 0
        self.publication = Publication(
            prepared,
            folder,
            progress=self.progress,
            backend=self.backend,
            save_state=self._save_state,
            processes=processes,
        )

    def go_on_from(self, checkpoint: Path | None, *, record: dict[str, Any]) -> None:
        """Go back to where a checkpoint was written, or to the beginning; `record`: run.json."""
        started = time.monotonic()
        metrics, where = "", "from the beginning, since there is no checkpoint yet"
        if checkpoint is not None:
            position, metrics = restore(checkpoint, self.learner)
            self.step = position.step
            self.publication.go_on(position.standing)
            self._log = StepLog(self.prepared.windows.lengths, position.losses)
            self._started = started - position.seconds
            took = format_seconds(time.monotonic() - started)
            where = f"after step {self.step:,} of {self.prepared.plan.steps:,}, read in {took}"
        self.folder.write_text(METRICS, metrics)
        self._record_before, self._resumed_after = record, self.step
        if changes := list_differences(record, self._describe("running")):
            self.progress.warn(
                f"the same training from here on, but not to the very bit: {', '.join(changes)}"
            )
        self.progress.note(f"{self.folder.folder} goes on {where}")

    def run(self) -> Run:
        """All epochs; an interruption leaves a usable run and is raised again."""
        self.progress.note(self.backend.describe())
        self._write_record("running")
        self.publication.write_calibration_part()
        try:
            begin_alike(self.prepared, self.folder.folder, self.processes)
            self._compile()
            with track(self.folder, self.accelerator, self.prepared.recipe):
                self._epochs()
            self.processes.tell(lambda: self._write_record("finished"))
        except KeyboardInterrupt:
            with uninterrupted(is_ending=True):  # a launcher may send a second signal
                self.publication.publish_unfinished(step=self.step)
                self._write_record("interrupted")
                # A process that was interrupted by itself says so by itself.
                self._last_words.note(f"interrupted after step {self.step:,}: {self.folder.folder}")
                self._last_words.note(f"to go on: {self._again}")
            raise
        except Exception as error:
            # Where the disk is full, the first message counts.
            with suppress(RunError), uninterrupted(is_ending=True):
                self._write_record("failed")
            if isinstance(error, LostProcessError):
                raise lost_process(error, run=self.folder.folder, command=self._again) from error
            raise
        seconds = format_seconds(time.monotonic() - self._started)
        self.progress.note(f"finished in {seconds}: {self.folder.folder}")
        return Run(self.folder.folder)

    def _compile(self) -> None:
        """Have the layers compiled, where the recipe wants it, and say how long it took."""
        batch = self.prepared.recipe.batch
        if not batch.compiled:
            return
        started = time.monotonic()
        self.progress.note("layers: being compiled, which takes a minute or more the first time")
        tokens = batch.max_tokens or self.backend.max_tokens
        with self.processes.together(), self._memory_explained("batch.max_tokens", tokens):
            self.compile()
        self.progress.note(f"layers: compiled in {format_seconds(time.monotonic() - started)}")

    def _epochs(self) -> None:
        plan, publication = self.prepared.plan, self.publication
        while publication.standing.epochs < plan.epochs_begun:
            if self.processes.any(publication.is_out_of_patience):
                break
            epoch = publication.standing.epochs + 1
            self._epoch(epoch)
            self._evaluate(epoch)
            self._interval.begin()

    def _evaluate(self, epoch: int) -> None:
        """Evaluate an epoch; where something ends it in between, it counts as not evaluated."""
        key = "batch.max_prediction_tokens"
        tokens = self.prepared.recipe.batch.max_prediction_tokens or self.backend.max_tokens
        before, metrics = self.publication.standing, self.folder.read_metrics()
        try:
            with self._memory_explained(key, tokens):
                self.publication.evaluate(epoch=epoch, step=self.step)
        except (KeyboardInterrupt, LostProcessError, OutOfMemoryError):
            if self.publication.standing is before:
                self.folder.write_text(METRICS, metrics)
                self.publication.save_unfinished(step=self.step)
            raise

    def _epoch(self, epoch: int) -> None:
        """The steps of an epoch that are left; none, where only its evaluation is."""
        run, batch, plan = self.prepared.recipe.run, self.prepared.recipe.batch, self.prepared.plan
        before = (epoch - 1) * plan.steps_per_epoch
        done, total = self.step - before, min(plan.steps_per_epoch, plan.steps - before)
        tokens = batch.max_tokens or self.backend.max_tokens
        self._log = StepLog(self.prepared.windows.lengths, self._log.losses)
        self.network.train()
        title = f"epoch {epoch}/{plan.epochs}"
        with (
            self.progress.bar(title, total=total, unit="steps", done=done) as bar,
            noticed() as is_interrupted,
        ):
            for rows in steps_of_epoch(plan, epoch=epoch, seed=run.seed, done=done):
                if self.step >= plan.steps:
                    break
                rate = self.scheduler.get_last_lr()[0]
                with self._memory_explained("batch.max_tokens", tokens):
                    loss, norm = self.take_step(rows)
                self._log.add(rows, loss)
                bar.advance(
                    text=f"loss {self._log.recent_loss:.3f}  lr {rate:.1e}  {self._log.speed}"
                )
                if self.step % run.log_every_steps == 0 or self.step == before + total:
                    figures = {"learning_rate": rate, "gradient_norm": norm, **self._log.take()}
                    self.folder.append_metrics({"step": self.step, "epoch": epoch, **figures})
                is_over = self.processes.any(is_interrupted())
                if is_over or self.processes.any(self._interval.is_over):
                    with self._interval.measured():
                        self.publication.save_unfinished(step=self.step)
                    is_over = is_over or self.processes.any(is_interrupted())  # meanwhile
                if is_over:
                    raise self.processes.shared(KeyboardInterrupt(), exit_code=130)

    def _save_state(self, folder: Path) -> None:
        """Write what a checkpoint holds beside the model."""
        position = Position(
            step=self.step,
            seconds=time.monotonic() - self._started,
            losses=self._log.losses,
            standing=self.publication.standing,
        )
        save_state(folder, self.learner, position, metrics=self.folder.read_metrics())

    def _memory_explained(self, key: str, tokens: int) -> AbstractContextManager[None]:
        return explained_memory(self.folder.folder, key=key, tokens=tokens, command=self._again)

    def _write_record(self, status: str) -> None:
        """Write run.json, then recipe.toml: what is needed to do it again."""
        self.folder.write_json(RECORD, self._describe(status))
        self.folder.write_text("recipe.toml", self.prepared.recipe.to_toml())

    def _describe(self, status: str) -> dict[str, Any]:
        record = describe_run(
            status=status,
            steps=self.step,
            seconds=time.monotonic() - self._started,
            recipe=self.prepared.recipe.model_dump(mode="json"),
            device=describe_device(self.accelerator.device),  # numbers differ between processes
            threads=torch.get_num_threads(),
            processes=self.processes.count,
            resolved={
                "precision": self.precision,
                "packed": self.backend.packing is not None,
                "compiled": self.prepared.recipe.batch.compiled,
                "max_tokens": self.prepared.recipe.batch.max_tokens or self.backend.max_tokens,
                "seed": self.prepared.recipe.run.seed,
            },
            data=self.prepared.parts.digests(),
            examples=self.prepared.parts.counts(),
            coverage=self.prepared.coverage.to_json() | self.prepared.losses_by_id(),
            tokenizer=self.prepared.pretrained.tokenizer.digest,
        )
        if self._record_before is None:
            return record
        return continue_record(record, self._record_before, resumed_after=self._resumed_after)
