"""`spanfit ask`: what a model says of a text."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from spanfit.cli import console
from spanfit.cli.model import BackendOption, ModelArgument, load_model
from spanfit.errors import DataError, RecipeError

HELP = """Ask a model one question about one text.

Example: spanfit ask runs/qa-001 --question "Who leads?" --context report.txt
"""


def add_to(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("ask", help=HELP)(ask)


def ask(
    model: ModelArgument,
    question: Annotated[str, typer.Option(metavar="TEXT", help="The question.")],
    context: Annotated[
        str, typer.Option(metavar="FILE", help="The text to look in; - for standard input.")
    ],
    top_k: Annotated[
        int, typer.Option(min=1, metavar="N", help="How many candidates to print.")
    ] = 1,
    backend: BackendOption = "auto",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the prediction as JSON, for a program.")
    ] = False,
) -> None:
    """Ask one question."""
    from spanfit.cli.answers import print_answer

    text = _read_text(context)
    if not question.strip():
        raise RecipeError("the question is empty", fix='--question "Who leads?"')
    prediction = load_model(model, backend).ask(question, text)
    if as_json:
        content = prediction.to_json()
        console.print_json(content | {"n_best": content["n_best"][:top_k]})
    else:
        print_answer(prediction, question=question, context=text, top_k=top_k)


def _read_text(context: str) -> str:
    try:  # bytes, so that line ends stay what they are: offsets count them
        content = sys.stdin.buffer.read() if context == "-" else Path(context).read_bytes()
        return content.decode("utf-8")
    except FileNotFoundError:
        raise DataError(
            "no such file",
            where=f"--context {context}",
            expected="a text file, or - to read standard input",
            fix='echo "the text itself" | spanfit ask MODEL --question TEXT --context -',
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"not a readable text: {error}", where=f"--context {context}") from None
