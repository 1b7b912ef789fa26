"""Windows and labels: SpanFit against the usual `datasets.map` recipe padded to 384.

    python benchmarks/windows.py dev-v1.1.json TOKENIZER_FOLDER
    python benchmarks/windows.py KorQuAD_v1.0_dev.json TOKENIZER_FOLDER --repeats 7

Both sides start from examples in memory and end with windows, their labels, and the characters of
their tokens. Each measurement is a process of its own, in turns, with the tokenizer's threads off;
what is printed are medians of CPU time and of peak memory above what the process held before.
The anchor is also measured as for training, without keeping the offsets ("no offsets").
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import spanfit.data
from spanfit.data.answers import check_answers
from spanfit.tasks.questions import QuestionTask
from spanfit.tokenizer_opening import load_tokenizer
from spanfit.types import QuestionExample
from spanfit.windows import WindowSettings, make_windows

MAX_LENGTH, OVERLAP = 384, 128
ANCHOR, LIGHT_ANCHOR, SPANFIT = "datasets.map", "datasets.map, no offsets", "SpanFit"

Labels = list[tuple[int, int]]


class Result(NamedTuple):
    """What one process measured, and the labels of all its windows."""

    cpu_seconds: float
    peak_megabytes: float
    windows: int
    tokens: int
    labels: Labels


def main() -> None:
    """Measure in turns, or be one of the measured processes."""
    options = parse()
    if options.side:
        print(json.dumps(measure(options.side, options.data, options.tokenizer)))
        return
    sides = (ANCHOR, LIGHT_ANCHOR, SPANFIT)
    results: dict[str, list[Result]] = {side: [] for side in sides}
    for repeat in range(options.repeats):
        for side in sides if repeat % 2 == 0 else reversed(sides):
            results[side].append(run(side, options.data, options.tokenizer))
    report(results)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("data", type=Path, help="a file of questions with answers, SQuAD-shaped")
    parser.add_argument("tokenizer", type=Path, help="a folder with tokenizer.json")
    parser.add_argument("--repeats", type=int, default=5, help="processes a side (default 5)")
    parser.add_argument("--side", default="", help=argparse.SUPPRESS)
    return parser.parse_args()


def run(side: str, data: Path, tokenizer: Path) -> Result:
    """One measurement in a process of its own."""
    quiet = {
        "TOKENIZERS_PARALLELISM": "false",
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    }
    command = [sys.executable, __file__, str(data), str(tokenizer), "--side", side]
    done = subprocess.run(
        command, env={**os.environ, **quiet}, stdout=subprocess.PIPE, text=True, check=True
    )
    return Result(*json.loads(done.stdout.splitlines()[-1]))


def report(results: dict[str, list[Result]]) -> None:
    """Print medians, ratios to SpanFit, and how many labels differ."""
    ours = results[SPANFIT]
    our_cpu, our_memory = medians(ours)
    print(
        f"{'':26}{'CPU s':>8}{'ratio':>7}{'tokens/s':>12}{'peak MB':>9}{'ratio':>7}{'windows':>9}"
    )
    for side, found in results.items():
        cpu, memory = medians(found)
        print(
            f"{side:26}{cpu:8.2f}{cpu / our_cpu:7.2f}{found[0].tokens / cpu:12,.0f}"
            f"{memory:9.1f}{memory / our_memory:7.2f}{found[0].windows:9,}"
        )
    print(f"CPU s, least to most of {len(ours)}: " + " · ".join(map(spread, results.values())))
    pairs = zip(results[ANCHOR][0].labels, ours[0].labels, strict=True)
    n_other = sum(tuple(theirs) != tuple(mine) for theirs, mine in pairs)
    print(f"labels that differ: {n_other} of {ours[0].windows:,}")


def medians(results: list[Result]) -> tuple[float, float]:
    """The medians of CPU seconds and peak megabytes."""
    return (
        statistics.median(result.cpu_seconds for result in results),
        statistics.median(result.peak_megabytes for result in results),
    )


def spread(results: list[Result]) -> str:
    """The least and the most CPU time of the repetitions."""
    seconds = [result.cpu_seconds for result in results]
    return f"{min(seconds):.2f} to {max(seconds):.2f}"


# --- inside a measured process ------------------------------------------------------------------


def measure(side: str, data: Path, tokenizer: Path) -> Result:
    """Prepare everything, then time the work and watch its memory."""
    questions = spanfit.data.read_questions(data)
    examples = check_answers(questions, repair="drop", name=str(data)).examples
    work: SpanFitSide | AnchorSide
    if side == SPANFIT:
        work = SpanFitSide(examples, tokenizer)
    else:
        work = AnchorSide(examples, tokenizer, keep_offsets=side == ANCHOR)
    gc.collect()
    reset_peak()
    before, start = resident("VmRSS"), time.process_time()
    work.run()
    seconds = time.process_time() - start
    megabytes = (resident("VmHWM") - before) / 1024
    return Result(seconds, megabytes, work.n_windows(), work.n_tokens(), work.labels())


class SpanFitSide:
    """SpanFit's way: each text once, windows as rows of integers, labels by binary search."""

    def __init__(self, examples: Sequence[QuestionExample], folder: Path) -> None:
        self.examples = examples
        self.tokenizer = load_tokenizer(folder)

    def run(self) -> None:
        """The measured work."""
        task = QuestionTask()
        pairs = [task.texts(example) for example in self.examples]
        self.windows = make_windows(pairs, self.tokenizer, WindowSettings(MAX_LENGTH, OVERLAP))
        self.targets = task.targets(self.examples, self.windows)

    def n_windows(self) -> int:
        """How many windows it made."""
        return len(self.windows)

    def n_tokens(self) -> int:
        """Their tokens, without padding."""
        return int(self.windows.lengths.sum())

    def labels(self) -> Labels:
        """Start and end as places in the padded row, as the recipe counts them."""
        n_specials = sum(map(len, self.windows.template.tokens[:2]))
        shift = n_specials + self.windows.fixed_tokens
        places = self.targets.start[:, 0], self.targets.end[:, 0]
        labels = np.stack([place + shift for place in places], axis=1)
        labels[self.targets.is_null] = 0  # where [CLS] stands
        return [(start, end) for start, end in labels.tolist()]


