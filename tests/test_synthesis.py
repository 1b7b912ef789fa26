"""Unanswerable questions made of answerable ones."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from spanfit.data import read
from spanfit.data.synthesis import OTHER_PARAGRAPH, make_unanswerable
from spanfit.types import Answer, QuestionExample


def ask(id_, question, context, gold, title="Lamps"):
    start = context.index(gold) if gold else 0
    answers = (Answer(gold, start),) if gold else ()
    return QuestionExample(id_, question, context, answers, title=title, place=f"line {id_}")


LIT = "The lamp of Pellan Head was lit in 1864."
KEPT = "Its keeper, Ada Holm, kept the lamp of Pellan Head for years."
FOG = "Fog signals came later, in 1891."


def test_the_paragraph_that_shares_most_and_holds_no_gold_is_taken():
    examples = [
        ask("1", "When was the lamp of Pellan Head lit?", LIT, "1864"),
        ask("2", "Who kept the lamp?", KEPT, "Ada Holm"),
        ask("3", "When did fog signals come?", FOG, "1891"),
    ]
    made = make_unanswerable(examples, share=1.0, seed=0)
    assert [one.id for one in made.examples] == [f"{n}#other-paragraph" for n in (1, 2, 3)]
    assert [one.context for one in made.examples[:2]] == [KEPT, LIT]
    assert all(one.answers == () and one.title == "Lamps" for one in made.examples)
    assert {one.synthetic for one in made.examples} == {OTHER_PARAGRAPH}
    assert made.summary() == "3 unanswerable questions made of answerable ones"


def test_a_paragraph_in_which_a_gold_occurs_is_never_taken_in_whatever_case():
    examples = [
        ask("1", "Where was the lamp lit?", LIT, "Pellan Head"),
        ask("2", "Whose lamp?", KEPT.replace("Pellan Head", "PELLAN HEAD"), "Ada Holm"),
        ask("3", "When?", FOG, "1891"),
    ]
    made = {one.id: one for one in make_unanswerable(examples, share=1.0, seed=0).examples}
    assert made["1#other-paragraph"].context == FOG


def test_other_titles_are_not_touched_and_what_could_not_be_made_is_said():
    examples = [
        ask("1", "When was the lamp lit?", LIT, "1864", title="Lamps"),
        ask("2", "Who kept the lamp?", KEPT, "Ada Holm", title="Keepers"),
        ask("3", "When?", FOG, "1891", title=""),
        ask("4", "When again?", LIT, "", title=""),
    ]
    made = make_unanswerable(examples, share=1.0, seed=0)
    assert made.examples == ()
    assert "3 fewer than wanted" in made.summary()


def test_share_and_seed_decide_how_many_and_which():
    contexts = [f"Berth {n} holds ship number {n}." for n in range(40)]
    examples = [
        ask(str(n), "Which ship?", text, f"ship number {n}") for n, text in enumerate(contexts)
    ]
    first, again, other = (
        [one.id for one in make_unanswerable(examples, share=0.25, seed=seed).examples]
        for seed in (1, 1, 2)
    )
    assert len(first) == 10 and first == again and first != other
    assert make_unanswerable(examples, share=0.0, seed=1).examples == ()


def test_what_is_there_already_is_not_made_again():
    examples = [ask("1", "When was it lit?", LIT, "1864"), ask("2", "Who?", KEPT, "Ada Holm")]
    made = make_unanswerable(examples, share=1.0, seed=0).examples
    assert make_unanswerable([*examples, *made], share=1.0, seed=0).examples == ()


def test_real_articles(shared):
    examples = read(shared / "data/squad_v1/train-v1.1.subset.json")[:1500]
    made = make_unanswerable(examples, share=0.3, seed=0)
    assert len(made.examples) == round(0.3 * len(examples))
    contexts = {(one.title, one.context) for one in examples}
    sources = {one.id: one for one in examples}
    for one in made.examples:
        source = sources[one.id.removesuffix("#other-paragraph")]
        assert one.question == source.question and one.context != source.context
        assert (one.title, one.context) in contexts and one.title == source.title
        assert source.answers[0].text not in one.context
    new = sum(len(one.context) for one in made.examples)
    old = sum(len(sources[one.id.split("#")[0]].context) for one in made.examples)
    assert new == pytest.approx(old, rel=0.03), "the length would give it away"
    assert max(Counter(one.id for one in made.examples).values()) == 1


@pytest.mark.training
def test_a_recipe_adds_them_to_training_and_calibration_apart(tmp_path):
    from tiny_models import make_recipe_content, write_lines

    from spanfit.errors import DataError
    from spanfit.preparation import prepare
    from spanfit.progress import Progress
    from spanfit.recipe import make_recipe

    content = make_recipe_content(tmp_path)
    recipe = make_recipe(content, overrides=["data.synthetic_unanswerable=0.5"])
    with pytest.raises(DataError, match="no unanswerable question can be made"):
        prepare(recipe, progress=Progress(quiet=True))

    file = Path(content["data"]["train"])
    rows = [json.loads(line) | {"title": "one"} for line in file.read_text().splitlines()]
    write_lines(file, rows)
    prepared = prepare(recipe, progress=Progress(quiet=True))
    for part in (prepared.parts.training, prepared.parts.calibration):
        real = {one.id for one in part if not one.synthetic}
        synthetic = [one for one in part if one.synthetic]
        assert synthetic and all(one.id.split("#")[0] in real for one in synthetic)
        assert {one.context for one in synthetic} <= {
            one.context for one in part if not one.synthetic
        }
