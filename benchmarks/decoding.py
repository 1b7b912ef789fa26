"""How long it takes to get from logits to answers: SpanFit against the usual Python loops.

    python benchmarks/decoding.py
    python benchmarks/decoding.py --data dev-v1.1.json --tokenizer FOLDER [--repeat 5]

Without data, contexts of made-up words as long as SQuAD's are used. The logits are made up in
either case: noise with a hill around one place, since a trained model's best starts and ends lie
close together. Both sides take the same logits in turn; printed are medians of CPU time. "The usual
way" is what run_qa and its descendants do: of each window the 20 best starts times the 20 best
ends, in Python. They pad every window to 384 tokens and read its row of `datasets` twice, for the
offsets and for whether a token has its most context here, which costs more than the loops. The
first way does all of that; the others are spared the padding, one of the reads, or both.
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import statistics
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import tokenizers

from spanfit import data
from spanfit.batching import Batch, answer_tokens, join, split_by_length
from spanfit.decode.merging import concatenate, decode_batch, merge_all
from spanfit.decode.spans import best_spans
from spanfit.tokenizer import Tokenizer
from spanfit.tokenizer_opening import load_tokenizer
from spanfit.types import QuestionExample, QuestionPrediction, TextPair
from spanfit.windows import Windows, WindowSettings, make_windows

K, LIMIT = 20, 30
LENGTH, LEAST = 384, -30.0
"""Tokens of a window as run_qa pads it, and the logits of padding."""

BATCH_TOKENS = 24_576
"""Tokens of a padded batch: 64 to 240 windows."""


Column = npt.NDArray[np.float32]
Columns = tuple[Column, Column]


class Rows(Protocol):
    """The windows as the usual way has them: a list of dicts, or a `datasets.Dataset`."""

    def __getitem__(self, row: int, /) -> dict[str, Any]:
        """Offsets and model inputs of one window."""
        ...


@dataclass(frozen=True)
class TwiceRead:
    """Rows that are read for the offsets and again for another column, as run_qa does."""

    rows: Rows

    def __getitem__(self, row: int, /) -> dict[str, Any]:
        """A row, after it was read before."""
        self.rows[row].get("token_is_max_context")
        return self.rows[row]


@dataclass(frozen=True)
class Work:
    """What is decoded: the questions, their windows, and logits (B, T, 2) for each batch."""

    examples: list[QuestionExample]
    windows: Windows
    batches: list[Batch]
    logits: list[npt.NDArray[np.float32]]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, help="questions, as spanfit.read takes them")
    parser.add_argument("--tokenizer", type=Path, help="folder with a tokenizer.json")
    parser.add_argument("--repeat", type=int, default=3, help="of how many runs the median is")
    options = parser.parse_args()
    if (options.data is None) != (options.tokenizer is None):
        sys.exit("--data and --tokenizer go together")
    work = prepare(*(read(options.data, options.tokenizer) if options.data else make_up()))
    n = len(work.windows)
    print(f"{len(work.examples):,} questions, {n:,} windows, {work.windows.lengths.mean():.0f}")
    print(f"tokens a window on average, {len(work.batches)} batches; {K} best, limit {LIMIT}")
    print()
    print(f"memory beyond the logits: {peak(work, step=2):.1f} MB at most in every other batch,")
    print(f"{peak(work, step=1):.1f} MB in all; kept of a window: {8 + 12 * K} bytes")
    print()
    ways = list_ways(work)
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    gc.freeze()  # what lies ready is no work for the garbage collector
    for _ in range(options.repeat):
        for name, way in ways.items():
            before = time.process_time()
            way()
            seconds[name].append(time.process_time() - before)
    report(seconds, n_windows=n)


def list_ways(work: Work) -> dict[str, Callable[[], object]]:
    """What is measured; the first is what the others are compared with."""
    columns = split_logits(work)
    rows = make_rows(work)
    ways: dict[str, Callable[[], object]] = {}
    if importlib.util.find_spec("datasets"):
        import datasets

        padded = pad(columns)
        full = TwiceRead(datasets.Dataset.from_list([pad_row(row) for row in rows]))
        dataset = datasets.Dataset.from_list(rows)
        ways["usual way, as run_qa has it"] = lambda: usual_way(work, padded, full)
        ways["usual way, unpadded, read once"] = lambda: usual_way(work, columns, dataset)
    allowed = [answer_tokens(work.windows, batch) for batch in work.batches]
    return {
        **ways,
        "usual way, lists": lambda: usual_way(work, columns, rows),
        f"SpanFit, questions, {K} best": lambda: predict(work, k=K),
        "SpanFit, questions, best one": lambda: predict(work, k=1),
        f"SpanFit, spans alone, {K} best": lambda: spans(work, allowed, k=K),
        "SpanFit, spans alone, best one": lambda: spans(work, allowed, k=1),
    }


def report(seconds: dict[str, list[float]], *, n_windows: int) -> None:
    """Print a table; the first way is the one that the others are compared with."""
    medians = {name: statistics.median(runs) for name, runs in seconds.items()}
    base = next(iter(medians.values()))
    print(f"{'':34}{'s':>8}{'µs/window':>12}{'ratio':>8}")
    for name, median in medians.items():
        print(f"{name:34}{median:8.3f}{median / n_windows * 1e6:12.1f}{base / median:8.1f}")


def predict(work: Work, *, k: int) -> list[QuestionPrediction]:
    """The way of `spanfit predict`, from logits on."""
    batches = zip(work.batches, work.logits, strict=True)
    parts = [
        decode_batch(logits, batch, work.windows, k=k, max_answer_tokens=LIMIT)
        for batch, logits in batches
    ]
    return merge_all(work.examples, concatenate(parts), k=k, threshold=0.0)


def spans(work: Work, allowed: Sequence[npt.NDArray[np.bool_]], *, k: int) -> None:
    """The kernel alone."""
    for logits, mask in zip(work.logits, allowed, strict=True):
        best_spans(logits[..., 0], logits[..., 1], mask, k=k, max_answer_tokens=LIMIT)


def peak(work: Work, *, step: int) -> float:
    """The most memory, in MB, that decoding holds while it goes through every `step`th batch."""
    decode_batch(work.logits[0], work.batches[0], work.windows, k=K, max_answer_tokens=LIMIT)
    tracemalloc.start()  # after what the windows compute once is there
    for batch, logits in zip(work.batches[::step], work.logits[::step], strict=True):
        decode_batch(logits, batch, work.windows, k=K, max_answer_tokens=LIMIT)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most / 1e6


def usual_way(work: Work, columns: dict[int, Columns], rows: Rows) -> list[list[dict[str, Any]]]:
    """The n-best of every question as usually found."""
    rows_of: list[list[int]] = [[] for _ in work.examples]
    for row, example in enumerate(work.windows.example.tolist()):
        rows_of[example].append(row)
    return [
        usual_answers(example.context, [(*columns[row], rows[row]) for row in mine])
        for example, mine in zip(work.examples, rows_of, strict=True)
    ]


def usual_answers(
    context: str, features: list[tuple[Column, Column, dict[str, Any]]]
) -> list[dict[str, Any]]:
    """The n-best of one question from start logits, end logits and row of its windows."""
    found = []
    null_score = float("inf")
    for start_logits, end_logits, row in features:
        offsets = row["offset_mapping"]
        null_score = min(null_score, start_logits[0] + end_logits[0])
        for start in np.argsort(start_logits)[: -K - 1 : -1].tolist():
            for end in np.argsort(end_logits)[: -K - 1 : -1].tolist():
                if offsets[start] is None or offsets[end] is None:
                    continue
                if end < start or end - start + 1 > LIMIT:
                    continue
                score = start_logits[start] + end_logits[end]
                found.append({"span": (offsets[start][0], offsets[end][1]), "score": score})
    best = sorted(found, key=lambda answer: answer["score"], reverse=True)[:K]
    scores = np.array([answer["score"] for answer in best] + [null_score])
    shares = np.exp(scores - scores.max())
    for answer, share in zip(best, shares / shares.sum(), strict=False):
        answer["text"] = context[slice(*answer["span"])]
        answer["probability"] = float(share)
    return best


def split_logits(work: Work) -> dict[int, Columns]:
    """Start and end logits of each window, contiguous and without padding."""
    return {
        row: (logits[number, :length, 0].copy(), logits[number, :length, 1].copy())
        for batch, logits in zip(work.batches, work.logits, strict=True)
        for number, (row, length) in enumerate(
            zip(batch.rows.tolist(), work.windows.lengths[batch.rows], strict=True)
        )
    }


def pad(columns: dict[int, Columns]) -> dict[int, Columns]:
    """The logits of windows padded to LENGTH."""
    return {
        row: (
            np.pad(start, (0, LENGTH - len(start)), constant_values=LEAST),
            np.pad(end, (0, LENGTH - len(end)), constant_values=LEAST),
        )
        for row, (start, end) in columns.items()
    }


def pad_row(row: dict[str, Any]) -> dict[str, Any]:
    """The row of a window padded to LENGTH."""
    n = LENGTH - len(row["input_ids"])
    return {
        "input_ids": row["input_ids"] + [0] * n,
        "attention_mask": row["attention_mask"] + [0] * n,
        "offset_mapping": row["offset_mapping"] + [None] * n,
    }


def make_rows(work: Work) -> list[dict[str, Any]]:
    """Offsets, or None outside the context, and model inputs of each window, without padding."""
    windows = work.windows
    rows: list[dict[str, Any]] = [{} for _ in range(len(windows))]
    for batch in work.batches:
        for number, row in enumerate(batch.rows.tolist()):
            length, n = int(windows.lengths[row]), int(batch.n_sliced[number])
            start, tokens = int(batch.sliced_start[number]), np.arange(n)
            starts, ends = windows.char_start(row, tokens), windows.char_end(row, tokens)
            offsets: list[tuple[int, int] | None] = [None] * length
            offsets[start : start + n] = zip(starts.tolist(), ends.tolist(), strict=True)
            rows[row] = {
                "input_ids": batch.input_ids[number, :length].tolist(),
                "attention_mask": [1] * length,
                "offset_mapping": offsets,
            }
    return rows


def prepare(examples: list[QuestionExample], tokenizer: Tokenizer) -> Work:
    """Windows, batches and logits."""
    pairs = [TextPair(example.question.strip(), example.context) for example in examples]
    windows = make_windows(pairs, tokenizer, WindowSettings())
    splits = split_by_length(windows.lengths, max_tokens=BATCH_TOKENS, overhead_tokens=BATCH_TOKENS)
    batches = [join(windows, rows) for rows in splits]
    rng = np.random.default_rng(0)
    return Work(examples, windows, batches, [make_logits(batch, rng) for batch in batches])


def make_logits(batch: Batch, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Logits (B, T, 2): noise, and a hill of some 20 tokens around one place of each window."""
    shape = batch.input_ids.shape
    tops = batch.sliced_start + rng.random(shape[0]) * batch.n_sliced
    distance = np.abs(np.arange(shape[1]) - tops[:, None])
    hills = np.maximum(8 - 0.8 * distance, 0)
    return (rng.normal(-5, 1.5, (*shape, 2)) + hills[:, :, None]).astype(np.float32)


def read(path: Path, folder: Path) -> tuple[list[QuestionExample], Tokenizer]:
    """The user's questions and tokenizer."""
    return data.read_questions(path), load_tokenizer(folder)


def make_up(n: int = 10_570) -> tuple[list[QuestionExample], Tokenizer]:
    """As many questions as SQuAD's dev has, and a tokenizer of whole words."""
    rng = np.random.default_rng(0)
    sizes = np.clip(rng.lognormal(4.97, 0.42, n), 25, 700).astype(int)
    words = [f"w{number}" for number in range(1000)]
    examples = [
        QuestionExample(
            id=str(number),
            question=" ".join(words[:12]),
            context=" ".join(words[word] for word in rng.integers(0, 1000, size)),
        )
        for number, size in enumerate(sizes)
    ]
    names = ["[CLS]", "[SEP]", "[PAD]", "[UNK]", *words]
    vocabulary = {word: number for number, word in enumerate(names)}
    backend = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="[UNK]"))
    backend.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    backend.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 0), ("[SEP]", 1)],
    )
    with tempfile.TemporaryDirectory() as folder:
        backend.save(f"{folder}/tokenizer.json")
        return examples, load_tokenizer(folder)


if __name__ == "__main__":
    main()
