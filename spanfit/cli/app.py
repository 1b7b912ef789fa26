"""The root command, and how errors leave it: one message, a meaningful exit code."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from spanfit.cli import (
    ask,
    check,
    console,
    convert,
    evaluate,
    export,
    init,
    predict,
    push,
    quickstart,
    score,
    show,
    tag,
    training,
    windows,
)
from spanfit.errors import SpanFitError, ToldElsewhereError
from spanfit.version import VERSION

app = typer.Typer(
    name="spanfit",
    help="Fine-tune encoders that point at text, and trust every number and every offset.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode="rich",
)
quickstart.add_to(app)
init.add_to(app)
training.add_to(app)
show.add_to(app)
windows.add_to(app)
convert.add_to(app)
check.add_to(app)
evaluate.add_to(app)
predict.add_to(app)
ask.add_to(app)
tag.add_to(app)
score.add_to(app)
export.add_to(app)
push.add_to(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        console.plain(f"spanfit {VERSION}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error too.")
    ] = False,
) -> None:
    """Fine-tune encoders that point at text, and trust every number and every offset."""
    del version
    console.set_debug(debug)


def main() -> None:
    """Run the command line; exit 0 done, 1 data or work failed, 2 usage, 130 interrupted."""
    try:
        app()
    except ToldElsewhereError as error:
        sys.exit(error.exit_code)
    except SpanFitError as error:
        if console.is_debug():
            raise
        console.error(str(error))
        sys.exit(error.exit_code)
    except Exception as error:
        if console.is_debug():
            raise
        console.error(f"{type(error).__name__}: {error}\n  try:      spanfit --debug …")
        sys.exit(1)
    except KeyboardInterrupt:
        console.error("interrupted")
        sys.exit(130)
