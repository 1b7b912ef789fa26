"""Exported networks against torch: windows/s, what 8 bits cost, and from the shell to the answer.

    python benchmarks/export.py MODEL dev-v1.1.json --threads 2
    python benchmarks/export.py MODEL dev-v1.1.json --windows 32 --rounds 3 --questions 300

MODEL is a run or model folder that answers questions. Its four exports are made in a folder that is
thrown away (--keep DIR keeps it, and takes up what is there). All is computed in this process, in
turns: each round runs every backend once on the same windows, so that what else the machine does
falls on all of them; medians and their ratios to the anchor count. The anchor is what most people
run: transformers with sdpa, every window padded to 384, eight a batch; padded to the longest of
eight stands beside it. The last column is the share of what the machine multiplies in 32 bits,
measured in the same rounds; padding is no work. The anchors find their batches made; SpanFit makes
them inside of the clock. CPU seconds (of all threads) stand beside the
clock's, for a busy machine. `ask` runs in processes of its own.
"""

from __future__ import annotations

import argparse
import copy
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from peak import count_flops, measure_peak

ANCHOR = "transformers, padded to 384"
KINDS = ("onnx", "onnx-int8", "openvino", "openvino-int8")
LENGTH, ROWS = 384, 8
COMMAND = """\
import sys
from pathlib import Path
from spanfit.cli import main
try:
    main()
finally:
    print(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0], file=sys.stderr)
"""
"""The command, and its largest resident memory in kB. (That of `wait4` counts this process too.)"""


class Cost(NamedTuple):
    """Of one round, in seconds."""

    clock: float
    cpu: float


