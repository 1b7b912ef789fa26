"""Optimizer steps: a network, its gradient on some windows, and how its weights follow it.

A step sees exactly the windows that a plain random batch would hold; inside the step they are
computed in micro-batches of like length. The loss is the sum over the whole step divided by the
whole step's count, so the gradient is that of the padded batch. Several processes share the windows
of a step, and each has the sum of their gradients.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from numpy.typing import NDArray

from spanfit.backends.torch import TorchBackend, resolve_device, resolve_precision
from spanfit.batching import join
from spanfit.checkpoints import Learner
from spanfit.compilation import choose_samples, compile_layers, explained_compiler
from spanfit.dropout import cheapen_dropout
from spanfit.failures import broken_figure
from spanfit.losses import LOSSES
from spanfit.optimization import make_optimizer, make_schedule
from spanfit.preparation import Plan, Prepared
from spanfit.processes import ALONE, Processes
from spanfit.runs import RunFolder

Rows = NDArray[np.int64]


class Stepper:
    """Network, optimizer and schedule of a training, and the step that they have come to."""

    def __init__(
        self,
        prepared: Prepared,
        folder: RunFolder,
        *,
        trackers: Sequence[str] = (),
        processes: Processes = ALONE,
    ) -> None:
        recipe, network = prepared.recipe, prepared.pretrained.network
        self.prepared, self.folder, self.processes = prepared, folder, processes
        device = resolve_device(recipe.run.device)
        precision = resolve_precision(recipe.run.precision, device)
        AcceleratorState._reset_state()  # an earlier training of this process may have chosen else
        self.accelerator = Accelerator(
            mixed_precision="no" if precision == "fp32" else precision,
            cpu=device.type == "cpu",
            log_with=list(trackers) or None,
            project_dir=str(folder.folder / "tracking"),
        )
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
        if recipe.batch.compiled:
            compile_layers(network, packs=self.backend.packing is not None)

    @property
    def learner(self) -> Learner:
        """What a checkpoint holds of torch's objects."""
        scaler = self.accelerator.scaler
        return Learner(self.network, self.optimizer, self.scheduler, scaler)

    def compile(self) -> None:
        """Have code made for each kind of batch, before the first step; nothing else is changed.

        torch suits code to the sizes that it sees first. Those here follow from the data, so that a
        training that is taken up again computes with the code that it began with.

        Raises:
            ModelError: the layers cannot be compiled.
        """
        batch = self.prepared.recipe.batch
        if not batch.compiled:
            return
        samples = choose_samples(
            self.prepared.windows.lengths[: batch.windows_per_step],
            packs=self.backend.packing is not None,
            max_tokens=batch.max_tokens or self.backend.max_tokens,
        )
        devices = [self.accelerator.device] if self.accelerator.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices), explained_compiler(self.network):
            for rows in samples:
                self.network.train()
                self.accelerator.backward(self.loss_sum(rows))
                self.backend.logits(join(self.prepared.windows, rows))
        self.optimizer.zero_grad()

    def take_step(self, rows: Rows) -> tuple[float, float]:
        """One optimizer step on these windows: its mean loss, and the norm of its gradient.

        Raises:
            RunError: the loss, or outside of fp16 the gradient, is NaN or infinite, or another
                process has ended.
        """
        self.processes.vary(seed=self.prepared.recipe.run.seed, step=self.step)
        loss = self.accumulate_gradient(rows)
        if not np.isfinite(loss):
            raise self._broken("loss", loss, rows)
        norm = float(
            self.accelerator.clip_grad_norm_(
                self.network.parameters(), self.prepared.recipe.optimizer.max_gradient_norm
            )
        )
        # In fp16 the fused optimizer leaves the weights alone where the gradient has overflowed.
        # Accelerate does not notice: `optimizer_step_was_skipped` is of optimizers called or not.
        is_scaled = self.accelerator.scaler is not None
        if not is_scaled and not np.isfinite(norm):
            raise self._broken("gradient", norm, rows)  # before it gets into the weights
        self.optimizer.step()
        if not is_scaled or np.isfinite(norm):
            self.scheduler.step()
        self.optimizer.zero_grad()
        self.step += 1
        return loss, norm

    def accumulate_gradient(self, rows: Rows) -> float:
        """Add the gradient of the mean loss over these windows; returns that loss.

        Of several processes each computes a share of the windows, and all get the sum.
        """
        lengths = self.prepared.windows.lengths
        count = max(self.prepared.targets.count(rows), 1e-12)  # 0: nothing to learn in these
        total = torch.zeros((), device=self.accelerator.device)
        mine = rows[self.processes.share(lengths[rows])]
        micro_batches = self.backend.split(
            lengths[mine], max_tokens=self.prepared.recipe.batch.max_tokens
        )
        for chosen in micro_batches:
            loss = self.loss_sum(mine[chosen]) / count
            self.accelerator.backward(loss)
            total += loss.detach()
        return self.processes.sum_gradient(self.network.parameters(), float(total))

    def loss_sum(self, rows: Rows) -> torch.Tensor:
        """The summed loss of some windows, computed as one padded batch; a scalar."""
        batch = join(self.prepared.windows, rows)
        with self.accelerator.autocast():
            logits = self.backend.compute(batch)
        task = self.prepared.recipe.task
        return LOSSES[task.name](
            logits, batch, self.prepared.targets, label_smoothing=task.label_smoothing
        )

    def _broken(self, what: str, value: float, rows: Rows) -> BaseException:
        examples = self.prepared.windows.example[rows]
        ids = [self.prepared.parts.training[row].id for row in examples]
        error = broken_figure(what, value, step=self.step + 1, ids=ids, run=self.folder.folder)
        return self.processes.shared(error)


def steps_of_epoch(plan: Plan, *, epoch: int, seed: int, done: int = 0) -> Iterator[Rows]:
    """The windows of each step, in an order that seed and epoch decide; each window once.

    The first `done` steps are left out, at no cost.
    """
    order = np.random.default_rng([seed, epoch]).permutation(plan.n_windows)
    for start in range(done * plan.windows_per_step, plan.n_windows, plan.windows_per_step):
        yield order[start : start + plan.windows_per_step]
