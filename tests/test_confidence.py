"""Calibration error, Brier score and risk-coverage: on paper, and against plain loops."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanfit.metrics import measure_confidence
from spanfit.metrics.confidence import MAX_POINTS, N_BINS


def test_four_predictions_on_paper():
    """0.9 and 0.92 share a bin (0.91 said, 1 of 2 right); 0.5 and 0.1 are alone in theirs."""
    found = measure_confidence([0.9, 0.92, 0.5, 0.1], [True, False, True, False])
    assert found.n == 4
    assert found.calibration_error == pytest.approx((2 * 0.41 + 0.5 + 0.1) / 4)
    assert found.brier == pytest.approx((0.01 + 0.8464 + 0.25 + 0.01) / 4)
    points = [(p.confidence, p.coverage, p.risk) for p in found.risk_coverage]
    assert points == [
        (0.92, 0.25, 1.0),
        (0.9, 0.5, 0.5),
        (0.5, 0.75, pytest.approx(1 / 3)),
        (0.1, 1.0, 0.5),
    ]
    assert found.aurc == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 2) / 4)


def test_predictions_that_are_equally_confident_are_taken_together():
    found = measure_confidence([0.8, 0.8, 0.8, 0.3], [1, 0, 1, 0])
    assert [(p.coverage, p.risk) for p in found.risk_coverage] == [
        (0.75, pytest.approx(1 / 3)),
        (1.0, 0.5),
    ]
    assert found.aurc == pytest.approx(0.75 / 3 + 0.25 / 2)
    other_order = measure_confidence([0.8, 0.3, 0.8, 0.8], [0, 0, 1, 1])
    assert found.risk_coverage == other_order.risk_coverage


def test_the_border_of_a_bin_belongs_to_the_lower_one():
    """1/3 is the upper border of bin 5; a hair above is in bin 6 and shares nothing with it."""
    third = 5 / N_BINS
    together = measure_confidence([third, third - 0.01], [1, 0])
    assert together.calibration_error == pytest.approx(abs(1 - third - (third - 0.01)) / 2)
    apart = measure_confidence([third, third + 0.01], [1, 0])
    assert apart.calibration_error == pytest.approx((1 - third + third + 0.01) / 2)


def test_those_who_say_what_is_true_have_no_error():
    sure = measure_confidence([1.0, 0.0, 1.0], [True, False, True])
    assert (sure.calibration_error, sure.brier) == (0.0, 0.0)
    wrong = measure_confidence([1.0, 0.0], [False, True])
    assert (wrong.calibration_error, wrong.brier) == (1.0, 1.0)
    half = measure_confidence([0.5] * 10, [1, 0] * 5)
    assert half.calibration_error == pytest.approx(0.0)


shares = st.floats(0, 1) | st.sampled_from([0.0, 1.0, 0.2, 0.4, 0.5, 1 / 3])


@given(st.lists(st.tuples(shares, st.booleans()), min_size=1, max_size=30))
def test_every_figure_is_that_of_a_plain_loop(pairs):
    found = measure_confidence(*zip(*pairs, strict=True))
    n = len(pairs)
    error = 0.0
    for number in range(N_BINS):
        low, high = number / N_BINS, (number + 1) / N_BINS
        inside = [(p, r) for p, r in pairs if low < p <= high or (number == 0 and p == 0)]
        if inside:
            said = sum(p for p, _ in inside) / len(inside)
            right = sum(r for _, r in inside) / len(inside)
            error += len(inside) / n * abs(said - right)
    assert found.calibration_error == pytest.approx(error, abs=1e-12)
    assert found.brier == pytest.approx(sum((p - r) ** 2 for p, r in pairs) / n, abs=1e-12)

    area, curve = 0.0, []
    for confidence in sorted({p for p, _ in pairs}, reverse=True):
        taken = [r for p, r in pairs if p >= confidence]
        risk = taken.count(False) / len(taken)
        curve.append((confidence, len(taken) / n, risk))
        area += sum(p == confidence for p, _ in pairs) / n * risk
    assert found.aurc == pytest.approx(area, abs=1e-12)
    assert [(p.confidence, p.coverage, p.risk) for p in found.risk_coverage] == [
        tuple(map(pytest.approx, point)) for point in curve
    ]


def test_a_long_curve_is_thinned_evenly_and_keeps_its_ends():
    rng = np.random.default_rng(3)
    said = rng.random(5000)
    right = rng.random(5000) < said
    found = measure_confidence(said, right)
    points = found.risk_coverage
    assert len(points) == MAX_POINTS
    assert (points[0].confidence, points[0].coverage) == (said.max(), 1 / 5000)
    assert (points[-1].coverage, points[-1].risk) == (1.0, pytest.approx(1 - right.mean()))
    assert max(b.coverage - a.coverage for a, b in pairwise(points)) < 0.0101
    for point in points[::10]:
        taken = said >= point.confidence
        assert point.coverage == pytest.approx(taken.mean())
        assert point.risk == pytest.approx(1 - right[taken].mean())
    lists = found.to_json()["risk_coverage"]
    assert {len(values) for values in lists.values()} == {MAX_POINTS}


def test_many_questions_of_few_probabilities_keep_every_point():
    said = np.repeat(np.linspace(0, 1, 30), 200)
    assert len(measure_confidence(said, said > 0.5).risk_coverage) == 30


@pytest.mark.parametrize(
    ("said", "right", "message"),
    [
        ([], [], "without a prediction"),
        ([0.5], [1, 0], "one length"),
        ([[0.5]], [[1]], "one length"),
        ([math.nan], [1], "between 0 and 1"),
        ([1.01], [1], "between 0 and 1"),
        ([-0.01], [1], "between 0 and 1"),
        ([0.5], [0.5], "0 or 1"),
        ([0.5], [math.nan], "0 or 1"),
    ],
)
def test_what_cannot_be_measured_is_refused(said, right, message):
    with pytest.raises(ValueError, match=message):
        measure_confidence(said, right)
