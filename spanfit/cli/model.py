"""`spanfit evaluate`, `spanfit predict`, `spanfit ask`: what a model says."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from spanfit.cli import console
from spanfit.errors import DataError, RecipeError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spanfit.evaluation import Evaluation
    from spanfit.model import Model
    from spanfit.types import QuestionExample, QuestionPrediction

EVALUATE_HELP = """Score a model on examples with gold, and show where it is wrong.

Example: spanfit evaluate runs/qa-001 dev-v2.0.json --show errors --limit 5
"""

PREDICT_HELP = """Write the predictions for a file of questions, one JSON line each.

Example: spanfit predict runs/qa-001 questions.jsonl --out predictions.jsonl
"""

ASK_HELP = """Ask a model one question about one text.

Example: spanfit ask runs/qa-001 --question "Who leads?" --context report.txt
"""

ModelArgument = Annotated[
    str, typer.Argument(metavar="MODEL", help="A run folder, a model folder, or a hub id.")
]
BackendOption = Annotated[
    Literal["auto", "torch"], typer.Option(help="What computes: torch, or what suits the model.")
]


def add_to(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command("evaluate", help=EVALUATE_HELP)(evaluate)
    app.command("predict", help=PREDICT_HELP)(predict)
    app.command("ask", help=ASK_HELP)(ask)


def evaluate(
    model: ModelArgument,
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Examples with gold.")],
    metric: Annotated[
        str | None, typer.Option(metavar="NAME", help="squad_v1 or squad_v2; else what suits.")
    ] = None,
    show: Annotated[
        Literal["errors", "all", "none"], typer.Option(help="Which predictions to print.")
    ] = "none",
    limit: Annotated[
        int, typer.Option(min=1, metavar="N", help="How many of them, worst first.")
    ] = 10,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write predictions.jsonl and scores.json there."),
    ] = None,
    backend: BackendOption = "auto",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the scores as JSON, for a program.")
    ] = False,
) -> None:
    """Score a model."""
    from spanfit.cli.score import print_scores
    from spanfit.data import read
    from spanfit.progress import Progress

    if out is not None:
        _check_free(out / "predictions.jsonl", out / "scores.json")
    examples = read(data)
    evaluation = _load(model, backend).examine(examples, metric=metric, progress=Progress())
    if not as_json:
        _print_predictions(evaluation, show=show, limit=limit)
    print_scores(evaluation.scores, as_json=as_json)
    if out is not None:
        _write_evaluation(evaluation, out)
    elif show == "none" and not as_json:
        files = f"{shlex.quote(model)} {shlex.quote(str(data))}"
        console.next_step(f"spanfit evaluate {files} --show errors")


def predict(
    model: ModelArgument,
    data: Annotated[Path, typer.Argument(metavar="INPUT", help="Questions, with or without gold.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The predictions; .gz to compress.")],
    backend: BackendOption = "auto",
) -> None:
    """Write predictions."""
    from spanfit.data import stream
    from spanfit.data.predictions import write_predictions
    from spanfit.progress import Progress

    _check_free(out)
    examples = stream(data)
    loaded = _load(model, backend)
    with Progress().bar("predicting", total=None, unit="questions") as bar:

        def counted() -> Iterator[QuestionPrediction]:
            for prediction in loaded.predict(examples):
                yield prediction
                bar.advance()

        aside = out.with_name(f"{out.stem}.part{out.suffix}")
        try:
            n = write_predictions(aside, counted())
        except BaseException:
            _keep_part(aside)
            raise
        aside.replace(out)
    console.plain(f"{n:,} predictions: {out}")
    console.next_step(f"spanfit score GOLD {shlex.quote(str(out))}")


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
    prediction = _load(model, backend).ask(question, text)
    if as_json:
        content = prediction.to_json()
        console.print_json(content | {"n_best": content["n_best"][:top_k]})
    else:
        print_answer(prediction, question=question, context=text, top_k=top_k)


def _check_free(*files: Path) -> None:
    """Refuse to overwrite, before hours of work; and make the folder for what will be written."""
    for file in files:
        if file.exists():
            raise DataError(
                "there is such a file already", where=str(file), fix="another --out, or remove it"
            )
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(f"not a folder to write to: {error}", where=str(file.parent)) from None


def _keep_part(part: Path) -> None:
    """What was predicted before a failure stays, and is named; an empty file goes."""
    if part.is_file() and part.stat().st_size:
        console.note(f"what was predicted until then: {part}")
    else:
        part.unlink(missing_ok=True)


def _load(source: str, backend: str) -> Model:
    from spanfit.model import load

    loaded = load(source, backend=backend)
    for note in loaded.notes:
        console.warning(note)
    return loaded


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


def _print_predictions(evaluation: Evaluation, *, show: str, limit: int) -> None:
    """The predictions asked for, worst first, each beside its gold."""
    from spanfit.cli.answers import print_answer
    from spanfit.cli.marks import visible

    if show == "none":
        return
    chosen = evaluation.ranked(only_wrong=show == "errors")
    for example, prediction in chosen[:limit]:
        print_answer(prediction, question=example.question, context=example.context)
        console.plain(visible(f"gold: {_golds(example)}   id: {example.id}"))
    if len(chosen) > limit:
        console.note(f"… and {len(chosen) - limit:,} more: --limit")


def _golds(example: QuestionExample) -> str:
    texts = dict.fromkeys(answer.text for answer in example.answers or ())
    return " | ".join(texts) if texts else "no answer"


def _write_evaluation(evaluation: Evaluation, folder: Path) -> None:
    import json

    from spanfit.data.predictions import write_predictions

    write_predictions(folder / "predictions.jsonl", evaluation.predictions)
    content = json.dumps(evaluation.scores.to_json(), ensure_ascii=False, indent=2)
    (folder / "scores.json").write_text(content + "\n", encoding="utf-8")
    console.note(f"written: {folder}/predictions.jsonl, {folder}/scores.json")
