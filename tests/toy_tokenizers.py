"""The three small tokenizers of tests/data, in every arrangement of special tokens.

`load(kind)` is a stored tokenizer as SpanFit reads it; `arrange(kind, template)` is a transformers
tokenizer of that kind whose special tokens stand as in one of the well-known models.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import tokenizers
from tokenizers import pre_tokenizers, processors

from spanfit.tokenizer import Tokenizer
from spanfit.tokenizer_opening import load_tokenizer

DATA = Path(__file__).resolve().parent / "data"

KINDS = ("wordpiece", "bytelevel", "unigram")
TEMPLATES = ("bert", "roberta", "xlnet", "t5")

NASTY = (
    "",
    " ",
    "\n\t ",
    "a",
    "a [SEP] b [CLS] </s> <s> <pad> c",
    "\u00a0no\u00a0break\u00a0",
    "\u3000全角\u3000の空白\u3000",
    "👩‍🚀👨‍👩‍👧‍👦 two 🐐🐐 and a ⭐",
    "nul \x00 here, and \x1f there",
    "각 낱자 ᄀ ᄀ ㄱ",
    "e\u0301 combining e\u0301e\u0301",
    "a b c d e f g h i j k l m n o p q r s t u v w x y z " * 3,
    "  outer   and    inner     spaces  ",
    "line\nbreaks\r\nand\ttabs\n\n",
    "𠮷野家 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 ﬁﬂ ½ Ⅷ",
)
"""Texts on which tokenizers, offsets and windows have been seen to go wrong."""


def prose() -> list[str]:
    """The paragraphs of the text that the tokenizers were trained on."""
    return (DATA / "prose.txt").read_text(encoding="utf-8").splitlines()


def load(kind: str) -> Tokenizer:
    return load_tokenizer(DATA / kind)


def backend_of(kind: str) -> tokenizers.Tokenizer:
    return tokenizers.Tokenizer.from_file(str(DATA / kind / "tokenizer.json"))


def arrange(kind: str, template: str, *, trims: bool = True, **options):
    """A transformers tokenizer: `template` is one of TEMPLATES; `options` go to its class.

    `trims`: its own offsets go without the space before a token, where its kind can do that.
    """
    from transformers import PreTrainedTokenizerFast

    backend = backend_of(kind)
    cls, sep = ("[CLS]", "[SEP]") if kind == "wordpiece" else ("<s>", "</s>")
    single, pair = {
        "bert": (f"{cls} $A {sep}", f"{cls} $A {sep} $B:1 {sep}:1"),
        "roberta": (f"{cls} $A {sep}", f"{cls} $A {sep} {sep} $B {sep}"),
        "xlnet": (f"$A {sep} {cls}:2", f"$A {sep} $B:1 {sep}:1 {cls}:2"),
        "t5": (f"$A {sep}", f"$A {sep} $B {sep}"),
    }[template]
    specials = [(name, backend.token_to_id(name)) for name in (cls, sep)]
    arranged = processors.TemplateProcessing(single=single, pair=pair, special_tokens=specials)
    if kind == "unigram" and not trims:
        backend.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    if kind == "bytelevel" and trims:
        arranged = processors.Sequence([processors.ByteLevel(trim_offsets=True), arranged])
    backend.post_processor = arranged
    types = ["token_type_ids"] if template in ("bert", "xlnet") else []
    settings = {
        "padding_side": "left" if template == "xlnet" else "right",
        "model_input_names": ["input_ids", *types, "attention_mask"],
        "pad_token": "[PAD]" if kind == "wordpiece" else "<pad>",
        "sep_token": sep,
        **({} if template == "t5" else {"cls_token": cls}),
        **options,
    }
    return PreTrainedTokenizerFast(tokenizer_object=backend, **settings)


def change(folder: Path, kind: str, **settings) -> Path:
    """A copy of a stored tokenizer in `folder` with other settings beside it; None removes one."""
    shutil.copytree(DATA / kind, folder, dirs_exist_ok=True)
    file = folder / "tokenizer_config.json"
    config = {**json.loads(file.read_text()), **settings}
    told = {name: value for name, value in config.items() if value is not None}
    file.write_text(json.dumps(told))
    return folder
