"""The exact probability of a segment of tags under the same constraints: the reference kernel.

All valid tag sequences of a text share the probability 1, each in proportion to the exponential of
its score divided by the temperature (a softmax over sequences, or a linear-chain CRF whose
transitions are allowed or forbidden). The probability of an entity is that of all sequences which
have exactly this entity at exactly these units: the forward-backward quantity, from three sums over
sequences. `sum_sequences` makes the two that all segments of a text share, `segment_probability`
the third, through the segment.

The kernel knows no tag scheme. A segment is a run of units, each with the set of tags that it may
have. "Exactly this entity" in IOB2 is B-x, then I-x …, and at the next unit anything but I-x:
`frame_chunks` makes such runs. Everything is summed in logarithms, relative to the sum up to each
unit, so neither large scores nor long texts cost precision.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spanfit.decode.tags import (
    Bools,
    Doubles,
    Floats,
    Ints,
    check_scores,
    sort_by_length,
)
from spanfit.tags import Transitions

_FAINT = 1e-250
"""A sum of exponentials below this may have lost terms to underflow, and is made anew."""


@dataclass(frozen=True, eq=False, slots=True)
class SequenceSums:
    """Sums over the valid tag sequences of B texts with N units and K tags, as logarithms.

    `before` (N, K): probability of each tag given what stands up to its unit. `after` (N, K): what
    stands after the unit, given the tag, relative to its mean under `before`; so before + after is
    the logarithm of each tag's probability. `step` (N, K): score of each tag less the logarithm by
    which its unit raised the sum. `total` (B,): the sum over all sequences of a text.
    """

    before: Doubles
    after: Doubles
    step: Doubles
    total: Doubles
    splits: Ints
    transitions: Transitions


@dataclass(frozen=True, eq=False, slots=True)
class Segments:
    """S runs of units, each unit with the set of tags that it may have.

    `first` int (S,): the unit of N where each begins. `splits` (S + 1,): which of the M rows of
    `allowed`, bool (M, K), belong to each; at least one. A run lies within its text.
    """

    first: Ints
    splits: Ints
    allowed: Bools

    def __post_init__(self) -> None:
        if len(self.splits) != len(self.first) + 1 or self.splits[-1] != len(self.allowed):
            raise ValueError("splits must have one place more than first, and end with allowed")
        if (np.diff(self.splits) < 1).any():
            raise ValueError("a segment needs at least one unit")


@dataclass(frozen=True, eq=False, slots=True)
class Pattern:
    """What a chunk looks like: sets of tags, bool (K,) each.

    A chunk of one unit has a tag of `single`; a longer one of `first`, then `inside`, then `last`.
    Sets are empty where no chunk has that length. The unit before it, if the text has one, has a
    tag of `before`, that after it of `after`. IOB1 has chunks of two patterns; their probabilities
    add up.
    """

    single: Bools
    first: Bools
    inside: Bools
    last: Bools
    before: Bools
    after: Bools


def sum_sequences(
    scores: Floats,
    splits: npt.NDArray[np.integer],
    transitions: Transitions,
    *,
    temperature: float = 1.0,
) -> SequenceSums:
    """The sums over all valid tag sequences of each text.

    `scores` (N, K) holds the units of B texts, `splits` (B + 1,) where each text begins and ends.

    Raises:
        ModelError: a score is NaN or infinite.
        ValueError: a text is too short or too long for any valid sequence; the temperature is not
            above 0.
    """
    check_scores(scores, splits, n_tags=transitions.n_tags)
    if not temperature > 0:
        raise ValueError(f"temperature must be positive, found {temperature}")
    step = scores.astype(np.float64) / temperature
    start, end = (_log(mask) for mask in (transitions.start, transitions.end))
    allowed = transitions.allowed.astype(np.float64)
    before, after = np.empty_like(step), np.empty_like(step)
    total = np.zeros(len(splits) - 1)
    for positions in sort_by_length(splits, block=max(1, len(splits))):
        value = np.broadcast_to(start, (len(positions.first), len(start)))
        for position, count in enumerate(positions.active):
            units = positions.units(position)
            if position:
                value = _reach(value[:count], allowed)
            value = value + step[units]
            gain = _log_sum(value)
            value = value - gain[:, None]
            _refuse_impossible(gain, positions.order)
            before[units] = value
            step[units] -= gain[:, None]
            total[positions.order[:count]] += gain

        value = np.empty((0, len(end)))
        for position in reversed(range(len(positions.active))):
            units = positions.units(position)
            going_on = len(value)
            rest = np.empty((len(units), len(end)))
            rest[:going_on] = _reach(value, allowed.T)
            gain = _log_sum(before[units[going_on:]] + end)
            _refuse_impossible(gain, positions.order[going_on:])
            total[positions.order[going_on : len(units)]] += gain
            rest[going_on:] = end - gain[:, None]
            after[units] = rest
            value = rest + step[units]
    return SequenceSums(
        before,
        after=after,
        step=step,
        total=total,
        splits=np.asarray(splits, np.int64),
        transitions=transitions,
    )


def segment_probability(sums: SequenceSums, segments: Segments) -> Doubles:
    """The probability, (S,), that every unit of a segment has a tag of its set.

    Raises:
        ValueError: a segment is not within one text.
    """
    _require_within_text(segments, sums.splits)
    probability = np.zeros(len(segments.first))
    allowed = sums.transitions.allowed.astype(np.float64)
    for positions in sort_by_length(segments.splits, block=max(1, len(segments.splits))):
        value = np.empty((0, 0))
        begin = segments.first[positions.order]
        for position, count in enumerate(positions.active):
            units = begin[:count] + position
            mask = segments.allowed[positions.units(position)]
            if position:
                value = _reach(value[:count], allowed, wanted=mask) + sums.step[units]
            else:
                value = sums.before[units]
            value = np.where(mask, value, -np.inf)
            following = positions.active[position + 1 :]
            ended = slice(following[0] if len(following) else 0, count)
            result = _log_sum(value[ended] + sums.after[units[ended]])
            # Rounding of very large scores can lift it above 0.
            probability[positions.order[ended]] = np.exp(np.minimum(result, 0.0))
    return probability


def frame_chunks(
    patterns: Sequence[Pattern],
    which: npt.NDArray[np.integer],
    start: npt.NDArray[np.integer],
    stop: npt.NDArray[np.integer],
    *,
    splits: npt.NDArray[np.integer],
) -> Segments:
    """Segments for S chunks: chunk s looks like ``patterns[which[s]]`` at units [start, stop) of N.

    Raises:
        ValueError: a chunk holds no unit.
    """
    if (start >= stop).any():
        raise ValueError("a chunk needs at least one unit")
    text = np.searchsorted(splits, start, side="right") - 1
    has_before = start > splits[text]
    has_after = stop < splits[text + 1]
    first = (start - has_before).astype(np.int64)
    length = (stop + has_after - first).astype(np.int64)
    rows = np.zeros(len(length) + 1, np.int64)
    np.cumsum(length, out=rows[1:])

    # One row for each unit: which chunk it belongs to, and which part of the pattern it is.
    chunk = np.repeat(np.arange(len(length)), length)
    unit = np.arange(rows[-1]) - rows[chunk] + first[chunk]
    is_first, is_last = unit == start[chunk], unit == stop[chunk] - 1
    conditions = [
        is_first & is_last,
        is_first,
        is_last,
        unit < start[chunk],
        unit >= stop[chunk],
    ]
    part = np.select(conditions, [0, 1, 3, 4, 5], default=2)
    table = np.array(
        [[p.single, p.first, p.inside, p.last, p.before, p.after] for p in patterns], np.bool_
    )
    return Segments(first, splits=rows, allowed=table[which[chunk], part])


def _reach(values: Doubles, allowed: Doubles, *, wanted: Bools | None = None) -> Doubles:
    """Log of the sum over tags i of ``exp(values[:, i]) * allowed[i, j]``, for every j: (n, K).

    `wanted` (n, K): where the result is needed; elsewhere it may be -inf.
    """
    peak = values.max(axis=1, keepdims=True, initial=-np.inf)
    peak[np.isneginf(peak)] = 0
    total = np.exp(values - peak) @ allowed
    with np.errstate(divide="ignore"):
        result = np.log(total) + peak
    # The allowed tags may all lie so far below the largest that they vanished: then from the
    # largest of the allowed ones, if there are any.
    faint = total < _FAINT if wanted is None else (total < _FAINT) & wanted
    if faint.any():
        faint &= np.isfinite(values) @ allowed > 0
        rows, columns = np.nonzero(faint)
        terms = np.where(allowed.T[columns] > 0, values[rows], -np.inf)
        result[rows, columns] = _log_sum(terms)
    return np.asarray(result)


def _log_sum(values: Doubles) -> Doubles:
    """Log of the sum of exponentials of each row; -inf for a row of nothing else."""
    peak = values.max(axis=1, initial=-np.inf)
    peak[np.isneginf(peak)] = 0
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.exp(values - peak[:, None]).sum(axis=1)) + peak)


def _log(mask: Bools) -> Doubles:
    return np.where(mask, 0.0, -np.inf)


def _refuse_impossible(gain: Doubles, texts: Ints) -> None:
    if np.isneginf(gain).any():
        raise ValueError(f"no valid sequence of tags for text {texts[int(np.argmin(gain))]}")


def _require_within_text(segments: Segments, splits: Ints) -> None:
    text = np.searchsorted(splits, segments.first, side="right") - 1
    stop = segments.first + np.diff(segments.splits)
    if (segments.first < 0).any() or (text + 1 >= len(splits)).any():
        raise ValueError("a segment begins outside all texts")
    if (stop > splits[text + 1]).any():
        raise ValueError("a segment goes on after the end of its text")
