"""Two systems on the same questions: differences by hand, luck, and what may not be compared."""

from __future__ import annotations

import json

import numpy as np
import pytest

import spanfit
from spanfit.errors import DataError
from spanfit.metrics import compare, score
from spanfit.types import Answer, QuestionExample


def example(key, *golds):
    return QuestionExample(key, "?", "context", tuple(Answer(gold) for gold in golds))


GOLD = [example("q1", "quay"), example("q2", "old quay"), example("q3"), example("q4")]


def test_differences_by_hand():
    a = score(GOLD, {"q1": "quay", "q2": "lamp", "q3": "", "q4": "sea"})
    b = score(GOLD, {"q1": "lamp", "q2": "quay", "q3": "", "q4": ""})
    differences = compare(a, b).differences
    assert list(differences) == [
        "exact", "f1", "HasAns_exact", "HasAns_f1", "NoAns_exact", "NoAns_f1",
    ]  # fmt: skip
    f1 = differences["f1"]
    assert (f1.a, f1.b) == pytest.approx((50, 100 * (2 / 3 + 2) / 4))
    assert f1.difference == pytest.approx(100 * (2 / 3) / 4)
    assert (f1.wins, f1.losses, f1.ties) == (2, 1, 1)
    assert f1.difference in f1.interval
    has_answer = differences["HasAns_f1"]
    assert has_answer.difference == pytest.approx(100 * (2 / 3 - 1) / 2)
    assert (has_answer.wins, has_answer.losses, has_answer.ties) == (1, 1, 0)
    assert (differences["NoAns_f1"].wins, differences["NoAns_f1"].losses) == (1, 0)


def test_the_other_way_round_is_the_opposite():
    a, b = score(GOLD, {"q1": "quay"}), score(GOLD, {"q2": "quay", "q3": ""})
    there, back = compare(a, b).differences["f1"], compare(b, a).differences["f1"]
    assert there.difference == pytest.approx(-back.difference)
    assert (there.wins, there.losses) == (back.losses, back.wins)
    # Up to the noise of another draw.
    assert there.interval.low == pytest.approx(-back.interval.high, abs=10)
    assert there.p_value == pytest.approx(back.p_value, abs=0.05)


def test_missing_predictions_count_as_zero_on_both_sides():
    a, b = score(GOLD, {}), score(GOLD, {"q1": "quay", "q3": ""})
    f1 = compare(a, b).differences["f1"]
    assert (f1.a, f1.b, f1.wins, f1.ties) == (0, 50, 2, 2)


def test_squad_v1_has_its_own_name_for_exact():
    gold = [example("q1", "quay"), example("q2", "lamp")]
    comparison = compare(score(gold, {"q1": "quay"}), score(gold, {"q1": "quay", "q2": "lamp"}))
    assert list(comparison.differences) == ["exact_match", "f1"]
    assert comparison.differences["exact_match"].difference == 50
    assert comparison.signature.metric == "squad_v1"


def test_another_order_of_the_questions_is_put_right():
    texts = {"q1": "quay", "q2": "quay", "q3": "sea"}
    f1 = compare(score(GOLD, texts), score(GOLD[::-1], texts)).differences["f1"]
    assert (f1.difference, f1.ties, f1.p_value) == (0, 4, 1)


def test_unequal_signatures_are_refused():
    a = score(GOLD, {})
    for b, field in (
        (score(GOLD[:3], {}), "data_digest, n"),
        (score(GOLD, {}, selected_on="validation"), "selected_on"),
    ):
        with pytest.raises(DataError, match=f"they differ in {field}"):
            compare(a, b)
    answerable = [example("q1", "quay")]
    with pytest.raises(DataError, match="they differ in metric"):
        compare(score(answerable, {}), score(answerable, {}, metric="squad_v2"))


def simulate(n, *, seed):
    """Gold, and the texts of two systems: a right in 60 % of cases, b in 65 % and mostly alike."""
    generator = np.random.default_rng(seed)
    gold = [example(str(row), "quay") for row in range(n)]
    draw = generator.random(n)
    a = {str(row): "quay" if draw[row] < 0.60 else "lamp" for row in range(n)}
    b = {str(row): "quay" if draw[row] < 0.65 else "lamp" for row in range(n)}
    return gold, a, b


def test_pairing_sees_what_two_intervals_cannot():
    """b is right wherever a is, and a few times more: clear in pairs, though intervals overlap."""
    gold, a, b = simulate(500, seed=1)
    scores = score(gold, a), score(gold, b)
    f1 = compare(*scores).differences["f1"]
    assert scores[0].interval("f1").high > scores[1].interval("f1").low
    assert f1.losses == 0
    assert 0 < f1.interval.low < f1.difference < f1.interval.high
    assert f1.p_value == pytest.approx(2 / 10_001)


def test_the_interval_is_that_of_a_mean_of_pairs():
    gold, a, b = simulate(2_000, seed=2)
    f1 = compare(score(gold, a), score(gold, b)).differences["f1"]
    share = f1.wins / 2_000
    half = 100 * 1.96 * np.sqrt(share * (1 - share) / 2_000)
    assert f1.interval.low == pytest.approx(f1.difference - half, abs=0.15)
    assert f1.interval.high == pytest.approx(f1.difference + half, abs=0.15)


def test_a_comparison_goes_into_json():
    a, b = score(GOLD, {"q1": "quay"}), score(GOLD, {"q3": ""})
    written = json.loads(json.dumps(spanfit.compare(a, b).to_json()))
    assert written["f1"]["interval"] == compare(a, b).differences["f1"].interval.to_json()
    assert set(written["f1"]) == {
        "a", "b", "difference", "interval", "p_value", "wins", "losses", "ties",
    }  # fmt: skip
