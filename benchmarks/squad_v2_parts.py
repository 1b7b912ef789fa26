"""Parts of the real run on SQuAD v2.0: questions for calibration such as those of its dev file.

    python benchmarks/squad_v2_parts.py train-v1.1.json train-v2.0.json FOLDER
    python benchmarks/squad_v2_parts.py train-v1.1.json train-v2.0.json FOLDER --other-titles 14

All questions of both files, each id once, go to FOLDER/train.jsonl; those of the articles in which
people asked unanswerable ones go to FOLDER/calibration.jsonl, the answerable ones too. Threshold
and temperature are then fitted on questions such as those that they will meet, none of them learnt.

With --other-titles the calibration part is half and half, as SQuAD v2.0's dev file is, and of many
articles: all that people asked without an answer, and as many answerable questions, drawn by a
seed from that many other titles, the shortest ones. What else these articles hold is left out.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from pathlib import Path

import spanfit
from spanfit.data.writing import write_examples
from spanfit.types import QuestionExample


def main() -> None:
    """Read, part, write, count."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--other-titles", type=int, default=0)
    options = parser.parse_args()
    found = {one.id: one for file in options.files for one in spanfit.read(file)}
    questions = [one for one in found.values() if isinstance(one, QuestionExample)]
    null_titles = {one.title for one in questions if not one.answers}
    calibration = [one for one in questions if one.title in null_titles]
    other_titles = shortest_titles(questions, options.other_titles, besides=null_titles)
    if other_titles:
        calibration = balance(calibration, [one for one in questions if one.title in other_titles])
    train = [one for one in questions if one.title not in null_titles | other_titles]
    options.folder.mkdir(parents=True, exist_ok=True)
    for name, part in (("train", train), ("calibration", calibration)):
        write_examples(options.folder / f"{name}.jsonl", part, to="jsonl")
        n_null = sum(not one.answers for one in part)
        print(f"{name}.jsonl: {len(part):,} questions, {n_null:,} of them without an answer")


def shortest_titles(
    questions: list[QuestionExample], n_titles: int, *, besides: set[str]
) -> set[str]:
    """The titles with the fewest questions, so that little is lost for training."""
    counts = Counter(one.title for one in questions if one.title not in besides)
    return set(sorted(counts, key=lambda title: (counts[title], title))[:n_titles])


def balance(
    asked_by_people: list[QuestionExample], others: list[QuestionExample]
) -> list[QuestionExample]:
    """The questions without an answer of the one, and as many with one of the others."""
    unanswerable = [one for one in asked_by_people if not one.answers]
    return unanswerable + random.Random(0).sample(others, len(unanswerable))


if __name__ == "__main__":
    main()
