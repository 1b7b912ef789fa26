"""What stops a training, as one message each: a broken loss, too little memory, a lost process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch

from spanfit.errors import LostProcessError, RunError, list_some
from spanfit.runs import resume_command

MEMORY_ERRORS = ("can't allocate memory", "not enough memory", "out of memory", "std::bad_alloc")
"""In what torch says where it has no class for it: on a CPU, on MPS."""


def broken_figure(what: str, value: float, *, step: int, ids: Sequence[str], run: Path) -> RunError:
    """The error for a loss or a gradient that is not finite at a step on these examples."""
    return RunError(
        f"the {what} became {value} at step {step:,}",
        where=str(run),
        expected=f"a finite {what}",
        found=f"this on the windows of {list_some(ids, limit=5)}",
        fix="a new run with a lower optimizer.learning_rate, or run.precision=fp32; the weights "
        "before it are in checkpoints/",
    )


def lost_process(error: LostProcessError, *, run: Path, command: str) -> LostProcessError:
    """The error for a run that another process has left; `command` takes it up again."""
    return LostProcessError(error.problem, where=str(run), found=error.found, fix=command)


@contextmanager
def explained_memory(run: Path, *, key: str, tokens: int) -> Iterator[None]:
    """Turn an allocation that fails inside into one message.

    `key` is the recipe's for how much is computed at once, `tokens` what that is now.

    Raises:
        RunError: memory ran out.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not _is_of_memory(error):
            raise
        raise RunError(
            "out of memory",
            where=str(run),
            expected="memory for one batch beside the weights",
            found=f"{tokens:,} padded tokens at once ({key})",
            fix=f"{resume_command(run)} --set {key}={max(tokens // 2, 8)}",
        ) from error


def _is_of_memory(error: Exception) -> bool:
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return any(words in str(error) for words in MEMORY_ERRORS)
