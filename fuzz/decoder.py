"""The decoders against a look at everything: spans, merging, tags, probabilities of chunks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise, product
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from fuzz.draws import Draws, one_of
from fuzz.target import Target
from spanfit.decode.merging import WindowCandidates, merge_all
from spanfit.decode.segments import frame_chunks, segment_probability, sum_sequences
from spanfit.decode.spans import best_spans
from spanfit.decode.tags import argmax_tags, best_tags
from spanfit.errors import ModelError
from spanfit.settings import TagSettings
from spanfit.tags import SCHEMES, Transitions, read_chunks_leniently
from spanfit.tasks.tag_predictions import TagReader, make_reader
from spanfit.types import QuestionExample

Floats = npt.NDArray[np.floating]
Spans = list[tuple[float, int, int]]
_Result = TypeVar("_Result")


def _list_spans(start: Floats, end: Floats, allowed: npt.NDArray[np.bool_], limit: int) -> Spans:
    """All spans of a window in the order of the tie rule: -score, first, last."""
    found = []
    with np.errstate(over="ignore"):
        for first in np.flatnonzero(allowed).tolist():
            for last in range(first, min(first + limit, len(start))):
                score = start[first] + end[last]
                if allowed[last] and score > -np.inf:
                    found.append((-float(score), first, last))
    return sorted(found)


def _check_spans(draws: Draws) -> None:
    shape = draws.integer(0, 3), draws.integer(0, 9)
    k, limit, whole = draws.integer(1, 25), draws.integer(1, 12), draws.flag()
    start, end = draws.floats(*shape, whole=whole), draws.floats(*shape, whole=whole)
    allowed = (draws.floats(*shape, whole=True) < 2).astype(bool)
    chosen = np.concatenate([start[allowed], end[allowed]])
    is_broken = bool((np.isnan(chosen) | np.isposinf(chosen)).any())
    expected: list[Spans] = []
    if not is_broken:
        expected = [_list_spans(*row, limit) for row in zip(start, end, allowed, strict=True)]
        is_broken = any(-score == math.inf for spans in expected for score, _, _ in spans)
    best = _or_none(lambda: best_spans(start, end, allowed, k=k, max_answer_tokens=limit))
    assert (best is None) == is_broken, "broken logits, and only these, are refused"
    if best is None:
        return
    for row, spans in enumerate(expected):
        columns = (side[row].tolist() for side in (best.score, best.first, best.last))
        found = [(-score, first, last) for score, first, last in zip(*columns, strict=True)]
        assert found == (spans + [(math.inf, -1, -1)] * k)[:k], "not the k best spans"


def _check_merging(draws: Draws) -> None:
    """Candidates of windows in any order: one each by characters, with the largest score."""
    n_examples, n_windows, k = draws.integer(1, 3), draws.integer(0, 5), draws.integer(1, 4)
    whole = draws.flag()
    size = 3
    owner = np.array([draws.integer(0, n_examples - 1) for _ in range(n_windows)], np.int32)
    null = draws.floats(n_windows, whole=whole)
    score = draws.floats(n_windows, size, whole=whole)
    null, score = (
        np.where(np.isfinite(side), side, 0).astype(np.float32) for side in (null, score)
    )
    start = np.array([draws.integer(0, 4) for _ in range(score.size)], np.int32).reshape(
        score.shape
    )
    end = start + 1 + start % 2
    missing = draws.floats(n_windows, size, whole=True) > 1
    score[missing], start[missing], end[missing] = -np.inf, -1, -1
    threshold = draws.choose([None, 0.0, -1.5])
    temperature = draws.choose([1.0, 0.25, 8.0])
    examples = [QuestionExample(str(row), "?", "abcdefgh") for row in range(n_examples)]
    candidates = WindowCandidates(owner, null, score, char_start=start, char_end=end)
    merged = merge_all(examples, candidates, k=k, temperature=temperature, threshold=threshold)
    for row, prediction in enumerate(merged):
        largest: dict[tuple[int, int], float] = {}
        for window, column in zip(*np.nonzero((owner == row)[:, None] & ~missing), strict=True):
            key = int(start[window, column]), int(end[window, column])
            largest[key] = max(float(score[window, column]), largest.get(key, -math.inf))
        ranked = sorted((-value, *key) for key, value in largest.items())[:k]
        found = [(-one.score, one.start, one.end) for one in prediction.n_best]
        assert found == ranked, "not the k best of all windows"
        if ranked:
            assert prediction.null_odds == float(null[owner == row].min()) + ranked[0][0]
        else:
            assert prediction.null_odds == math.inf and prediction.null_probability == 1
        shares = [one.probability for one in prediction.n_best]
        assert math.isclose(sum(shares) + prediction.null_probability, 1, abs_tol=1e-9)
        again = prediction.recalibrate(0.3, 2.0).recalibrate(threshold, temperature)
        for one, other in zip(again.n_best, prediction.n_best, strict=True):
            assert math.isclose(one.probability, other.probability, rel_tol=1e-6, abs_tol=1e-12)


@cache
def _reader(scheme: str, *, constrained: bool) -> TagReader:
    labels = ["x", "y"] if scheme != "plain" else ["N", "V", "P"]
    tags = list(SCHEMES[scheme].list_tags(labels))
    return make_reader(TagSettings(tags=tags, scheme=scheme), constrained=constrained)


def _sequences(table: Transitions, length: int) -> Iterator[tuple[int, ...]]:
    """All sequences of tags that are allowed, lowest first."""
    for numbers in product(range(table.n_tags), repeat=length):
        within = all(table.allowed[a, b] for a, b in pairwise(numbers))
        if not numbers or (table.start[numbers[0]] and table.end[numbers[-1]] and within):
            yield numbers


def _score(scores: Floats, numbers: tuple[int, ...]) -> float:
    """Summed from the end, as the kernel does."""
    total = 0.0
    for unit in reversed(range(len(numbers))):
        total += float(scores[unit, numbers[unit]])
    return total


def _check_tags(draws: Draws) -> None:
    reader = _reader(draws.choose([*SCHEMES]), constrained=True)
    table, whole = reader.transitions, draws.flag()
    lengths = draws.items(lambda: draws.integer(0, 3), most=3, least=1)
    splits = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    scores = draws.floats(int(splits[-1]), table.n_tags, whole=whole)
    is_broken = not np.isfinite(scores).all()
    best = _or_none(lambda: best_tags(scores, splits, table))
    free = _or_none(lambda: argmax_tags(scores, splits))
    assert (best is None) == (free is None) == is_broken
    if best is None or free is None:
        return
    for text, (begin, end) in enumerate(pairwise(splits.tolist())):
        own = scores[begin:end]
        score, numbers = max(
            ((_score(own, numbers), numbers) for numbers in _sequences(table, end - begin)),
            key=lambda pair: pair[0],
        )
        found = tuple(best.tags[begin:end].tolist())
        assert found in {*_sequences(table, end - begin)}, "a sequence that is not allowed"
        assert best.score[text] == score == _score(own, found), "not the best sequence"
        assert not whole or found == numbers, "ties go to the lowest tag"
        assert free.tags[begin:end].tolist() == [int(np.argmax(unit)) for unit in own]


def _check_chunks(draws: Draws) -> None:
    """The probability of every chunk that a sequence can have."""
    reader = _reader(draws.choose([*SCHEMES]), constrained=draws.flag())
    table, scheme = reader.transitions, reader.model.scheme
    length, temperature = draws.integer(1, 3), draws.choose([1.0, 0.5, 7.0])
    scores = draws.floats(length, table.n_tags, whole=draws.flag())
    scores = np.where(np.isfinite(scores), scores, 0).astype(np.float32)
    splits = np.array([0, length])
    sums = sum_sequences(scores, splits, table, temperature=temperature)
    weight_of, total = {}, 0.0
    weights = {n: _score(scores / np.float64(temperature), n) for n in _sequences(table, length)}
    peak = max(weights.values())
    for numbers, score in weights.items():
        weight_of[numbers] = math.exp(score - peak)
        total += weight_of[numbers]
    expected: dict[tuple[int, int, int], float] = {}
    for numbers, share in weight_of.items():
        tags = [reader.model.tags[number] for number in numbers]
        for chunk in read_chunks_leniently(tags, scheme):
            key = chunk.start, chunk.end, reader.model.labels.index(chunk.label)
            expected[key] = expected.get(key, 0.0) + share / total
    keys = sorted(expected)
    start, end, label = np.array(keys, np.int64).reshape(-1, 3).T
    found = np.zeros(len(keys))
    for patterns in reader.patterns:
        segments = frame_chunks(patterns, label, start, end, splits=splits)
        shares = segment_probability(sums, segments)
        assert ((shares >= 0) & (shares <= 1)).all(), "no probability"
        found += shares
    # Sums of large scores are rounded, and so are their differences.
    slack = 1e-9 + 1e-14 * float(np.abs(scores).max(initial=0)) / temperature
    if slack < 1e-3:
        np.testing.assert_allclose(found, [expected[key] for key in keys], atol=slack)


def _or_none(decode: Callable[[], _Result]) -> _Result | None:
    """What a decoder gives; None where it refuses the logits."""
    try:
        return decode()
    except ModelError as error:
        assert "NaN or infinity" in error.problem
        return None


_CHECKS = (_check_spans, _check_merging, _check_tags, _check_chunks)


TARGET = Target(
    "decoder",
    one_of(*_CHECKS),
    seeds=(
        bytes([0, 2, 6, 5, 3, 1, *range(60)]),
        bytes([0, 1, 5, 3, 2, 0, *range(1, 100, 2)]),
        bytes([1, 2, 4, 2, 1, *range(80)]),
        bytes([2, 0, 1, 2, 3, 2, *range(70)]),
        bytes([2, 4, 0, 1, 2, *range(0, 250, 3)]),
        bytes([3, 0, 1, 2, 0, 1, *range(40)]),
        bytes([3, 1, 0, 1, 1, 0, *range(0, 250, 2)]),
    ),
)
