"""Predictions files: both formats, plain and gzip; writing, reading, and what is wrong."""

from __future__ import annotations

import gzip
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanfit.data.prediction_lines import format_line, write_predictions
from spanfit.data.predictions import Response, read_na_probs, read_predictions
from spanfit.errors import DataError
from spanfit.types import Candidate, QuestionPrediction

OURS = """\
{"id": "q1", "answer": {"text": "1864", "start": 35, "end": 39}, "probability": 0.8, \
"null_odds": -2.5, "n_best": [{"text": "1864", "start": 35, "end": 39, "score": 9.1}]}

{"id": "q2", "answer": null, "probability": 0.7, "null_odds": 1, "n_best": [{"text": "lamp"}]}
{"id": "q3", "answer": null, "n_best": []}
{"id": 4, "answer": {"text": ""}}
"""
OURS_READ = {
    "q1": Response("1864", is_null=False, null_odds=-2.5, probability=0.8),
    "q2": Response("lamp", is_null=True, null_odds=1, probability=0.7),
    "q3": Response("", is_null=True, null_odds=math.inf),
    "4": Response("", is_null=False, null_odds=None),
}
OFFICIAL = {"q2": "the “lamp”", "q1": ""}
OFFICIAL_READ = {"q2": Response("the “lamp”"), "q1": Response("")}


def write(folder, content, *, packed=False):
    path = folder / "predictions"
    data = content.encode() if isinstance(content, str) else content
    path.write_bytes(gzip.compress(data) if packed else data)
    return path


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (OURS, OURS_READ),
        (OURS.splitlines()[0], {"q1": OURS_READ["q1"]}),
        (json.dumps(OFFICIAL), OFFICIAL_READ),
        (json.dumps(OFFICIAL, indent=2, ensure_ascii=False) + "\n", OFFICIAL_READ),
        ("\ufeff\r\n" + json.dumps(OFFICIAL), OFFICIAL_READ),
        ("{}", {}),
    ],
)
def test_the_content_decides_how_a_file_is_read(tmp_path, content, expected, packed):
    found = read_predictions(write(tmp_path, content, packed=packed))
    assert found == expected
    assert list(found) == list(expected)


@pytest.mark.parametrize(
    ("content", "message", "fix"),
    [
        ("", "the file is empty", ""),
        ("  \n\n", "the file is empty", ""),
        ("hello", "line 1: this is not a JSON object", ""),
        ('[{"id": "q1"}]', "line 1: this is not a JSON object", ""),
        ('{"q1": "a",\n"q2": }', "line 2, column 7: not valid JSON", ""),
        ('{"q1": "a"}\n{"q2": "b"}', "line 2, column 1: not valid JSON", ""),
        ('{"q1": "a", "q2": "b", "q1": "c"}', "the id 'q1' comes twice", ""),
        ('{"q1": ["a"]}', "the prediction for 'q1' is not a text", ""),
        ('{"q1": null}', "the prediction for 'q1' is not a text", ""),
        ('{"q1": 0.5}', "the prediction for 'q1' is not a text", "--na-probs"),
        ('{"version": "v2.0", "data": []}', "the prediction for 'data'", "the gold comes first"),
        ('{"id": "q1", "anwser": null}', "line 1: the key 'answer' is missing", "rename 'anwser'"),
        ('{"id": "q1", "answer": "a"}', "line 1: 'answer' is not an object", ""),
        ('{"id": "q1", "answer": {"text": 3}}', "line 1: 'text' is not a string", ""),
        ('{"id": null, "answer": null}', "line 1: 'id' is not a string", ""),
        ('{"id": "q1", "answer": null, "n_best": {}}', "line 1: 'n_best' is not an array", ""),
        ('{"id": "q1", "answer": null, "n_best": ["a"]}', r"n_best\[0\] is not an object", ""),
        ('{"id": "q1", "answer": null, "null_odds": NaN}', "line 1: 'null_odds'", ""),
        ('{"id": "q1", "answer": null, "null_odds": 1e999}', "line 1: 'null_odds'", ""),
        ('{"id": "q1", "answer": null, "null_odds": true}', "line 1: 'null_odds'", ""),
        ('{"id": "q1", "answer": null, "probability": 70}', "'probability' is not a prob", ""),
        ('{"id": "q1", "answer": null, "probability": NaN}', "'probability' is not a prob", ""),
        (OURS + "[]", "line 6: the line is not an object", ""),
        (OURS + '{"id": "q9", "answer"', "line 6, column 22: not valid JSON", ""),
        (OURS + '{"id": "q9", "answer": null\n', "line 6, column 28: not valid JSON", ""),
        (OURS + OURS, "line 6: the id 'q1' comes twice", ""),
        (b'{"q1": "caf\xe9"}', "line 1, byte 12 of the line: not UTF-8", ""),
        (
            gzip.compress(mtime=0, data=b'{"q1": "a"}' * 99)[:30],
            "gzip-compressed data is broken",
            "",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path, content, message, fix):
    path = write(tmp_path, content)
    with pytest.raises(DataError, match=message) as caught:
        read_predictions(path)
    assert caught.value.where.startswith(str(path))
    assert fix in caught.value.fix


def test_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_predictions(tmp_path / "nothing.json")
    with pytest.raises(DataError, match="folder"):
        read_na_probs(tmp_path)


def test_na_probs_keep_the_order_of_the_file(tmp_path):
    path = write(tmp_path, '\ufeff{"q2": 1, "q1": 0.25, "q3": -4.5}\n')
    assert list(read_na_probs(path).items()) == [("q2", 1.0), ("q1", 0.25), ("q3", -4.5)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"q1": NaN}', "the na-prob of 'q1' is not a finite number"),
        ('{"q1": Infinity}', "the na-prob of 'q1' is not a finite number"),
        ('{"q1": "0.5"}', "the na-prob of 'q1' is not a finite number"),
        ('{"q1": true}', "the na-prob of 'q1' is not a finite number"),
        ('{"q1": 0.5, "q1": 0.5}', "the id 'q1' comes twice"),
        ("[0.5]", "this is not a JSON object"),
        ("", "the file is empty"),
    ],
)
def test_wrong_na_probs(tmp_path, content, message):
    with pytest.raises(DataError, match=message):
        read_na_probs(write(tmp_path, content))


