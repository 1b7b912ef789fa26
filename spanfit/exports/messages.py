"""What torch, OpenVINO and NNCF print while they convert, kept to themselves."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator

from spanfit.errors import ModelError, SpanFitError


@contextlib.contextmanager
def silenced() -> Iterator[None]:
    """Inside, nothing is printed, warned of or logged below an error."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    nowhere = io.StringIO()
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(nowhere),
            contextlib.redirect_stderr(nowhere),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


@contextlib.contextmanager
def converting(source: str, step: str) -> Iterator[None]:
    """The same, and what is raised inside becomes one message.

    Raises:
        ModelError: the libraries cannot convert this network.
    """
    try:
        with silenced():
            yield
    except SpanFitError:
        raise
    except Exception as error:  # of a compiler: any kind
        lines = str(error).strip().splitlines() or [repr(error)]
        raise ModelError(
            f"this network cannot be {step}",
            where=source,
            found=f"{type(error).__name__}: {lines[0]}",
            fix="spanfit --debug export …, for all of it; --backend torch runs the model as it is",
        ) from error
