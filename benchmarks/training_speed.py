"""Gradients of real training steps on a CPU: padded to 384 as usual, of like length, and packed.

    python benchmarks/training_speed.py train-v1.1.json [--threads 2] [--rounds 3]

The anchor is the usual recipe: transformers' model with sdpa and its own dropout of 0.1, 8 windows
at once, each padded to 384 tokens, four times a step. The others are steps of SpanFit with the same
32 windows and the same probabilities. The optimizer's step is left out on both sides.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from spanfit.batching import join
from spanfit.dropout import CheapDropout
from spanfit.losses import span_positions
from spanfit.preparation import prepare
from spanfit.progress import Progress
from spanfit.recipe import make_recipe
from spanfit.runs import RunFolder
from spanfit.tasks.span_targets import SpanTargets
from spanfit.training import Training, steps_of_epoch

LENGTH, AT_ONCE = 384, 8


def main() -> None:
    """Time each way in turn, several times, and print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    plain, cheap, packed = (
        begin(options.data, is_packed=is_packed, is_cheap=is_cheap)
        for is_packed, is_cheap in ((False, False), (False, True), (True, True))
    )
    ways = {
        "padded to 384, torch's dropout": lambda rows: step_of_the_anchor(plain, rows),
        "padded to like lengths, torch's dropout": plain.accumulate_gradient,
        "padded to like lengths, cheap dropout": cheap.accumulate_gradient,
        "packed, cheap dropout": packed.accumulate_gradient,
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    steps = list(steps_of_epoch(plain.prepared.plan, epoch=1, seed=0))
    for rows in steps[: options.rounds]:
        for name, run in ways.items():
            started = time.perf_counter()
            run(rows)
            seconds[name].append(time.perf_counter() - started)
            for training in (plain, cheap, packed):
                training.network.zero_grad()
    medians = {name: statistics.median(found) for name, found in seconds.items()}
    anchor = next(iter(medians.values()))
    for name, median in medians.items():
        print(f"{name}: {len(steps[0]) / median:.2f} windows/s, {anchor / median:.2f}x")


def begin(data: str, *, is_packed: bool, is_cheap: bool) -> Training:
    """A training of the quickstart's encoder that is ready to step, with or without our masks."""
    recipe = make_recipe(
        {
            "data": {"train": data, "max_examples": 600},
            "batch": {"packed": is_packed},
            "run": {"device": "cpu"},
        }
    )
    quiet = Progress(quiet=True)
    training = Training(prepare(recipe, progress=quiet), RunFolder(Path()), quiet)
    training.network.train()
    if not is_cheap:
        for parent in training.network.modules():
            for name, module in list(parent.named_children()):
                if isinstance(module, CheapDropout):
                    setattr(parent, name, torch.nn.Dropout(module.p))
    return training


def step_of_the_anchor(training: Training, rows: NDArray[np.int64]) -> None:
    """Add the gradient of a step as the usual recipe computes it."""
    targets = training.prepared.targets
    if not isinstance(targets, SpanTargets):
        raise SystemExit("the anchor is a recipe for questions: give questions and their answers")
    parts = np.split(rows, len(rows) // AT_ONCE)
    for part in parts:
        batch = join(training.prepared.windows, part)
        missing = LENGTH - batch.input_ids.shape[1]
        inputs = {
            name: torch.from_numpy(np.pad(array, ((0, 0), (0, missing))))
            for name, array in (
                ("input_ids", batch.input_ids),
                ("attention_mask", batch.attention_mask),
                ("token_type_ids", batch.token_type_ids),
            )
            if array is not None
        }
        gold = torch.from_numpy(span_positions(batch, targets)[:, 0])
        output = training.network(**inputs, start_positions=gold[:, 0], end_positions=gold[:, 1])
        (output.loss / len(parts)).backward()


if __name__ == "__main__":
    main()
