"""Recipes: what is refused and how that is said, overrides, and that nothing is lost on the way."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spanfit.errors import RecipeError
from spanfit.recipe import Recipe, annotate, describe_keys, make_recipe, read_recipe

SECTIONS = [*Recipe.model_fields]


def refusal(content=None, *overrides):
    with pytest.raises(RecipeError) as caught:
        make_recipe(content or {}, overrides=overrides)
    return caught.value


def test_an_empty_recipe_is_all_defaults():
    recipe = make_recipe({})
    assert recipe == Recipe()
    assert (recipe.windows.max_length, recipe.windows.overlap) == (384, 128)
    assert (recipe.decode.n_best, recipe.decode.max_answer_tokens) == (20, 30)


def test_a_file_gives_what_stands_in_it(tmp_path):
    file = tmp_path / "recipe.toml"
    file.write_text('[data]\ntrain = "a.json"\n[run]\nepochs = 7\n', encoding="utf-8")
    recipe = read_recipe(file, overrides=["run.epochs=1", "optimizer.schedule=cosine"])
    assert (recipe.data.train, recipe.run.epochs, recipe.optimizer.schedule) == (
        "a.json",
        1,
        "cosine",
    )


def test_sections_are_small_and_every_key_is_described():
    keys = list(describe_keys())
    assert list(dict.fromkeys(section for section, *_ in keys)) == SECTIONS
    assert SECTIONS[0] == "task" and len(SECTIONS) == 10
    for section in SECTIONS:
        assert sum(row[0] == section for row in keys) <= 8, section
    for section, key, _, description in keys:
        assert len(description) > 8, f"{section}.{key}"
        assert not description.endswith("."), f"{section}.{key}"


@pytest.mark.parametrize(
    ("content", "problem", "hint"),
    [
        ({"optimizer": {"learing_rate": 1.0}}, "optimizer.learing_rate", "'learning_rate'"),
        ({"optimiser": {}}, "optimiser", "'optimizer'"),
        ({"run": {"learning_rate": 1.0}}, "run.learning_rate", "optimizer.learning_rate"),
        ({"epochs": 3}, "epochs", "run.epochs"),
        ({"task": {"qwerty": 1}}, "task.qwerty", "answers, class_weights, context_sentences"),
    ],
)
def test_an_unknown_key_is_refused_with_the_one_that_was_meant(content, problem, hint):
    error = refusal(content)
    assert error.problem == f"unknown key {problem}"
    assert hint in error.expected
    assert error.exit_code == 2


@pytest.mark.parametrize(
    ("override", "path"),
    [
        ("run.epochs=0", "run.epochs"),
        ("run.epochs=two", "run.epochs"),
        ("run.epochs=true", "run.epochs"),
        ("run.epochs='3'", "run.epochs"),
        ("run.epochs=1.5", "run.epochs"),
        ("run.device=gpu", "run.device"),
        ("optimizer.learning_rate=0", "optimizer.learning_rate"),
        ("optimizer.learning_rate=inf", "optimizer.learning_rate"),
        ("optimizer.learning_rate=nan", "optimizer.learning_rate"),
        ("optimizer.warmup_ratio=1", "optimizer.warmup_ratio"),
        ("data.calibration_share=1.0", "data.calibration_share"),
        ("model.trust_remote_code=yes", "model.trust_remote_code"),
        ("decode.n_best=0", "decode.n_best"),
        ("windows.max_length=4", "windows.max_length"),
    ],
)
def test_a_wrong_value_names_its_key_and_what_it_means(override, path):
    error = refusal({}, override)
    assert error.problem.startswith(path + ": ")
    assert error.expected
    assert error.found


def test_an_overlap_without_room_says_what_fits():
    error = refusal({"windows": {"max_length": 30, "overlap": 27}})
    assert error.fix == "--set windows.overlap=10"
    assert make_recipe({"windows": {"max_length": 30, "overlap": 10}}).windows.overlap == 10


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("my data/train set.json", "my data/train set.json"),
        ("'quoted path.json'", "quoted path.json"),
        ('"C:\\\\data"', "C:\\data"),
        ("it's here.json", "it's here.json"),
        (" a=b.json ", "a=b.json"),
        ("2024", "2024"),
        ("2024-01-31", "2024-01-31"),
        ("1e5", "1e5"),
        ("true", "true"),
        ("データ.jsonl", "データ.jsonl"),
    ],
)
def test_a_text_needs_no_quotes_in_an_override(text, value):
    assert make_recipe({}, overrides=[f"data.train={text}"]).data.train == value


def test_overrides_have_the_types_of_toml():
    recipe = make_recipe(
        {"run": {"epochs": 9}},
        overrides=[
            "run.epochs=3",
            "optimizer.learning_rate=5e-5",
            "optimizer.weight_decay=0",
            "model.trust_remote_code=true",
            "selection.null_threshold=-1.5",
        ],
    )
    assert (recipe.run.epochs, recipe.optimizer.learning_rate) == (3, 5e-5)
    assert (recipe.optimizer.weight_decay, recipe.model.trust_remote_code) == (0.0, True)
    assert recipe.selection.null_threshold == -1.5


@pytest.mark.parametrize("override", ["epochs=3", "run.epochs", "=3", "run.=3", ".epochs=3", ""])
def test_an_override_without_a_key_is_refused(override):
    assert "section.key=value" in refusal({}, override).problem


def test_overriding_leaves_the_content_alone():
    content = {"run": {"epochs": 1}}
    make_recipe(content, overrides=["run.epochs=2", "data.train=x"])
    assert content == {"run": {"epochs": 1}}


@pytest.mark.parametrize("content", [{"task": 3}, {"run": "fast"}, {"data": [1]}])
def test_a_section_must_have_keys(content):
    (section,) = content
    assert refusal(content).problem.startswith(f"{section}: ")
    assert f"[{section}]" in refusal(content, f"{section}.name=x").problem


def test_a_recipe_that_is_not_there_or_not_toml(tmp_path):
    with pytest.raises(RecipeError, match="no such recipe") as caught:
        read_recipe(tmp_path / "none.toml")
    assert "spanfit init" in caught.value.fix
    with pytest.raises(RecipeError, match="not a readable recipe"):
        read_recipe(tmp_path)
    file = tmp_path / "recipe.toml"
    file.write_text("[run\n", encoding="utf-8")
    with pytest.raises(RecipeError, match="not TOML") as caught:
        read_recipe(file)
    assert caught.value.where == str(file)
    file.write_bytes(b'[data]\ntrain = "\xff"\n')
    with pytest.raises(RecipeError, match="not a readable recipe"):
        read_recipe(file)


TEXTS = st.text(st.characters(blacklist_categories=["Cs"]), max_size=30)
POSITIVE = st.floats(min_value=1e-9, max_value=1e3)


@st.composite
def recipes(draw):
    """Recipes with many keys set, texts of any characters among them."""
    max_length = draw(st.integers(8, 4096))
    return make_recipe(
        {
            "data": {
                "train": draw(TEXTS),
                "validation": draw(TEXTS),
                "calibration_share": draw(st.floats(0, 0.99)),
                "bad_answers": draw(st.sampled_from(["fail", "drop", "relocate"])),
            },
            "model": {"name": draw(TEXTS), "trust_remote_code": draw(st.booleans())},
            "windows": {
                "max_length": max_length,
                "overlap": draw(st.integers(0, max_length - 4)),
            },
            "optimizer": {"learning_rate": draw(POSITIVE), "weight_decay": draw(POSITIVE)},
            "selection": {"null_threshold": draw(st.floats(-1e6, 1e6))},
        }
    )


@given(recipes())
@settings(max_examples=100, deadline=None)
def test_toml_and_its_annotated_form_read_back_as_the_same_recipe(recipe):
    assert make_recipe(tomllib.loads(recipe.to_toml())) == recipe
    assert make_recipe(tomllib.loads(annotate(recipe))) == recipe


def test_the_annotated_form_has_every_key_with_its_meaning():
    text = annotate(make_recipe({"data": {"train": "a.json"}}))
    for section, key, _, description in describe_keys("qa"):
        assert f"[{section}]" in text
        (line,) = (
            line
            for line in text.splitlines()
            if line.removeprefix("# ").startswith(f"{key} =") and line.endswith(description)
        )
        if key == "validation":  # unset keys are there to be filled in
            assert line.startswith("# validation =")


def test_a_recipe_shows_and_takes_only_what_its_task_knows():
    shown = annotate(make_recipe({"task": {"name": "tagging"}}))
    assert "pieces =" in shown and "answers =" not in shown and "null_threshold" not in shown
    assert "pieces =" not in annotate(make_recipe({}))
    with pytest.raises(RecipeError, match=r"columns\.tags is for the task tagging"):
        make_recipe({"columns": {"tags": "pos"}})
    resolved = make_recipe({"task": {"name": "tagging"}})
    assert make_recipe(tomllib.loads(resolved.to_toml())) == resolved


def test_a_task_has_defaults_of_its_own_which_the_recipe_overrides():
    assert make_recipe({}).windows.max_length == 384
    recipe = make_recipe({"task": {"name": "tagging"}, "windows": {"overlap": 32}})
    assert (recipe.windows.max_length, recipe.windows.overlap) == (256, 32)


def test_the_page_about_recipes_is_in_step():
    tool = Path(__file__).resolve().parent.parent / "tools" / "make_recipe_docs.py"
    done = subprocess.run([sys.executable, tool, "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("part", [{"run": {"seed": 2**32}}, {"data": {"validation": []}}])
def test_a_seed_and_a_list_of_files_have_their_limits(part):
    (section, content), *_ = part.items()
    assert f"{section}.{next(iter(content))}" in refusal(part).problem
