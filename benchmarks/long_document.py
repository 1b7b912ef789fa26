"""Memory and time of asking one question of one long text.

    python benchmarks/long_document.py MODEL QUESTIONS [--characters N ...] [--limit-mb 300]

MODEL is a run folder, a model folder or a hub id; QUESTIONS a file of questions, whose contexts,
one after the other and again from the start where that is not enough, are the long text. Each
length is asked in a process of its own, after a text of 20,000 characters that warms the network
up. The growth is that of the process's largest resident size.

Exit status 1 if the growth for up to 500,000 characters is above the limit.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from itertools import cycle
from pathlib import Path

ACCEPTED_CHARACTERS = 500_000
WARM_UP_CHARACTERS = 20_000
QUESTION = "Who was the last to leave?"


def main() -> None:
    """Measure every length and print a table."""
    arguments = parse()
    if arguments.measure is not None:
        print(json.dumps(measure(arguments.model, arguments.data, arguments.measure)))
        return
    print(f"{'characters':>11} {'tokens':>9} {'windows':>8} {'seconds':>8} {'growth MB':>10}")
    too_much = []
    for n in arguments.characters:
        found = run(arguments.model, arguments.data, n)
        growth = found["growth_mb"]
        print(
            f"{n:11,} {found['tokens']:9,.0f} {found['windows']:8,.0f} {found['seconds']:8.1f} "
            f"{growth:10.1f}",
            flush=True,
        )
        if n <= ACCEPTED_CHARACTERS and growth > arguments.limit_mb:
            too_much.append(n)
    for n in too_much:
        print(f"above {arguments.limit_mb} MB: {n:,} characters")
    sys.exit(1 if too_much else 0)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("model", help="a run folder, a model folder or a hub id")
    parser.add_argument("data", type=Path, help="a file of questions; its contexts make the text")
    lengths = [50_000, ACCEPTED_CHARACTERS, 4 * ACCEPTED_CHARACTERS]
    parser.add_argument("--characters", type=int, nargs="+", default=lengths)
    parser.add_argument("--limit-mb", type=float, default=300)
    parser.add_argument("--measure", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


def run(model: str, data: Path, n_characters: int) -> dict[str, float]:
    """One measurement in a process of its own."""
    command = [sys.executable, __file__, model, str(data), "--measure", str(n_characters)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(source: str, data: Path, n_characters: int) -> dict[str, float]:
    """Ask once, in this process."""
    import spanfit
    from spanfit.data import read_questions
    from spanfit.types import QuestionExample

    contexts = list({example.context: None for example in read_questions(data)})
    text = make_text(contexts, n_characters)
    model = spanfit.load(source)
    model.ask(QUESTION, text[:WARM_UP_CHARACTERS])
    before, started = peak_mb(), time.perf_counter()
    prediction = model.ask(QUESTION, text)
    seconds, growth = time.perf_counter() - started, peak_mb() - before
    if not all(text[best.start : best.end] == best.text for best in prediction.n_best):
        sys.exit("an answer is not at its offset")
    windows = model.predictor.windows([QuestionExample("1", QUESTION, text)])
    return {
        "seconds": seconds,
        "growth_mb": growth,
        "windows": len(windows),
        "tokens": int(windows.texts.lengths[windows.sliced[0]]),
    }


def make_text(contexts: list[str], n_characters: int) -> str:
    """So many characters of the contexts, again and again if need be."""
    parts, size = [], 0
    for context in cycle(contexts):
        parts.append(context)
        size += len(context) + 1
        if size >= n_characters:
            return "\n".join(parts)[:n_characters]
    raise SystemExit("there is no context in this file")


def peak_mb() -> float:
    """The largest resident size of this process so far (Linux counts it in KiB, macOS in bytes)."""
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size / (1024**2 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    main()
