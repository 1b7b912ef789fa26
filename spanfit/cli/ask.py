"""`spanfit ask`: what a model says of texts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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

if TYPE_CHECKING:
    from spanfit.data.contexts import Contexts
    from spanfit.types import QuestionPrediction

HELP = """Ask a model questions about a text, several, or a folder of them.

Example: spanfit ask runs/qa-001 --question "Who leads?" --context reports --top-k 5
"""

STDIN = "-"


def add_to(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("ask", help=HELP)(ask)


def ask(
    model: ModelArgument,
    question: Annotated[
        list[str], typer.Option(metavar="TEXT", help="The question; again for another one.")
    ],
    context: Annotated[
        list[str],
        typer.Option(
            metavar="FILE",
            help="The text to look in; a folder for its .txt and .md files; - for standard input. "
            "Again for more.",
        ),
    ],
    top_k: Annotated[
        int, typer.Option(min=1, metavar="N", help="How many candidates to print.")
    ] = 1,
    backend: BackendOption = "auto",
    device: DeviceOption = "auto",
    max_tokens: MaxTokensOption = None,
    threads: ThreadsOption = None,
    trust_remote_code: TrustOption = False,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print JSON, for a program; a list for several questions."),
    ] = False,
) -> None:
    """Ask questions."""
    from spanfit.cli.answers import print_answers
    from spanfit.progress import Progress

    if not all(text.strip() for text in question):
        raise RecipeError("the question is empty", fix='--question "Who leads?"')
    contexts = _find_contexts(context)
    loaded = load_model(
        model,
        backend,
        device=device,
        max_tokens=max_tokens,
        threads=threads,
        trust_remote_code=trust_remote_code,
    )
    predictions = loaded.ask(question, contexts, progress=Progress())
    if top_k > loaded.settings.decode.n_best:
        console.note(f"this model keeps {loaded.settings.decode.n_best} candidates (decode.n_best)")
    pairs = list(zip(question, predictions, strict=True))
    if as_json:
        answers = [_to_json(text, prediction, top_k=top_k) for text, prediction in pairs]
        console.print_json(answers[0] if len(answers) == 1 else answers)
        return
    for text, prediction in pairs:
        print_answers(prediction, question=text, contexts=contexts, top_k=top_k)


def _to_json(question: str, prediction: QuestionPrediction, *, top_k: int) -> dict[str, Any]:
    content = prediction.to_json()
    return {"question": question} | content | {"n_best": content["n_best"][:top_k]}


def _find_contexts(names: list[str]) -> Contexts:
    """The texts by name; every one is read once, so that a bad file is found before the work.

    Raises:
        DataError: a name is no file or folder, a folder has no text, a text is not UTF-8.
    """
    from spanfit.data.contexts import Contexts, describe_left_out, find_contexts, read_stdin

    places: dict[str, str | Path] = {}
    left_out: list[Path] = []
    for name in names:
        if name == STDIN:
            text = read_stdin("--context - (standard input)", command="spanfit ask …")
            places.setdefault(STDIN, text)
        else:
            found = find_contexts([name])
            places |= found.places
            left_out += found.left_out
    contexts = Contexts(places, left_out=left_out)
    n_characters = sum(map(len, contexts.values()))
    if len(contexts) > 1 or left_out:
        more = f"; left out: {describe_left_out(left_out)}" if left_out else ""
        console.note(f"{len(contexts):,} texts, {n_characters:,} characters{more}")
    return contexts
