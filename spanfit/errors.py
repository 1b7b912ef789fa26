"""Every error that SpanFit raises on purpose.

SpanFitError          base: one message that says where, what was expected, what was found,
│                     and the next thing to type
├── DataError         a file or an example is not what it should be          exit 1
├── ModelError        a model folder, tokenizer or checkpoint does not fit   exit 1
├── MissingExtraError an optional dependency is not installed                exit 1
├── RunError          a training could not go on                             exit 1
├── HubError          the hub cannot be reached, or refuses                  exit 1
└── RecipeError       a recipe or an option is wrong                         exit 2
    └── ArgumentError an argument of a pipeline is wrong; a ValueError too   exit 2
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable, Sequence
from types import ModuleType


class SpanFitError(Exception):
    """One message: the problem, where it is, what was expected and found, and what to type next.

    `problem` is a sentence without a full stop at its end; the other parts are optional.
    """

    exit_code = 1

    def __init__(
        self,
        problem: str,
        *,
        where: str = "",
        expected: str = "",
        found: str = "",
        fix: str = "",
    ) -> None:
        self.problem, self.where = problem, where
        self.expected, self.found, self.fix = expected, found, fix
        super().__init__(self._message())

    def _message(self) -> str:
        lines = [f"{self.where}: {self.problem}" if self.where else self.problem]
        parts = {"expected": self.expected, "found": self.found, "try": self.fix}
        lines += [f"  {name + ':':<10}{text}" for name, text in parts.items() if text]
        return "\n".join(lines)


class DataError(SpanFitError):
    """A file or an example is not what it should be."""


class ModelError(SpanFitError):
    """A model folder, a tokenizer or a checkpoint does not fit."""


class RunError(SpanFitError):
    """A training could not start or go on."""


class HubError(SpanFitError):
    """The hub cannot be reached, or refuses."""


class RecipeError(SpanFitError):
    """A recipe, an option or an argument is wrong."""

    exit_code = 2


class ArgumentError(RecipeError, ValueError):
    """An argument of a pipeline is wrong.

    A ValueError as well, since that is what the pipelines of transformers raise.
    """


class MissingExtraError(SpanFitError):
    """An optional dependency is not installed."""


def require(module: str, *, extra: str) -> ModuleType:
    """Import `module`, or say which extra of SpanFit brings it.

    Raises:
        MissingExtraError: the module is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != module.split(".")[0]:
            raise
        raise MissingExtraError(
            f"this needs {module.split('.')[0]}, which is not installed",
            fix=f"pip install 'spanfit[{extra}]'",
        ) from None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`"did you mean 'x'?"` for the closest known word, else the list of all of them."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else f"one of: {', '.join(names)}"


def represent(value: object) -> str:
    """`repr(value)`, or what kind of thing it is where Python refuses that.

    It does so for integers of more than 4,300 digits, and for lists deep within each other.
    """
    try:
        return repr(value)
    except (ValueError, RecursionError):
        return f"a value of the type {type(value).__name__} that is too large to show"


def list_some(names: Sequence[str], *, limit: int = 3) -> str:
    """The first names, and a mark where there are more: "q1, q2, q3 …"."""
    return ", ".join(names[:limit]) + (" …" if len(names) > limit else "")
