"""`spanfit tag`: the entities or tags of raw text."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

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
from spanfit.errors import RecipeError

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
        bool,
        typer.Option(
            "--lines",
            help="Each line is a text of its own, its number the id; blank ones are none.",
        ),
    ] = False,
    backend: BackendOption = "auto",
    device: DeviceOption = "auto",
    max_tokens: MaxTokensOption = None,
    threads: ThreadsOption = None,
    trust_remote_code: TrustOption = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, for a program; a list for several texts.")
    ] = False,
) -> None:
    """Tag texts."""
    from spanfit.cli.entities import print_entities
    from spanfit.data.contexts import read_stdin
    from spanfit.progress import Progress

    for one in text:
        if _is_file(one):
            command = f"spanfit tag {shlex.quote(model)} - < {shlex.quote(one)}"
            console.note(f"{one} is tagged as a text; what that file holds: {command}")
    given = [
        read_stdin("- (standard input)", command="spanfit tag …") if one == STDIN else one
        for one in text
    ]
    texts = _split_lines(given) if lines else {str(n): one for n, one in enumerate(given, 1)}
    if not any(one.strip() for one in texts.values()):
        raise RecipeError(
            "there is no text to tag", fix='spanfit tag MODEL "Ada leads the office."'
        )
    loaded = load_model(
        model,
        backend,
        device=device,
        max_tokens=max_tokens,
        threads=threads,
        trust_remote_code=trust_remote_code,
    )
    predictions = loaded.tag([*texts.values()], progress=Progress())
    if as_json:
        content = [
            prediction.to_json() | {"id": id_}
            for id_, prediction in zip(texts, predictions, strict=True)
        ]
        console.print_json(content if lines or len(given) > 1 else content[0])
        return
    for prediction in predictions:
        print_entities(prediction)


def _split_lines(texts: list[str]) -> dict[str, str]:
    """The lines that are not blank by their numbers, which go on over several texts.

    A line ends as files' lines end, and not at the other characters of str.splitlines.
    """
    lines = [line for one in texts for line in one.removesuffix("\n").split("\n")]
    whole = {str(number): line.removesuffix("\r") for number, line in enumerate(lines, 1)}
    return {number: line for number, line in whole.items() if line.strip()}


def _is_file(text: str) -> bool:
    try:
        return text != STDIN and Path(text).is_file()
    except (OSError, ValueError):  # too long for a name, or not one
        return False
