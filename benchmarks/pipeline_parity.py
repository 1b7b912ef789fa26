"""`spanfit.pipeline("question-answering")` against transformers 4's, question by question.

    python -m venv old && old/bin/pip install transformers==4.57.6 torch==2.13.0
    python benchmarks/pipeline_parity.py MODEL dev-v1.1.json --old-python old/bin/python
    python benchmarks/pipeline_parity.py MODEL dev-v2.0.json --old-python … --impossible

Both answer the same questions one by one, in turns of a hundred. Where they differ, what
transformers does is computed again from SpanFit's own logits, with as few of its known defects as
give its very answer and score: these are the cause. A difference without a cause is an error: exit
status 1.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from transformers4_defects import ALL_DEFECTS, Answer, WindowLogits, answer_with
from transformers4_process import OldPipeline

import spanfit
from spanfit.batching import Batch
from spanfit.examples import Example
from spanfit.metrics import answer_scores
from spanfit.pipelines import QuestionAnsweringPipeline
from spanfit.pipelines.words import divide_words
from spanfit.prediction import Predictor
from spanfit.types import QuestionExample
from spanfit.windows import Windows

TOLERANCE = 1e-4
TURN = 100


def main() -> None:
    """Compare, print, and exit with 1 where a difference has no cause."""
    warnings.simplefilter("ignore")
    arguments = _parse()
    import torch

    torch.set_num_threads(1)
    examples = [one for one in spanfit.read(arguments.data) if isinstance(one, QuestionExample)]
    step = max(1, len(examples) // arguments.n)
    examples = examples[::step][: arguments.n]
    new = spanfit.pipeline("question-answering", model=arguments.model, device="cpu")
    assert isinstance(new, QuestionAnsweringPipeline)
    old = OldPipeline(arguments.old_python, arguments.model, impossible=arguments.impossible)
    differences: dict[tuple[str, str], list[str]] = defaultdict(list)
    figures: Counter[str] = Counter()
    seconds: dict[str, list[float]] = {"old": [], "new": []}
    _ask(new, examples[:20], impossible=arguments.impossible)  # both warm
    old.ask(examples[:20])
    for begin in range(0, len(examples), TURN):
        turn = examples[begin : begin + TURN]
        theirs, spent = old.ask(turn)
        seconds["old"] += spent
        ours, spent = _ask(new, turn, impossible=arguments.impossible)
        seconds["new"] += spent
        counts = np.bincount(_predictor(new).windows(list(turn)).example)
        figures["of several windows"] += int((counts > 1).sum())
        answered = list(zip(turn, ours, theirs, strict=True))
        odd = [case for case in answered if not _same(*case[1:])]
        figures["the same, score and place"] += len(answered) - len(odd)
        known = _collect(new, [example for example, _, _ in odd])
        for example, one, other in odd:
            windows = known[example.id]
            figures["of the others right by exact match, transformers"] += _is_right(example, other)
            figures["of the others right by exact match, spanfit"] += _is_right(example, one)
            is_other = (one["start"], one["end"]) != (other["start"], other["end"])
            kind = "another answer" if is_other else "another score"
            cause = _find_cause(example, one, other, windows, new, impossible=arguments.impossible)
            differences[kind, cause].append(_show(example, one, other))
    old.close()
    _report(examples, differences, figures, seconds, version=old.version, shown=arguments.show)
    if any(not cause for _, cause in differences):
        sys.exit(1)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else "")
    parser.add_argument("model")
    parser.add_argument("data")
    parser.add_argument("--old-python", required=True, help="of an environment of transformers 4")
    parser.add_argument("-n", type=int, default=2000, help="questions, evenly over the file")
    parser.add_argument("--impossible", action="store_true", help="handle_impossible_answer=True")
    parser.add_argument("--show", type=int, default=3, help="examples of each kind")
    return parser.parse_args()


def _ask(
    pipeline: QuestionAnsweringPipeline, examples: Sequence[QuestionExample], *, impossible: bool
) -> tuple[list[Answer], list[float]]:
    answers, seconds = [], []
    for one in examples:
        began = time.process_time()
        answers.append(
            pipeline(
                question=one.question,
                context=one.context,
                handle_impossible_answer=impossible,
            )
        )
        seconds.append(time.process_time() - began)
    return answers, seconds


def _collect(
    pipeline: QuestionAnsweringPipeline, examples: Sequence[QuestionExample]
) -> dict[str, list[WindowLogits]]:
    """The logits of all windows of each question, by its id, in the order of the text."""
    found: dict[str, list[tuple[int, WindowLogits]]] = defaultdict(list)

    def observe(chunk: list[Example], windows: Windows, batch: Batch, logits: Any) -> None:  # noqa: ANN401
        values = np.asarray(logits, np.float64)
        for row, number in enumerate(batch.rows.tolist()):
            first, size = int(batch.sliced_start[row]), int(batch.n_sliced[row])
            tokens = np.arange(size)
            window = WindowLogits(
                logits=values[row, first : first + size],
                null=values[row, batch.null_position[row]],
                char_start=windows.char_start(number, tokens),
                char_end=windows.char_end(number, tokens),
            )
            found[chunk[windows.example[number]].id].append((number, window))

    for _ in _predictor(pipeline).predict(examples, observe=observe):
        pass
    return {
        id: [window for _, window in sorted(parts, key=lambda part: part[0])]
        for id, parts in found.items()
    }


def _predictor(pipeline: QuestionAnsweringPipeline) -> Predictor:
    return pipeline.predictor(pipeline.options(pipeline.defaults))


def _same(one: Answer, other: Answer) -> bool:
    same_place = (one["start"], one["end"]) == (other["start"], other["end"])
    return same_place and abs(one["score"] - other["score"]) <= TOLERANCE


def _is_right(example: QuestionExample, answer: Answer) -> bool:
    golds = [gold.text for gold in example.answers or ()] or [""]
    return answer_scores(answer["answer"], golds, metric="squad_v2")[0] > 0


def _find_cause(
    example: QuestionExample,
    one: Answer,
    other: Answer,
    windows: Sequence[WindowLogits],
    pipeline: QuestionAnsweringPipeline,
    *,
    impossible: bool,
) -> str:
    """The fewest defects that give the `other` answer and score; "" where none do.

    Also "" where, without any defect, the answer is not `one`, SpanFit's own.
    """
    words = divide_words(pipeline.model.predictor.tokenizer, example.context)
    for defects in ALL_DEFECTS:
        tried = answer_with(example.context, windows, words, defects, impossible=impossible)
        if not defects.n and not _same(tried, one):
            return ""
        if _same(tried, other):
            return str(defects)
    return ""


def _show(example: QuestionExample, one: Answer, other: Answer) -> str:
    ours, theirs = (
        f"{answer['answer']!r} [{answer['start']}:{answer['end']}] {answer['score']:.4f}"
        for answer in (one, other)
    )
    return f"{example.id} {example.question!r}: {ours}, transformers {theirs}"


def _report(
    examples: Sequence[QuestionExample],
    differences: dict[tuple[str, str], list[str]],
    figures: Counter[str],
    seconds: dict[str, list[float]],
    *,
    version: str,
    shown: int,
) -> None:
    print(f"{len(examples):,} questions, transformers {version}")
    for name, n in figures.items():
        print(f"{n:6,}  {name}")
    for (kind, cause), found in sorted(differences.items()):
        print(f"{len(found):6,}  {kind}: {cause or 'NO CAUSE FOUND'}")
        for line in found[:shown]:
            print(f"          {line}")
    old, new = (1000 * np.array(seconds[name]) for name in ("old", "new"))
    print("CPU milliseconds a question, one by one, one thread:")
    for name, values in (("transformers", old), ("spanfit", new), ("ratio", new / old)):
        print(f"{name:>14}: median {np.median(values):.2f}, mean {values.mean():.2f}")


if __name__ == "__main__":
    main()
