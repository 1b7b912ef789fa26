"""`spanfit tag`: the entities or tags of raw text."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from spanfit.cli import console
from spanfit.cli.model import (
    BackendOption,
    DeviceOption,
    MaxTokensOption,
    ModelArgument,
    TrustOption,
    load_model,
)
from spanfit.errors import DataError, RecipeError

HELP = """Mark the entities of a text, or name the tag of each word.

Offsets count characters of the text, from 0; the end is behind the last one.

Example: spanfit tag runs/tagging-001 "Sylvain works in Brooklyn."

Example: spanfit tag runs/tagging-001 - --lines --json < reports.txt
"""

STDIN = "-"


def add_to(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("tag", help=HELP)(tag)


def tag(
    model: ModelArgument,
    text: Annotated[
        list[str],
        typer.Argument(metavar="TEXT", help="The text; several; or - for standard input."),
    ],
    lines: Annotated[
        bool, typer.Option("--lines", help="Each line is a text of its own; empty ones are not.")
    ] = False,
    backend: BackendOption = "auto",
    device: DeviceOption = "auto",
    max_tokens: MaxTokensOption = None,
    trust_remote_code: TrustOption = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, for a program; a list for several texts.")
    ] = False,
) -> None:
    """Tag texts."""
    from spanfit.cli.entities import print_entities
    from spanfit.progress import Progress

    texts = [_read_stdin() if one == STDIN else one for one in text]
    is_single = len(texts) == 1 and not lines
    if lines:
        texts = [line for one in texts for line in one.splitlines() if line.strip()]
    if not any(one.strip() for one in texts):
        raise RecipeError(
            "there is no text to tag", fix='spanfit tag MODEL "Ada leads the office."'
        )
    loaded = load_model(
        model,
        backend,
        device=device,
        max_tokens=max_tokens,
        trust_remote_code=trust_remote_code,
    )
    predictions = loaded.tag(texts, progress=Progress())
    if as_json:
        content = [prediction.to_json() for prediction in predictions]
        console.print_json(content[0] if is_single else content)
        return
    for prediction in predictions:
        print_entities(prediction)


def _read_stdin() -> str:
    try:  # bytes, so that line ends stay what they are: offsets count them
        return sys.stdin.buffer.read().decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"not UTF-8: {error}", where="- (standard input)") from None
