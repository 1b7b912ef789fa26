"""The root command, and how errors leave it: one message, a meaningful exit code."""

from __future__ import annotations

import shlex
import sys
from io import TextIOWrapper
from typing import Annotated, Any

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
from spanfit.cli.marks import visible
from spanfit.errors import SpanFitError, ToldElsewhereError, shorten
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


_USAGE_ERROR: type[Any] = typer.BadParameter.__mro__[1]
"""What the parser raises of whatever it can't make sense of; typer gives it no name of its own."""


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
    _set_streams()
    try:
        sys.exit(app(standalone_mode=False) or 0)
    except ToldElsewhereError as error:
        sys.exit(error.exit_code)
    except Exception as error:
        if console.is_debug() and not isinstance(error, _USAGE_ERROR):
            raise
        message, code = _explain(error)
        if message:
            console.error(visible(message))  # nothing that a file says acts on the terminal
        sys.exit(code)
    except KeyboardInterrupt:
        console.error("interrupted")
        sys.exit(130)


def _set_streams() -> None:
    """Have characters that a stream cannot say escaped: the name of a file may be any bytes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _explain(error: Exception) -> tuple[str, int]:
    """What to say of an error, with what to type next, and the exit code; "" for nothing more."""
    if isinstance(error, SpanFitError):
        return str(error) if error.fix else _suggest(str(error), _help_command()), error.exit_code
    if isinstance(error, _USAGE_ERROR):
        message = error.format_message().replace("Value error, ", "")
        return _suggest(message, _help_command()) if message else "", error.exit_code
    if isinstance(error, OSError) and isinstance(error.filename, str) and error.strerror:
        name = shorten(error.filename)
        return _suggest(f"{name}: {error.strerror}", f"ls -ld {shlex.quote(name)}"), 1
    if isinstance(error, MemoryError):
        return _suggest("there is not enough memory", "less at once, or a larger machine"), 1
    return _suggest(f"{type(error).__name__}: {error}", "spanfit --debug …"), 1


def _suggest(message: str, fix: str) -> str:
    return f"{message}\n  try:      {fix}"


def _help_command() -> str:
    """What shows the usage of the command that was typed."""
    names = {command.name for command in app.registered_commands}
    name = next((word for word in sys.argv[1:] if word in names), "")
    return " ".join(filter(None, ("spanfit", name, "--help")))
