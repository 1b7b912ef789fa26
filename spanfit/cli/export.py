"""`spanfit export`: a model for ONNX Runtime or OpenVINO."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from spanfit.cli import console
from spanfit.cli.model import ModelArgument, TrustOption, load_model
from spanfit.cli.reading import ColumnsOption, parse_model_columns
from spanfit.cli.score import MetricOption

if TYPE_CHECKING:
    from spanfit.exports.folders import Export

HELP = """Write a model's network for ONNX Runtime or OpenVINO, which run it without torch.

It is compared with torch's on real examples, and refused where it computes
anything else. With --int8 the loss of F1 is measured, and the threshold of
"no answer" fitted to it. The model's own folder gets it, or --out DIR, which
then holds all that is needed.

Example: spanfit export runs/qa-001 --to onnx --int8

Example: spanfit export runs/qa-001 --to openvino --data dev.json --out served
"""


def add_to(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("export", help=HELP)(export)


def export(
    model: ModelArgument,
    to: Annotated[Literal["onnx", "openvino"], typer.Option(help="For which runtime.")],
    int8: Annotated[
        bool, typer.Option("--int8", help="Weights of 8 bits: smaller and quicker, a little worse.")
    ] = False,
    data: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Real examples to compare on, with gold for --int8; else the run's calibration "
            "part.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A folder of its own for the export.")
    ] = None,
    max_examples: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="So many of the examples, drawn with a fixed seed."),
    ] = None,
    metric: MetricOption = None,
    columns: ColumnsOption = None,
    trust_remote_code: TrustOption = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the report as JSON, for a program.")
    ] = False,
) -> None:
    """Export a model."""
    from spanfit.backends.formats import name_format
    from spanfit.exports.folders import require_packages
    from spanfit.exports.making import export as run_export
    from spanfit.exports.samples import find_examples
    from spanfit.progress import Progress

    require_packages(name_format(to, int8=int8))
    file = find_examples(model, data)  # before the model is loaded
    loaded = load_model(model, "torch", device="cpu", trust_remote_code=trust_remote_code)
    done = run_export(
        model,
        to=to,
        int8=int8,
        data=file,
        out=out,
        max_examples=max_examples,
        metric=metric,
        reading=parse_model_columns(columns, loaded.settings),
        model=loaded,
        progress=Progress(),
    )
    for warning in done.warnings:
        console.warning(warning)
    if as_json:
        console.print_json(done.to_json())
        return
    _print(done)
    console.next_step(_say_next(done, model, loaded.settings.task, is_elsewhere=out is not None))


def _print(done: Export) -> None:
    """What was written, and how far it is from torch."""
    from rich.text import Text

    parity, loss = done.parity, done.loss
    rows = [
        ("backend", Text(done.form.name)),
        ("file", Text(f"{done.file}, {done.n_bytes / 1e6:,.1f} MB")),
        (
            "logits",
            Text(
                f"within {parity.difference:.1e} of torch's (of the largest, {parity.scale:.1f}; "
                f"{parity.n_windows:,} windows of {done.data})"
                + ("" if loss is None else ", before they are quantized")
            ),
        ),
    ]
    if loss is not None:
        rows.append(("scored", Text(f"{done.n_examples:,} examples, {loss.metric}: torch → int8")))
        rows += [
            (name, Text(f"{before:.2f} → {after:.2f} ({after - before:+.2f})"))
            for name, (before, after) in loss.figures.items()
        ]
        if done.n_spared:
            rows.append(("spared", Text(f"{done.n_spared} layers kept 32 bits, which cost less")))
        threshold = loss.exported.fit.calibration.threshold
        if loss.exported.undecided is not None:
            rows.append(("threshold", Text(f"{threshold:.3f}, that of {done.form.name}")))
    console.print_rows(rows)


def _say_next(done: Export, model: str, task: str, *, is_elsewhere: bool) -> str:
    """How the export is used."""
    from spanfit.cli.training import USE

    source = str(done.folder) if is_elsewhere else model
    return f"spanfit {USE[task].format(shlex.quote(source))} --backend {done.form.name}"
