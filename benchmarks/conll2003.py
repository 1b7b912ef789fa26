"""SpanFit against transformers' own run on CoNLL-2003: how good, and how fast.

    python benchmarks/conll2003.py                                     both parts, about an hour
    python benchmarks/conll2003.py --part speed --threads 2 --out speed.json
    python benchmarks/conll2003.py --seeds 0 --steps 4 --warm-up 2 --sentences 200   a quick look

Both sides do what the recipe says (`conll-ner.toml`, one epoch): the same encoder, sentences,
labels of pieces, batch size, learning rate and schedule, weight decay and dropout. The other side
is `Trainer` with batches padded to their longest, as in `transformers_tagging.py`.

quality   the F1 on all words of the test file after one epoch, the mean over the seeds. Ends with 1
          where ours is lower by more than the spread (the smaller sample standard deviation).
speed     optimizer steps on the same sentences in the same order. The two take turns within one
          process, a round of steps each, so that a busy machine hurts both alike: our round is
          taken inside a callback of `Trainer`, whose own loop is left as it is. Before that, ids
          and labels of both sides are compared. Ends with 1 where we are less than 1.5 times as
          fast by the clock.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from transformers_tagging import IGNORED, Anchor, Item, Tags, Turns, make_anchor, train_trainer

import spanfit
from spanfit.batching import join
from spanfit.examples import Examples
from spanfit.hardware import set_up_torch
from spanfit.loop import Training
from spanfit.metrics.tagging import count_entities, pair_tags
from spanfit.preparation import Prepared, prepare
from spanfit.progress import Progress, format_seconds
from spanfit.recipe import Recipe, make_recipe, read_recipe
from spanfit.runs import RunFolder
from spanfit.steps import Rows, steps_of_epoch
from spanfit.tagged import TaggedExample, TaggingPrediction
from spanfit.tags import detect_scheme
from spanfit.tasks.tag_targets import TagTargets

FOLDER = Path(__file__).resolve().parent
SHARED = Path(os.environ.get("SPANFIT_SHARED", FOLDER.parent.parent / "shared"))
LEAST_RATIO = 1.5
PARTS = ("speed", "quality")
SIDES = ("SpanFit", "transformers")
UNKNOWN_TO_THEM = (
    ("task", "class_weights"),
    ("task", "label_smoothing"),
    ("task", "context_sentences"),
    ("model", "name"),
    ("optimizer", "schedule"),
    ("optimizer", "layer_decay"),
)
"""Keys of the recipe that the other side does not follow."""

Figures = dict[str, Any]


def main() -> None:
    """Run the parts, print them, and judge."""
    options = parse_options()
    data = {name: options.data / f"{name}.txt" for name in ("train", "test")}
    if missing := [path for path in data.values() if not path.is_file()]:
        print(f"skipped: there is no {missing[0]} (--data FOLDER)")
        return
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(options.threads)
    results: Figures = {"threads": options.threads, "torch": torch.__version__}
    results["transformers"] = transformers.__version__
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.sentences:
            data = {part: shorten(data[part], options.sentences, folder) for part in data}
        recipe = set_up_recipe(options, data["train"])
        verdicts = []
        if "speed" in options.part:
            results["speed"] = measure_speed(recipe, options, folder)
            write(options.out, results)
            verdicts.append(report_speed(results["speed"]))
        if "quality" in options.part:
            runs = results["runs"] = []
            for run in measure_quality(recipe, data["test"], options.seeds, folder):
                runs.append(run)
                write(options.out, results)  # after each training: an interruption loses one
            results["quality"] = summarise(runs)
            write(options.out, results)
            verdicts.append(report_quality(results["quality"]))
    sys.exit(0 if all(verdicts) else 1)


def parse_options() -> argparse.Namespace:
    """What the user wants."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--part", nargs="+", choices=PARTS, default=PARTS, help="what is measured (both)")
    add("--data", type=Path, default=SHARED / "data" / "conll2003", help="train.txt and test.txt")
    add("--recipe", type=Path, default=FOLDER / "conll-ner.toml", help="what both sides do")
    add("--set", action="append", default=[], metavar="KEY=VALUE", help="change the recipe")
    add("--seeds", type=int, nargs="+", default=[0, 1, 2], help="of the trainings (0 1 2)")
    add("--steps", type=int, default=100, help="steps that are timed (100)")
    add("--warm-up", type=int, default=10, help="steps before them (10)")
    add("--round", type=int, default=10, help="steps of a turn (10)")
    add("--threads", type=int, default=torch.get_num_threads(), help="of torch")
    add("--sentences", type=int, help="only the first so many of each file")
    add("--out", type=Path, help="the figures as JSON")
    options = parser.parse_args()
    options.round = min(options.round, options.steps)
    if options.warm_up < 1:
        parser.error("--warm-up is at least 1: the clock starts after it")
    if options.steps % options.round:
        parser.error(f"{options.steps} steps are no whole number of turns of {options.round}")
    return options


