"""Train the three small tokenizers of the tests on prose.txt, beside this file.

    python tests/data/make_tokenizers.py

wordpiece/ as BERT makes it (lower-casing), bytelevel/ as RoBERTa does, unigram/ as XLM-R does.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path

from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers, processors, trainers
from tokenizers.models import BPE, Unigram, WordPiece

HERE = Path(__file__).resolve().parent
SIZE = 1_500
LONGEST = 8  # characters of a piece: Chinese and Japanese have no spaces to end one
SPECIALS = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


def main() -> None:
    lines = (HERE / "prose.txt").read_text(encoding="utf-8").splitlines()
    save("wordpiece", wordpiece(lines), BERT_CONFIG)
    save("bytelevel", bytelevel(lines), ROBERTA_CONFIG)
    save("unigram", unigram(lines), UNIGRAM_CONFIG)


def wordpiece(lines: list[str]) -> Tokenizer:
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    normalizer = normalizers.BertNormalizer(lowercase=True)
    pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    words = count_words(lines, normalizer, pre_tokenizer)
    characters = sorted({character for word in words for character in word})
    inner = [f"##{character}" for character in characters]
    known = specials + characters + inner
    saved = count_pieces(words, inner="##")
    vocabulary = known + best(saved, SIZE - len(known))
    tokenizer = Tokenizer(
        WordPiece({piece: id_ for id_, piece in enumerate(vocabulary)}, unk_token="[UNK]")
    )
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, pre_tokenizer
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.add_special_tokens(specials)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(name, specials.index(name)) for name in ("[CLS]", "[SEP]")],
    )
    return tokenizer


def bytelevel(lines: list[str]) -> Tokenizer:
    tokenizer = Tokenizer(BPE())
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=SIZE,
        special_tokens=SPECIALS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        continuing_subword_prefix="",
        end_of_word_suffix="",
        show_progress=False,
    )
    tokenizer.train_from_iterator(lines, trainer)
    tokenizer.post_processor = processors.RobertaProcessing(
        ("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=False
    )
    return tokenizer


def unigram(lines: list[str]) -> Tokenizer:
    normalizer = normalizers.NFKC()
    pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
    )
    words = count_words(lines, normalizer, pre_tokenizer)
    characters = sorted({character for word in words for character in word})
    saved = count_pieces(words, inner="")
    counts = dict.fromkeys(characters, 1)  # the last resort, as after training by likelihood
    counts |= {piece: saved[piece] for piece in best(saved, SIZE - len(SPECIALS) - len(counts))}
    total = sum(counts.values())
    scores = [(piece, round(math.log(count / total), 4)) for piece, count in counts.items()]
    tokenizer = Tokenizer(Unigram([(name, 0.0) for name in SPECIALS] + scores, unk_id=3))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, pre_tokenizer
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.add_special_tokens(SPECIALS)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    return tokenizer


def count_words(
    lines: list[str],
    normalizer: normalizers.Normalizer,
    pre_tokenizer: pre_tokenizers.PreTokenizer,
) -> Counter[str]:
    normal = (normalizer.normalize_str(line) for line in lines)
    return Counter(word for line in normal for word, _ in pre_tokenizer.pre_tokenize_str(line))


def count_pieces(words: Counter[str], *, inner: str) -> Counter[str]:
    """How many tokens each substring of the words would save; `inner` marks those not in front.

    The library's own WordPiece and Unigram trainers give another vocabulary on each run.
    """
    saved: Counter[str] = Counter()
    for word, count in words.items():
        for start in range(len(word)):
            for end in range(start + 2, min(start + LONGEST, len(word)) + 1):
                saved[(inner if start else "") + word[start:end]] += count * (end - start - 1)
    return saved


def best(saved: Counter[str], n: int) -> list[str]:
    return sorted(saved, key=lambda piece: (-saved[piece], piece))[:n]


BERT_CONFIG = {
    "tokenizer_class": "BertTokenizer",
    "do_lower_case": True,
    "strip_accents": None,
    "tokenize_chinese_chars": True,
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "mask_token": "[MASK]",
    "model_max_length": 512,
}
ROBERTA_CONFIG = {
    "tokenizer_class": "RobertaTokenizer",
    "add_prefix_space": False,
    "trim_offsets": True,
    "bos_token": "<s>",
    "eos_token": "</s>",
    "cls_token": "<s>",
    "sep_token": "</s>",
    "pad_token": "<pad>",
    "unk_token": "<unk>",
    "mask_token": "<mask>",
    "model_max_length": 512,
}
UNIGRAM_CONFIG = {
    "tokenizer_class": "PreTrainedTokenizerFast",
    "model_input_names": ["input_ids", "attention_mask"],
    **{name: value for name, value in ROBERTA_CONFIG.items() if name.endswith("_token")},
    "model_max_length": 512,
}


def save(name: str, tokenizer: Tokenizer, config: dict[str, object]) -> None:
    folder = HERE / name
    folder.mkdir(exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    text = json.dumps(config, indent=2)
    (folder / "tokenizer_config.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
