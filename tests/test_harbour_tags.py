"""The tagging quickstart's data: made as its program says, valid, and not learnt by heart."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import pytest
from conftest import REPOSITORY

import spanfit
from spanfit.quickstart import LESSONS
from spanfit.recipe import read_recipe
from spanfit.tags import IOB2, detect_scheme, list_violations, read_chunks

LESSON = LESSONS["tagging"]
NAMES = {"VESSEL", "BERTH", "CARGO", "PERSON"}
LABELS = NAMES | {"DATE"}
SENTENCES_BY_HAND = 120


@pytest.fixture(scope="module")
def training():
    return spanfit.read(LESSON.training)


@pytest.fixture(scope="module")
def validation():
    return spanfit.read(LESSON.validation)


def entities(examples):
    """Each entity of each text: its label and its words."""
    return [
        (chunk.label, " ".join(example.words[chunk.start : chunk.end]))
        for example in examples
        for chunk in read_chunks(example.tags, IOB2)
    ]


def labels_by_word(examples):
    """The labels that each word, in lower case, carries somewhere; "" where it has none."""
    labels = {}
    for example in examples:
        for word, tag in zip(example.words, example.tags, strict=True):
            labels.setdefault(word.lower(), set()).add(tag.partition("-")[2])
    return labels


def test_the_training_file_is_what_its_program_writes():
    program = REPOSITORY / "tools/make_harbour_tags.py"
    done = subprocess.run([sys.executable, program, "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_are_enough_sentences(training, validation):
    assert len(training) + len(validation) >= 600
    assert len(validation) >= SENTENCES_BY_HAND


def test_the_tags_are_valid_iob2(training, validation):
    for examples in (training, validation):
        tags = [example.tags for example in examples]
        assert detect_scheme(tags).scheme is IOB2
        assert list_violations(tags, IOB2) == []


def test_no_sentence_stands_twice(training, validation):
    learnt = {example.text.lower() for example in training}
    assert len(learnt) == len(training)
    assert learnt.isdisjoint(example.text.lower() for example in validation)
    assert learnt.isdisjoint(text.lower() for text in LESSON.demonstration)


def test_all_kinds_of_entities_are_in_both_parts_and_often(training, validation):
    for examples, at_least in ((training, 200), (validation, 30)):
        counts = Counter(label for label, _ in entities(examples))
        assert counts.keys() == LABELS
        assert min(counts.values()) >= at_least


def test_most_entities_of_the_validation_are_not_learnt(training, validation):
    learnt = {text.lower() for _, text in entities(training)}
    scored = {(label, text.lower()) for label, text in entities(validation)}
    everything = Counter(label for label, _ in scored)
    new = Counter(label for label, text in scored if text not in learnt)
    assert sum(new.values()) > 0.8 * len(scored)
    assert all(new[label] > 0.9 * everything[label] for label in NAMES)  # days there are but few


def test_the_same_word_is_an_entity_here_and_none_there(training, validation):
    for examples in (training, validation):
        labels = labels_by_word(examples)
        assert {"", "DATE"} <= labels["may"] | labels["march"]
        assert sum("" in found and len(found) > 1 for found in labels.values()) > 10
    names = labels_by_word(training)
    assert any({"VESSEL", "PERSON"} <= found for found in names.values())
    assert any({"PERSON", ""} <= found for found in names.values())


def test_some_sentences_have_no_entity_and_some_entities_have_several_words(training, validation):
    for examples in (training, validation):
        without = sum(set(example.tags) == {"O"} for example in examples)
        assert 0.05 < without / len(examples) < 0.4
        lengths = [len(text.split()) for _, text in entities(examples)]
        assert sum(length > 1 for length in lengths) > 0.3 * len(lengths)
        assert max(lengths) >= 4


def test_the_sentences_stand_in_documents(training, validation):
    for examples in (training, validation):
        sizes = Counter(example.document for example in examples)
        assert "" not in sizes
        assert len(sizes) >= 20
        assert max(sizes.values()) <= 9


def test_words_are_apart_from_punctuation(training, validation):
    for example in (*training, *validation):
        for word in example.words:
            is_abbreviation = word.endswith(".") and word[:-1].isalpha() and len(word) <= 5
            assert (
                word.isalnum()
                or len(word) == 1
                or word == "'s"
                or is_abbreviation
                or (word[0].isalnum() and word[-1].isalnum() and not set(word) & set(',;!?"()'))
            ), word


def test_the_recipe_is_one_of_tagging():
    recipe = read_recipe(LESSON.recipe)
    assert (recipe.task.name, recipe.model.name) == ("tagging", "quickstart")
    assert recipe.windows.max_length <= 128
