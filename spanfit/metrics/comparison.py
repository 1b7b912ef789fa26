"""Is one system better than another, or was it luck? A paired bootstrap of two scores."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from spanfit.metrics.bootstrap import (
    Flags,
    Floats,
    Interval,
    resample_means,
    to_interval,
    to_p_value,
)
from spanfit.metrics.scores import Scores, Signature, require_same_signature


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure (0 to 100) of two systems.

    `difference` is b - a, with its 95 % interval. `p_value` is two-sided: how readily a
    difference this clear comes from systems that are equally good (`bootstrap.to_p_value`).
    `wins`, `losses` and `ties` count the questions on which b is better, worse, equal.
    """

    a: float
    b: float
    difference: float
    interval: Interval
    p_value: float
    wins: int
    losses: int
    ties: int

    def to_json(self) -> dict[str, Any]:
        """All of it, for a JSON file."""
        return asdict(self) | {"interval": self.interval.to_json()}


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two systems on the same questions: each figure that is a mean over questions."""

    signature: Signature
    differences: dict[str, Difference]

    def to_json(self) -> dict[str, Any]:
        """The differences by figure, for a JSON file."""
        return {name: difference.to_json() for name, difference in self.differences.items()}


def compare(a: Scores, b: Scores) -> Comparison:
    """Compare b with a on the same resampled questions.

    A question without a prediction counts as 0, as in the figures themselves. Equal signatures
    mean that gold and metric are the same; another order of the questions is put right.

    Raises:
        DataError: the signatures differ.
    """
    require_same_signature(a.signature, b.signature)
    row_in_b = {id_: row for row, id_ in enumerate(b.ids)}
    values = b.values[[row_in_b[id_] for id_ in a.ids]] - a.values
    differences: dict[str, Difference] = {}
    for pair, mask in a.means.items():
        samples = 100 * resample_means(values, mask=mask)
        for column, figure in enumerate(pair):
            differences[figure] = _difference(
                a.figures[figure],
                b.figures[figure],
                values=values[mask, column],
                samples=samples[:, column],
            )
    return Comparison(a.signature, differences)


def _difference(a: float, b: float, *, values: Floats, samples: Floats) -> Difference:
    """From the differences of the questions (m,) and the resampled difference (resamples,)."""
    better: Flags = values > 0
    worse: Flags = values < 0
    return Difference(
        a=a,
        b=b,
        difference=b - a,
        interval=to_interval(samples),
        p_value=to_p_value(samples),
        wins=int(better.sum()),
        losses=int(worse.sum()),
        ties=int(np.count_nonzero(~better & ~worse)),
    )
