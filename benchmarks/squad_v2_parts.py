"""Parts of the real run on SQuAD v2.0: articles with unanswerable questions of people held out.

    python benchmarks/squad_v2_parts.py train-v1.1.json train-v2.0.json FOLDER

All questions of both files, each id once, go to FOLDER/train.jsonl; those of the articles in which
people asked unanswerable ones go to FOLDER/calibration.jsonl, the answerable ones too. Threshold
and temperature are then fitted on questions such as those that they will meet, none of them learnt.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import spanfit
from spanfit.data.writing import write_examples
from spanfit.types import QuestionExample


def main() -> None:
    """Read, part, write, count."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    found = {one.id: one for file in options.files for one in spanfit.read(file)}
    questions = [one for one in found.values() if isinstance(one, QuestionExample)]
    held_out = {one.title for one in questions if not one.answers}
    options.folder.mkdir(parents=True, exist_ok=True)
    for name, is_held_out in (("train", False), ("calibration", True)):
        part = [one for one in questions if (one.title in held_out) == is_held_out]
        write_examples(options.folder / f"{name}.jsonl", part, to="jsonl")
        n_null = sum(not one.answers for one in part)
        print(f"{name}.jsonl: {len(part):,} questions, {n_null:,} of them without an answer")


if __name__ == "__main__":
    main()
