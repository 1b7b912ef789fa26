"""Every error that SpanFit raises on purpose.

SpanFitError          base: one message that says where, what was expected, what was found,
│                     and the next thing to type
├── DataError         a file or an example is not what it should be          exit 1
│   └── RecordError   an example that has an id                              exit 1
├── ModelError        a model folder, tokenizer or checkpoint does not fit   exit 1
├── MissingExtraError an optional dependency is not installed                exit 1
├── RunError          a training could not go on                             exit 1
│   ├── OutOfMemoryError     there is not enough memory                      exit 1
│   ├── LostProcessError     another process of it has ended                 exit 1
│   └── ToldElsewhereError   another process of it says why                  as there
├── HubError          the hub cannot be reached, or refuses                  exit 1
└── RecipeError       a recipe or an option is wrong                         exit 2
    └── ArgumentError an argument of a pipeline is wrong; a ValueError too   exit 2
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable, Sequence
from types import ModuleType

_LONGEST = 2_000  # characters of a part of a message: a file may have ids and keys of any length


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
        head = f"{self.where}: {self.problem}" if self.where else self.problem
        parts = {"expected": self.expected, "found": self.found, "try": self.fix}
        lines = [f"  {name + ':':<10}{shorten(text)}" for name, text in parts.items() if text]
        return "\n".join([shorten(head), *lines])


class DataError(SpanFitError):
    """A file or an example is not what it should be."""


class RecordError(DataError):
    """The same of a line or row whose example has an id, `id`."""

    def __init__(self, error: DataError, id: str) -> None:
        self.id = id
        super().__init__(
            error.problem,
            where=error.where,
            expected=error.expected,
            found=error.found,
            fix=error.fix,
        )


class ModelError(SpanFitError):
    """A model folder, a tokenizer or a checkpoint does not fit."""


class RunError(SpanFitError):
    """A training could not start or go on."""


class OutOfMemoryError(RunError):
    """A training needs more memory than there is."""


class LostProcessError(RunError):
    """Another process of the same training has ended, or says nothing any more."""


class ToldElsewhereError(RunError):
    """Another process of the same training has failed or was interrupted, and says so itself."""

    def __init__(self, problem: str, *, exit_code: int) -> None:
        super().__init__(problem)
        self.exit_code = exit_code


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


def shorten(text: str) -> str:
    """The text, without its middle where it is longer than anybody reads in a message."""
    half = _LONGEST // 2
    return text if len(text) <= _LONGEST else f"{text[:half]} … {text[-half:]}"


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
