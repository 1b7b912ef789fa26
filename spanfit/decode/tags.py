"""The best tag sequence of every text, exactly: the NumPy reference kernel.

Transitions between tags are allowed or not; they have no scores of their own. The score of a
sequence is the sum of its tags' scores, and the best one is the valid sequence with the largest
(Viterbi). All texts go from their last unit to their first at once: they are sorted by length, so
that those which have a unit at a position stand at the front, and a position is one step for all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spanfit.errors import ModelError
from spanfit.tags import Transitions

Floats = npt.NDArray[np.float32 | np.float64]
Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_BLOCK = 1 << 21  # scores of transitions, 16 MiB, that exist at once


@dataclass(frozen=True, eq=False, slots=True)
class BestTags:
    """A tag sequence for each of B texts: `tags` int32 (N,), its scores' sum `score` float64 (B,).

    The units of text b are ``tags[splits[b]:splits[b + 1]]``, as those of the scores.
    """

    tags: npt.NDArray[np.int32]
    score: Doubles


@dataclass(frozen=True, eq=False, slots=True)
class Positions:
    """B texts, longest first: `order` (B,) are their rows, `first` (B,) their first units in N.

    `active` (L,): how many of them have a unit at each position; those are the first so many.
    """

    order: Ints
    first: Ints
    active: Ints

    def units(self, position: int) -> Ints:
        """The units at a position, of all texts that have one."""
        return self.first[: self.active[position]] + position


def argmax_tags(scores: Floats, splits: npt.NDArray[np.integer]) -> BestTags:
    """The best tag of each unit, whatever stands beside it; ties: the lowest tag.

    `scores` (N, K) holds the units of B texts, `splits` (B + 1,) where each text begins and ends.

    Raises:
        ModelError: a score is NaN or infinite.
    """
    check_scores(scores, splits)
    tags = scores.argmax(axis=1) if scores.size else np.zeros(len(scores), np.int64)
    best = scores[np.arange(len(scores)), tags]
    text = np.repeat(np.arange(len(splits) - 1), np.diff(splits))
    sums = np.bincount(text, weights=best, minlength=len(splits) - 1)
    return BestTags(tags.astype(np.int32), sums.astype(np.float64))


def best_tags(
    scores: Floats, splits: npt.NDArray[np.integer], transitions: Transitions
) -> BestTags:
    """The best valid tag sequence of each text.

    `scores` (N, K) holds the units of B texts, `splits` (B + 1,) where each text begins and ends.
    Ties: the sequence with the lowest tag at the first unit where they differ. The sums are made in
    float64 from a text's end, so a text gets the same tags in whatever company.

    Raises:
        ModelError: a score is NaN or infinite.
        ValueError: a text is too short or too long for any valid sequence.
    """
    check_scores(scores, splits, n_tags=transitions.n_tags)
    tags = np.zeros(len(scores), np.int32)
    score = np.zeros(len(splits) - 1)
    block = max(1, _BLOCK // max(1, transitions.n_tags**2))
    for positions in sort_by_length(splits, block=block):
        score[positions.order] = _decode(scores, positions, transitions, tags)
    if np.isneginf(score).any():
        raise ValueError(f"no valid sequence of tags for text {int(np.argmin(score))}")
    return BestTags(tags, score)


def _decode(
    scores: Floats, positions: Positions, transitions: Transitions, tags: npt.NDArray[np.int32]
) -> Doubles:
    """Write the best tags of the texts in `positions` into `tags`; return their scores."""
    forbidden = np.where(transitions.allowed, 0.0, -np.inf)
    start, end = (np.where(mask, 0.0, -np.inf) for mask in (transitions.start, transitions.end))
    # For each position but the last: the best next tag after each tag, of all texts that go on.
    choices: list[npt.NDArray[np.int32]] = []
    value = np.empty((0, transitions.n_tags))
    for position in reversed(range(len(positions.active))):
        units = positions.units(position)
        best_after = np.broadcast_to(end, (len(units), len(end))).copy()
        if going_on := len(value):
            sums = forbidden + value[:, None, :]
            choice = sums.argmax(axis=2)
            choices.append(choice.astype(np.int32))
            best_after[:going_on] = np.take_along_axis(sums, choice[:, :, None], axis=2)[:, :, 0]
        value = scores[units] + best_after

    total = value + start
    tag = total.argmax(axis=1)
    row = np.arange(len(tag))
    tags[positions.units(0)] = tag
    for position, choice in enumerate(reversed(choices), 1):
        tag = choice[row[: len(choice)], tag[: len(choice)]]
        tags[positions.units(position)] = tag
    return np.asarray(total.max(axis=1))


def sort_by_length(splits: npt.NDArray[np.integer], *, block: int) -> Iterator[Positions]:
    """The texts that hold a unit, in blocks of at most so many texts of like length."""
    lengths = np.diff(splits).astype(np.int64)
    order = np.argsort(-lengths, kind="stable")
    order = order[: np.count_nonzero(lengths)]
    for begin in range(0, len(order), block):
        rows = order[begin : begin + block]
        ended = np.cumsum(np.bincount(lengths[rows]))  # those of at most so many units
        yield Positions(rows, splits[rows].astype(np.int64), len(rows) - ended[:-1])


def check_scores(
    scores: Floats, splits: npt.NDArray[np.integer], *, n_tags: int | None = None
) -> None:
    """Refuse scores that are not (N, K) or not finite, and splits that do not fit them.

    Raises:
        ModelError: a score is NaN or infinite.
        ValueError: the shapes do not fit.
    """
    if scores.ndim != 2 or (n_tags is not None and scores.shape[1] != n_tags):
        raise ValueError(f"scores need the shape (N, {n_tags or 'K'}), found {scores.shape}")
    is_whole = len(splits) > 0 and splits[0] == 0 and splits[-1] == len(scores)
    if not is_whole or (np.diff(splits) < 0).any():
        raise ValueError("splits must rise from 0 to the number of units")
    if not np.isfinite(scores).all():
        raise ModelError(
            "the logits hold NaN or infinity",
            expected="a finite logit for every tag of every unit",
            fix="another checkpoint; these weights are spoilt, or overflow in half precision",
        )
