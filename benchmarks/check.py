"""`spanfit check`: at least 100,000 questions a minute on one core, each data set by itself.

    python benchmarks/check.py                                100,000 questions of synthetic text
    python benchmarks/check.py train-v1.1.json dev-v1.1.json  each of these files, both tasks
    python benchmarks/check.py --fix dev-v1.1.json            writing a repaired file as well

"s" is CPU time of a fresh process, imports and reading included, which other work on the machine
does not change much; "a minute" is what that makes of questions or texts. "peak MB" is all that the
process ever held (Linux tells it). Then how many findings each kind has. Exit status 1 if one file
is below 100,000 a minute.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from spanfit.data.writing import write_examples
from spanfit.types import Answer, QuestionExample

LEAST = 100_000  # examples a minute
QUESTIONS, PER_CONTEXT = 100_000, 5  # of the synthetic text; SQuAD asks 4.6 of each paragraph
STARTED = time.process_time()


def main() -> None:
    """Check each file in a process of its own, or be one of those."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("files", type=Path, nargs="*", help="what is checked")
    parser.add_argument("--fix", action="store_true", help="write a repaired file as well")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure, fix=options.fix)))
        return
    with tempfile.TemporaryDirectory() as folder:
        files = options.files or [write(Path(folder))]
        print(f"{'':44}{'file MB':>8}{'examples':>10}{'s':>7}{'peak MB':>9}{'a minute':>12}")
        sys.exit(0 if all([report(file, fix=options.fix) for file in files]) else 1)


def write(folder: Path) -> Path:
    """100,000 questions in SQuAD's shape, one gold of a thousand at a wrong place."""
    path = folder / "synthetic.json"
    write_examples(path, invent(), to="squad")
    return path


def invent() -> Iterator[QuestionExample]:
    """Questions about contexts as long as SQuAD's, of words that hardly repeat."""
    rng = random.Random(0)
    words = ["".join(rng.choices("aeioulmnrst", k=rng.randint(2, 9))) for _ in range(20_000)]
    for number in range(QUESTIONS // PER_CONTEXT):
        chosen = rng.choices(words, k=120)
        context = " ".join(chosen)
        for index in range(PER_CONTEXT):
            first = rng.randrange(1, 110)
            start = len(" ".join(chosen[:first])) + 1
            moved = index == 0 and number % 200 == 0
            gold = Answer(" ".join(chosen[first : first + 3]), start + moved)
            question = " ".join(rng.choices(words, k=10)) + "?"
            title = f"Title {number // 40}"
            yield QuestionExample(f"{number}-{index}", question, context, (gold,), title)


def measure(path: Path, *, fix: bool) -> dict[str, Any]:
    """CPU seconds since the start, peak megabytes, and what was found."""
    from spanfit.doctor import check

    diagnosis = check(path)
    if fix:
        with tempfile.TemporaryDirectory() as folder:
            diagnosis.fix(Path(folder) / f"fixed{path.suffix}")
    return {
        "seconds": time.process_time() - STARTED,
        "peak": peak_megabytes(),
        "examples": len(diagnosis.files[0].examples),
        "kinds": diagnosis.count_kinds(),
    }


def peak_megabytes() -> float:
    """The most that this process held; ru_maxrss is no measure, it starts from the parent's."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6


def report(path: Path, *, fix: bool) -> bool:
    """Check a file in a process of its own and print its figures; whether that was fast enough."""
    command = [sys.executable, __file__, "--measure", str(path), *["--fix"] * fix]
    done = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)
    speed = 60 * done["examples"] / done["seconds"]
    is_fast = bool(speed >= LEAST)
    print(
        f"{path.parent.name + '/' + path.name:44}{path.stat().st_size / 1e6:8.1f}"
        f"{done['examples']:10,}{done['seconds']:7.2f}{done['peak']:9.0f}{speed:12,.0f}"
        f"{'' if is_fast else '  TOO SLOW'}"
    )
    print("    " + ", ".join(f"{kind} {n:,}" for kind, n in done["kinds"].items()))
    return is_fast


if __name__ == "__main__":
    main()
