"""Predictions of tagged texts: lines, records of other programs, columns, and what is wrong."""

from __future__ import annotations

import gzip
import json

import pytest

from spanfit.data.tag_predictions import TagResponse, read_tag_predictions
from spanfit.errors import DataError
from spanfit.tagged import TaggedEntity, TaggedExample, TaggingPrediction

PREDICTION = TaggingPrediction(
    "a1",
    "Mira left.",
    starts=(0, 5, 9),
    ends=(4, 9, 10),
    tags=("B-PER", "O", "O"),
    entities=(TaggedEntity(0, 4, "PER", text="Mira", probability=0.75),),
)


def write(folder, content, name="predictions"):
    path = folder / name
    if isinstance(content, list):
        content = "".join(json.dumps(line) + "\n" for line in content)
    path.write_text(content, encoding="utf-8")
    return path


def test_what_predict_writes_is_read_back(tmp_path):
    found = read_tag_predictions(write(tmp_path, [PREDICTION.to_json()]))
    assert found.has_ids
    (response,) = found.responses
    made = TagResponse.of(PREDICTION)
    assert response.said == made.said
    assert [(e.start, e.end, e.label, e.probability) for e in response.entities] == [
        (0, 4, "PER", 0.75)
    ]
    assert made.entities == PREDICTION.entities
    packed = tmp_path / "packed.gz"
    packed.write_bytes(gzip.compress((tmp_path / "predictions").read_bytes()))
    assert read_tag_predictions(packed) == found


def test_other_programs_may_write_words_or_entities(tmp_path):
    lines = [
        {"id": "a", "words": ["Mira", "left"], "tags": ["B-PER", "O"]},
        {"text": "Mia", "entities": [{"start": 0, "end": 2, "label": "PER"}]},
        {"id": "c", "text": "", "units": [], "tags": [], "entities": []},
    ]
    first, second, third = read_tag_predictions(write(tmp_path, lines)).responses
    assert (first.said.words, first.tags, first.entities) == (
        ["Mira", "left"], ("B-PER", "O"), None
    )  # fmt: skip
    assert (second.said.id, second.tags) == ("2", ("B-PER", "I-PER", "O"))
    assert second.entities is None  # without probabilities
    assert (third.tags, third.entities) == ((), ())
    array = write(tmp_path, json.dumps(lines[:2], indent=1), name="array")
    assert [response.tags for response in read_tag_predictions(array).responses] == [
        first.tags, second.tags
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "gold"),
    [
        ("Mira B-PER\nleft O\n\n! O\n", None),
        ("Mira\tB-PER\nleft\tO\n\n!\tO\n", None),
        ("Mira I-PER B-PER\nleft O O\n\n! O O\n", ("I-PER", "O")),
        ("-DOCSTART- -X- O O\n\nMira NNP I-PER B-PER\nleft VB O O\n\n! . O O\n", ("I-PER", "O")),
    ],
)
def test_columns_end_with_gold_and_prediction(tmp_path, content, gold):
    found = read_tag_predictions(write(tmp_path, content))
    assert not found.has_ids
    first, second = found.responses
    assert (first.said.words, first.tags, first.gold) == (["Mira", "left"], ("B-PER", "O"), gold)
    assert (second.said.words, second.tags) == (["!"], ("O",))
    assert first.entities is None


def test_a_word_may_be_a_bracket(tmp_path):
    found = read_tag_predictions(write(tmp_path, "{ O\n[ O\nMira B-PER\n"))
    assert found.responses[0].said.words == ["{", "[", "Mira"]


LINE = {"id": "a", "text": "Mira", "units": [[0, 4]], "tags": ["O"]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file is empty"),
        ([LINE, LINE], "line 2: the id 'a' comes twice"),
        ([{"id": "a", "text": "Mira"}], "line 1, id 'a': this line predicts no tags"),
        ([{"id": "a", "answer": None}], "these belong to questions"),
        ([LINE | {"tags": ["O", "O"]}], "'tags' has not one tag a word"),
        ([LINE | {"units": [[0, 9]]}], "unit 1 is not the next range of characters"),
        ([{"id": "a", "tags": ["O"]}], "the key 'words' is missing"),
        ([LINE, "text"], "line 2: the line is not an object"),
        (
            [LINE | {"entities": [{"start": 0, "end": 4, "label": "X", "probability": 1.5}]}],
            "line 1, id 'a': 'probability' is not a probability",
        ),
        (
            [LINE | {"entities": [{"start": 4, "end": 4, "label": "X", "probability": 1}]}],
            "line 1, id 'a': no entity: an entity needs 0 <= start < end",
        ),
        ('{"id": "a", "text": \n', "line 1"),
        ("Mira B-PER\nleft\n", "line 2"),
        ("Mira\nleft\n", "words and tags in the same column"),
    ],
)
def test_what_is_no_prediction_is_refused(tmp_path, content, message):
    path = write(tmp_path, content)
    with pytest.raises(DataError) as caught:
        read_tag_predictions(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_response_has_tags():
    with pytest.raises(ValueError, match="a prediction needs tags"):
        TagResponse(TaggedExample("a", "Mira", starts=(0,), ends=(4,)))
