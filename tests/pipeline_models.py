"""Models whose logits a reader can check with a pencil: a word of the test is a token with logits.

No torch, and no trained tokenizer: vocabularies are made of the words that a test names.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import tokenizers
from tokenizers import decoders, models, pre_tokenizers, processors

from spanfit.backends.base import compute_in_turn
from spanfit.batching import split_by_length
from spanfit.model import Model
from spanfit.prediction import Predictor
from spanfit.settings import ModelSettings
from spanfit.tasks import TASKS
from spanfit.tokenizer import Tokenizer
from spanfit.tokenizer_opening import load_tokenizer

SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")


@dataclass
class PencilBackend:
    """Logits by token: `logits_of` by its name in the vocabulary, else `other`.

    `seen` keeps the shapes of the batches.
    """

    tokenizer: Tokenizer
    logits_of: dict[str, tuple[float, ...]]
    other: tuple[float, ...]
    name: str = "pencil"
    digest: str = "pencil"
    max_tokens: int = 4096
    seen: list[tuple[int, int]] = field(default_factory=list)

    def split(self, lengths, *, max_tokens):
        limit = max_tokens or self.max_tokens
        return split_by_length(lengths, max_tokens=limit, overhead_tokens=4096)

    compute_batches = compute_in_turn

    def logits(self, batch):
        size = self.tokenizer.backend.get_vocab_size()
        table = np.tile(np.array(self.other, np.float32), (size, 1))
        for token, values in self.logits_of.items():
            table[self.tokenizer.backend.token_to_id(token)] = values
        self.seen.append(batch.input_ids.shape)
        return table[batch.input_ids]


def save_tokenizer(folder: Path, backend: tokenizers.Tokenizer, *, like: str = "bert") -> Tokenizer:
    """A tokenizer with the special tokens of BERT, XLNet (padding left) or T5 (no [CLS])."""
    single, pair = {
        "bert": ("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1"),
        "xlnet": ("$A [SEP] [CLS]:2", "$A [SEP] $B:1 [SEP]:1 [CLS]:2"),
        "t5": ("$A [SEP]", "$A [SEP] $B [SEP]"),
    }[like]
    backend.add_special_tokens(list(SPECIALS))
    specials = [(name, backend.token_to_id(name)) for name in ("[CLS]", "[SEP]")]
    backend.post_processor = processors.TemplateProcessing(
        single=single, pair=pair, special_tokens=specials
    )
    folder.mkdir(parents=True, exist_ok=True)
    backend.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "padding_side": "left" if like == "xlnet" else "right",
        "model_input_names": ["input_ids", "token_type_ids", "attention_mask"],
        "model_max_length": 10_000,
        **{f"{name.strip('[]').lower()}_token": name for name in SPECIALS},
    }
    if like == "t5":
        del config["cls_token"]
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return load_tokenizer(folder)


def make_wordpiece(folder: Path, words: str, **options) -> Tokenizer:
    """BERT's kind: words between white space and punctuation, pieces "##…" behind the first."""
    vocab = {word: number for number, word in enumerate([*SPECIALS, *dict.fromkeys(words.split())])}
    backend = tokenizers.Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece()
    return save_tokenizer(folder, backend, **options)


def make_unigram(folder: Path, pieces: str, **options) -> Tokenizer:
    """XLM-R's kind: words between white space; "▁" stands for the space before them."""
    vocab = [*((name, 0.0) for name in SPECIALS), *((piece, -1.0) for piece in pieces.split())]
    backend = tokenizers.Tokenizer(models.Unigram(vocab, unk_id=1))
    backend.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    backend.decoder = decoders.Metaspace()
    return save_tokenizer(folder, backend, **options)


def make_asker(tokenizer: Tokenizer, logits_of, *, other=(-5.0, -5.0), **settings) -> Model:
    """A model that answers questions, with a start and an end logit for each token."""
    backend = PencilBackend(tokenizer, logits_of, other)
    made = ModelSettings.model_validate(settings)
    return Model(Predictor(TASKS["qa"], tokenizer, made, backend))


def make_tagger(tokenizer: Tokenizer, tags: str, said: dict[str, str], **settings) -> Model:
    """A model that is sure of the tag that each token says (logit 4), and says O elsewhere.

    A token may say several tags with their logits: "B-PER=2 O=1".
    """
    names = tags.split()

    def to_logits(words: str) -> tuple[float, ...]:
        logits = [0.0] * len(names)
        for word in words.split():
            tag, _, value = word.partition("=")
            logits[names.index(tag)] = float(value or 4)
        return tuple(logits)

    other = to_logits("O" if "O" in names else names[0])
    backend = PencilBackend(tokenizer, {t: to_logits(tag) for t, tag in said.items()}, other)
    settings = {"scheme": "IOB2"} | settings
    windows = settings.pop("windows", {"max_length": 64, "overlap": 16})
    made = ModelSettings.model_validate(
        {"task": "tagging", "windows": windows, "tagging": {"tags": names, **settings}}
    )
    return Model(Predictor(TASKS["tagging"], tokenizer, made, backend))
