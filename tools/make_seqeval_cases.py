"""Write tests/data/seqeval_cases.json: random tags, and what seqeval 1.2.2 makes of them.

    pip install seqeval==1.2.2 && python tools/make_seqeval_cases.py

Half of the predicted tags are the gold's and half are drawn anew, so most sequences are invalid.
The default mode is left out for BILOU, whose L and U seqeval does not know there.
"""

from __future__ import annotations

import importlib
import json
import random
import warnings
from pathlib import Path
from typing import Any

TARGET = Path(__file__).resolve().parent.parent / "tests" / "data" / "seqeval_cases.json"
METRICS, THEIRS = (importlib.import_module(f"seqeval.{name}") for name in ("metrics", "scheme"))
SCHEMES = {
    "IOB1": (THEIRS.IOB1, "BI"),
    "IOB2": (THEIRS.IOB2, "BI"),
    "BIOES": (THEIRS.IOBES, "BIES"),
    "BILOU": (THEIRS.BILOU, "BILU"),
}


def main() -> None:
    """Make and write."""
    draw = random.Random(0)
    cases = [make_case(draw, name) for name in SCHEMES for _ in range(5)]
    lines = ",\n".join(json.dumps(case) for case in cases)
    TARGET.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    print(f"{len(cases)} cases in {TARGET}")


def make_case(draw: random.Random, name: str) -> dict[str, Any]:
    """One corpus of 12 texts with the reports of both modes."""
    scheme, letters = SCHEMES[name]
    tags = ["O", *(f"{letter}-{label}" for letter in letters for label in ("PER", "a-b"))]
    gold = [draw.choices(tags, k=draw.randint(1, 8)) for _ in range(12)]
    predicted = [[tag if draw.random() < 0.5 else draw.choice(tags) for tag in s] for s in gold]
    reports = {"seqeval_strict": report(gold, predicted, scheme=scheme)}
    if name != "BILOU":
        reports["conlleval"] = report(gold, predicted)
    return {"scheme": name, "gold": gold, "predicted": predicted, "reports": reports}


def report(
    gold: list[list[str]], predicted: list[list[str]], *, scheme: object = None
) -> dict[str, Any]:
    """The report in plain numbers: strict where a scheme is given."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of labels without gold
        figures = METRICS.classification_report(
            gold, predicted, output_dict=True, mode=scheme and "strict", scheme=scheme
        )
    return {
        label: {name: float(value) for name, value in row.items()} for label, row in figures.items()
    }


if __name__ == "__main__":
    main()
