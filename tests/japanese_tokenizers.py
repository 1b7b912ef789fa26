"""Tokenizers of Japanese made of a few own sentences: BertJapaneseTokenizer, Unigram, Juman++."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import tokenizers
from tokenizers import models, normalizers, pre_tokenizers, processors, trainers

from spanfit.text.segmentation import Mecab, segment

SENTENCES = (
    "春子は京都に住んでいます。",
    "次郎は大阪から船で来ました。",
    "灯台は一八六四年に建てられ、高さは２０㍍です。",
    "ｶﾞﾗｽの塔を見た花子は、Café で休んだ。",
    "第１回の会議は東京タワーで開かれた。",
    "太郎は名古屋に、夏子は神戸に住む。",
)
SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def make_bert_japanese(folder: Path, *, without: str = "", **settings):
    """A BertJapaneseTokenizer of MeCab's words and their characters, without those of `without`."""
    from transformers import BertJapaneseTokenizer
    from transformers.models.bert_japanese.tokenization_bert_japanese import MecabTokenizer

    words = [word for text in SENTENCES for word in MecabTokenizer().tokenize(text)]
    pieces = [*words[::2], *"".join(words), *(f"##{c}" for c in "".join(words))]
    kept = [piece for piece in pieces if not set(piece) & set(without)]
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "vocab.txt"
    lowered = [piece.lower() for piece in kept] if settings.get("do_lower_case") else kept
    file.write_text("\n".join(dict.fromkeys([*SPECIALS, *lowered])) + "\n", encoding="utf-8")
    settings.setdefault("word_tokenizer_type", "mecab")
    if settings["word_tokenizer_type"] == "mecab":
        settings.setdefault("mecab_kwargs", {"mecab_dic": "unidic_lite"})
    return BertJapaneseTokenizer(str(file), **settings)


def train_unigram(folder: Path, texts=SENTENCES, *, size: int = 120) -> Path:
    """A Unigram tokenizer of words cut by MeCab, saved as transformers saves one."""
    mecab = Mecab()
    tok = tokenizers.Tokenizer(models.Unigram())
    tok.normalizer = normalizers.NFKC()
    tok.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=size, special_tokens=list(SPECIALS), unk_token="[UNK]", show_progress=False
    )
    tok.train_from_iterator([segment(text, mecab).text for text in texts], trainer)
    tok.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(name, tok.token_to_id(name)) for name in ("[CLS]", "[SEP]")],
    )
    folder.mkdir(parents=True, exist_ok=True)
    tok.save(str(folder / "tokenizer.json"))
    roles = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        **dict(zip(roles, SPECIALS, strict=True)),
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return folder


def install_jumanpp(folder: Path, *, rewrite: str = "") -> Path:
    """A program `jumanpp` that speaks its language: words of two characters, spaces escaped.

    `rewrite` is a Python expression of `word`, for a program that changes what it was given.
    """
    folder.mkdir(exist_ok=True)
    program = folder / "jumanpp"
    program.write_text(
        f"#!{sys.executable}\n"
        "import re, sys\n"
        "if '--version' in sys.argv:\n"
        "    print('Juman++ Version: 2.0.0-test')\n"
        "    sys.exit()\n"
        "for line in sys.stdin.buffer:\n"
        "    text = line.decode().rstrip('\\n')\n"
        "    assert len(line) <= 4097 and not text.startswith('#'), text\n"
        "    for word in re.findall(r'\\s|\\S\\S?', text):\n"
        f"        word = {rewrite or 'word'}\n"
        "        word = word.replace(' ', '\\\\␣')\n"
        "        print(word, word, word, '名詞 6 普通名詞 1 * 0 * 0')\n"
        "    print('EOS', flush=True)\n",
        encoding="utf-8",
    )
    program.chmod(0o755)
    return folder
