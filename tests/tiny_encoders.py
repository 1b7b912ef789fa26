"""A tiny random encoder of every architecture, each with a toy tokenizer of its own kind.

`ENCODERS` by their names, as docs/encoders.md lists them. Two layers, no dropout, windows of at
most 64 tokens where positions have a table.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from toy_tokenizers import arrange

torch.set_num_threads(1)

VOCABULARY = 1510
LIMIT = 64
"""Tokens that positions with a table have room for."""

BERT: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": LIMIT,
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
}
ROBERTA = BERT | {
    "max_position_embeddings": LIMIT + 2,
    "type_vocab_size": 1,
    "pad_token_id": 1,
    "bos_token_id": 0,
    "eos_token_id": 2,
}
ROTARY: dict[str, Any] = {
    key: BERT[key] for key in BERT if "dropout" not in key and key != "vocab_size"
} | {"vocab_size": VOCABULARY, "bos_token_id": 0, "eos_token_id": 2, "pad_token_id": 1}
T5: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "d_model": 32,
    "d_kv": 8,
    "d_ff": 64,
    "num_layers": 2,
    "num_heads": 4,
    "dropout_rate": 0.0,
    "pad_token_id": 1,
    "eos_token_id": 2,
    "decoder_start_token_id": 1,
}


@dataclass(frozen=True)
class TinyEncoder:
    """How one is made, and what is expected of it.

    `arrangement` is the kind of toy tokenizer and the template of its special tokens; `types`
    whether its `model_input_names` list token type ids. `limit` None: positions have no table.
    """

    make_config: Callable[[], Any]
    arrangement: tuple[str, str]
    question_head: str
    tag_head: str
    limit: int | None = LIMIT
    types: bool = False

    def save(self, folder: Path) -> Path:
        """The encoder without a head, with its tokenizer."""
        names = ["input_ids", *["token_type_ids"] * self.types, "attention_mask"]
        save_tokenizer(folder, *self.arrangement, names=names)
        torch.manual_seed(0)
        transformers.AutoModel.from_config(self.make_config()).save_pretrained(folder)
        return folder


def save_tokenizer(folder: Path, kind: str, template: str, *, names: list[str]) -> None:
    """A toy tokenizer; "padded_wordpiece" is WordPiece whose pad token has the id 1 (MPNet)."""
    wordpiece = kind.removeprefix("padded_")
    arrange(wordpiece, template, model_input_names=names).save_pretrained(folder)
    if wordpiece != kind:
        file = folder / "tokenizer.json"
        content = json.loads(file.read_text(encoding="utf-8"))
        vocab, added = content["model"]["vocab"], content["added_tokens"]
        vocab["[PAD]"], vocab["[UNK]"] = vocab["[UNK]"], vocab["[PAD]"]
        for token in added:
            token["id"] = vocab[token["content"]]
        content["added_tokens"] = sorted(added, key=lambda token: token["id"])
        file.write_text(json.dumps(content), encoding="utf-8")


def _deberta(**options: Any) -> Callable[[], Any]:
    def make() -> Any:
        common = BERT | {"relative_attention": True, "pos_att_type": ["p2c", "c2p"]}
        return transformers.DebertaV2Config(
            **common | {"type_vocab_size": 0, "position_biased_input": False, "pad_token_id": 1},
            **options,
        )

    return make


def _heads(name: str) -> dict[str, str]:
    return {
        "question_head": f"{name}ForQuestionAnswering",
        "tag_head": f"{name}ForTokenClassification",
    }


def _tag_heads(name: str) -> dict[str, str]:
    """Where the class for tags stands in for one for questions."""
    return dict.fromkeys(("question_head", "tag_head"), f"{name}ForTokenClassification")


ENCODERS = {
    "BERT": TinyEncoder(
        lambda: transformers.BertConfig(**BERT), ("wordpiece", "bert"), **_heads("Bert"), types=True
    ),
    "RoBERTa": TinyEncoder(
        lambda: transformers.RobertaConfig(**ROBERTA), ("bytelevel", "roberta"), **_heads("Roberta")
    ),
    "XLM-RoBERTa": TinyEncoder(
        lambda: transformers.XLMRobertaConfig(**ROBERTA),
        ("unigram", "roberta"),
        **_heads("XLMRoberta"),
    ),
    "DistilBERT": TinyEncoder(
        lambda: transformers.DistilBertConfig(
            vocab_size=VOCABULARY,
            dim=32,
            n_layers=2,
            n_heads=4,
            hidden_dim=64,
            max_position_embeddings=LIMIT,
            dropout=0.0,
            attention_dropout=0.0,
            qa_dropout=0.0,
            seq_classif_dropout=0.0,
        ),
        ("wordpiece", "bert"),
        **_heads("DistilBert"),
    ),
    "ALBERT": TinyEncoder(
        lambda: transformers.AlbertConfig(**BERT, embedding_size=16, classifier_dropout_prob=0.0),
        ("unigram", "bert"),
        **_heads("Albert"),
        types=True,
    ),
    "ELECTRA": TinyEncoder(
        lambda: transformers.ElectraConfig(**BERT, embedding_size=16),
        ("wordpiece", "bert"),
        **_heads("Electra"),
        types=True,
    ),
    "DeBERTa": TinyEncoder(
        lambda: transformers.DebertaConfig(
            **BERT,
            type_vocab_size=0,
            relative_attention=True,
            position_biased_input=False,
            pos_att_type=["c2p", "p2c"],
            pad_token_id=1,
        ),
        ("bytelevel", "bert"),
        **_heads("Deberta"),
        limit=None,
        types=True,
    ),
    "DeBERTa-v2": TinyEncoder(
        _deberta(conv_kernel_size=3, conv_act="gelu", position_buckets=16),
        ("unigram", "bert"),
        **_heads("DebertaV2"),
        limit=None,
        types=True,
    ),
    "DeBERTa-v3": TinyEncoder(
        _deberta(share_att_key=True, norm_rel_ebd="layer_norm", position_buckets=16),
        ("unigram", "bert"),
        **_heads("DebertaV2"),
        limit=None,
        types=True,
    ),
    "MPNet": TinyEncoder(
        lambda: transformers.MPNetConfig(**BERT | {"max_position_embeddings": LIMIT + 2}),
        ("padded_wordpiece", "roberta"),
        **_heads("MPNet"),
    ),
    "ModernBERT": TinyEncoder(
        lambda: transformers.ModernBertConfig(
            **ROTARY,
            cls_token_id=0,
            sep_token_id=2,
            local_attention=16,
            global_attn_every_n_layers=2,
        ),
        ("bytelevel", "bert"),
        **_heads("ModernBert"),
        limit=None,
    ),
    "EuroBERT": TinyEncoder(
        lambda: transformers.EuroBertConfig(**ROTARY, num_key_value_heads=2, mask_token_id=4),
        ("bytelevel", "bert"),
        **_tag_heads("EuroBert"),
        limit=None,
    ),
    "NomicBERT": TinyEncoder(
        lambda: transformers.NomicBertConfig(**ROTARY),
        ("wordpiece", "bert"),
        **_tag_heads("NomicBert"),
        limit=None,
        types=True,
    ),
    "GTE": TinyEncoder(
        lambda: transformers.GteConfig(**ROTARY | {"hidden_dropout_prob": 0.0}),
        ("unigram", "roberta"),
        **_tag_heads("Gte"),
        limit=None,
    ),
    "XLNet": TinyEncoder(
        lambda: transformers.XLNetConfig(
            vocab_size=VOCABULARY, d_model=32, n_layer=2, n_head=4, d_inner=64, dropout=0.0
        ),
        ("unigram", "xlnet"),
        question_head="XLNetForQuestionAnsweringSimple",
        tag_head="XLNetForTokenClassification",
        limit=None,
        types=True,
    ),
    "LUKE": TinyEncoder(
        lambda: transformers.LukeConfig(**ROBERTA, entity_vocab_size=20, entity_emb_size=16),
        ("bytelevel", "roberta"),
        **_heads("Luke"),
    ),
    "RemBERT": TinyEncoder(
        lambda: transformers.RemBertConfig(
            **BERT, input_embedding_size=16, output_embedding_size=16, classifier_dropout_prob=0.0
        ),
        ("unigram", "bert"),
        **_heads("RemBert"),
        types=True,
    ),
    "BigBird": TinyEncoder(
        lambda: transformers.BigBirdConfig(**BERT, sep_token_id=2),
        ("unigram", "bert"),
        **_heads("BigBird"),
    ),
    "Longformer": TinyEncoder(
        lambda: transformers.LongformerConfig(**ROBERTA, attention_window=16, sep_token_id=2),
        ("bytelevel", "roberta"),
        **_heads("Longformer"),
    ),
    "T5": TinyEncoder(
        lambda: transformers.T5Config(**T5), ("unigram", "t5"), **_tag_heads("T5"), limit=None
    ),
    "mT5": TinyEncoder(
        lambda: transformers.MT5Config(**T5, feed_forward_proj="gated-gelu"),
        ("unigram", "t5"),
        **_tag_heads("MT5"),
        limit=None,
    ),
    "UMT5": TinyEncoder(
        lambda: transformers.UMT5Config(**T5, feed_forward_proj="gated-gelu"),
        ("unigram", "t5"),
        **_tag_heads("UMT5"),
        limit=None,
    ),
}
