"""Predictions read back with their candidates, to be decided again without the model."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanfit.data.nbest import read_question_predictions
from spanfit.data.prediction_lines import write_predictions
from spanfit.errors import DataError
from spanfit.types import Candidate, QuestionPrediction

LINE = {
    "id": "q1",
    "answer": None,
    "probability": 0.9,
    "null_odds": 1.5,
    "n_best": [
        {"text": "1864", "start": 35, "end": 39, "score": 9.0, "probability": 0.1},
        {"text": "in 1864", "start": 32, "end": 39, "score": 7.0},
    ],
}


def change(**keys):
    return json.dumps({key: value for key, value in (LINE | keys).items() if value != "gone"})


def write(folder, content):
    path = folder / "predictions.jsonl"
    path.write_text(content, encoding="utf-8")
    return path


def test_a_line_gives_candidates_that_nothing_has_decided(tmp_path):
    (prediction,) = read_question_predictions(write(tmp_path, json.dumps(LINE)))
    assert (prediction.threshold, prediction.temperature) == (None, 1.0)
    assert prediction.null_odds == 1.5
    assert [(c.text, c.span.of("." * 40)) for c in prediction.n_best] == [
        ("1864", "." * 4),
        ("in 1864", "." * 7),
    ]
    share = 1 / (1 + math.exp(-2))
    assert prediction.n_best[0].probability == pytest.approx(share)
    null = math.exp(1.5) / (math.exp(1.5) + 1 + math.exp(-2))
    assert prediction.recalibrate(0.0, 1.0).probability == pytest.approx(null)
    hot = math.exp(0.75) / (math.exp(0.75) + 1 + math.exp(-1))
    assert prediction.recalibrate(0.0, 2.0).probability == pytest.approx(hot)
    assert prediction.recalibrate(2.0, 2.0).answer.text == "1864"


SCORES = st.lists(st.floats(-50, 50), max_size=4).map(lambda s: sorted(s, reverse=True))
CALIBRATIONS = st.tuples(st.none() | st.floats(-5, 5), st.floats(0.1, 10))


@given(SCORES, st.floats(-50, 50), CALIBRATIONS, CALIBRATIONS)
def test_whatever_wrote_a_file_it_can_be_decided_anew_without_loss(
    tmp_path_factory, scores, odds, first, second
):
    n_best = tuple(
        Candidate("x" * n, 0, n, score, 0.0, source="" if n % 2 else "a.txt")
        for n, score in enumerate(scores, 1)
    )
    plain = QuestionPrediction(
        "q", n_best, odds if n_best else math.inf, 0.0 if n_best else 1.0, threshold=0.0
    )
    written = plain.recalibrate(None, 1.0).recalibrate(*first)
    path = tmp_path_factory.mktemp("written") / "predictions.jsonl"
    write_predictions(path, [written])
    (read,) = read_question_predictions(path)
    assert read.recalibrate(*first) == written
    assert read.recalibrate(*second) == written.recalibrate(None, 1.0).recalibrate(*second)
    total = sum(c.probability for c in written.n_best) + written.null_probability
    assert total == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file is empty"),
        ('{"q1": "1864"}', "no candidates with scores"),
        ('{\n "q1": "1864"\n}', "no candidates with scores"),
        ('{"version": "v2.0", "data": []}', "no candidates with scores"),
        (change(n_best="gone"), "line 1: there are no candidates with scores"),
        (change() + "\n" + '{"id": "q2"', "line 2, column 12: not valid JSON"),
        (change() + "\n[]", "line 2: the line is not an object"),
        (change() + "\n" + change(), "line 2: the id 'q1' comes twice"),
        (change(null_odds="gone"), "the key 'null_odds' is missing"),
        (change(null_odds=None), "'null_odds' does not suit 'n_best'"),
        (change(null_odds=True), "'null_odds' does not suit 'n_best'"),
        (change(n_best=[]), "'null_odds' does not suit 'n_best'"),
        (change(n_best=[{"text": "a", "start": 0, "end": 1}]), "the key 'score' is missing"),
        (
            change(n_best=[{"text": "a", "start": 0, "end": 1, "score": "9"}]),
            r"the score of n_best\[0\] is not a number",
        ),
        (
            change(n_best=[{"text": "a", "start": 2, "end": 1, "score": 9}]),
            r"n_best\[0\] is no span",
        ),
        (change(n_best=LINE["n_best"][::-1]), "'n_best' is not sorted"),
    ],
)
def test_what_cannot_be_decided_anew_is_refused_with_its_place(tmp_path, content, message):
    path = write(tmp_path, content)
    with pytest.raises(DataError, match=message) as caught:
        read_question_predictions(path)
    assert caught.value.where.startswith(str(path))


def test_a_temperature_needs_to_be_positive():
    prediction = QuestionPrediction("q", (), math.inf, 1.0, threshold=0.0)
    for wrong in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match="temperature"):
            prediction.recalibrate(0.0, wrong)
    assert prediction.recalibrate(0.0, 3.0).probability == 1.0
