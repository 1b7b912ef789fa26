"""Train, save, load and ask with a Python tokenizer, and with a segmenter: places stay exact."""

from __future__ import annotations

import json

import pytest
import torch
import transformers
from japanese_tokenizers import make_bert_japanese, train_unigram
from tiny_models import write_lines

import spanfit
from spanfit.progress import Progress
from spanfit.recipe import make_recipe
from spanfit.training import train

pytestmark = pytest.mark.training
pytest.importorskip("fugashi", reason="not installed: pip install 'spanfit[ja]'")

PEOPLE, PLACES = ("春子", "次郎", "花子", "太郎"), ("京都", "大阪", "名古屋", "神戸")


def make_questions(n, *, start=0):
    """Who lives where, behind white space and half-width kana that a tokenizer rewrites."""
    lines = []
    for number in range(start, start + n):
        who, place = PEOPLE[number % 4], PLACES[(number // 4 + number) % 4]
        context = f"　第{number}回。\nｶﾞﾗｽの塔を見た{who}は　{place}に住んでいます。"
        answer = {"text": place, "start": context.index(place)}
        question = f"{who}はどこに住んでいますか。"
        lines.append({"question": question, "context": context, "answers": [answer]})
    return [{"id": f"q{start + number}", **line} for number, line in enumerate(lines)]


def make_sentences(n, *, start=0):
    """The same as entities."""
    lines = []
    for line in make_questions(n, start=start):
        text, who = line["context"], line["question"].split("は")[0]
        found = [(who, "人"), (line["answers"][0]["text"], "地")]
        entities = [
            {"start": text.index(name), "end": text.index(name) + len(name), "label": label}
            for name, label in found
        ]
        lines.append({"id": line["id"], "text": text, "entities": entities})
    return lines


MAKERS = {"qa": make_questions, "tagging": make_sentences}


def make_encoder(folder, kind):
    if kind == "python":
        tok = make_bert_japanese(folder)
        tok.save_pretrained(folder)
        n_pieces = len(tok)
    else:
        texts = [line["context"] for line in make_questions(40)]
        train_unigram(folder, texts, size=80)
        n_pieces = len(json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"])
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=n_pieces,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=96,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    transformers.AutoModel.from_config(config).save_pretrained(folder)
    return folder


@pytest.fixture(
    scope="module",
    params=[("qa", "python"), ("qa", "mecab"), ("tagging", "python"), ("tagging", "mecab")],
    ids="-".join,
)
def trained(request, tmp_path_factory):
    task, kind = request.param
    folder = tmp_path_factory.mktemp("japanese")
    make = MAKERS[task]
    recipe = make_recipe(
        {
            "task": {"name": task},
            "data": {
                "train": str(write_lines(folder / "train.jsonl", make(40))),
                "validation": str(write_lines(folder / "validation.jsonl", make(12, start=100))),
                "calibration_share": 0.2,
            },
            "model": {
                "name": str(make_encoder(folder / "encoder", kind)),
                "segmenter": "none" if kind == "python" else "mecab",
            },
            "windows": {"max_length": 64, "overlap": 16},
            "optimizer": {"learning_rate": 5e-3},
            "batch": {"windows_per_step": 8},
            "run": {"epochs": 4, "device": "cpu", "threads": 1},
        }
    )
    run = train(recipe, out=folder / "run", progress=Progress(quiet=True))
    return task, kind, run, spanfit.load(folder / "run", device="cpu")


def test_what_was_trained_is_what_is_loaded(trained):
    _, kind, run, model = trained
    settings = model.predictor.settings
    assert settings.segmenter == ("none" if kind == "python" else "mecab")
    assert model.predictor.tokenizer.segmenter == settings.segmenter
    assert model.predictor.tokenizer.is_python == (kind == "python")
    info = json.loads((run.folder / "run.json").read_text(encoding="utf-8"))
    assert info["tokenizer_digest"] == model.predictor.tokenizer.digest
    assert settings.ceiling and min(settings.ceiling.values()) == 100  # every answer is at borders


def test_answers_are_at_their_places(trained):
    task, _, run, model = trained
    stored = (run.folder / "predictions" / "validation.jsonl").read_text(encoding="utf-8")
    again = list(model.predict(spanfit.read(run.folder.parent / "validation.jsonl")))
    for line, prediction in zip(map(json.loads, stored.splitlines()), again, strict=True):
        shown = json.loads(json.dumps(prediction.to_json()))
        assert shown["id"] == line["id"]
        key = {"qa": "answer", "tagging": "entities"}[task]
        assert rounded(shown[key]) == rounded(line[key])


def rounded(value):
    """A value of JSON with four digits of every number."""
    return json.loads(json.dumps(value), parse_float=lambda digits: round(float(digits), 4))


def test_asking_and_tagging(trained):
    task, _, _, model = trained
    text = make_questions(1, start=200)[0]["context"]
    if task == "qa":
        for span in model.ask("春子はどこに住んでいますか。", text).n_best:
            assert text[span.start : span.end] == span.text and span.text.strip() == span.text
    else:
        for entity in model.tag(text).entities:
            assert text[entity.start : entity.end] == entity.text


def test_transformers_opens_the_folder(trained):
    _, kind, run, model = trained
    tok = transformers.AutoTokenizer.from_pretrained(run.folder / "model")
    ids = model.predictor.tokenizer.backend.encode("春子は京都に").ids
    assert tok("春子は京都に")["input_ids"] == list(ids)
    assert (run.folder / "model" / "vocab.txt").exists() == (kind == "python")
