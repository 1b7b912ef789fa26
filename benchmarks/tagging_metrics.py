"""How long it takes to score tags: SpanFit against seqeval, on the same lists of strings.

    pip install seqeval==1.2.2 && python benchmarks/tagging_metrics.py [--data FILE] [--repeat 5]

The file has a gold and a predicted tag in its last two columns, and an empty line between texts;
without one, the CoNLL-2003 test predictions beside the project are taken ($SPANFIT_SHARED, else
../shared). Both sides make the same figures (precision, recall and F1 of each label, micro, macro
and weighted; in the default mode also the accuracy), which are compared first, in both modes, and
take turns in one process; printed are medians of CPU time. Ends with 1 where SpanFit is less than
20 times faster in either mode. The last row is seqeval's single micro F1 beside all our figures.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import importlib.util
import os
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

from spanfit.metrics.chunk_arrays import EntityMetric
from spanfit.metrics.label_counts import Average, LabelCounts
from spanfit.metrics.tagging import count_entities, count_tags, pair_tags
from spanfit.tags import SCHEMES, detect_scheme

LEAST_RATIO = 20
REPOSITORY = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("SPANFIT_SHARED", REPOSITORY.parent / "shared"))
DATA = SHARED / "expected" / "conll2003_test.pred.conll"
AVERAGES: tuple[Average, ...] = ("micro", "macro", "weighted")
THEIR_SCHEMES = {"IOB1": "IOB1", "IOB2": "IOB2", "BIOES": "IOBES", "BILOU": "BILOU"}

Tags = list[list[str]]
Figures = dict[str, list[float]]


def main() -> None:
    """Measure, print, and judge."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, default=DATA, help="gold and predicted tags")
    parser.add_argument("--repeat", type=int, default=5, help="of how many runs the median is")
    options = parser.parse_args()
    if importlib.util.find_spec("seqeval") is None:
        print("skipped: seqeval is not here (pip install seqeval==1.2.2)")
        return
    if not options.data.is_file():
        print(f"skipped: there is no {options.data} (--data FILE)")
        return
    gold, predicted = read(options.data)
    scheme = detect_scheme(gold).scheme.name
    print(f"{len(gold):,} texts, {sum(map(len, gold)):,} tags, {scheme}, {options.repeat} runs")
    print()
    warnings.simplefilter("ignore")  # seqeval warns of labels without gold
    pairs = {
        "conlleval": (ours(gold, predicted, scheme, "conlleval"), theirs(gold, predicted, None)),
        "strict": (
            ours(gold, predicted, scheme, "seqeval_strict"),
            theirs(gold, predicted, scheme),
        ),
    }
    for mode, (our_way, their_way) in pairs.items():
        require_equal(our_way(), their_way(), mode=mode)
    metrics = importlib.import_module("seqeval.metrics")
    pairs["F1 alone"] = (pairs["conlleval"][0], lambda: metrics.f1_score(gold, predicted))
    ratios = {mode: measure(mode, *pair, repeat=options.repeat) for mode, pair in pairs.items()}
    slow = [mode for mode in ("conlleval", "strict") if ratios[mode] < LEAST_RATIO]
    print()
    print(f"at least {LEAST_RATIO}x: {'no, ' + ' and '.join(slow) if slow else 'yes, both modes'}")
    sys.exit(1 if slow else 0)


def ours(gold: Tags, predicted: Tags, scheme: str, metric: EntityMetric) -> Callable[[], Figures]:
    """All figures of one mode, from SpanFit."""

    def count() -> Figures:
        pair = pair_tags(gold, predicted)
        counts = count_entities(pair, scheme=SCHEMES[scheme], metric=metric)
        figures = to_rows(counts)
        if metric == "conlleval":
            figures["accuracy"] = [count_tags(pair).micro.recall / 100]
        return figures

    return count


def to_rows(counts: LabelCounts) -> Figures:
    """The figures in seqeval's names and scale."""
    rates = counts.by_label | {f"{name} avg": counts.average(name) for name in AVERAGES}
    return {
        name: [row.precision / 100, row.recall / 100, row.f1 / 100, float(row.n_gold)]
        for name, row in rates.items()
    }


def theirs(gold: Tags, predicted: Tags, scheme: str | None) -> Callable[[], Figures]:
    """All figures of one mode, from seqeval: strict where a scheme is given."""
    metrics = importlib.import_module("seqeval.metrics")
    schemes = importlib.import_module("seqeval.scheme")

    def report() -> Figures:
        rows = metrics.classification_report(
            gold,
            predicted,
            output_dict=True,
            mode=scheme and "strict",
            scheme=scheme and getattr(schemes, THEIR_SCHEMES[scheme]),
        )
        figures = {name: [float(value) for value in row.values()] for name, row in rows.items()}
        if scheme is None:
            figures["accuracy"] = [metrics.accuracy_score(gold, predicted)]
        return figures

    return report


def require_equal(our_figures: Figures, their_figures: Figures, *, mode: str) -> None:
    """Stop where a figure differs by more than 1e-9: then the times say nothing."""
    if {*our_figures} != {*their_figures}:
        sys.exit(f"{mode}: different rows: {sorted({*our_figures} ^ {*their_figures})}")
    differences = [
        abs(mine - other)
        for name, row in our_figures.items()
        for mine, other in zip(row, their_figures[name], strict=True)
    ]
    if max(differences) > 1e-9:
        sys.exit(f"{mode}: a figure differs by {max(differences)}")
    print(f"{mode}: {len(differences)} figures, largest difference {max(differences):.1e}")


def measure(
    mode: str, our_way: Callable[[], object], their_way: Callable[[], object], *, repeat: int
) -> float:
    """Take turns, print the medians, and give their ratio."""
    seconds: dict[str, list[float]] = {"SpanFit": [], "seqeval": []}
    gc.collect()
    for _ in range(repeat):
        for name, way in (("SpanFit", our_way), ("seqeval", their_way)):
            before = time.process_time()
            way()
            seconds[name].append(time.process_time() - before)
    us, them = (statistics.median(runs) for runs in seconds.values())
    print(
        f"{mode:12} SpanFit {us * 1e3:7.1f} ms   seqeval {them * 1e3:7.1f} ms   {them / us:5.1f}x"
    )
    return them / us


def read(path: Path) -> tuple[Tags, Tags]:
    """The last two columns, text by text."""
    parts = path.read_text(encoding="utf-8").strip().split("\n\n")
    rows = [[line.split()[-2:] for line in part.splitlines()] for part in parts]
    return [[row[0] for row in part] for part in rows], [[row[1] for row in part] for part in rows]


if __name__ == "__main__":
    main()
