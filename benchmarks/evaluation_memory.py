"""Memory of an evaluation: ten times the windows may take no more beside what is kept of them.

    python benchmarks/evaluation_memory.py
    python benchmarks/evaluation_memory.py --windows 10000 100000

Questions are made on the fly, one window each, for a tiny random encoder of one layer, so that what
surrounds the network is measured. Each number runs in a process of its own: it reads the examples,
evaluates, and says its largest resident memory since then and what is resident in the end, with
examples, predictions and scores still held. What an evaluation takes for itself is the difference.
Exit status 1 if that grows by 20 MB or more from the first number to the last. Linux only.
"""

from __future__ import annotations

import argparse
import gc
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from streaming import make_model, make_questions

ALLOWED_MB = 20.0


def main() -> None:
    """Make model and data, evaluate in processes, report."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--windows", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--evaluate", nargs=2, metavar=("MODEL", "DATA"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.evaluate:
        evaluate(*options.evaluate)
        return
    print(f"{'windows':>10}{'read MB':>10}{'kept MB':>10}{'largest MB':>12}{'beside':>9}{'s':>7}")
    beside = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_model(folder / "model")
        for n in options.windows:
            data = folder / f"{n}.jsonl"
            make_questions(data, n)
            add_answers(data)
            words = ["--evaluate", str(folder / "model"), str(data)]
            done = subprocess.run(
                [sys.executable, __file__, *words], stdout=subprocess.PIPE, text=True, check=True
            )
            seen = json.loads(done.stdout)
            beside.append(seen["largest"] - seen["kept"])
            line = f"{n:>10,}{seen['read']:>10.1f}{seen['kept']:>10.1f}{seen['largest']:>12.1f}"
            print(f"{line}{beside[-1]:>9.1f}{seen['seconds']:>7.0f}", flush=True)
    growth = beside[-1] - beside[0]
    print(f"growth beside what is kept: {growth:+.1f} MB (allowed: less than {ALLOWED_MB:.0f})")
    if growth >= ALLOWED_MB:
        sys.exit(1)


def add_answers(file: Path) -> None:
    """Give each question its context's first word as the answer."""
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    with file.open("w", encoding="utf-8") as out:
        for line in lines:
            answer = {"text": line["context"].split()[0], "start": 0}
            out.write(json.dumps(line | {"answers": [answer]}) + "\n")


def evaluate(model: str, data: str) -> None:
    """Evaluate in this process and print its memory in MB."""
    import spanfit

    examples = spanfit.read(data)
    loaded = spanfit.load(model, backend="torch", device="cpu", threads=1)
    loaded.evaluate(examples[:200])  # libraries are loaded and code is compiled
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # the largest so far is forgotten
    before, started = resident("VmRSS"), time.monotonic()
    done = loaded.examine(examples)  # predictions and scores
    took = time.monotonic() - started
    gc.collect()
    kept = resident("VmRSS")
    assert done.scores.signature.n == len(done.predictions) == len(examples)
    seen = {"read": before, "kept": kept, "largest": resident("VmHWM"), "seconds": took}
    print(json.dumps(seen))


def resident(name: str) -> float:
    """The resident memory of this process in MB: VmRSS as it is, VmHWM at most (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) / 1024


if __name__ == "__main__":
    main()