class AnchorSide:
    """The usual recipe: batches of pairs through `datasets.map`, every window padded."""

    def __init__(
        self, examples: Sequence[QuestionExample], folder: Path, *, keep_offsets: bool
    ) -> None:
        import datasets
        from transformers import AutoTokenizer

        self.keep_offsets = keep_offsets
        self.tokenizer: Any = AutoTokenizer.from_pretrained(str(folder))
        golds = [example.answers or () for example in examples]
        columns = {
            "id": [example.id for example in examples],
            "title": [example.title for example in examples],
            "context": [example.context for example in examples],
            "question": [example.question.strip() for example in examples],
            "answers": [
                {
                    "text": [answer.text for answer in answers],
                    "answer_start": [answer.start for answer in answers],
                }
                for answers in golds
            ],
        }
        self.records: Any = datasets.Dataset.from_dict(columns)

    def run(self) -> None:
        """The measured work."""
        self.features: Any = self.records.map(
            self.featurise,
            batched=True,
            remove_columns=self.records.column_names,
            keep_in_memory=True,
        )

    def featurise(self, batch: dict[str, list[Any]]) -> dict[str, Any]:
        """The windows of a batch of examples as lists of Python integers."""
        features = self.tokenizer(
            batch["question"],
            batch["context"],
            truncation="only_second",
            max_length=MAX_LENGTH,
            stride=OVERLAP,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
            padding="max_length",
        )
        sources, offsets = features.pop("overflow_to_sample_mapping"), features["offset_mapping"]
        features["example_id"] = [batch["id"][source] for source in sources]
        features["start_positions"], features["end_positions"] = [], []
        for row, source in enumerate(sources):
            sequence = features.sequence_ids(row)
            start = end = features["input_ids"][row].index(self.tokenizer.cls_token_id)
            answers = batch["answers"][source]
            if answers["answer_start"]:
                begin = answers["answer_start"][0]
                stop = begin + len(answers["text"][0])
                found = label(offsets[row], sequence, begin=begin, stop=stop)
                start, end = found or (start, end)
            features["start_positions"].append(start)
            features["end_positions"].append(end)
            if self.keep_offsets:
                offsets[row] = [
                    pair if part == 1 else None
                    for pair, part in zip(offsets[row], sequence, strict=True)
                ]
        if not self.keep_offsets:
            features.pop("offset_mapping")
        return dict(features)

    def n_windows(self) -> int:
        """How many windows it made."""
        return len(self.features)

    def n_tokens(self) -> int:
        """Their tokens, without padding."""
        return sum(map(sum, self.features["attention_mask"]))

    def labels(self) -> Labels:
        """Start and end as places in the padded row."""
        starts, ends = self.features["start_positions"], self.features["end_positions"]
        return list(zip(starts, ends, strict=True))


def label(
    offsets: Sequence[tuple[int, int]], sequence: Sequence[int | None], *, begin: int, stop: int
) -> tuple[int, int] | None:
    """First and last token of the characters [begin, stop), by walking; None if not in here."""
    first = 0
    while sequence[first] != 1:
        first += 1
    last = len(sequence) - 1
    while sequence[last] != 1:
        last -= 1
    if offsets[first][0] > begin or offsets[last][1] < stop:
        return None
    while first < len(offsets) and sequence[first] == 1 and offsets[first][0] <= begin:
        first += 1
    while offsets[last][1] >= stop:
        last -= 1
    return first - 1, last + 1


def reset_peak() -> None:
    """Let the kernel's peak of resident memory start from what is resident now (Linux)."""
    Path("/proc/self/clear_refs").write_text("5")


def resident(field: str) -> int:
    """A line of /proc/self/status in kB: VmRSS is resident now, VmHWM its peak."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field))


if __name__ == "__main__":
    main()
