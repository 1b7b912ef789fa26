"""Is one system better than another, or was it luck? A paired bootstrap of two scores."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import singledispatch
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
from spanfit.metrics.scores import Scores
from spanfit.metrics.scoring import AnyScores
from spanfit.metrics.signatures import Signature, require_same_signature
from spanfit.metrics.tag_scores import TagScores


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure (0 to 100) of two systems.

    `difference` is b - a, with its 95 % interval. `p_value` is two-sided: how readily a
    difference this clear comes from systems that are equally good (`bootstrap.to_p_value`).
    `wins`, `losses` and `ties` count the examples on which b is better, worse, equal. Of tagged
    texts better means: for precision fewer entities (tags) beside the gold, for recall more of the
    gold found, for F1 less that is wrong of both kinds, for accuracy more units right.
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
    """Two systems on the same examples: each figure that can be had of any sample of them."""

    signature: Signature
    differences: dict[str, Difference]
    noun: str = "questions"

    def to_json(self) -> dict[str, Any]:
        """The differences by figure, for a JSON file."""
        return {name: difference.to_json() for name, difference in self.differences.items()}


def compare(a: AnyScores, b: AnyScores) -> Comparison:
    """Compare b with a on the same resampled examples.

    An example without a prediction counts as 0, as in the figures themselves. Equal signatures
    mean that gold and metric are the same; another order of the examples is put right.

    Raises:
        DataError: the signatures differ.
    """
    require_same_signature(a.signature, b.signature)
    row_in_b = {id_: row for row, id_ in enumerate(b.ids)}
    order = [row_in_b[id_] for id_ in a.ids]
    return Comparison(a.signature, _measure(a, b, order), a.noun)


@singledispatch
def _measure(a: Any, b: Any, order: list[int]) -> dict[str, Difference]:  # noqa: ANN401 (see below)
    """The differences of two scores of one kind; row `order[i]` of b is row i of a."""
    raise TypeError(f"no way to compare {type(a).__name__} with {type(b).__name__}")


@_measure.register
def _(a: Scores, b: Scores, order: list[int]) -> dict[str, Difference]:
    values = b.values[order] - a.values
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
    return differences


@_measure.register
def _(a: TagScores, b: TagScores, order: list[int]) -> dict[str, Difference]:
    theirs = {group.names: group.reorder(order) for group in b.summed}
    differences: dict[str, Difference] = {}
    for group in a.summed:
        if (other := theirs.get(group.names)) is None:
            continue  # neither gold nor what one of them says has a label
        samples = group.sample_differences(other)
        for column, figure in enumerate(group.names):
            differences[figure] = _difference(
                a.figures[figure],
                b.figures[figure],
                values=other.worth[:, column] - group.worth[:, column],
                samples=samples[figure],
            )
    return differences


def _difference(a: float, b: float, *, values: Floats, samples: Floats) -> Difference:
    """From the differences of the examples (m,) and the resampled difference (resamples,)."""
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
