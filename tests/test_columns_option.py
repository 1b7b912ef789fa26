"""`--columns KEY=VALUE`: what it makes of what was typed."""

from __future__ import annotations

import pytest

from spanfit.cli.reading import parse_columns, read_columns
from spanfit.errors import RecipeError
from spanfit.examples import AS_IT_IS, Reading
from spanfit.recipe import ColumnsSection


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
