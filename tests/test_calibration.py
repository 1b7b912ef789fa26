"""The threshold of the null odds: the exact maximum, against every threshold one by one."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spanfit.threshold import fit_threshold


def fit(questions, **options):
    """Questions given as (null odds, F1 of the best span, whether the gold has an answer)."""
    odds, score, answerable = zip(*questions, strict=True) if questions else ((), (), ())
    scores = [float(value) for value in score]
    return fit_threshold(odds, scores, answerable, **{"minimum": 0, **options})


def figure_at(threshold, questions) -> Fraction:
    """The mean F1 at a threshold, exactly."""
    total = sum(
        Fraction(score) if odds <= threshold else Fraction(not answerable)
        for odds, score, answerable in questions
    )
    return total / len(questions)


def test_a_worked_example():
    """Between -2 and 1 both answers are given and both "no answer"s are right: 1.8 + 2 of 4."""
    questions = [(-5.0, 1.0, True), (-2.0, 0.8, True), (1.0, 0.0, False), (4.0, 0.0, False)]
    fitted = fit(questions)
    assert fitted.threshold == -0.5
    assert fitted.figure == pytest.approx(3.8 / 4)
    assert (fitted.n_answerable, fitted.n_unanswerable) == (2, 2)
    assert fitted.warning is None


def test_of_equal_figures_the_threshold_nearest_zero_wins():
    """An unanswerable and an answerable question cancel out: three thresholds are equally good."""
    questions = [(-8.0, 1.0, True), (-6.0, 0.0, False), (-1.0, 1.0, True), (3.0, 0.0, False)]
    assert figure_at(-7, questions) == figure_at(1, questions)
    assert fit(questions).threshold == 1.0
    mirrored = [(-3.0, 1.0, True), (1.0, 0.0, False), (6.0, 1.0, True), (8.0, 0.0, False)]
    assert fit(mirrored).threshold == -1.0


def test_answering_all_or_nothing_keeps_a_margin_from_what_was_seen():
    always = [(2.0, 1.0, True), (5.0, 1.0, True)]
    never = [(-5.0, 0.0, False), (-2.0, 0.0, False)]
    assert fit(always).threshold == 6.0
    assert fit(never).threshold == -6.0


def test_where_any_threshold_beyond_will_do_it_is_zero():
    assert fit([(-9.0, 1.0, True), (-5.0, 1.0, True)]).threshold == 0.0
    assert fit([(9.0, 0.0, False), (5.0, 0.0, False)]).threshold == 0.0


f1 = st.sampled_from([Fraction(0), Fraction(1, 3), Fraction(1, 2), Fraction(2, 3), Fraction(1)])
odds = st.integers(-5, 5).map(float) | st.floats(-30, 30, width=32) | st.just(math.inf)
question = st.tuples(odds, f1, st.booleans())


@settings(max_examples=300, deadline=None)
@given(st.lists(question, min_size=1, max_size=14))
def test_no_threshold_is_better(questions):
    fitted = fit(questions)
    seen = sorted({odds for odds, _, _ in questions if math.isfinite(odds)})
    every = [-100.0, *seen]  # the figure changes at these only
    best = max(figure_at(threshold, questions) for threshold in every)
    assert figure_at(fitted.threshold, questions) == best
    assert fitted.figure == pytest.approx(float(best), abs=1e-12)

    middles = [(low + high) / 2 for low, high in pairwise(seen)]
    equal = [abs(middle) for middle in middles if figure_at(middle, questions) == best]
    assert abs(fitted.threshold) <= min(equal, default=math.inf)
    assert json.loads(json.dumps(fitted.threshold, allow_nan=False)) == fitted.threshold


def test_thousands_of_questions_equal_a_look_at_each_threshold():
    rng = np.random.default_rng(5)
    n = 3000
    answerable = rng.random(n) < 0.5
    odds = np.round(rng.normal(np.where(answerable, -2, 2), 3), 2)
    score = rng.choice([0, 0.25, 0.5, 1], n) * answerable
    fitted = fit_threshold(odds, score, answerable)
    means = [
        np.where(odds <= threshold, score, ~answerable).mean() for threshold in [-99, *set(odds)]
    ]
    assert fitted.figure == pytest.approx(max(means), abs=1e-12)
    assert fitted.figure > np.where(odds <= 0, score, ~answerable).mean() - 1e-12


def test_questions_without_a_candidate_are_never_answered():
    questions = [(math.inf, 0.0, False), (math.inf, 0.0, True), (-3.0, 1.0, True)]
    fitted = fit(questions)
    assert fitted.threshold == 0.0
    assert fitted.figure == pytest.approx(2 / 3)
    assert fit([(math.inf, 0.0, False)]).threshold == 0.0
    assert fit([(-math.inf, 1.0, True), (math.inf, 0.0, False)]).figure == 1.0


def test_between_neighbouring_floats_the_threshold_parts_them():
    low = 1.0
    high = np.nextafter(low, 2.0)
    fitted = fit([(low, 1.0, True), (high, 0.0, False)])
    assert low <= fitted.threshold < high
    assert fitted.figure == 1.0


def test_huge_null_odds_give_a_finite_threshold():
    for huge in (1e17, 1e308):
        fitted = fit([(-huge, 0.0, False), (huge, 0.0, False)])
        assert math.isfinite(fitted.threshold)
        assert fitted.figure == 1.0
        assert fit([(-huge, 1.0, True), (huge, 1.0, True)]).figure == 1.0


@pytest.mark.parametrize(("n_answerable", "n_unanswerable"), [(19, 400), (400, 19), (0, 0)])
def test_too_few_questions_of_a_kind_fit_nothing(n_answerable, n_unanswerable):
    questions = [(-2.0, 1.0, True)] * n_answerable + [(-1.0, 0.0, False)] * n_unanswerable
    fitted = fit(questions, minimum=20)
    assert fitted.threshold == 0.0
    assert str(min(n_answerable, n_unanswerable)) in fitted.warning
    assert fitted.figure == pytest.approx(n_answerable / max(len(questions), 1))


def test_twenty_questions_of_each_kind_are_enough():
    questions = [(-2.0, 1.0, True)] * 20 + [(-1.0, 0.0, False)] * 20
    fitted = fit(questions, minimum=20)
    assert (fitted.threshold, fitted.figure, fitted.warning) == (-1.5, 1.0, None)


def test_arrays_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="one length"):
        fit_threshold([0.0, 1.0], [1.0], [True])
    with pytest.raises(ValueError, match="NaN"):
        fit_threshold([math.nan], [1.0], [True], minimum=0)
