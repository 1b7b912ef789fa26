"""Japanese entities from nothing but their own sentences, to prove the road: no good model.

    python benchmarks/japanese_from_scratch.py ner.json OUT [--seed 0]

There is no Japanese encoder in the project's reach, so a small one is made here: four layers of 256
with random weights, and a tokenizer trained on the training sentences. What it learns it learns
from some 4,000 sentences alone, so its score says nothing about the task; what counts is that text
without spaces goes all the way from characters to entities and back.

DATA is an array of {"curid", "text", "entities"}, as Wikipedia's Japanese entities are published.
OUT gets train.jsonl, validation.jsonl and test.jsonl (80, 10 and 10 % of the articles, seeded; a
`curid` is an article, and no article is in two files), encoder/ and recipe.toml. Printed are the
counts and the command that trains.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tomli_w
import torch
import transformers
from tokenizers import (
    Regex,
    Tokenizer,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}
SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PIECES = 6_000
MAX_LENGTH = 256

Record = dict[str, Any]


def main() -> None:
    """Make the files and say how to go on."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("data", type=Path, help="ner.json")
    parser.add_argument("out", type=Path, help="folder for all that is made")
    parser.add_argument("--seed", type=int, default=0, help="of split and weights (0)")
    options = parser.parse_args()
    transformers.logging.disable_progress_bar()
    records = json.loads(options.data.read_text(encoding="utf-8"))
    parts = split(records, seed=options.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    for name, part in parts.items():
        write_lines(options.out / f"{name}.jsonl", part)
        n_entities = sum(len(record["entities"]) for record in part)
        print(f"{name}: {len(part):,} sentences, {n_entities:,} entities")
    encoder = options.out / "encoder"
    tokenizer = make_tokenizer([record["text"] for record in parts["train"]])
    tokenizer.save_pretrained(encoder)
    n_weights = save_network(encoder, vocabulary=len(tokenizer), seed=options.seed)
    print(f"encoder: {len(tokenizer):,} pieces, {n_weights:,} random weights")
    recipe = options.out / "recipe.toml"
    recipe.write_text(tomli_w.dumps(make_recipe(options.out)), encoding="utf-8")
    print(f"spanfit train {recipe} --out {options.out / 'run'}")
    print(f"spanfit evaluate {options.out / 'run'} {options.out / 'test.jsonl'}")


def split(records: Sequence[Record], *, seed: int) -> dict[str, list[Record]]:
    """Whole articles to each part, by their number; within a part the order of the file."""
    articles = sorted({record["curid"] for record in records})
    random.Random(seed).shuffle(articles)
    parts: dict[str, list[Record]] = {}
    start = 0.0
    for name, share in SHARES.items():
        first, last = (round(edge * len(articles)) for edge in (start, start + share))
        chosen = set(articles[first:last])
        parts[name] = [record for record in records if record["curid"] in chosen]
        start += share
    return parts


def write_lines(path: Path, records: Sequence[Record]) -> None:
    """One sentence a line."""
    lines = (json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    path.write_text("".join(lines), encoding="utf-8")


def make_tokenizer(texts: Sequence[str]) -> transformers.PreTrainedTokenizerFast:
    """Single kanji, and BPE pieces of the runs of kana, Latin letters and digits.

    Nothing is folded: without its accent a が would be a か. (The trainer of WordPiece numbers its
    pieces in another order every time, that of BPE does not.)
    """
    backend = Tokenizer(models.BPE(unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer(
        clean_text=True, handle_chinese_chars=True, strip_accents=False, lowercase=False
    )
    kana = Regex(r"\p{Hiragana}+|[\p{Katakana}ー]+")  # a particle often follows a name in katakana
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.BertPreTokenizer(), pre_tokenizers.Split(kana, "isolated")]
    )
    trainer = trainers.BpeTrainer(vocab_size=PIECES, special_tokens=SPECIALS, show_progress=False)
    backend.train_from_iterator(texts, trainer)
    ends = [(name, backend.token_to_id(name)) for name in ("[CLS]", "[SEP]")]
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=ends
    )
    names = {f"{name.strip('[]').lower()}_token": name for name in SPECIALS}
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=backend,
        model_max_length=MAX_LENGTH,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
        **names,
    )


def save_network(folder: Path, *, vocabulary: int, seed: int) -> int:
    """Write a BERT of four layers with random weights; returns how many."""
    torch.manual_seed(seed)
    network = transformers.BertModel(
        transformers.BertConfig(
            vocab_size=vocabulary,
            hidden_size=256,
            num_hidden_layers=4,
            num_attention_heads=4,
            intermediate_size=1024,
            max_position_embeddings=MAX_LENGTH,
        ),
        add_pooling_layer=False,
    )
    network.save_pretrained(folder)
    return sum(weight.numel() for weight in network.parameters())


def make_recipe(out: Path) -> dict[str, dict[str, Any]]:
    """Many epochs at a high learning rate, since nothing is known yet; the test part waits."""
    return {
        "task": {"name": "tagging"},
        "data": {
            "train": str(out / "train.jsonl"),
            "calibration": str(out / "validation.jsonl"),
        },
        "model": {"name": str(out / "encoder"), "attention_dropout": 0.0},
        "windows": {"max_length": MAX_LENGTH, "overlap": 64},
        "optimizer": {"learning_rate": 5e-4},
        "batch": {"windows_per_step": 32},
        "run": {"epochs": 10},
    }


if __name__ == "__main__":
    main()
