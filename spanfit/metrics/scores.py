"""A score is not a float: the figures, what they came from, and each question's part in them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spanfit.errors import DataError
from spanfit.types import SelectedOn


@dataclass(frozen=True, slots=True)
class Signature:
    """What two scores must share before they may be compared.

    `normalisation` and `language` say how texts were compared, `selected_on` which data chose the
    model or its threshold ("none": nothing known of it), `data_digest` the content of the gold,
    and `n` its questions.
    """

    metric: str
    normalisation: str
    language: str
    selected_on: SelectedOn
    data_digest: str
    n: int

    def __str__(self) -> str:
        return (
            f"{self.metric} · normalisation {self.normalisation}/{self.language}"
            f" · selected on {self.selected_on} · data {self.data_digest[:12]} · n {self.n:,}"
        )

    def differences(self, other: Signature) -> tuple[str, ...]:
        """The names of the fields that are not equal."""
        mine, theirs = asdict(self), asdict(other)
        return tuple(name for name in mine if mine[name] != theirs[name])


def require_same_signature(a: Signature, b: Signature) -> None:
    """Refuse to compare what is not comparable.

    Raises:
        DataError: the signatures differ; it names the fields.
    """
    if names := a.differences(b):
        raise DataError(
            f"these scores are not comparable: they differ in {', '.join(names)}",
            expected=", ".join(f"{name} {getattr(a, name)}" for name in names),
            found=", ".join(f"{name} {getattr(b, name)}" for name in names),
            fix="score both on the same data by the same metric",
        )


@dataclass(frozen=True, eq=False)
class Scores:
    """The figures of one prediction file against its gold, with what they were added up from.

    `figures` has the names and the scale (0 to 100, counts, thresholds) of the official scripts.
    The arrays have length n, in the order of the gold, and are made read-only: `example_exact`
    and `example_f1` (float64, 0 to 1), `has_answer` (bool, what the gold says). `missing` are the
    questions without a prediction; they count as 0.
    """

    signature: Signature
    figures: dict[str, float]
    ids: tuple[str, ...]
    example_exact: NDArray[np.float64]
    example_f1: NDArray[np.float64]
    has_answer: NDArray[np.bool_]
    missing: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for array in (self.example_exact, self.example_f1, self.has_answer):
            if array.shape != (self.signature.n,) or len(self.ids) != self.signature.n:
                raise ValueError("ids and arrays need one entry for each of the n questions")
            array.setflags(write=False)

    @property
    def exact(self) -> float:
        """Exact match of all questions, 0 to 100."""
        return self.figures["exact_match" if "exact_match" in self.figures else "exact"]

    @property
    def f1(self) -> float:
        """F1 of all questions, 0 to 100."""
        return self.figures["f1"]

    def worst(self, n: int) -> tuple[str, ...]:
        """The n ids of lowest F1; of equal ones the less exact, then the earlier in the gold."""
        return tuple(self.ids[row] for row in np.lexsort((self.example_exact, self.example_f1))[:n])

    def to_json(self) -> dict[str, Any]:
        """Figures in full precision, signature and missing ids, for a JSON file."""
        return {
            "figures": dict(self.figures),
            "signature": asdict(self.signature),
            "missing": list(self.missing),
        }
