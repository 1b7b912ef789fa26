"""What stops a training, as one message each: a broken loss, too little memory, a lost process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch

from spanfit.errors import LostProcessError, OutOfMemoryError, RunError

MEMORY_ERRORS = ("can't allocate memory", "not enough memory", "out of memory", "std::bad_alloc")
"""In what torch says where it has no class for it: on a CPU, on MPS."""


MOST_IDS = 64
"""That a message names."""


def broken_figure(what: str, value: float, *, step: int, ids: Sequence[str], run: Path) -> RunError:
    """The error for a loss or a gradient that is not finite at a step on these examples.

    `ids` has one for each window.
    """
    distinct = list(dict.fromkeys(ids))
    more = f" and {len(distinct) - MOST_IDS:,} more" if len(distinct) > MOST_IDS else ""
    return RunError(
        f"the {what} became {value} at step {step:,}",
        where=str(run),
        expected=f"a finite {what}",
        found=f"this on the windows of {', '.join(distinct[:MOST_IDS])}{more}",
        fix="a new run with a lower optimizer.learning_rate, or run.precision=fp32; the weights "
        "before it are in checkpoints/",
    )


def lost_process(error: LostProcessError, *, run: Path, command: str) -> LostProcessError:
    """The error for a run that another process has left; `command` takes it up again."""
    return LostProcessError(error.problem, where=str(run), found=error.found, fix=command)


@contextmanager
def explained_memory(run: Path, *, key: str, tokens: int, command: str) -> Iterator[None]:
    """Turn an allocation that fails inside into one message.

    `key` is the recipe's for how much is computed at once, `tokens` what that is now; `command`
    takes the run up again.

    Raises:
        OutOfMemoryError: memory ran out.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not _is_of_memory(error):
            raise
        raise OutOfMemoryError(
            "out of memory",
            where=str(run),
            expected="memory for one batch beside the weights",
            found=f"{tokens:,} padded tokens at once ({key})",
            fix=f"{command} --set {key}={max(tokens // 2, 8)}",
        ) from error


def _is_of_memory(error: Exception) -> bool:
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return any(words in str(error) for words in MEMORY_ERRORS)
