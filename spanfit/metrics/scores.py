"""A score is not a float: the figures, what they came from, and each question's part in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Final

import numpy as np

from spanfit.errors import RecipeError, did_you_mean
from spanfit.metrics.bootstrap import Flags, Floats, Interval, resample_means, to_interval
from spanfit.metrics.confidence import Confidence
from spanfit.metrics.signatures import Signature
from spanfit.metrics.slices import SLICES, split_rows
from spanfit.types import QuestionExample

FEWEST: Final = 10
"""A slice of fewer questions has no intervals: they would say more than so few can tell."""


@dataclass(frozen=True, slots=True)
class Slice:
    """The figures (0 to 100) of the n questions of one kind, with their 95 % intervals.

    The intervals are those of `Scores`: other questions of this kind, and also more or fewer. None
    where there are fewer than FEWEST questions, or where all have the same value: whatever is drawn
    of them has it too, and an interval without width would claim a certainty that is not there.
    """

    n: int
    exact: float
    f1: float
    exact_interval: Interval | None
    f1_interval: Interval | None

    @property
    def figures(self) -> dict[str, float]:
        """Both by name."""
        return {"exact": self.exact, "f1": self.f1}

    @property
    def intervals(self) -> dict[str, Interval | None]:
        """Theirs."""
        return {"exact": self.exact_interval, "f1": self.f1_interval}

    def to_json(self) -> dict[str, Any]:
        """The figures and intervals, for a JSON file; null for an interval that is not there."""
        return {
            "n": self.n,
            "exact": self.exact,
            "f1": self.f1,
            "intervals": {
                "exact": self.exact_interval and self.exact_interval.to_json(),
                "f1": self.f1_interval and self.f1_interval.to_json(),
            },
        }


@dataclass(frozen=True, slots=True)
class Case:
    """One question of a score; its `exact` and `f1` are 0 to 1.

    `golds` are the distinct texts of the gold, none for a question without an answer. `predicted`
    is "" for "no answer" and None where there is no prediction.
    """

    id: str
    question: str
    golds: tuple[str, ...]
    predicted: str | None
    exact: float
    f1: float


@dataclass(frozen=True, eq=False)
class Scores:
    """The figures of one prediction file against its gold, with what they were added up from.

    `figures` has the names and the scale (0 to 100, counts, thresholds) of the official scripts.
    All else has length n, in the order of the gold: the `examples` that were scored, what was
    `predicted` for them ("" for "no answer", None: nothing, which counts as 0), and arrays, made
    read-only: `example_exact` and `example_f1` (float64, 0 to 1). `confidence` is there where
    every prediction came with the probability of what it says. `names` has the official names of
    "exact" and "f1", where they are others.
    """

    noun: ClassVar[str] = "questions"
    notes: ClassVar[tuple[str, ...]] = ()

    signature: Signature
    figures: dict[str, float]
    examples: tuple[QuestionExample, ...]
    predicted: tuple[str | None, ...]
    example_exact: Floats
    example_f1: Floats
    confidence: Confidence | None = None
    names: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for values in (self.examples, self.predicted, self.example_exact, self.example_f1):
            if len(values) != self.signature.n:
                raise ValueError("examples, predicted and arrays need one entry a question")
        for array in (self.example_exact, self.example_f1):
            array.setflags(write=False)

    @property
    def exact(self) -> float:
        """Exact match of all questions, 0 to 100."""
        return self.figures[self._name("exact")]

    @property
    def f1(self) -> float:
        """F1 of all questions, 0 to 100."""
        return self.figures[self._name("f1")]

    def value(self, name: str) -> float:
        """The figure that selection looks at: "f1" or "exact"."""
        return self.figures[self._name(name)]

    @property
    def headings(self) -> dict[str, str]:
        """Short names of the figures that matter most."""
        return {"EM": self._name("exact"), "F1": self._name("f1")}

    @property
    def headline(self) -> dict[str, float]:
        """The figures that matter most, by short names."""
        return {short: self.figures[name] for short, name in self.headings.items()}

    @property
    def kinds(self) -> tuple[str, ...]:
        """The names of the slices that these scores have, see `metrics.slices`."""
        return SLICES

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """The ids of the questions."""
        return tuple(example.id for example in self.examples)

    @cached_property
    def has_answer(self) -> Flags:
        """Whether the gold has an answer: bool (n,)."""
        return np.array([example.is_answerable for example in self.examples])

    @property
    def missing(self) -> tuple[str, ...]:
        """The ids of the questions without a prediction."""
        pairs = zip(self.ids, self.predicted, strict=True)
        return tuple(id_ for id_, predicted in pairs if predicted is None)

    def interval(self, figure: str = "f1", *, level: float = 0.95) -> Interval:
        """How far a figure (0 to 100) would move had other questions been asked.

        A percentile bootstrap interval (`metrics.bootstrap`) of a figure that is a mean over
        questions: exact (exact_match, EM), f1 (F1), and those of HasAns_ and NoAns_. best_* and
        pr_* have none: they choose a threshold, or walk through all of them, on the data reported,
        so they say what could be had there and not what this system scores.

        Raises:
            RecipeError: the figure is not there, or is no such mean.
            ValueError: the level is not between 0 and 1.
        """
        samples = self._samples.get(self._name(figure))
        if samples is None:
            raise RecipeError(
                f"there is no interval for {figure!r}", fix=did_you_mean(figure, self._samples)
            )
        return to_interval(samples, level=level)

    @cached_property
    def intervals(self) -> dict[str, Interval]:
        """The 95 % interval of every figure that has one."""
        return {figure: to_interval(samples) for figure, samples in self._samples.items()}

    def by(self, kind: str) -> dict[str, Slice]:
        """The figures of each kind of question, see `metrics.slices`; empty kinds are left out.

        Raises:
            RecipeError: there are no slices of that name.
        """
        return {label: self._slice(rows) for label, rows in split_rows(self.examples, kind).items()}

    def worst(self, n: int) -> tuple[str, ...]:
        """The n ids of lowest F1; of equal ones the less exact, then the earlier in the gold."""
        return tuple(self.ids[row] for row in np.lexsort((self.example_exact, self.example_f1))[:n])

    def case(self, id_: str) -> Case:
        """One question with its gold, its prediction and their score.

        Raises:
            KeyError: no question has this id.
        """
        row = self._rows[id_]
        example = self.examples[row]
        return Case(
            id=id_,
            question=example.question,
            golds=tuple(dict.fromkeys(answer.text for answer in example.answers or ())),
            predicted=self.predicted[row],
            exact=float(self.example_exact[row]),
            f1=float(self.example_f1[row]),
        )

    @cached_property
    def values(self) -> Floats:
        """(n, 2): exact match and F1 of each question, 0 to 1."""
        return np.column_stack([self.example_exact, self.example_f1])

    @cached_property
    def means(self) -> dict[tuple[str, str], Flags]:
        """The figures that are means of `values`, in pairs, and the questions (n,) they are of."""
        parts = {
            (self._name("exact"), self._name("f1")): np.ones(self.signature.n, dtype=np.bool_),
            ("HasAns_exact", "HasAns_f1"): self.has_answer,
            ("NoAns_exact", "NoAns_f1"): ~self.has_answer,
        }
        return {pair: mask for pair, mask in parts.items() if pair[0] in self.figures}

    def to_json(self) -> dict[str, Any]:
        """Figures in full precision, 95 % intervals, signature and missing ids, for a JSON file."""
        return {
            "figures": dict(self.figures),
            "intervals": {name: interval.to_json() for name, interval in self.intervals.items()},
            "signature": asdict(self.signature),
            "missing": list(self.missing),
            "confidence": self.confidence and self.confidence.to_json(),
        }

    @cached_property
    def _samples(self) -> dict[str, Floats]:
        """Each figure that is a mean, resampled: (resamples,), 0 to 100."""
        return {
            figure: 100 * column
            for pair, mask in self.means.items()
            for figure, column in zip(pair, resample_means(self.values, mask=mask).T, strict=True)
        }

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {id_: row for row, id_ in enumerate(self.ids)}

    def _name(self, figure: str) -> str:
        """What the official script calls it: exact is exact_match in squad_v1, EM in cmrc2018."""
        return self.names.get(figure, figure)

    def _slice(self, rows: list[int]) -> Slice:
        mask = np.zeros(self.signature.n, dtype=np.bool_)
        mask[rows] = True
        exact, f1 = 100 * self.values[mask].mean(axis=0)
        exact_interval, f1_interval = self._slice_intervals(mask)
        return Slice(
            n=len(rows),
            exact=float(exact),
            f1=float(f1),
            exact_interval=exact_interval,
            f1_interval=f1_interval,
        )

    def _slice_intervals(self, mask: Flags) -> list[Interval | None]:
        """Those of the two figures over the questions (n,) of a slice, see `Slice`."""
        varies = np.ptp(self.values[mask], axis=0) > 0
        if mask.sum() < FEWEST or not varies.any():
            return [None, None]
        samples = 100 * resample_means(self.values, mask=mask)
        return [
            to_interval(column) if is_varied else None
            for column, is_varied in zip(samples.T, varies, strict=True)
        ]