def set_up_recipe(options: argparse.Namespace, train: Path) -> Recipe:
    """The recipe for one epoch on all training sentences, on the CPU; nothing is chosen."""
    fixed = ["data.calibration_share=0.0", "run.epochs=1", "run.device=cpu"]
    recipe = read_recipe(
        options.recipe,
        overrides=[*options.set, *fixed, f"data.train={train}", f"run.threads={options.threads}"],
    )
    for section, key in UNKNOWN_TO_THEM:
        value, usual = (getattr(getattr(one, section), key) for one in (recipe, Recipe()))
        if value != usual:
            sys.exit(f"{section}.{key} = {value!r}: the other side knows only {usual!r}")
    return recipe


def write(out: Path | None, results: Figures) -> None:
    """The figures so far, if they are wanted."""
    if out is not None:
        out.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def shorten(path: Path, n_sentences: int, folder: Path) -> Path:
    """A copy of the file's first sentences, in a folder that does not stay."""
    blocks = path.read_text(encoding="utf-8").split("\n\n")[:n_sentences]
    short = folder / path.name
    short.write_text("\n\n".join(blocks) + "\n", encoding="utf-8")
    return short


def measure_speed(recipe: Recipe, options: argparse.Namespace, folder: Path) -> Figures:
    """Time the same steps on both sides, in turns."""
    n_steps = options.warm_up + options.steps
    recipe = make_recipe(recipe.model_dump(), overrides=[f"run.max_steps={n_steps}"])
    set_up_torch(recipe)
    prepared = prepare(recipe, progress=Progress(quiet=True))
    if n_steps > prepared.plan.n_windows // prepared.plan.windows_per_step:
        sys.exit(f"there are fewer than {n_steps} whole steps in an epoch: --steps N, --warm-up N")
    training = Training(prepared, RunFolder(folder / "speed"), Progress(quiet=True))
    training.network.train()
    steps = list(islice(steps_of_epoch(prepared.plan, epoch=1, seed=recipe.run.seed), n_steps))
    rows = np.concatenate(steps)
    examples = only_tagged(prepared.parts.training)
    anchor = make_anchor(recipe, examples)
    items = anchor.encode([examples[number] for number in prepared.windows.example[rows]])
    require_same(prepared, rows, anchor, items)
    losses: list[float] = []
    waiting = iter(steps)

    def take_steps(n: int) -> None:
        losses.extend(training.take_step(step)[0] for step in islice(waiting, n))

    turns = Turns(options.warm_up, options.round, take_steps)
    trainer = anchor.make_trainer(
        items, folder=folder / "trainer", is_ordered=True, callbacks=[turns]
    )
    their_loss = trainer.train().training_loss
    lengths = prepared.windows.lengths[np.concatenate(steps[options.warm_up :])]
    return {
        "steps": options.steps,
        "windows_per_step": recipe.batch.windows_per_step,
        "tokens": int(lengths.sum()),
        "seconds": dict(zip(SIDES, (turns.ours, turns.theirs), strict=True)),
        "loss": dict(zip(SIDES, (statistics.mean(losses), their_loss), strict=True)),
    }


def require_same(prepared: Prepared, rows: Rows, anchor: Anchor, items: Sequence[Item]) -> None:
    """Stop where the two sides see other ids, or learn other tags of them."""
    windows, targets, tagging = prepared.windows, prepared.targets, prepared.settings.tagging
    assert isinstance(targets, TagTargets) and tagging is not None
    for row, item in zip(rows, items, strict=True):
        batch = join(windows, np.array([row]))
        ids = batch.input_ids[0].tolist()
        tags: list[str | None] = [None] * len(ids)
        part = slice(*targets.splits[row : row + 2])
        for position, tag in zip(targets.position[part], targets.tag[part], strict=True):
            tags[batch.sliced_start[0] + position] = tagging.tags[tag]
        theirs = [None if label == IGNORED else anchor.labels[label] for label in item["labels"]]
        if (ids, tags) != (item["input_ids"], theirs):
            sys.exit(f"not the same input:\n{ids} {tags}\n{item['input_ids']} {theirs}")


