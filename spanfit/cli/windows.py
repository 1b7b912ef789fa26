"""`spanfit windows`: how many windows a data set makes, what they lose, and the ceiling."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from spanfit.cli import console, question_windows, tag_windows
from spanfit.cli.reading import ColumnsOption, quote_data, read_columns
from spanfit.cli.score import MetricOption
from spanfit.errors import DataError, ModelError, RecipeError, list_some
from spanfit.quickstart import encoder_folder
from spanfit.types import SegmenterName

if TYPE_CHECKING:
    from rich.table import Table

    from spanfit.tokenizer import Tokenizer
    from spanfit.windows import Windows

HELP = """Count the windows of a data set, and what they lose. Needs no torch.

DATA is questions (SQuAD's JSON, JSON Lines, CSV, Parquet), tagged texts
(columns as CoNLL has them, JSON Lines, JSON, Parquet), or hub:ORG/NAME:SPLIT.

Of questions: widened is a gold answer that begins or ends inside a token,
lost one that no window holds within the limit. Of tagged texts: lost is an
entity that cannot be learnt as it is, such as one that ends inside a token.
The ceiling is the best score that tokenizer, windows and limit allow, by the
metric that suits the gold or is named. --json lists all ids.

Example: spanfit windows dev-v1.1.json --tokenizer runs/NAME/model

Example: spanfit windows dev.json -t runs/NAME --metric mlqa-de

Example: spanfit windows train.txt -t runs/NAME --columns tags=chunk
"""

_BINS, _BAR = 10, 32  # rows of the histogram, and characters of its longest bar

_COUNTS = {"qa": question_windows.describe_counts, "tagging": tag_windows.describe_counts}
_LOSSES = {"qa": question_windows.print_losses, "tagging": tag_windows.print_losses}
_ADVICE = {"qa": question_windows.say_more, "tagging": tag_windows.say_more}
"""What is printed of the examples of each task, by its name."""


def add_to(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("windows", help=HELP)(windows)


def windows(
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="A file of questions or tagged texts.")
    ],
    tokenizer: Annotated[
        str,
        typer.Option(
            "--tokenizer",
            "-t",
            metavar="T",
            help="A run or folder with a tokenizer.json, that file, or quickstart. A folder "
            "without one is read by transformers.",
        ),
    ],
    max_length: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Tokens of a window, special ones included; 384 for questions, else 256.",
        ),
    ] = None,
    overlap: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Tokens that two neighbouring windows share; 128 for questions, else 64.",
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Tokens of the longest answer; 30, unless given."),
    ] = None,
    segmenter: Annotated[
        SegmenterName | None,
        typer.Option(
            help="Cuts words before the tokenizer; unless given, as the model's spanfit.json says."
        ),
    ] = None,
    first: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Only the first N questions or texts.")
    ] = None,
    bad_answers: Annotated[
        Literal["drop", "relocate"] | None,
        typer.Option(help="What to do with gold answers that are not where the file says."),
    ] = None,
    metric: MetricOption = None,
    columns: ColumnsOption = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON with all ids, for a program.")
    ] = False,
) -> None:
    """Count windows, their lengths, what they lose, and the ceiling."""
    from spanfit.data import stream
    from spanfit.data.checking import check_examples
    from spanfit.metrics import check_metric, choose_name
    from spanfit.recipe import make_recipe
    from spanfit.recipe.keys import owner_of
    from spanfit.tasks import COVERAGES, find_task
    from spanfit.windows import WindowSettings, make_windows

    section = read_columns(columns)
    reading = section.reading(bad_answers=bad_answers or "fail")
    loaded = load_segmented(find_tokenizer(tokenizer), segmenter)
    found = list(islice(stream(data, reading=reading), first))
    checked = check_examples(found, reading=reading, name=str(data))
    for line in checked.notes:
        console.note(line)
    if not checked.examples:
        raise DataError("there is no question and no text in it", where=str(data))
    task = find_task(checked.examples[0])
    check_metric(metric, task=task.name)
    if with_gold := [example for example in checked.examples if example.has_gold]:
        metric = choose_name(with_gold, metric=metric, scheme=checked.scheme, where=str(data))
    content: dict[str, Any] = {"task": {"name": task.name}}
    if limit is not None:
        if owner_of("decode", "max_answer_tokens") != task.name:
            raise RecipeError(
                f"--limit is of answers, and these are {checked.examples[0].kind}",
                where=str(data),
                fix="leave it out",
            )
        content["decode"] = {"max_answer_tokens": limit}
    recipe = make_recipe(content)
    settings = task.settle(checked.examples, recipe, scheme=checked.scheme)
    examples = list(task.arrange(checked.examples, loaded, settings))
    shape = WindowSettings(
        recipe.windows.max_length if max_length is None else max_length,
        recipe.windows.overlap if overlap is None else overlap,
    )
    made = make_windows([task.texts(example) for example in examples], loaded, shape)
    coverage = COVERAGES[task.name](examples, made, settings, metric=metric)
    report = {
        "data": str(data),
        "tokenizer": tokenizer,
        "segmenter": loaded.segmenter,
        "kind": examples[0].kind,
        **coverage.to_json(),
        **_measure(made, examples[0].kind, n=len(examples)),
    }
    if as_json:
        console.print_json(report)
        return
    if console.out().is_terminal:
        _print_report(report, made, task.name)
    else:
        for line in _to_lines(report):
            console.plain(line)
    file = quote_data(data, columns)
    _ADVICE[task.name](report, file)
    _say_more(file, made)


def find_tokenizer(given: str) -> Path:
    """The path that is meant; a name that may be one of the hub's is an error of its own."""
    if given == "quickstart":
        return encoder_folder()
    path = Path(given)
    if any((path / "model" / name).is_file() for name in ("tokenizer.json", "config.json")):
        return path / "model"
    if path.exists() or len(path.parts) > 2 or path.is_absolute() or path.suffix:
        return path
    raise ModelError(
        "this command reads a tokenizer.json from disk, nothing from the hub",
        where=f"--tokenizer {given}",
        expected="a folder that holds a tokenizer.json, or such a file",
        found="no such folder or file",
        fix=f"hf download {given} tokenizer.json tokenizer_config.json --local-dir {path.name}",
    )


def load_segmented(path: Path, segmenter: SegmenterName | None) -> Tokenizer:
    """The tokenizer, behind its model's segmenter unless another one is named."""
    from spanfit.settings import read_settings
    from spanfit.tokenizer_opening import load_tokenizer

    stored = read_settings(path if path.is_dir() else path.parent)
    return load_tokenizer(path).segmented(segmenter or (stored.segmenter if stored else "none"))


def _measure(made: Windows, kind: str, *, n: int) -> dict[str, Any]:
    """How many windows n examples make, and how long those are."""
    from spanfit.tasks.coverage import summarise_lengths

    lengths = summarise_lengths(made)
    return {
        **asdict(made.settings),
        "windows": len(made),
        f"windows_per_{_one_of(kind)}": len(made) / n,
        "tokens_per_window": asdict(lengths),
        "padding_factor": made.settings.max_length / lengths.mean,
    }


def _one_of(kind: str) -> str:
    """The last word of a kind of examples, of one: "text" of "tagged texts"."""
    return kind.split()[-1].removesuffix("s")


def _to_lines(report: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """`name value` lines; of a list its length, with the first ids behind a mark."""
    for key, value in report.items():
        name = key.replace(" ", "_")
        if isinstance(value, Mapping):
            yield from _to_lines(value, prefix=f"{prefix}{name}_")
        elif isinstance(value, list | tuple):
            ids = [item["id"] if isinstance(item, Mapping) else item for item in value]
            some = list_some([*dict.fromkeys(ids)])
            yield f"{prefix}{name} {len(ids)}" + (f" # {some}" if ids else "")
        else:
            shown = f"{value:.4f}".rstrip("0").rstrip(".") if isinstance(value, float) else value
            yield f"{prefix}{name} {shown}"


def _print_report(report: Mapping[str, Any], made: Windows, task: str) -> None:
    """Figures, histogram, losses and ceiling, as a person reads them."""
    out = console.out()
    out.print(_figures_table(report, counts=_COUNTS[task](report)), soft_wrap=False)
    out.print(_histogram(made))
    _LOSSES[task](report)


def _figures_table(report: Mapping[str, Any], *, counts: str) -> Table:
    from rich.table import Table

    kind = report["kind"]
    one = _one_of(kind)
    tokens, max_length = report["tokens_per_window"], report["max_length"]
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row(kind, counts)
    table.add_row(
        "windows",
        f"[bold]{report['windows']:,}[/bold]: {report[f'windows_per_{one}']:.3f} a {one}, "
        f"of at most {max_length} tokens, overlap {report['overlap']}",
    )
    table.add_row(
        "tokens a window",
        f"{tokens['min']} to {tokens['max']}, median {tokens['median']:.0f}, "
        f"mean {tokens['mean']:.1f}, 95 % have at most {tokens['p95']:.0f}",
    )
    table.add_row(
        "padding",
        f"every window at {max_length} would make {report['padding_factor']:.2f} times the tokens",
    )
    return table


def _histogram(made: Windows) -> Table:
    """How many windows have how many tokens, in rows of equal width."""
    import numpy as np
    from rich.table import Table

    low, high = int(made.lengths.min()), int(made.lengths.max())
    width = max(1, -(-(high - low + 1) // _BINS))
    counts = np.bincount((made.lengths - low) // width)
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", width=len("tokens a window"), justify="right")
    table.add_column(style="cyan")
    for row, count in enumerate(counts.tolist()):
        begin = low + row * width
        length = -(-count * _BAR // int(counts.max()))
        last = min(begin + width - 1, high)
        table.add_row(f"{begin} to {last}", f"{'█' * length} [default]{count:,}[/default]")
    return table


def _say_more(file: str, made: Windows) -> None:
    """What a person should know of the tokenizer, and type next, on standard error.

    `file` is the data as it is typed.
    """
    longest = made.tokenizer.max_length
    if longest is not None and made.settings.max_length > longest:
        console.warning(
            f"the tokenizer's folder says that its model takes at most {longest} tokens"
        )
    if made.tokenizer.is_python:
        console.note("transformers' own tokenizer was used: there is no tokenizer.json")
    else:
        console.note(
            "tokenizer.json was read as it stands; transformers may read its folder otherwise"
        )
    console.next_step(f"spanfit init {file} > recipe.toml")
