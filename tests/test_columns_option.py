"""`--columns KEY=VALUE`: what it makes of what was typed."""

from __future__ import annotations

import pytest

from spanfit.cli.reading import (
    list_model_columns,
    parse_columns,
    parse_model_columns,
    quote_data,
    read_columns,
)
from spanfit.errors import RecipeError
from spanfit.examples import AS_IT_IS, Reading
from spanfit.recipe import ColumnsSection
from spanfit.settings import ModelSettings, TagSettings

ALL = frozenset({"words", "tags", "names"})


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (None, AS_IT_IS),
        ([], AS_IT_IS),
        (["words=2", "tags=-2"], Reading(words=2, tags=-2)),
        (["words=FORM", "tags=ner_tags"], Reading(words="FORM", tags="ner_tags")),
        (["names=O, B-PER,I-PER"], Reading(names=("O", "B-PER", "I-PER"))),
        (["separator=;"], Reading(separator=";")),
        ([r"separator=\t"], Reading(separator="\t")),
        (["separator=tab"], Reading(separator="\t")),
        (["separator= "], Reading(separator=" ")),
        (["separator==", "joiner="], Reading(separator="=", joiner="")),
        (["joiner=space"], Reading(joiner=" ")),
        (["scheme=bio", "repair=discard"], Reading(scheme="IOB2", repair="discard")),
        (["tags=ner", "tags=pos"], Reading(tags="pos")),
        (["tags="], Reading(tags=None)),
    ],
)
def test_values(values, expected):
    assert parse_columns(values) == expected


def test_what_is_not_typed_is_the_default():
    default = ColumnsSection(words="FORM", tags="UPOS", names=["a", "b"], joiner="", scheme="plain")
    assert parse_columns(None, default=default) == default.reading()
    found = parse_columns(["tags=3", "names=", "scheme="], default=default)
    assert found == Reading(words="FORM", tags=3, joiner="")
    assert read_columns(["repair=conlleval"], default=default).repair == "conlleval"


def test_bad_answers_come_along():
    assert parse_columns(None, bad_answers="drop").bad_answers == "drop"
    assert parse_columns(["tags=2"], bad_answers="relocate").bad_answers == "relocate"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("tags", "needs KEY=VALUE"),
        ("tag=2", "did you mean 'tags'?"),
        ("repair=drop", "repair: input should be 'conlleval' or 'discard'"),
        ("scheme=BIOS", "there is no tag scheme 'BIOS'"),
    ],
)
def test_mistakes(value, expected):
    with pytest.raises(RecipeError) as caught:
        parse_columns([value])
    assert expected in str(caught.value)


# What a model remembers ---------------------------------------------------------------------------


def model(**columns):
    """The settings of a model that learnt from such columns."""
    section = ColumnsSection(**columns)
    return ModelSettings(
        task="tagging", tagging=TagSettings(tags=["O", "B-x", "I-x"], columns=section)
    )


def test_what_nobody_typed_is_remembered():
    settings = model(tags="ner", names=["word", "ner"], joiner="")
    expected = Reading(
        tags="ner", names=("word", "ner"), joiner="", numbers=(), remembered=ALL
    )  # names of columns, which no number stands for
    assert parse_model_columns(None, settings) == expected
    assert parse_model_columns(["tags="], settings).remembered == ALL - {"tags"}
    typed = parse_model_columns(["names=O,B-x", "tags=tags"], settings)
    assert (typed.names, typed.numbers, typed.remembered) == (("O", "B-x"), None, {"words"})
    assert parse_model_columns(None, ModelSettings()) == Reading(remembered=ALL)


def test_names_that_are_tags_of_the_model_are_what_numbers_stand_for():
    found = parse_model_columns(None, model(tags="ner_tags", names=["O", "B-x", "I-x", "B-y"]))
    assert (found.names, found.numbers) == ((), ("O", "B-x", "I-x", "B-y"))


@pytest.mark.parametrize(
    ("columns", "typed", "expected"),
    [
        ({}, None, []),
        ({"tags": "pos"}, None, ["tags=pos"]),
        ({"tags": "pos"}, ["tags=2"], ["tags=2"]),
        ({"tags": "pos", "names": ["form", "pos"]}, ["tags="], ["tags=pos", "names=form,pos"]),
        ({"separator": "\t", "joiner": " "}, None, ["separator=tab", "joiner=space"]),
        ({"joiner": "", "scheme": "IOB1"}, ["words=2"], ["words=2", "joiner=", "scheme=IOB1"]),
    ],
)
def test_what_to_type_to_read_gold_as_a_model_does(columns, typed, expected):
    settings = model(**columns)
    found = list_model_columns(typed, settings)
    assert found == expected
    gold = [value for value in typed or () if value != "tags="]
    assert parse_columns(found) == parse_columns(gold, default=settings.columns)


def test_a_file_is_named_with_its_columns():
    assert quote_data("a b.txt", ["tags=pos", "separator=;"]) == (
        "'a b.txt' --columns tags=pos --columns 'separator=;'"
    )
    assert quote_data("a.txt", None) == "a.txt"