FINITE = st.floats(allow_nan=False, allow_infinity=False)
SHARES = st.floats(0, 1)
CANDIDATES = st.builds(
    lambda text, start, score, probability: Candidate(
        text, start, start + len(text), score, probability
    ),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.integers(0, 99),
    FINITE,
    SHARES,
)
PREDICTIONS = st.lists(
    st.builds(
        QuestionPrediction,
        id=st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
        n_best=st.lists(CANDIDATES, max_size=3).map(tuple),
        null_odds=FINITE,
        null_probability=SHARES,
        threshold=st.none() | FINITE,
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda prediction: prediction.id,
)


@given(PREDICTIONS, st.sampled_from(["out.jsonl", "out.jsonl.gz"]))
def test_what_is_written_is_read(tmp_path_factory, predictions, name):
    path = tmp_path_factory.mktemp("written") / name
    assert write_predictions(path, iter(predictions)) == len(predictions)
    assert (path.read_bytes()[:2] == b"\x1f\x8b") == name.endswith(".gz")
    expected = {prediction.id: Response.of(prediction) for prediction in predictions}
    assert read_predictions(path) == expected


def test_infinite_null_odds_beside_candidates_are_an_error():
    candidate = Candidate("a", 0, 1, 1.0, 0.0)
    prediction = QuestionPrediction("q1", (candidate,), null_odds=math.inf, threshold=0.0)
    with pytest.raises(DataError, match="not a finite number"):
        format_line(prediction)


def test_a_prediction_without_candidates_is_written_without_infinity(tmp_path):
    prediction = QuestionPrediction("q1", (), null_odds=math.inf, threshold=0.0)
    assert json.loads(format_line(prediction))["null_odds"] is None
    write_predictions(tmp_path / "out.jsonl", [prediction])
    assert read_predictions(tmp_path / "out.jsonl") == {"q1": Response.of(prediction)}


def test_numbers_that_json_has_not_are_refused():
    candidate = Candidate("quay", 0, 4, score=math.nan, probability=1.0)
    with pytest.raises(DataError, match="prediction for 'q1'"):
        format_line(QuestionPrediction("q1", (candidate,), null_odds=0.0))


def test_a_file_that_cannot_be_written(tmp_path):
    with pytest.raises(DataError, match="can't be written"):
        write_predictions(tmp_path / "no folder" / "out.jsonl", [])
