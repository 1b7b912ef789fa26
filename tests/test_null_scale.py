"""The scale of "no answer": a true minimum, and found again where it is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from spanfit.calibration import calibrate_questions, decide
from spanfit.decode.merging import WindowCandidates, merge_all
from spanfit.metrics import score
from spanfit.null_scale import fit_null_scale
from spanfit.settings import Calibration
from spanfit.types import Answer, Candidate, NullScale, QuestionExample, QuestionPrediction


def loss_at(scale, log_odds, is_null):
    shares = [scale.share(value) for value in log_odds]
    chosen = [p if null else 1 - p for p, null in zip(shares, is_null, strict=True)]
    return -sum(map(math.log, chosen)) / len(chosen)


@pytest.mark.parametrize(("slope", "offset"), [(1.0, 0.0), (0.1, 0.7), (3.0, -2.0)])
def test_a_known_scale_is_found_again_and_nothing_near_it_is_better(slope, offset):
    rng = np.random.default_rng(3)
    log_odds = rng.normal(1, 4, 20_000)
    is_null = rng.random(20_000) < 1 / (1 + np.exp(-(slope * log_odds + offset)))
    found = fit_null_scale(log_odds, is_null)
    assert found.warning is None
    assert found.scale.slope == pytest.approx(slope, rel=0.06)
    assert found.scale.offset == pytest.approx(offset, abs=0.12)
    assert found.loss == pytest.approx(loss_at(found.scale, log_odds, is_null), rel=1e-9)
    for factor, shift in ((1.02, 0), (0.98, 0), (1, 0.02), (1, -0.02)):
        near = NullScale(found.scale.slope * factor, found.scale.offset + shift)
        assert loss_at(near, log_odds, is_null) > found.loss - 1e-7


def test_kinds_that_are_parted_cleanly_give_a_finite_scale():
    found = fit_null_scale(np.r_[np.full(30, -5.0), np.full(40, 5.0)], [False] * 30 + [True] * 40)
    # Platt's targets: 1/32 and 41/42 are reached exactly, since there are two values of log-odds.
    assert found.scale.share(-5.0) == pytest.approx(1 / 32, rel=1e-6)
    assert found.scale.share(5.0) == pytest.approx(41 / 42, rel=1e-6)


def test_log_odds_that_speak_for_the_wrong_side_say_nothing():
    found = fit_null_scale(np.r_[np.full(30, 5.0), np.full(30, -5.0)], [False] * 30 + [True] * 30)
    assert found.scale == NullScale(0.0, pytest.approx(0.0))
    assert found.scale.share(100.0) == pytest.approx(0.5)


@pytest.mark.parametrize("n_null", [0, 19])
def test_too_few_of_a_kind_leave_it_as_it_was(n_null):
    before = NullScale(0.5, 0.2)
    found = fit_null_scale(np.zeros(100 + n_null), [True] * n_null + [False] * 100, before=before)
    assert found.scale == before
    assert f"found 100 and {n_null}" in found.warning


def test_a_prediction_on_paper():
    """Two spans 1 apart and a null 0.5 below the best; then its log-odds halved and raised by 1."""
    n_best = (Candidate("a", 0, 1, 2.0, 0.0), Candidate("b", 2, 3, 1.0, 0.0))
    plain = QuestionPrediction("q", n_best, -0.5).recalibrate(0.0, 1.0)
    total = 1 + math.exp(-1) + math.exp(-0.5)
    assert plain.null_probability == pytest.approx(math.exp(-0.5) / total)
    assert plain.answer.probability == pytest.approx(1 / total)
    scaled = plain.recalibrate(0.0, 1.0, null_scale=NullScale(0.5, 1.0))
    log_odds = -0.5 - math.log(1 + math.exp(-1))
    null = 1 / (1 + math.exp(-(0.5 * log_odds + 1.0)))
    assert scaled.null_probability == pytest.approx(null)
    assert scaled.answer.probability == pytest.approx((1 - null) / (1 + math.exp(-1)))
    assert scaled.rethreshold(-1.0).probability == pytest.approx(null)
    assert scaled.rethreshold(None).answer.probability == pytest.approx(1 / (1 + math.exp(-1)))


def test_merging_gives_the_probabilities_of_recalibrating():
    example = QuestionExample("q", "Who?", "ada ben cleo")
    candidates = WindowCandidates(
        example=np.array([0], np.int32),
        null_score=np.array([3.0], np.float32),
        score=np.array([[2.0, 0.5]], np.float32),
        char_start=np.array([[0, 4]], np.int32),
        char_end=np.array([[3, 7]], np.int32),
    )
    scale = NullScale(0.3, -0.4)
    (merged,) = merge_all(
        [example], candidates, k=5, temperature=1.7, threshold=5.0, null_scale=scale
    )
    (plain,) = merge_all([example], candidates, k=5)
    again = plain.recalibrate(5.0, 1.7, null_scale=scale)
    assert again.null_probability == pytest.approx(merged.null_probability)
    assert [c.probability for c in again.n_best] == pytest.approx(
        [c.probability for c in merged.n_best]
    )
    total = merged.null_probability + sum(c.probability for c in merged.n_best)
    assert total == pytest.approx(1)


def test_a_null_that_is_far_off_no_longer_spoils_the_probabilities():
    """Null odds that say little, and that 8 too low: one temperature cannot mend both."""
    rng = np.random.default_rng(5)
    words = ["ada", "ben", "cleo", "dan"]
    context = " ".join(words)
    examples, predictions = [], []
    for number in range(3000):
        scores = np.sort(rng.normal(0, 2, 4))[::-1]
        shares = np.exp(scores) / np.exp(scores).sum()
        truth = words[rng.choice(4, p=shares)]
        is_null = rng.random() < 0.5
        odds = float(rng.normal(-8 + 3 * is_null, 5))
        gold = () if is_null else (Answer(truth, context.index(truth)),)
        spans = [(word, context.index(word)) for word in words]
        n_best = tuple(
            Candidate(word, start, start + len(word), float(value), 0.0)
            for (word, start), value in zip(spans, scores, strict=True)
        )
        examples.append(QuestionExample(str(number), "Who?", context, gold))
        predictions.append(QuestionPrediction(str(number), n_best, odds))
    fit = calibrate_questions(examples[:1500], predictions[:1500], before=Calibration())
    before = score(
        examples[1500:],
        decide(predictions[1500:], Calibration(threshold=fit.calibration.threshold)),
    )
    after = score(examples[1500:], decide(predictions[1500:], fit.calibration))
    assert before.figures == after.figures
    assert before.confidence.calibration_error > 0.2
    assert after.confidence.calibration_error < 0.05
