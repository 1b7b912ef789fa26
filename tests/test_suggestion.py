"""`spanfit init`: the recipe fits the number, script and lengths of the examples."""

from __future__ import annotations

import pytest

from spanfit.errors import DataError
from spanfit.recipe import make_recipe
from spanfit.suggestion import LATIN_MODEL, OTHER_MODEL, suggest_recipe
from spanfit.types import Answer, QuestionExample

ENGLISH = "The lamp of Pellan Head was lit in 1864, and has been kept by one family. "
JAPANESE = "この灯台の明かりは1864年に初めて灯され、それ以来ひとつの家族が守っています。"


def questions(n=10, *, context=ENGLISH, times=1, answers=((9, 4),)):
    """Examples with the same context; `answers` are (start, length)."""
    context = context * times
    golds = tuple(Answer(context[start : start + length], start) for start, length in answers)
    return [
        QuestionExample(id=str(i), question="When was it lit?", context=context, answers=golds)
        for i in range(n)
    ]


def suggest(examples, **options):
    return suggest_recipe(examples, train="train.json", **options).recipe


def test_a_few_short_english_texts():
    recipe = suggest(questions())
    assert recipe.model.name == LATIN_MODEL
    assert recipe.data.train == "train.json"
    assert (recipe.windows.max_length, recipe.windows.overlap) == (128, 42)
    assert (recipe.run.epochs, recipe.optimizer.learning_rate) == (5, 5e-5)
    assert recipe.decode.max_answer_tokens == 30
    assert recipe.data.validation is None


def test_many_examples_take_fewer_epochs():
    few, some, many = (suggest(questions(n)).run.epochs for n in (1_999, 2_000, 20_000))
    assert few > some > many


def test_long_texts_take_the_usual_windows():
    recipe = suggest(questions(times=30))
    assert (recipe.windows.max_length, recipe.windows.overlap) == (384, 128)


def test_japanese_counts_characters_and_takes_a_multilingual_model():
    recipe = suggest(questions(context=JAPANESE, times=3))
    assert recipe.model.name == OTHER_MODEL
    assert recipe.windows.max_length == 192  # 3 x 38 characters, each a token, and a question
    assert suggest(questions(context=ENGLISH, times=2)).windows.max_length == 128


def test_long_answers_raise_the_limit():
    recipe = suggest(questions(times=5, answers=((0, 350),)))
    assert recipe.decode.max_answer_tokens == 110  # 350 x 0.3, rounded up to tens
    japanese = suggest(questions(context=JAPANESE, times=3, answers=((0, 40),)))
    assert japanese.decode.max_answer_tokens == 40


def test_unanswerable_questions_are_counted_and_the_threshold_mentioned():
    examples = [*questions(3), QuestionExample(id="n", question="?", context="A.", answers=())]
    notes = " ".join(suggest_recipe(examples, train="train.json").notes)
    assert "4 questions, 1 of them unanswerable" in notes
    assert "threshold" in notes
    assert "threshold" not in " ".join(suggest_recipe(questions(), train="x").notes)


def test_what_the_user_names_is_taken():
    suggestion = suggest_recipe(
        questions(), train="a b.json", model="quickstart", validation="dev.json"
    )
    assert suggestion.recipe.model.name == "quickstart"
    assert suggestion.recipe.data.validation == "dev.json"
    assert not any("usual choice" in note for note in suggestion.notes)


@pytest.mark.parametrize(
    "examples", [[], [QuestionExample(id="1", question="?", context="A.", answers=None)]]
)
def test_without_gold_there_is_nothing_to_learn(examples):
    with pytest.raises(DataError, match="nothing to learn from") as caught:
        suggest_recipe(examples, train="train.json")
    assert caught.value.where == "train.json"


@pytest.mark.parametrize(
    "examples",
    [
        questions(context="", answers=()),
        questions(context="１２３ ", answers=()),
        questions(1, times=100, answers=((0, 7000),)),
    ],
    ids=["empty context", "no letters", "one answer as long as its text"],
)
def test_every_suggestion_is_a_valid_recipe(examples):
    recipe = suggest(examples)
    assert make_recipe(recipe.model_dump()) == recipe