def main() -> None:
    """Export, time, score, ask."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("model")
    parser.add_argument("data", type=Path, help="questions with answers: dev-v1.1.json")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--windows", type=int, default=64, help="timed in each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--questions", type=int, default=400, help="scored; 0: none")
    parser.add_argument("--asked", type=int, default=5, help="times that ask is run; 0: never")
    parser.add_argument("--keep", type=Path, help="folder for the exports")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    with tempfile.TemporaryDirectory() as name:
        folder = options.keep or Path(name) / "exports"
        make_exports(options.model, options.data, folder, questions=options.questions or 100)
        time_backends(options.model, options.data, folder, options=options)
        if options.asked:
            time_ask(options.model, folder, times=options.asked)


def make_exports(model: str, data: Path, folder: Path, *, questions: int) -> None:
    """The four exports, and what 8 bits cost."""
    import spanfit
    from spanfit.backends.formats import FORMATS
    from spanfit.progress import Progress

    print(f"{'export':<16}{'MB':>8}{'s':>8}  logits differ by   loss (torch → 8 bits)")
    for kind in KINDS:
        if (folder / FORMATS[kind].file).is_file():
            continue
        runtime, _, precision = kind.partition("-")
        done = spanfit.export(
            model,
            to=runtime,
            int8=bool(precision),
            data=data,
            out=folder,
            max_examples=questions,
            progress=Progress(quiet=True),
        )
        figures = {} if done.loss is None else done.loss.figures
        said = ", ".join(f"{name} {one:.2f} → {two:.2f}" for name, (one, two) in figures.items())
        line = f"{kind:<16}{done.n_bytes / 1e6:>8.1f}{done.seconds:>8.1f}"
        print(f"{line}  {done.parity.difference:<17.1e}  {said}", flush=True)


def time_backends(model: str, data: Path, folder: Path, *, options: Any) -> None:  # noqa: ANN401
    """Forward passes of the same real windows by every backend, in turns."""
    import torch

    import spanfit
    from spanfit.data import read
    from spanfit.data.splitting import limit

    loaded = spanfit.load(model, backend="torch", device="cpu", threads=options.threads)
    predictor = loaded.predictor
    examples = limit(read(data), options.windows, seed=0)
    windows = predictor.windows(examples)
    n, n_tokens = len(windows), int(windows.lengths.sum())
    backends = {"torch": predictor.backend}
    for kind in KINDS:
        found = spanfit.load(folder, backend=kind, threads=options.threads)
        backends[kind] = found.predictor.backend
        for note in found.notes:
            print(f"{kind}: {note}")

    def run(backend: Any) -> None:  # noqa: ANN401
        for _ in backend.compute_batches(windows, backend.split(windows.lengths, max_tokens=None)):
            pass

    backend: Any = predictor.backend  # a TorchBackend
    work: dict[str, Callable[[], None]] = {
        ANCHOR: make_anchor(predictor, windows, length=max(LENGTH, int(windows.lengths.max()))),
        "transformers, to the longest": make_anchor(predictor, windows, length=None),
    }
    work |= {name: partial(run, backend) for name, backend in backends.items()}
    costs: dict[str, list[Cost]] = {name: [] for name in work}
    for compute in work.values():
        compute()  # warm: each length is compiled once
    peaks = []
    for _ in range(options.rounds):
        peaks.append(measure_peak(torch.device("cpu"), torch.float32))
        for name, compute in work.items():
            costs[name].append(measure(compute))
    print(f"\n{n} windows of {n_tokens / n:.0f} tokens on average, ", end="")
    print(f"{options.threads} threads, {options.rounds} rounds")
    peak = statistics.median(peaks)
    flops = count_flops(backend.network, windows.lengths, is_training=False)
    print(f"the machine multiplies {peak / 1e9:,.0f} GFLOP/s")
    head = f"{'medians':<30}{'windows/s':>10}{'tokens/s':>10}{'ratio':>8}{'CPU ratio':>11}"
    print(f"{head}{'of the peak':>13}")
    clock, cpu = (median(costs[ANCHOR], part) for part in ("clock", "cpu"))
    for name, seen in costs.items():
        took, spent = median(seen, "clock"), median(seen, "cpu")
        line = f"{name:<30}{n / took:>10.1f}{n_tokens / took:>10,.0f}{clock / took:>8.2f}"
        print(f"{line}{cpu / spent:>11.2f}{flops / took / peak:>12.0%}", flush=True)


def make_anchor(predictor: Any, windows: Any, *, length: int | None) -> Callable[[], None]:  # noqa: ANN401
    """What most people run: batches of eight in their order, padded to this length, or the longest.

    It computes with a copy of the network that has transformers' own attention.
    """
    import numpy as np
    import torch

    from spanfit.batching import join

    network, pad = copy.deepcopy(predictor.backend.network), windows.tokenizer.pad_id
    network.set_attn_implementation("sdpa")
    batches = []
    for begin in range(0, len(windows), ROWS):
        batch = join(windows, np.arange(begin, min(begin + ROWS, len(windows))))
        inputs = predictor.backend.inputs(batch)
        room = (0, (length or batch.input_ids.shape[1]) - batch.input_ids.shape[1])
        batches.append(
            {
                name: torch.nn.functional.pad(value, room, value=pad if name == "input_ids" else 0)
                for name, value in inputs.items()
            }
        )

    def run() -> None:
        with torch.inference_mode():
            for inputs in batches:
                network(**inputs)

    return run


def time_ask(model: str, folder: Path, *, times: int) -> None:
    """`spanfit ask` from the shell to the answer, a process each time, with its resident memory."""
    context = folder / "context.txt"
    context.write_text("The lamp of Pellan Head was lit in 1864 by Ada Marsh.", encoding="utf-8")
    print(f"\n{'ask, medians':<30}{'s':>10}{'CPU s':>10}{'MB':>8}")
    for source, kind in [(model, "torch"), *((folder, kind) for kind in KINDS)]:
        words = ["ask", str(source), "--question", "When was it lit?", "--context", str(context)]
        seen = [ask_once([*words, "--backend", kind]) for _ in range(times)]
        clock, cpu, memory = (statistics.median(values) for values in zip(*seen, strict=True))
        print(f"{kind:<30}{clock:>10.2f}{cpu:>10.2f}{memory:>8.0f}", flush=True)
    context.unlink()


def ask_once(words: list[str]) -> tuple[float, float, float]:
    """Seconds by the clock, CPU seconds, and MB resident at most."""
    started, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    _, said = process.communicate()
    took, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode:
        sys.exit(said)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return took, spent, int(said.split()[-1]) / 1024


def measure(compute: Callable[[], None]) -> Cost:
    """What one round costs."""
    started, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF)
    compute()
    took, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_SELF)
    return Cost(took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def median(costs: list[Cost], part: str) -> float:
    """The median of the clock's seconds, or of the CPU's."""
    return statistics.median(float(getattr(cost, part)) for cost in costs)


if __name__ == "__main__":
    main()