def report_speed(speed: Figures) -> bool:
    """Print a table, and whether it is fast enough."""
    steps, tokens = speed["steps"], speed["tokens"]
    print(f"{steps} steps of {speed['windows_per_step']} windows, {tokens:,} tokens")
    print(f"{'':14}{'s':>8}{'steps/s':>9}{'tokens/s':>10}{'mean loss':>11}")
    for side, rounds in speed["seconds"].items():
        total = sum(rounds)
        print(
            f"{side:14}{total:8.2f}{steps / total:9.2f}{tokens / total:10,.0f}"
            f"{speed['loss'][side]:11.3f}"
        )
    ours, theirs = speed["seconds"].values()
    ratios = [their / our for our, their in zip(ours, theirs, strict=True)]
    ratio = sum(theirs) / sum(ours)
    is_fast: bool = ratio >= LEAST_RATIO
    print(
        f"{ratio:.2f} times as fast (rounds: {min(ratios):.2f} to {max(ratios):.2f}, median "
        f"{statistics.median(ratios):.2f}); at least {LEAST_RATIO}: {'yes' if is_fast else 'NO'}"
    )
    return is_fast


def measure_quality(
    recipe: Recipe, test: Path, seeds: Sequence[int], folder: Path
) -> Iterator[Figures]:
    """Train and score each side with each seed: the figures of every run."""
    reading = recipe.columns.reading()
    training = only_tagged(spanfit.read(str(recipe.data.train), reading=reading))
    testing = only_tagged(spanfit.read(test, reading=reading))
    gold = [list(example.tags or ()) for example in testing]
    scheme = detect_scheme(gold).scheme
    for seed in seeds:
        seeded = make_recipe(recipe.model_dump(), overrides=[f"run.seed={seed}"])
        for side, train in zip(SIDES, (train_spanfit, train_trainer), strict=True):
            started = time.perf_counter()
            predicted = train(seeded, training, testing, folder / f"{side}-{seed}")
            seconds = time.perf_counter() - started
            rates = count_entities(pair_tags(gold, predicted), scheme=scheme).micro
            print(
                f"seed {seed} {side:14} P {rates.precision:.2f} R {rates.recall:.2f} "
                f"F1 {rates.f1:.2f}, {format_seconds(seconds)}",
                flush=True,
            )
            figures = {"precision": rates.precision, "recall": rates.recall, "f1": rates.f1}
            yield {"side": side, "seed": seed, **figures, "seconds": seconds}


def train_spanfit(
    recipe: Recipe, _training: Sequence[TaggedExample], testing: Sequence[TaggedExample], out: Path
) -> Tags:
    """`spanfit.train`, which reads the file itself, and what the model says of the test."""
    model = spanfit.train(recipe, out=out, progress=Progress(quiet=True)).model()
    said = model.predict(testing)
    return [list(one.tags) for one in said if isinstance(one, TaggingPrediction)]


def summarise(runs: Sequence[Figures]) -> Figures:
    """Mean and spread of each side's F1 (None where a single seed has none), and mean seconds."""
    summary: Figures = {}
    for side in SIDES:
        mine = [run for run in runs if run["side"] == side]
        f1 = [run["f1"] for run in mine]
        summary[side] = {
            "seeds": len(mine),
            "mean": statistics.mean(f1),
            "spread": statistics.stdev(f1) if len(f1) > 1 else None,
            "seconds": statistics.mean(run["seconds"] for run in mine),
        }
    return summary


def report_quality(quality: Figures) -> bool:
    """Print means and spreads, and whether ours is good enough."""
    for side, row in quality.items():
        spread = "" if row["spread"] is None else f" ± {row['spread']:.2f}"
        print(
            f"{side:14} F1 {row['mean']:.2f}{spread} (seeds: {row['seeds']}), "
            f"{format_seconds(row['seconds'])} each"
        )
    ours, theirs = quality.values()
    allowed = min(ours["spread"] or 0, theirs["spread"] or 0)
    difference = ours["mean"] - theirs["mean"]
    is_good: bool = difference >= -allowed
    print(f"difference {difference:+.2f}, at least {-allowed:+.2f}: {'yes' if is_good else 'NO'}")
    return is_good


def only_tagged(examples: Examples) -> list[TaggedExample]:
    """The sentences, all of which are tagged."""
    return [example for example in examples if isinstance(example, TaggedExample)]


if __name__ == "__main__":
    main()
