"""Memory of `spanfit predict` on a long file: it must not grow with the number of lines.

    python benchmarks/streaming.py
    python benchmarks/streaming.py --lines 1000000

The command runs in a process of its own on JSON Lines made here, with a tiny random encoder of one
layer, so that what surrounds the network is measured. This process watches the resident memory of
that one, and how many lines it has committed. Exit status 1 if memory grows by 20 MB or more
between the first 10,000 lines and the last ones.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

TOKENIZER = Path(__file__).resolve().parent.parent / "tests" / "data" / "wordpiece"
COMMAND = "from spanfit.cli import main; main()"
FIRST, STEP = 10_000, 50_000  # lines after which memory is read
ALLOWED_MB = 20.0
QUESTIONS_A_CONTEXT = 4
WORDS = ("lamp", "tide", "quay", "wrote", "stone", "Ada", "harbour", "1864", "the", "lit", "under")


class Reading(NamedTuple):
    """What was seen when so many lines were committed."""

    lines: int
    megabytes: float
    seconds: float


def main() -> None:
    """Make model and data, watch the command, report."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--lines", type=int, default=200_000, help="default 200,000")
    n_lines = parser.parse_args().lines
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_model(folder / "model")
        make_questions(folder / "questions.jsonl", n_lines)
        print(f"{'lines':>10}{'MB':>9}{'s':>8}{'lines/s':>10}")
        readings = watch(folder, n_lines)
        n_written = count_ids(folder / "predictions.jsonl")
    growth = readings[-1].megabytes - readings[0].megabytes
    print(f"growth: {growth:+.1f} MB (allowed: less than {ALLOWED_MB:.0f}); ids: {n_written:,}")
    if growth >= ALLOWED_MB or n_written != n_lines:
        sys.exit(1)


def make_model(folder: Path) -> None:
    """A random encoder of one layer with its head, as a model folder."""
    import torch
    import transformers

    shutil.copytree(TOKENIZER, folder)
    vocabulary = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(vocabulary) + 10,
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=128,
    )
    transformers.BertForQuestionAnswering(config).save_pretrained(folder)
    settings = {
        "format_version": 1,
        "windows": {"max_length": 128, "overlap": 32},
        "decode": {"n_best": 5, "max_answer_tokens": 30},
    }
    (folder / "spanfit.json").write_text(json.dumps(settings))


def make_questions(file: Path, n_lines: int) -> None:
    """JSON Lines of different lengths; a few questions in a row share their context."""
    dice = random.Random(0)
    context = ""
    with file.open("w", encoding="utf-8") as out:
        for number in range(n_lines):
            if number % QUESTIONS_A_CONTEXT == 0:
                context = " ".join(dice.choices(WORDS, k=dice.randint(6, 30))) + f" {number}."
            question = " ".join(dice.choices(WORDS, k=dice.randint(3, 8))) + "?"
            line = {"id": f"question-{number:09}", "question": question, "context": context}
            out.write(json.dumps(line) + "\n")


def watch(folder: Path, n_lines: int) -> list[Reading]:
    """Run the command, and read its memory at the milestones and shortly before its end."""
    out = folder / "predictions.jsonl"
    words = [sys.executable, "-c", COMMAND, "predict", str(folder / "model")]
    words += [str(folder / "questions.jsonl"), "--out", str(out)]
    milestones = [FIRST, *range(STEP, n_lines, STEP)]
    readings: list[Reading] = []
    last = None
    start = time.monotonic()
    process = subprocess.Popen(words)
    while process.poll() is None:
        time.sleep(0.02)
        try:
            lines = json.loads((folder / "predictions.jsonl.part.json").read_text())["lines"]
            megabytes = resident(process.pid)
        except (OSError, StopIteration):  # not begun, or over
            continue
        last = Reading(lines, megabytes, time.monotonic() - start)
        if milestones and lines >= milestones[0]:
            report(last, readings)
            readings.append(last)
            milestones.pop(0)
    if process.returncode or last is None:
        sys.exit(f"the command failed with {process.returncode}")
    report(last, readings)
    return [*readings, last]


def report(reading: Reading, before: list[Reading]) -> None:
    """Print a line: the speed is that since the line before."""
    since = before[-1] if before else Reading(0, 0.0, 0.0)
    speed = (reading.lines - since.lines) / (reading.seconds - since.seconds)
    print(
        f"{reading.lines:10,}{reading.megabytes:9.1f}{reading.seconds:8.0f}{speed:10,.0f}",
        flush=True,
    )


def resident(pid: int) -> float:
    """The resident memory of a process in MB (Linux)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


def count_ids(file: Path) -> int:
    """How many different ids the lines of a file have."""
    with file.open(encoding="utf-8") as lines:
        return len({json.loads(line)["id"] for line in lines})


if __name__ == "__main__":
    main()
