"""Gradients of real training steps: padded to 384 as usual, of like length, and packed.

    python benchmarks/training_speed.py train-v1.1.json [--threads 2] [--rounds 5]
    python benchmarks/training_speed.py train-v1.1.json --device cuda --shape base --windows 256
    python benchmarks/training_speed.py train-v1.1.json --compiled

The anchor is the usual recipe: transformers' model with sdpa and its own dropout of 0.1, windows
padded to 384 tokens, on a CPU 8 at once and on a GPU 64. The others are steps of SpanFit with the
same windows and the same probabilities. The optimizer's step is left out on both sides. `--shape`
is all-MiniLM-L6-v2, or a random network of the size of BERT-base or BERT-large with its tokenizer;
on a GPU all compute in bf16. `--compiled` adds SpanFit's steps with layers by torch.compile, and
says how long they took to compile. The last column is the share of what this device multiplies at
most, measured in the same call: work is counted without padding, so that the anchor's padding is no
work.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from peak import count_flops, measure_peak, wait_for

from spanfit.batching import join
from spanfit.dropout import CheapDropout
from spanfit.loop import Training
from spanfit.losses import span_positions
from spanfit.preparation import prepare
from spanfit.progress import Progress
from spanfit.quickstart import encoder_folder
from spanfit.recipe import make_recipe
from spanfit.runs import RunFolder
from spanfit.steps import steps_of_epoch
from spanfit.tasks.span_targets import SpanTargets

LENGTH = 384
AT_ONCE = {"cpu": 8, "cuda": 64}
SHAPES: dict[str, tuple[int, int, int]] = {"base": (768, 12, 12), "large": (1024, 24, 16)}
"""Width, layers and heads; the inner width is four times the width."""
DTYPES = {"cpu": torch.float32, "cuda": torch.bfloat16}


def main() -> None:
    """Time each way in turn, several times, and print medians and ratios."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("data")
    parser.add_argument("--shape", choices=("minilm", *SHAPES), default="minilm")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--windows", type=int, help="of a step: 32, on a GPU 256")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--compiled", action="store_true", help="batch.compiled too")
    options = parser.parse_args()
    options.windows = options.windows or {"cpu": 32, "cuda": 256}[options.device]
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        encoder = make_encoder(Path(folder), options.shape)
        time_steps(encoder, options)


def time_steps(encoder: str, options: argparse.Namespace) -> None:
    """Each way on the same steps, in turns; the first step is for warmth."""
    plain = begin(encoder, options, is_packed=False, is_cheap=False)
    packed = begin(encoder, options, is_packed=True, is_cheap=True)
    trainings = [plain, packed]
    ways: dict[str, Callable[[NDArray[np.int64]], Any]] = {
        "padded to 384, torch's dropout": lambda rows: step_of_the_anchor(plain, rows),
        "like lengths together, torch's dropout": plain.accumulate_gradient,
    }
    if options.device == "cpu":
        cheap = begin(encoder, options, is_packed=False, is_cheap=True)
        trainings.append(cheap)
        ways["like lengths together, cheap dropout"] = cheap.accumulate_gradient
    ways["as spanfit train does"] = packed.accumulate_gradient
    if options.compiled:
        compiled = begin(encoder, options, is_packed=True, is_cheap=True, is_compiled=True)
        trainings.append(compiled)
        ways["the same with batch.compiled"] = compiled.accumulate_gradient
        started = time.perf_counter()
        compiled.compile()
        print(f"layers compiled in {time.perf_counter() - started:.1f} s")
    device = plain.accelerator.device
    peaks: list[float] = []
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    steps = list(steps_of_epoch(plain.prepared.plan, epoch=1, seed=0))[: options.rounds + 1]
    for place, rows in enumerate(steps):
        peaks.append(measure_peak(device, DTYPES[options.device]))
        for name, run in ways.items():
            wait_for(device)
            started = time.perf_counter()
            run(rows)
            wait_for(device)
            if place:
                seconds[name].append(time.perf_counter() - started)
            for training in trainings:
                training.network.zero_grad()
    lengths = [plain.prepared.windows.lengths[rows] for rows in steps[1:]]
    tokens = statistics.mean(int(each.sum()) for each in lengths)
    flops = statistics.mean(count_flops(plain.network, each, is_training=True) for each in lengths)
    peak = statistics.median(peaks)
    print(packed.backend.describe())
    print(
        f"{options.rounds} steps of {options.windows} windows, {tokens / options.windows:.0f}",
        end="",
    )
    print(f" tokens each; {device}, {options.threads} threads, peak {peak / 1e9:,.0f} GFLOP/s")
    print(f"{'medians':<42}{'windows/s':>10}{'tokens/s':>10}{'ratio':>8}{'of the peak':>13}")
    anchor = statistics.median(next(iter(seconds.values())))
    for name, found in seconds.items():
        took = statistics.median(found)
        line = f"{name:<42}{options.windows / took:>10.2f}{tokens / took:>10,.0f}"
        print(f"{line}{anchor / took:>8.2f}{flops / took / peak:>12.0%}")


def make_encoder(folder: Path, shape: str) -> str:
    """The quickstart's encoder, or a random one of another shape with its tokenizer."""
    if shape == "minilm":
        return "quickstart"
    import transformers

    width, layers, heads = SHAPES[shape]
    tokenizer = transformers.AutoTokenizer.from_pretrained(encoder_folder())
    tokenizer.save_pretrained(folder)
    config = transformers.BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=4 * width,
    )
    transformers.BertModel(config).save_pretrained(folder)
    return str(folder)


def begin(
    encoder: str,
    options: argparse.Namespace,
    *,
    is_packed: bool,
    is_cheap: bool,
    is_compiled: bool = False,
) -> Training:
    """A training that is ready to step, with or without our masks."""
    recipe = make_recipe(
        {
            "data": {
                "train": options.data,
                "max_examples": max(600, 2 * (options.rounds + 1) * options.windows),
            },
            "model": {"name": encoder},
            "batch": {
                "packed": is_packed,
                "compiled": is_compiled,
                "windows_per_step": options.windows,
            },
            "run": {"device": options.device},
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
    device = training.accelerator.device
    parts = np.split(rows, range(AT_ONCE[device.type], len(rows), AT_ONCE[device.type]))
    for part in parts:
        batch = join(training.prepared.windows, part)
        missing = LENGTH - batch.input_ids.shape[1]
        inputs = {
            name: torch.from_numpy(np.pad(array, ((0, 0), (0, missing)))).to(device)
            for name, array in (
                ("input_ids", batch.input_ids),
                ("attention_mask", batch.attention_mask),
                ("token_type_ids", batch.token_type_ids),
            )
            if array is not None
        }
        gold = torch.from_numpy(span_positions(batch, targets)[:, 0]).to(device)
        with training.accelerator.autocast():
            output = training.network(
                **inputs, start_positions=gold[:, 0], end_positions=gold[:, 1]
            )
        (output.loss * len(part) / len(rows)).backward()


if __name__ == "__main__":
    main()
