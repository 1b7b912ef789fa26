"""`spanfit init`: the recipe fits the number, script and lengths of the examples."""

from __future__ import annotations

import json
import tomllib

import pytest
from typer.testing import CliRunner

from spanfit.cli.app import app
from spanfit.errors import DataError
from spanfit.recipe import annotate, make_recipe
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


def titled(n, *, title, unanswerable=0):
    """n questions on two paragraphs of a title, the last of them without an answer."""
    return [
        QuestionExample(
            id=f"{title}{i}",
            question="When was it lit?",
            context=ENGLISH * (1 + i % 2),
            answers=() if i >= n - unanswerable else (Answer("lamp", 4),),
            title=title,
        )
        for i in range(n)
    ]


HALF = titled(10, title="dev", unanswerable=5)


@pytest.mark.parametrize(
    ("examples", "scored", "expected"),
    [
        (
            titled(100, title="A", unanswerable=7),
            HALF,
            "but 7 % of what is learnt, in 1 of 1 titles",
        ),
        (titled(100, title="A"), HALF, "50 % of the validation are unanswerable, but 0 %"),
        (
            [q for t in "ABCDEF" for q in titled(10, title=t, unanswerable=9 * (t == "A"))],
            HALF,
            "but 15 % of what is learnt, in 1 of 6 titles",
        ),
        (titled(100, title="A", unanswerable=10), HALF, None),
        (titled(100, title="A"), titled(100, title="dev", unanswerable=19), None),
        (titled(100, title="A"), (), None),
        (titled(100, title=""), HALF, None),  # of what could they be made?
        (questions(), HALF, None),
    ],
)
def test_too_few_unanswerable_questions_are_said_with_the_key_that_makes_more(
    examples, scored, expected
):
    notes = suggest_recipe(examples, train="x", scored=scored).notes
    found = [note for note in notes if "data.synthetic_unanswerable = 0.3" in note]
    assert len(found) == (expected is not None)
    if expected is not None:
        assert expected in found[0]


def test_several_files():
    suggestion = suggest_recipe(questions(), train=["a.json", "b.csv"])
    assert suggestion.recipe.data.train == ["a.json", "b.csv"]
    assert make_recipe(tomllib.loads(annotate(suggestion.recipe))) == suggestion.recipe
    with pytest.raises(DataError, match=r"^a\.json, b\.csv: "):
        suggest_recipe([], train=["a.json", "b.csv"])


def test_the_command_takes_several_files_and_counts_a_question_once(tmp_path):
    files = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    line = {"id": "q", "question": "?", "context": "A lamp.", "answers": [{"text": "lamp"}]}
    for file in files:
        file.write_text(json.dumps(line) + "\n" + json.dumps(line | {"id": file.stem}) + "\n")
    result = CliRunner().invoke(app, ["init", *map(str, files)], catch_exceptions=False)
    assert tomllib.loads(result.stdout)["data"]["train"] == [str(file) for file in files]
    assert "\n3 questions, " in result.stderr
    assert "count once: q\n" in result.stderr


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


# Tagged texts -------------------------------------------------------------------------------------

BROKEN = "Ada B-PER\nReed I-PER\n\nin O\nOslo I-LOC\n\n"


def init(*arguments):
    return CliRunner().invoke(app, ["init", *map(str, arguments)])


def test_tags_that_break_their_scheme_are_refused_with_their_place(tmp_path):
    file = tmp_path / "train.txt"
    file.write_text(BROKEN, encoding="utf-8")
    error = init(file).exception
    assert isinstance(error, DataError)
    assert error.where == f"{file}, line 5, token 'Oslo'"
    assert "--columns repair=conlleval" in error.fix
    other = tmp_path / "more.txt"
    other.write_text("Ada B-PER\n\n", encoding="utf-8")
    assert f"{file}, line 5" in str(init(other, file).exception)


def test_the_repair_that_is_named_is_done_told_and_written(tmp_path):
    file = tmp_path / "train.txt"
    file.write_text(BROKEN, encoding="utf-8")
    result = init(file, "--columns", "repair=conlleval")
    assert tomllib.loads(result.stdout)["columns"]["repair"] == "conlleval"
    assert "I-LOC → B-LOC" in result.stderr
    assert "tag scheme: IOB2 (found B- 2, I- 1, O 1)" in result.stderr
    result = init(file, "--columns", "repair=conlleval", "--columns", "scheme=IOB1")
    assert "tag scheme: IOB1, as --columns says" in result.stderr


def test_texts_without_gold_teach_nothing(tmp_path):
    file = tmp_path / "train.txt"
    file.write_text("Ada\nReed\n\n", encoding="utf-8")
    assert "no text has tags" in str(init(file, "--columns", "tags=").exception)
