"""Tiny random encoders from a config, with a toy tokenizer, and questions that they can learn."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import torch
import transformers
from toy_tokenizers import DATA, arrange

from spanfit.backends.messages import quiet_transformers

torch.set_num_threads(1)

CITIES = ("Alder", "Brook", "Crane", "Dover", "Elm", "Ford")
NAMES = ("Ada", "Ben", "Cleo", "Dan", "Eve", "Finn", "Gus", "Hal")


def make_encoder(
    folder: Path, *, kind: str = "wordpiece", architecture: str = "bert", max_positions: int = 128
) -> Path:
    """A random encoder of two layers without a head, dropout 0, saved with a toy tokenizer.

    XLNet gets its own arrangement of special tokens: padding left, `[CLS]` last.
    """
    shutil.copytree(DATA / kind, folder)
    content = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    vocab_size = len(content["model"]["vocab"]) + 10
    if architecture == "xlnet":
        arrange(kind, "xlnet").save_pretrained(folder)
    torch.manual_seed(0)
    make_config = {
        "bert": lambda: transformers.BertConfig(
            vocab_size=vocab_size,
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=64,
            max_position_embeddings=max_positions,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        ),
        "roberta": lambda: transformers.RobertaConfig(
            vocab_size=vocab_size,
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=64,
            max_position_embeddings=max_positions + 2,
            type_vocab_size=1,
        ),
        "distilbert": lambda: transformers.DistilBertConfig(
            vocab_size=vocab_size,
            dim=32,
            n_layers=2,
            n_heads=4,
            hidden_dim=64,
            max_position_embeddings=max_positions,
        ),
        "xlnet": lambda: transformers.XLNetConfig(
            vocab_size=vocab_size, d_model=32, n_layer=2, n_head=4, d_inner=64
        ),
    }
    with quiet_transformers():
        transformers.AutoModel.from_config(make_config[architecture]()).save_pretrained(folder)
    return folder


def make_questions(n: int, *, unanswerable: bool = False, start: int = 0) -> list[dict]:
    """Lines of JSON: who lives where, in contexts of a few sentences; every third one unanswerable.

    Each context names two people and two cities, so that the question must be read.
    """
    lines = []
    for number in range(start, start + n):
        who, other = NAMES[number % 8], NAMES[(number + 1 + number // 8) % 8]
        if who == other:
            other = NAMES[(number + 5) % 8]
        city, there = CITIES[number % 6], CITIES[(number // 6 + 1 + number) % 6]
        context = f"Report {number}. {who} lives in {city}. Then {other} came from {there} by sea."
        is_null = unanswerable and number % 3 == 2
        question = f"Where does {'Zoe' if is_null else who} live?"
        answer = {"text": city, "start": context.index(city)}
        lines.append(
            {
                "id": f"q{number}",
                "question": question,
                "context": context,
                "answers": [] if is_null else [answer],
            }
        )
    return lines


def write_lines(file: Path, lines: list[dict]) -> Path:
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return file


def make_recipe_content(folder: Path, *, n: int = 36, unanswerable: bool = False) -> dict:
    """A recipe with its encoder and data under `folder`, quick enough for a test."""
    encoder = folder / "encoder"
    if not encoder.exists():
        make_encoder(encoder)
    train = write_lines(folder / "train.jsonl", make_questions(n, unanswerable=unanswerable))
    validation = make_questions(12, unanswerable=unanswerable, start=1000)
    return {
        "data": {
            "train": str(train),
            "validation": str(write_lines(folder / "validation.jsonl", validation)),
            "calibration_share": 0.2,
        },
        "model": {"name": str(encoder)},
        "windows": {"max_length": 48, "overlap": 16},
        "optimizer": {"learning_rate": 1e-3},
        "batch": {"windows_per_step": 8, "max_tokens": 256},
        "run": {"epochs": 2, "device": "cpu", "threads": 1, "log_every_steps": 2},
    }


def make_sentences(n: int, *, start: int = 0) -> str:
    """CoNLL columns (word, part of speech, entity) of who lives where, three sentences a document.

    A word of two pieces, names of one and of two words, and sentences without an entity.
    """
    blocks = []
    for number in range(start, start + n):
        who, city = NAMES[number % 8], CITIES[(number // 3) % 6]
        person = [(who, "NNP", "B-PER"), ("Reed", "NNP", "I-PER")][: 1 + number % 2]
        place = [(city, "NNP", "B-LOC"), ("Bay", "NNP", "I-LOC")][: 1 + (number // 2) % 2]
        middle = [("lives", "VBZ", "O"), ("in", "IN", "O")]
        words = [*person, *middle, *place, (".", ".", "O")]
        if number % 5 == 4:
            words = [("It", "PRP", "O"), ("rains", "VBZ", "O"), (".", ".", "O")]
        if number % 3 == 0:
            blocks.append("-DOCSTART- -X- O\n")
        blocks.append("".join(" ".join(word) + "\n" for word in words))
    return "\n".join(blocks)


def make_tagging_content(folder: Path, *, n: int = 60) -> dict:
    """A recipe for entities with its encoder and data under `folder`, quick enough for a test."""
    encoder = folder / "encoder"
    if not encoder.exists():
        make_encoder(encoder)
    for name, count, start in (("train", n, 0), ("validation", 15, 1000)):
        (folder / f"{name}.conll").write_text(make_sentences(count, start=start), encoding="utf-8")
    return {
        "task": {"name": "tagging"},
        "data": {
            "train": str(folder / "train.conll"),
            "validation": str(folder / "validation.conll"),
            "calibration_share": 0.2,
        },
        "model": {"name": str(encoder)},
        "windows": {"max_length": 24, "overlap": 8},
        "optimizer": {"learning_rate": 3e-3},
        "batch": {"windows_per_step": 8, "max_tokens": 256},
        "run": {"epochs": 6, "device": "cpu", "threads": 1, "log_every_steps": 2},
    }
