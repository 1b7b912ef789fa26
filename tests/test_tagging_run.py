"""Tagging on the same road as questions: train, evaluate, predict, tag, and what they leave."""

from __future__ import annotations

import io
import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import transformers
from tiny_models import make_questions, make_sentences, make_tagging_content, write_lines

import spanfit
from spanfit.errors import DataError, ModelError, RecipeError
from spanfit.examples import Reading
from spanfit.parts import read_parts
from spanfit.progress import Progress
from spanfit.quickstart import LESSONS
from spanfit.recipe import make_recipe
from spanfit.tagged import TaggedExample

pytestmark = pytest.mark.training
QUIET = Progress(quiet=True)


def train(content, folder, **changes):
    overrides = [f"{key.replace('__', '.')}={value}" for key, value in changes.items()]
    return spanfit.train(make_recipe(content, overrides=overrides), out=folder, progress=QUIET)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tagging")


@pytest.fixture(scope="module")
def content(folder):
    return make_tagging_content(folder, n=120)


@pytest.fixture(scope="module")
def run(folder, content):
    """A run that is long enough to learn who is a person and what is a place."""
    return train(content, folder / "run")


@pytest.fixture(scope="module")
def model(run):
    return run.model()


def test_the_run_folder_holds_what_a_run_on_questions_holds(run):
    names = {str(path.relative_to(run.folder)) for path in run.folder.rglob("*")}
    assert {
        "recipe.toml",
        "run.json",
        "metrics.jsonl",
        "scores.json",
        "predictions/validation.jsonl",
        "data/calibration.jsonl",
        "model/spanfit.json",
        "model/README.md",
    } <= names
    stored = json.loads((run.model_folder / "spanfit.json").read_text())
    assert stored["task"] == "tagging"
    assert stored["tagging"]["scheme"] == "IOB2"
    assert stored["tagging"]["tags"] == ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"]
    assert stored["ceiling"] == {"conlleval f1": 100.0}
    card = (run.model_folder / "README.md").read_text()
    assert "pipeline_tag: token-classification" in card and "`LOC` `PER`" in card
    assert "AutoModelForTokenClassification" in card and "calibration error" not in card


def test_a_tiny_encoder_learns_people_and_places(run):
    assert run.figures()["f1"] > 95
    signature = run.scores["validation"]["signature"]
    assert (signature["metric"], signature["scheme"]) == ("conlleval", "IOB2")
    assert signature["selected_on"] == "calibration"


def test_scores_and_predictions_are_those_of_the_saved_model(run, model, content):
    examples = spanfit.read(content["data"]["validation"])
    assert model.evaluate(examples).figures == pytest.approx(run.figures())
    stored = spanfit.score(examples, run.folder / "predictions/validation.jsonl")
    assert stored.figures["f1"] == run.figures()["f1"]


def test_raw_text_gives_entities_at_their_characters(model):
    text = "  Ada Reed lives in Dover Bay. It rains."
    found = model.tag(text)
    assert [(one.label, text[one.start : one.end]) for one in found.entities] == [
        ("PER", "Ada Reed"),
        ("LOC", "Dover Bay"),
    ]
    assert all(one.text == text[one.start : one.end] for one in found.entities)
    assert all(0.5 < one.probability <= 1 for one in found.entities)
    assert [text[s:e] for s, e in zip(found.starts, found.ends, strict=True)][-2:] == ["rains", "."]
    several = model.tag([text, ""])
    assert several[0].entities == found.entities and several[1].tags == ()


def test_no_word_of_a_long_text_is_dropped(model):
    sentence = "Ada Reed lives in Dover Bay . "
    found = model.tag(sentence * 40)  # many windows of 24 tokens
    assert len(found.tags) == 7 * 40
    # The encoder learnt single sentences, but it reads the last ones too.
    assert any(one.text == "Ada Reed" and one.start > 35 * len(sentence) for one in found.entities)


def test_transformers_opens_the_folder_and_knows_the_tags(run):
    network = transformers.AutoModelForTokenClassification.from_pretrained(run.model_folder)
    assert network.config.id2label == {0: "O", 1: "B-LOC", 2: "I-LOC", 3: "B-PER", 4: "I-PER"}
    assert network.config.label2id["B-PER"] == 3


