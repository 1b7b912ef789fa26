"""What was right, predicted and gold, by example and label; precision, recall and F1 from that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from spanfit.errors import DataError
from spanfit.metrics.bootstrap import RESAMPLES, SEED, Floats, resample_sums

Counts = NDArray[np.int64]
Average = Literal["micro", "macro", "weighted"]


@dataclass(frozen=True, slots=True)
class Rates:
    """Precision, recall and F1, 0 to 100 (conlleval's scale; seqeval's is a hundredth of it).

    What has a zero below the line is 0. `n_gold` is how many there were to find.
    """

    precision: float
    recall: float
    f1: float
    n_gold: int

    def to_json(self) -> dict[str, Any]:
        """The figures, for a JSON file."""
        return {
            "precision": self.precision,
            "recall": self.recall,
            "f1": self.f1,
            "n_gold": self.n_gold,
        }


@dataclass(frozen=True, eq=False)
class LabelCounts:
    """Counts of each example: int64 (n_examples, n_labels, 3), made read-only.

    The last axis has how many were right, predicted, gold. `labels` are sorted; each of them was
    gold or predicted somewhere.
    """

    labels: tuple[str, ...]
    values: Counts

    def __post_init__(self) -> None:
        if self.values.ndim != 3 or self.values.shape[1:] != (len(self.labels), 3):
            raise ValueError(f"{len(self.labels)} labels need counts (n, {len(self.labels)}, 3)")
        self.values.setflags(write=False)

    @cached_property
    def by_example(self) -> Counts:
        """(n_examples, 3), over all labels: what the micro average is resampled from."""
        counts: Counts = self.values.sum(axis=1)
        return counts

    @cached_property
    def totals(self) -> Counts:
        """(n_labels, 3), over all examples."""
        counts: Counts = self.values.sum(axis=0)
        return counts

    @cached_property
    def by_label(self) -> dict[str, Rates]:
        """The figures of each label."""
        n_gold = self.totals[:, 2].tolist()
        rows = zip(self.labels, to_rates(self.totals), n_gold, strict=True)
        return {label: make_rates(rates, n) for label, rates, n in rows}

    @property
    def n_right(self) -> int:
        """How many were right."""
        return int(self.by_example[:, 0].sum())

    @property
    def n_predicted(self) -> int:
        """How many were predicted."""
        return int(self.by_example[:, 1].sum())

    @property
    def n_gold(self) -> int:
        """How many there were to find."""
        return int(self.by_example[:, 2].sum())

    def average(self, average: Average = "micro") -> Rates:
        """The figures of all labels together.

        micro: of the summed counts. macro: the mean of the labels' figures, its F1 too (as seqeval
        and sklearn have it). weighted: that mean weighted by how much gold each label has.
        """
        return make_rates(average_rates(self.totals, average), self.n_gold)

    @property
    def micro(self) -> Rates:
        """The figures of the summed counts."""
        return self.average("micro")

    def sample(
        self, average: Average = "micro", *, resamples: int = RESAMPLES, seed: int = SEED
    ) -> Floats:
        """Precision, recall and F1 of resampled examples: (resamples, 3), see `bootstrap`.

        The labels are those of all examples also in a sample that has none of them.

        Raises:
            ValueError: there is no example.
        """
        if average == "micro":
            rows = self.by_example.astype(np.float64)
            return to_rates(resample_sums(rows, resamples=resamples, seed=seed))
        rows = self.values.reshape(len(self.values), -1).astype(np.float64)
        sums = resample_sums(rows, resamples=resamples, seed=seed)
        return average_rates(sums.reshape(-1, len(self.labels), 3), average)

    def figures(self) -> dict[str, float]:
        """Micro, macro and weighted figures by name, and the counts of the micro ones."""
        micro = self.micro
        figures = {"precision": micro.precision, "recall": micro.recall, "f1": micro.f1}
        for name in ("macro", "weighted"):
            rates = self.average(name)
            figures |= {
                f"{name}_precision": rates.precision,
                f"{name}_recall": rates.recall,
                f"{name}_f1": rates.f1,
            }
        return figures | {
            "right": self.n_right,
            "predicted": self.n_predicted,
            "total": self.n_gold,
        }


def count_pairs(
    *sides: tuple[Counts, NDArray[np.integer[Any]]], n_examples: int, labels: tuple[str, ...]
) -> LabelCounts:
    """Counts from (example, label) of what was right, predicted, gold; labels in none are left."""
    values = np.stack(
        [
            np.bincount(example * len(labels) + label, minlength=n_examples * len(labels))
            for example, label in sides
        ],
        axis=-1,
    ).reshape(n_examples, len(labels), 3)
    seen = np.flatnonzero(values.any(axis=(0, 2)))
    kept = tuple(labels[code] for code in seen.tolist())
    return LabelCounts(kept, values[:, seen])


def require_as_many(gold: Sequence[object], predicted: Sequence[object]) -> None:
    """Refuse predictions that cannot belong to these examples.

    Raises:
        DataError: there are more or fewer of them.
    """
    if len(gold) != len(predicted):
        raise DataError(
            "there are not as many predictions as examples",
            expected=f"{len(gold):,}, and None where there is none",
            found=f"{len(predicted):,}",
        )


def to_rates(counts: Counts | Floats) -> Floats:
    """Precision, recall, F1 (…, 3), 0 to 100, from counts (…, 3): right, predicted, gold."""
    right, predicted, gold = np.moveaxis(np.asarray(counts, dtype=np.float64), -1, 0)
    precision, recall = _divide(100 * right, predicted), _divide(100 * right, gold)
    f1 = _divide(2 * precision * recall, precision + recall)
    return np.stack([precision, recall, f1], axis=-1)


def average_rates(counts: Counts | Floats, average: Average) -> Floats:
    """Rates (…, 3), as `LabelCounts.average`, from counts (…, n_labels, 3)."""
    if average == "micro":
        return to_rates(counts.sum(axis=-2))
    gold = np.asarray(counts[..., 2], dtype=np.float64)
    weights = gold if average == "weighted" else np.ones_like(gold)
    sums = (to_rates(counts) * weights[..., None]).sum(axis=-2)
    return _divide(sums, np.broadcast_to(weights.sum(axis=-1)[..., None], sums.shape))


def _divide(above: Floats, below: Floats) -> Floats:
    return np.divide(above, below, where=below > 0, out=np.zeros_like(above))


def make_rates(rates: Sequence[float] | Floats, n_gold: int) -> Rates:
    """Precision, recall and F1 (3,), 0 to 100, with the size of the gold."""
    precision, recall, f1 = (float(rate) for rate in rates)
    return Rates(precision, recall, f1, n_gold)
