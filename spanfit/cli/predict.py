"""`spanfit predict`: what a model says of a whole file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from spanfit.cli import console
from spanfit.cli.model import (
    BackendOption,
    DeviceOption,
    MaxTokensOption,
    ModelArgument,
    ThreadsOption,
    TrustOption,
    load_model,
)
from spanfit.cli.reading import (
    ColumnsOption,
    list_model_columns,
    parse_model_columns,
    quote_data,
)
from spanfit.errors import DataError

HELP = """Write the predictions for a file of questions or texts, one JSON line each.

JSON Lines of any length are read one by one. Until the end the predictions
are in FILE.part; after an interruption of any kind the same command goes on.
Ids that come twice are not looked for here (spanfit score does that). Columns
of words without tags need --columns tags=.

Example: spanfit predict runs/qa-001 questions.jsonl --out predictions.jsonl
"""


def add_to(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("predict", help=HELP)(predict)


def predict(
    model: ModelArgument,
    data: Annotated[
        str,
        typer.Argument(metavar="INPUT", help="Questions, or texts to tag, with or without gold."),
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The predictions; .gz to compress.")],
    bad_lines: Annotated[
        Literal["fail", "skip"],
        typer.Option(
            help="Lines or rows that cannot be read: stop, or leave them out and list them in "
            "FILE.skipped.jsonl. (A mistake in SQuAD's JSON, which is one value, always stops, and "
            "so does a row of CSV whose quotes do not show where it ends.)"
        ),
    ] = "fail",
    columns: ColumnsOption = None,
    backend: BackendOption = "auto",
    device: DeviceOption = "auto",
    max_tokens: MaxTokensOption = None,
    threads: ThreadsOption = None,
    trust_remote_code: TrustOption = False,
) -> None:
    """Write predictions."""
    from spanfit.progress import Progress

    if out.exists() and not out.with_name(out.name + ".part.json").exists():
        raise DataError(  # before the model is loaded
            "there is such a file already", where=str(out), fix="another --out, or remove it"
        )
    loaded = load_model(
        model,
        backend,
        device=device,
        max_tokens=max_tokens,
        threads=threads,
        trust_remote_code=trust_remote_code,
    )
    reading = parse_model_columns(columns, loaded.settings)
    done = loaded.predict_file(data, out, bad_lines=bad_lines, reading=reading, progress=Progress())
    if done.skipped:
        console.warning(
            f"lines that cannot be read, left out: {done.skipped:,}; see {done.skipped_file}"
        )
    if done.skipped or done.blank:
        blank = f"; blank lines passed over: {done.blank:,}" if done.blank else ""
        console.note(
            f"read: {done.read:,} = {done.n:,} predicted + {done.skipped:,} left out{blank}"
        )
    console.plain(f"{done.n:,} predictions: {out}")
    # Names of columns are for files of columns; gold in JSON will hardly know them.
    needed = [] if _is_json(data) else list_model_columns(columns, loaded.settings)
    console.next_step(f"spanfit score GOLD {quote_data(out, needed)}")


def _is_json(data: str) -> bool:
    """Whether a file on this machine begins as JSON does."""
    from spanfit.data.files import open_data

    if not Path(data).is_file():  # of the hub
        return False
    with open_data(Path(data)) as file:
        return file.peek(1)[:1] in (b"{", b"[")
