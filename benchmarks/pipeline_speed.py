"""Questions a second: transformers 4's question-answering pipeline, and every backend of SpanFit's.

    python -m venv old && old/bin/pip install transformers==4.57.6 torch==2.13.0
    python benchmarks/pipeline_speed.py MODEL dev-v1.1.json --old-python old/bin/python
    python benchmarks/pipeline_speed.py MODEL dev-v1.1.json --old-python … --exports DIR --rounds 5

The same checkpoint, the same questions from all over the file, one thread each. In each round every
pipeline answers the same 64 questions twice: one by one, and all at once (`batch_size=64` there).
They take turns, so that what else the machine does falls on all of them. Medians of CPU
milliseconds a question; the ratio is to transformers 4 at the same batch. DIR holds exports of the
model (`spanfit export MODEL --out DIR`).
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from transformers4_process import OldPipeline

import spanfit
from spanfit.data.splitting import limit
from spanfit.types import QuestionExample

AT_ONCE = 64
OLD = "transformers 4"
Questions = Sequence[QuestionExample]
Ask = Callable[[Questions], float]


def main() -> None:
    """Ask in turns, print medians and ratios."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("model")
    parser.add_argument("data", type=Path)
    parser.add_argument("--old-python", required=True)
    parser.add_argument("--exports", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"  # of torch and the runtimes, which are not loaded yet
    found = limit(spanfit.read(options.data), AT_ONCE * options.rounds, seed=0)
    asked = [one for one in found if isinstance(one, QuestionExample)]
    old = {at: OldPipeline(options.old_python, options.model, at_once=at) for at in (1, AT_ONCE)}
    sources = {"torch": options.model}
    if options.exports:
        kinds = ("onnx", "onnx-int8", "openvino", "openvino-int8")
        sources |= dict.fromkeys(kinds, str(options.exports))
    pipelines = {
        name: spanfit.pipeline("question-answering", model=source, backend=name)
        for name, source in sources.items()
    }
    for note in (note for each in pipelines.values() for note in each.model.notes):
        print(note)
    print(f"transformers {old[1].version}, {len(asked)} questions, one thread, CPU ms a question")
    print(f"{'':<16}{'one by one':>12}{'ratio':>8}{f'{AT_ONCE} at once':>14}{'ratio':>8}")
    medians: dict[str, list[float]] = {}
    for place, at_once in enumerate((1, AT_ONCE)):
        ways: dict[str, Ask] = {OLD: asker_of_old(old[at_once])}
        ways |= {name: asker(each, at_once=at_once) for name, each in pipelines.items()}
        for name, seconds in run_in_turns(ways, asked).items():
            medians.setdefault(name, [0.0, 0.0])[place] = seconds
    for name, (alone, together) in medians.items():
        first, second = medians[OLD]
        line = f"{name:<16}{1000 * alone:>12.1f}{first / alone:>8.2f}"
        print(f"{line}{1000 * together:>14.1f}{second / together:>8.2f}")


def run_in_turns(ways: dict[str, Ask], asked: Questions) -> dict[str, float]:
    """Median CPU seconds a question of each way; each round has other questions."""
    seen: dict[str, list[float]] = {name: [] for name in ways}
    for ask in ways.values():
        ask(asked[:AT_ONCE])
    for begin in range(0, len(asked), AT_ONCE):
        part = asked[begin : begin + AT_ONCE]
        for name, ask in ways.items():
            seen[name].append(ask(part) / len(part))
    return {name: statistics.median(found) for name, found in seen.items()}


def asker_of_old(pipeline: OldPipeline) -> Ask:
    """CPU seconds of transformers 4."""
    return lambda questions: sum(pipeline.ask(questions)[1])


def asker(pipeline: Any, *, at_once: int) -> Ask:  # noqa: ANN401
    """CPU seconds of a pipeline of SpanFit that is given so many questions at once."""

    def ask(questions: Questions) -> float:
        began = time.process_time()
        for begin in range(0, len(questions), at_once):
            part = questions[begin : begin + at_once]
            pipeline(question=[one.question for one in part], context=[one.context for one in part])
        return time.process_time() - began

    return ask


if __name__ == "__main__":
    main()
