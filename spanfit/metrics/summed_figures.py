"""Figures that follow from sums over texts, so that they can be had of any sample of the texts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spanfit.metrics.bootstrap import RESAMPLES, Floats, resample_sums
from spanfit.metrics.label_counts import LabelCounts, average_rates, to_rates
from spanfit.tags import OUTSIDE

FEW_RESAMPLES = 2_000
"""Where the rows of nearly all texts differ a sample is dear, and so many tell enough."""


@dataclass(frozen=True, eq=False)
class SummedFigures:
    """Some figures of n texts, 0 to 100.

    `rates` makes the figures (…, n_figures) of the column sums (…, k) of `rows` (n, k). `worth`
    (n, n_figures) says how well each text does, by which two systems are compared on it: more is
    better.
    """

    names: tuple[str, ...]
    rows: Floats
    worth: Floats
    rates: Callable[[Floats], Floats]
    resamples: int = RESAMPLES

    def __post_init__(self) -> None:
        if self.worth.shape != (len(self.rows), len(self.names)):
            raise ValueError("every text needs a worth for each figure")

    def total(self) -> dict[str, float]:
        """The figures of all texts."""
        return dict(zip(self.names, self.rates(self.rows.sum(axis=0)).tolist(), strict=True))

    def sample(self) -> dict[str, Floats]:
        """Each figure of resampled texts, (resamples,)."""
        sums = resample_sums(self.rows, resamples=self.resamples)
        return dict(zip(self.names, self.rates(sums).T, strict=True))

    def sample_differences(self, other: SummedFigures) -> dict[str, Floats]:
        """How far the figures of `other`, of the same texts, are above these: (resamples,).

        Both are taken from the same draws.
        """
        sums = resample_sums(np.hstack([self.rows, other.rows]), resamples=self.resamples)
        n_columns = self.rows.shape[1]
        differences = other.rates(sums[:, n_columns:]) - self.rates(sums[:, :n_columns])
        return dict(zip(self.names, differences.T, strict=True))

    def reorder(self, order: list[int]) -> SummedFigures:
        """The same of the texts in another order."""
        return SummedFigures(
            self.names, self.rows[order], self.worth[order], self.rates, self.resamples
        )


def sum_figures(
    counts: LabelCounts,
    *,
    tag_counts: LabelCounts | None,
    characters: LabelCounts | None,
    exact: Floats,
) -> tuple[SummedFigures, ...]:
    """The figures of tagged texts that follow from these counts of n texts.

    Micro precision, recall and F1, and macro F1, of `counts`; the accuracy of `tag_counts`; the
    macro F1 of `characters`, with O and without; the share of texts that are `exact` (n,).
    """
    rows = counts.by_example.astype(np.float64)
    right, n_wrong = rows[:, 0], rows[:, 1] + rows[:, 2] - 2 * rows[:, 0]
    groups = [
        SummedFigures(
            ("precision", "recall", "f1"),
            rows,
            np.column_stack([right - rows[:, 1], right, -n_wrong]),
            to_rates,
        ),
    ]
    if counts.labels:
        groups.append(_macro(counts, {"macro_f1": np.ones(len(counts.labels), dtype=np.bool_)}))
    if tag_counts is not None:
        tags = tag_counts.by_example[:, [0, 2]].astype(np.float64)
        groups.append(SummedFigures(("accuracy",), tags, tags[:, :1], _share))
    if characters is not None and characters.labels:
        inside = np.array([label != OUTSIDE for label in characters.labels], dtype=np.bool_)
        every = np.ones_like(inside)
        masks = {"char_macro_f1": every, "char_macro_f1_without_o": inside}
        groups.append(_macro(characters, masks))
    counted = np.column_stack([exact, np.ones_like(exact)])
    groups.append(SummedFigures(("exact",), counted, counted[:, :1], _share))
    return tuple(groups)


def _macro(counts: LabelCounts, masks: dict[str, NDArray[np.bool_]]) -> SummedFigures:
    """The mean F1 of the labels that each mask (n_labels,) picks."""
    n_labels = len(counts.labels)

    def rates(sums: Floats) -> Floats:
        by_label = sums.reshape(*sums.shape[:-1], n_labels, 3)
        picked = (by_label[..., mask, :] for mask in masks.values())
        return np.stack([average_rates(each, "macro")[..., 2] for each in picked], axis=-1)

    rows = counts.by_example.astype(np.float64)
    worth = 2 * rows[:, 0] - rows[:, 1] - rows[:, 2]
    return SummedFigures(
        tuple(masks),
        counts.values.reshape(len(rows), -1).astype(np.float64),
        np.repeat(worth[:, None], len(masks), axis=1),
        rates,
        resamples=FEW_RESAMPLES,
    )


def _share(sums: Floats) -> Floats:
    """The first column in hundredths of the second, (…, 1)."""
    part, whole = sums[..., :1], sums[..., 1:]
    return np.divide(100 * part, whole, where=whole > 0, out=np.zeros_like(part))
