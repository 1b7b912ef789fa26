"""The temperature: a true minimum, found again where it is known, and it decides nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanfit.metrics import measure_confidence
from spanfit.temperature import HIGHEST, LOWEST, decision_probability, fit_temperature, list_gaps
from spanfit.types import Candidate, QuestionPrediction


def predict(scores, *, odds=None, id_="q"):
    """A prediction of candidates with these scores; null odds of +inf where there are none."""
    scores = sorted(scores, reverse=True)
    n_best = tuple(Candidate("x" * n, 0, n, score, 0.0) for n, score in enumerate(scores, 1))
    undecided = QuestionPrediction(
        id_, n_best, odds if n_best else math.inf, 0.0 if n_best else 1.0, threshold=0.0
    )
    return undecided.recalibrate(None, 1.0)


def loss_at(temperature, predictions, is_right, *, threshold):
    """The mean loss by the probabilities themselves, of decisions that had an alternative."""
    losses = []
    for prediction, right in zip(predictions, is_right, strict=True):
        if len(prediction.n_best) + (threshold is not None and bool(prediction.n_best)) > 1:
            probability = prediction.recalibrate(threshold, temperature).probability
            losses.append(-math.log(probability if right else 1 - probability))
    return sum(losses) / len(losses)


def test_one_question_on_paper():
    """Two candidates 2 apart and a null 1 below the best: 1 / (1 + e^(-2/T) + e^(-1/T))."""
    prediction = predict([5.0, 3.0], odds=-1.0)
    gaps = list_gaps([prediction], threshold=0.0)
    assert sorted(gaps[0]) == [-math.inf, -2.0, -1.0]
    assert sorted(list_gaps([prediction], threshold=None)[0]) == [-math.inf, -math.inf, -2.0]
    assert sorted(list_gaps([prediction], threshold=-1.5)[0]) == [-math.inf, -1.0, 1.0]
    found = fit_temperature(gaps, [True], before=2.0)
    share = 1 / (1 + math.exp(-1) + math.exp(-0.5))
    assert found.loss == pytest.approx(-math.log(share))
    assert (found.temperature, found.n_right, found.n_wrong) == (2.0, 1, 0)
    assert "20 right and 20 wrong" in found.warning and "found 1 and 0" in found.warning


SCORES = st.lists(st.floats(-8, 8), max_size=4)
QUESTIONS = st.lists(st.tuples(SCORES, st.floats(-8, 8), st.booleans()), min_size=4, max_size=12)


@given(QUESTIONS, st.none() | st.floats(-4, 4))
def test_no_temperature_of_a_fine_grid_is_better(questions, threshold):
    predictions = [predict(scores, odds=odds) for scores, odds, _ in questions]
    is_right = [right for _, _, right in questions]
    gaps = list_gaps(predictions, threshold=threshold)
    found = fit_temperature(gaps, is_right, minimum=1)
    if found.warning:
        assert found.temperature == 1.0
        assert min(found.n_right, found.n_wrong) == 0
        return
    assert LOWEST * 0.999 <= found.temperature <= HIGHEST * 1.001
    if found.temperature > 0.5:  # below, 1 - probability rounds to 0 in the plain formula
        plain = loss_at(found.temperature, predictions, is_right, threshold=threshold)
        assert found.loss == pytest.approx(plain, rel=1e-6)
    for temperature in np.geomspace(LOWEST, HIGHEST, 150):
        other = fit_temperature(gaps, is_right, before=temperature, minimum=10**9)
        assert found.loss <= other.loss + 1e-9


@pytest.mark.parametrize("true", [0.4, 1.0, 1.7, 5.0])
def test_a_known_temperature_is_found_again_and_the_calibration_error_vanishes(true):
    """Outcomes are drawn from the softmax at `true`: that is the temperature they tell of."""
    rng = np.random.default_rng(11)
    n, k, threshold = 6_000, 5, 0.5
    scores = np.sort(rng.normal(0, 4, (n, k)), axis=1)[:, ::-1]
    odds = rng.normal(-1, 4, n)
    outcomes = np.column_stack([scores - scores[:, :1], odds]) / true
    shares = np.exp(outcomes - outcomes.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    truth = (rng.random((n, 1)) > shares.cumsum(axis=1)).sum(axis=1)
    decided = np.where(odds > threshold, k, 0)
    is_right = truth == decided

    predictions = [predict(row, odds=null) for row, null in zip(scores, odds, strict=True)]
    found = fit_temperature(list_gaps(predictions, threshold=threshold), is_right)
    assert found.warning is None
    assert found.temperature == pytest.approx(true, rel=0.05)

    def error(temperature):
        recalibrated = [p.recalibrate(threshold, temperature) for p in predictions]
        assert [p.answer is None for p in recalibrated] == list(odds > threshold)
        return measure_confidence([p.probability for p in recalibrated], is_right).calibration_error

    assert error(found.temperature) < 0.02
    gaps = list_gaps(predictions, threshold=threshold)
    hot = decision_probability(gaps, temperature=3.0)
    one_by_one = [p.recalibrate(threshold, 3.0).probability for p in predictions[:500]]
    assert hot[:500] == pytest.approx(np.array(one_by_one))
    assert true == 1.0 or error(1.0) > 2 * error(found.temperature)


def test_what_had_no_alternative_does_not_count():
    rng = np.random.default_rng(1)
    odds = rng.normal(0, 3, 400)
    told = [predict([1.0], odds=value) for value in odds]
    right = rng.random(400) < 0.7
    alone = [predict([], odds=0.0)] * 300
    with_alone = fit_temperature(
        list_gaps([*told, *alone], threshold=0.0), [*right, *[False] * 300]
    )
    without = fit_temperature(list_gaps(told, threshold=0.0), right)
    assert with_alone == without
    never = fit_temperature(list_gaps(told, threshold=None), right)
    assert (never.n_right, never.n_wrong, never.loss) == (0, 0, 0.0)
    assert never.temperature == 1.0 and never.warning


@pytest.mark.parametrize(("n_right", "n_wrong"), [(19, 400), (400, 19), (20, 20)])
def test_twenty_right_and_twenty_wrong_decisions_are_enough(n_right, n_wrong):
    gaps = np.full((n_right + n_wrong, 1), -3.0)
    found = fit_temperature(gaps, [True] * n_right + [False] * n_wrong)
    assert (found.warning is None) == (min(n_right, n_wrong) >= 20)
    if found.warning is None:  # nothing is better than a half for each, which takes all the heat
        assert found.temperature == pytest.approx(HIGHEST)


def test_absurd_scores_still_give_a_temperature():
    gaps = np.array([[-1e308, -math.inf]] * 30 + [[1e308, 0.0]] * 30 + [[-2.0, -1.0]] * 60)
    found = fit_temperature(gaps, [False] * 30 + [True] * 30 + [True, False] * 30)
    assert math.isfinite(found.loss)
    assert LOWEST * 0.999 <= found.temperature <= HIGHEST * 1.001


def test_nothing_at_all():
    found = fit_temperature(list_gaps([], threshold=0.0), [])
    assert (found.temperature, found.loss) == (1.0, 0.0)
    assert fit_temperature(list_gaps([], threshold=0.0), [], minimum=0).temperature == 1.0


@pytest.mark.parametrize(
    "gaps", [[math.nan], [math.inf], [[math.inf]], [[math.nan]], [[0.0], [1.0]]]
)
def test_arrays_that_do_not_fit_are_refused(gaps):
    with pytest.raises(ValueError, match="gap"):
        fit_temperature(gaps, [True])