def test_a_model_without_our_file_is_read_by_its_labels(run, model, tmp_path):
    network = transformers.AutoModelForTokenClassification.from_pretrained(run.model_folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(run.model_folder)
    network.save_pretrained(tmp_path / "plain")
    tokenizer.save_pretrained(tmp_path / "plain")
    plain = spanfit.load(tmp_path / "plain")
    assert any("the tag scheme IOB2" in note for note in plain.notes)
    text = "Ada Reed lives in Dover Bay."
    assert plain.tag(text).tags == model.tag(text).tags


def test_predict_goes_on_where_it_was_ended_with_the_same_bytes(model, folder, tmp_path):
    data = tmp_path / "texts.conll"
    data.write_text(make_sentences(700, start=2000), encoding="utf-8")
    whole, halved = tmp_path / "whole.jsonl", tmp_path / "halved.jsonl"
    assert model.predict_file(data, whole).n == 700
    chunks = model.predictor.predict_chunks

    class EndError(Exception):
        pass

    def ended(*arguments, **options):
        yield next(chunks(*arguments, **options))
        raise EndError

    object.__setattr__(model.predictor, "predict_chunks", ended)
    try:
        with pytest.raises(EndError):
            model.predict_file(data, halved)
    finally:
        object.__delattr__(model.predictor, "predict_chunks")
    assert not halved.exists()
    model.predict_file(data, halved)
    assert halved.read_bytes() == whole.read_bytes()
    assert spanfit.score(data, whole).figures["f1"] > 90


@pytest.mark.parametrize(
    ("changes", "figure"),
    [
        ({"columns__tags": 2}, "accuracy"),
        ({"task__pieces": "first", "task__class_weights": "balanced"}, "f1"),
        ({"task__context_sentences": 1, "windows__max_length": 48, "run__epochs": 9}, "f1"),
    ],
)
def test_other_columns_and_options_train_from_the_same_file(content, tmp_path, changes, figure):
    run = train(content, tmp_path / "run", **changes)
    assert run.figures()[figure] > 90
    examples = spanfit.read(
        content["data"]["validation"], reading=run.model().settings.columns.reading()
    )
    assert run.model().evaluate(examples).figures[figure] == pytest.approx(run.figures()[figure])


def test_gold_in_another_scheme_is_scored_all_the_same(model, content, run):
    gold = spanfit.read(content["data"]["validation"])
    single = {"B-LOC": "U-LOC", "B-PER": "U-PER"}
    bilou = []
    for example in gold:
        tags = list(example.tags)
        for unit, tag in enumerate(tags):
            after = tags[unit + 1] if unit + 1 < len(tags) else "O"
            if tag.startswith("I-"):
                tags[unit] = "L" + tag[1:]
            elif tag in single and not after.startswith("I-"):
                tags[unit] = single[tag]
        bilou.append(
            TaggedExample(example.id, example.text, example.starts, example.ends, tuple(tags))
        )
    assert model.evaluate(bilou).figures["f1"] == pytest.approx(run.figures()["f1"])


def test_each_task_refuses_what_is_the_other_ones(model, content, tmp_path):
    with pytest.raises(ModelError, match="this model is for tagged texts"):
        model.ask("Who?", "Ada.")
    questions = write_lines(tmp_path / "questions.jsonl", make_questions(3))
    with pytest.raises(DataError, match="no examples for the task tagging"):
        train(content, tmp_path / "run", data__train=questions)
    with pytest.raises(DataError, match="this model is for tagged texts"):
        model.predict_file(questions, tmp_path / "out.jsonl")
    with pytest.raises(RecipeError, match=r"task\.answers is for the task qa"):
        make_recipe(content, overrides=["task.answers=all"])


def test_an_invalid_transition_is_refused_with_its_place_and_repaired_only_by_name(
    content, tmp_path
):
    text = make_sentences(20).replace("Ben NNP B-PER", "Ben NNP I-PER", 1)
    line = 1 + text[: text.index("Ben NNP I-PER")].count("\n")
    broken = tmp_path / "broken.conll"
    broken.write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        train(content, tmp_path / "run", data__train=broken)
    message = str(caught.value)
    assert f"broken.conll, line {line}" in message
    assert all(part in message for part in ("Ben", "I-PER", "B-PER", "repair=conlleval"))
    run = train(
        content, tmp_path / "run", data__train=broken, columns__repair="conlleval", run__epochs=1
    )
    signed = {part: run.scores[part]["signature"] for part in ("calibration", "validation")}
    # The held-out part is of the file that was repaired; the validation was right as it was.
    assert [signed[part]["repair"] for part in signed] == ["conlleval", "none"]
    model = run.model()
    with pytest.raises(DataError, match="repair=conlleval"):  # not done unasked later
        model.evaluate(spanfit.read(broken))
    scores = model.evaluate(spanfit.read(broken), reading=Reading(repair="conlleval"))
    assert scores.signature.repair == "conlleval"


def test_the_part_that_chose_the_epoch_is_signed_so_when_it_is_scored_again(run, model):
    held_out = spanfit.read(run.folder / "data" / "calibration.jsonl")
    scores = model.evaluate(held_out)
    assert scores.signature.selected_on == "validation"
    assert scores.figures["f1"] == pytest.approx(run.figures("calibration")["f1"])


def test_neighbours_are_those_of_the_file_also_where_sentences_are_left_out(content, tmp_path):
    text = make_sentences(40).replace("-DOCSTART- -X- O\n\n", "")
    one = tmp_path / "one.conll"
    one.write_text("-DOCSTART- -X- O\n\n" + text, encoding="utf-8")  # a single document
    changes = [f"data.train={one}", "task.context_sentences=1", "data.max_examples=20"]
    recipe = make_recipe(content, overrides=changes)
    parts = read_parts(recipe, kind=TaggedExample, progress=QUIET)
    whole = spanfit.read(one)
    row = {example.id: number for number, example in enumerate(whole)}
    for example in (*parts.training, *parts.calibration):
        number = row[example.id]
        before = whole[number - 1].text + " " if number else ""
        after = " " + whole[number + 1].text if number + 1 < len(whole) else ""
        assert (example.before, example.after) == (before, after)


def test_other_files_are_read_with_the_joiner_and_the_scheme_of_the_training(tmp_path, content):
    chinese = "中 B-LOC\n国 I-LOC\n2 O\n0 O\n\n人 O\n在 O\n京 B-LOC\n"
    (tmp_path / "train.conll").write_text(chinese * 3, encoding="utf-8")
    digits = "2 O\n0 O\n2 S-LOC\n"  # another scheme, and nothing that shows how they are joined
    (tmp_path / "valid.conll").write_text(digits, encoding="utf-8")
    changes = [f"data.train={tmp_path}/train.conll", f"data.validation={tmp_path}/valid.conll"]
    parts = read_parts(make_recipe(content, overrides=changes), kind=TaggedExample, progress=QUIET)
    (example,) = parts.validation
    assert example.text == "202"
    assert (example.tags, parts.scheme) == (("O", "O", "B-LOC"), "IOB2")


def test_what_a_checkpoint_elsewhere_calls_helpers_is_never_chosen(run, tmp_path):
    config = json.loads((run.model_folder / "config.json").read_text())
    names = {"0": "X", "1": "B-LOC", "2": "I-LOC", "3": "B-PER", "4": "I-PER"}
    config["id2label"], config["label2id"] = names, {v: int(k) for k, v in names.items()}
    folder = tmp_path / "plain"
    shutil.copytree(run.model_folder, folder)
    (folder / "spanfit.json").unlink()
    (folder / "config.json").write_text(json.dumps(config))
    found = spanfit.load(folder).tag("It rains .")
    assert set(found.tags) <= {"B-LOC", "I-LOC", "B-PER", "I-PER"}
    config["id2label"]["0"] = "B-LOC"
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match=r"id2label .* two outputs have the same name"):
        spanfit.load(folder)


