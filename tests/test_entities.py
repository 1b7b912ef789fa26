"""Tags on a terminal and in a pipe: entities marked in their text, words over their tags."""

from __future__ import annotations

import pytest

from spanfit.cli.entities import print_entities, print_errors
from spanfit.cli.predictions import print_prediction
from spanfit.tagged import TaggedEntity, TaggedExample, TaggingPrediction

TEXT = "Ada Reed came to Łódź."
STARTS, ENDS = (0, 4, 9, 14, 17, 21), (3, 8, 13, 16, 21, 22)


def said(tags, *entities, text=TEXT):
    found = tuple(
        TaggedEntity(start, end, label, text[start:end], probability)
        for start, end, label, probability in entities
    )
    return TaggingPrediction("t1", text, STARTS, ENDS, tuple(tags.split()), found)


FOUND = said("B-PER I-PER O O B-LOC O", (0, 8, "PER", 0.987), (17, 21, "LOC", 1.0))


def test_entities_stand_in_brackets_with_their_labels_and_places(capsys):
    print_entities(FOUND)
    assert capsys.readouterr().out.splitlines() == [
        "",
        "[[Ada Reed PER]] came to [[Łódź LOC]].",
        "  0–8         PER       98.7 %  Ada Reed",
        "  17–21       LOC      100.0 %  Łódź",
    ]


def test_a_text_that_holds_brackets_gets_others(capsys):
    text = "[[A]] Reed came to Łódź."
    prediction = TaggingPrediction(
        "t1", text, (0,), (5,), ("B-PER",), (TaggedEntity(0, 5, "PER", "[[A]]"),)
    )
    print_entities(prediction)
    assert "⟦[[A]] PER⟧ Reed" in capsys.readouterr().out


def test_control_characters_do_not_reach_the_terminal(capsys):
    text = "Ada\x1b[2J came"
    print_entities(TaggingPrediction("t", text, (0,), (len(text),), ("O",)))
    out = capsys.readouterr().out
    assert "\x1b" not in out and "␛[2J" in out and "no entities" in out


def test_parts_of_speech_stand_below_their_words(capsys):
    print_entities(said("NNP NNP VBD IN NNP ."))
    words, tags = capsys.readouterr().out.splitlines()[1:3]
    assert words.split() == ["Ada", "Reed", "came", "to", "Łódź", "."]
    assert tags.split() == ["NNP", "NNP", "VBD", "IN", "NNP", "."]
    assert words.index("came") == tags.index("VBD")


@pytest.mark.parametrize("show", [print_errors, print_prediction])
def test_a_wrong_tag_stands_beside_the_right_one(capsys, show):
    gold = TaggedExample("t1", TEXT, STARTS, ENDS, ("B-PER", "I-PER", "O", "O", "B-ORG", "O"))
    show(FOUND, gold)
    out = capsys.readouterr().out
    assert "id t1  1 of 6 tags wrong  (predicted≠gold)" in out
    assert out.splitlines()[-1].split() == ["B-PER", "I-PER", "O", "O", "B-LOC≠B-ORG", "O"]


def test_nothing_else_can_be_printed():
    with pytest.raises(TypeError, match="no way to print a str"):
        print_prediction("", None)
