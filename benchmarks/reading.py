"""Reading 100,000 questions in every format: under 10 s and under 1 GB, each in a fresh process.

    python benchmarks/reading.py                                synthetic text
    python benchmarks/reading.py train-v1.1.json dev-v2.0.json  these questions, repeated

"s" is CPU time, which other work on the machine does not change much; "elapsed" is the clock. "peak
MB" is all that the process ever held, Python and imports included (Linux tells it). In the shuffled
file hardly any neighbours have one context, so that their strings are not shared. Exit status 1 if
one format takes 10 s or 1 GB.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count, islice
from pathlib import Path

from spanfit.data import read, read_questions
from spanfit.data.writing import Format, write_examples
from spanfit.types import Answer, QuestionExample

MAX_SECONDS, MAX_MEGABYTES = 10, 1_000
WRITTEN: dict[str, Format] = {"SQuAD JSON": "squad", "JSON Lines": "jsonl", "Parquet": "parquet"}
SHUFFLED, CSV = "JSON Lines, shuffled", "CSV"


def main() -> None:
    """Write the files and read each, or be one of the reading processes."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("files", type=Path, nargs="*", help="where the questions are taken from")
    parser.add_argument("--questions", type=int, default=100_000, help="how many (100,000)")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure)))
        return
    examples = list(islice(repeat(options.files), options.questions))
    characters = sum(len(example.context) for example in examples)
    print(f"{len(examples):,} questions, contexts of {characters / len(examples):,.0f} characters")
    with tempfile.TemporaryDirectory() as folder:
        files = write(examples, Path(folder))
        del examples
        sys.exit(0 if report(files, options.questions) else 1)


def repeat(files: Sequence[Path]) -> Iterator[QuestionExample]:
    """Questions without end: those of the files again and again, with ids of their own."""
    given = [read_questions(file) for file in files] or [list(invent())]
    for turn in count():
        for part, examples in enumerate(given):
            for example in examples:
                yield replace(example, id=f"{turn}-{part}-{example.id}")


def invent() -> Iterator[QuestionExample]:
    """10,000 questions about 2,000 contexts as long as SQuAD's."""
    rng = random.Random(0)
    words = ["".join(rng.choices("aeioulmnrst", k=rng.randint(2, 9))) for _ in range(5_000)]
    for number in range(2_000):
        context = " ".join(rng.choices(words, k=120))
        for index in range(5):
            start = context.index(" ", rng.randrange(len(context) // 2)) + 1
            gold = Answer(context[start : start + 12], start)
            question = " ".join(rng.choices(words, k=10)) + "?"
            title = f"Title {number // 40}"
            yield QuestionExample(f"{number}-{index}", question, context, (gold,), title)


def write(examples: list[QuestionExample], folder: Path) -> dict[str, Path]:
    """The questions in every format."""
    files = {name: folder / to for name, to in WRITTEN.items()}
    for name, path in files.items():
        write_examples(path, examples, to=WRITTEN[name])
    shuffled = random.Random(0).sample(examples, len(examples))
    write_examples(folder / "shuffled", shuffled, to="jsonl")
    write_csv(folder / "csv", examples)
    return files | {SHUFFLED: folder / "shuffled", CSV: folder / "csv"}


def write_csv(path: Path, examples: list[QuestionExample]) -> None:
    """SQuAD's columns, with the answers as `datasets` and pandas write them."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "title", "context", "question", "answers"])
        for item in examples:
            golds = item.answers or ()
            cell = {"text": [g.text for g in golds], "answer_start": [g.start for g in golds]}
            writer.writerow([item.id, item.title, item.context, item.question, str(cell)])


def measure(path: Path) -> tuple[float, float, float, int]:
    """CPU seconds, elapsed seconds, peak megabytes of this process, and questions read."""
    cpu, clock = time.process_time(), time.perf_counter()
    examples = read(path)
    cpu, clock = time.process_time() - cpu, time.perf_counter() - clock
    return cpu, clock, peak_megabytes(), len(examples)


def peak_megabytes() -> float:
    """The most that this process held; ru_maxrss is no measure, it starts from the parent's."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6


def report(files: dict[str, Path], questions: int) -> bool:
    """Read each file in a process of its own and print its figures; whether all are in bounds."""
    print(f"{'':22}{'file MB':>8}{'s':>7}{'elapsed':>9}{'peak MB':>9}{'questions/s':>13}")
    is_right = True
    for name, path in files.items():
        command = [sys.executable, __file__, "--measure", str(path)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        cpu, elapsed, peak, found = json.loads(done.stdout)
        is_good = found == questions and cpu < MAX_SECONDS and peak < MAX_MEGABYTES
        is_right &= is_good
        print(
            f"{name:22}{path.stat().st_size / 1e6:8.1f}{cpu:7.2f}{elapsed:9.2f}{peak:9.0f}"
            f"{found / cpu:13,.0f}{'' if is_good else '  TOO MUCH'}"
        )
    return is_right


if __name__ == "__main__":
    main()