def test_the_commands_tag_evaluate_and_predict(command, run, content, tmp_path):
    data = content["data"]["validation"]
    code, out, err = command("tag", run.folder, "Ada Reed lives in Dover Bay.", "--json")
    assert code == 0, err
    found = json.loads(out)
    assert [(one["start"], one["end"], one["label"]) for one in found["entities"]] == [
        (0, 8, "PER"),
        (18, 27, "LOC"),
    ]
    assert found["units"][0] == [0, 3] and len(found["tags"]) == 7
    code, out, err = command("tag", run.folder, "Ada lives in Elm .")
    assert code == 0 and "[[Ada PER]] lives in [[Elm LOC]] ." in out
    out_folder = tmp_path / "evaluation"
    code, out, err = command("evaluate", run.folder, data, "--show", "all", "--out", out_folder)
    assert code == 0, err
    assert "0 of" in out and "tags wrong" in out and "f1 100.00" in out
    assert (out_folder / "scores.json").is_file()
    code, out, err = command("evaluate", run.folder, data, "--columns", "tags=2")
    assert code == 1 and "they say no entities or chunks" in err and "--columns tags=NAME" in err
    other = tmp_path / "other.conll"
    other.write_text(Path(data).read_text().replace("-LOC", "-CITY"), encoding="utf-8")
    code, out, err = command("evaluate", run.folder, other)
    assert code == 0 and "gold tags are none that this model has: B-CITY, I-CITY" in err
    said = tmp_path / "said.jsonl"
    code, out, err = command("predict", run.folder, data, "--out", said)
    assert code == 0 and "predictions" in out
    code, out, err = command("score", data, said, "--metric", "seqeval_strict")
    assert code == 0 and "f1 100.00" in out
    code, out, err = command("ask", run.folder, "--question", "Who?", "--context", data)
    assert code == 1 and "this model is for tagged texts" in err and "spanfit tag" in err


def test_lines_of_standard_input_are_texts_of_their_own(command, run, monkeypatch):
    texts = b"Ada lives in Elm .\n\nIt rains .\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(texts), encoding="utf-8"))
    code, out, err = command("tag", run.folder, "-", "--lines", "--json")
    assert code == 0, err
    assert [one["text"] for one in json.loads(out)] == ["Ada lives in Elm .", "It rains ."]
    code, out, err = command("tag", run.folder, "  ")
    assert code == 2 and "there is no text to tag" in err


def test_the_quickstart_of_tagging_trains_scores_and_marks_texts(
    command, run, content, monkeypatch
):
    validation = Path(content["data"]["validation"])
    monkeypatch.setattr("spanfit.quickstart.lesson.train_quickstart", lambda **options: run)
    texts = ("Ada Reed lives in Dover Bay .", "It rains .")
    lesson = replace(LESSONS["tagging"], validation=validation, demonstration=texts)
    monkeypatch.setitem(LESSONS, "tagging", lesson)
    code, out, err = command("quickstart", "--task", "tagging")
    assert code == 0, err
    assert f"f1 {run.figures()['f1']:.2f}" in out
    assert "[[Ada Reed PER]] lives in [[Dover Bay LOC]] ." in out
    assert f"next: spanfit tag {run.folder}" in err
