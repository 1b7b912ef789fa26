"""Windows against what the tokenizers themselves make of a pair with overflow."""

from __future__ import annotations

import json
from functools import cache
from itertools import chain
from typing import NamedTuple

import numpy as np
import pytest
import tokenizers
from toy_tokenizers import KINDS, NASTY, TEMPLATES, arrange, load, prose

from spanfit.batching import join
from spanfit.tokenizer_opening import from_transformers, load_tokenizer
from spanfit.types import TextPair
from spanfit.windows import WindowSettings, make_windows

SETTINGS = (WindowSettings(48, 16), WindowSettings(64, 0), WindowSettings(384, 128))


class Reference(NamedTuple):
    """All windows end to end; `windows` of each pair."""

    ids: np.ndarray
    type_ids: np.ndarray
    of_context: np.ndarray
    offsets: np.ndarray
    windows: np.ndarray


@cache
def copy_backend(tokenizer):
    return tokenizers.Tokenizer.from_str(tokenizer.to_json())


@cache
def load_real(folder):
    return load_tokenizer(folder)


def overflow(tokenizer, pairs, settings):
    """What the library's own truncation makes of the pairs."""
    backend = copy_backend(tokenizer)
    right = tokenizer.padding_side == "right"
    strategy = "only_second" if right else "only_first"
    backend.enable_truncation(settings.max_length, stride=settings.overlap, strategy=strategy)
    inputs = [(fixed, sliced) if right else (sliced, fixed) for fixed, sliced in pairs]
    encodings = backend.encode_batch(inputs)
    every = [one for first in encodings for one in (first, *first.overflowing)]
    context = 1 if right else 0
    n = sum(map(len, every))
    flat = chain.from_iterable
    offsets = np.fromiter(flat(flat(one.offsets for one in every)), np.int32, 2 * n)
    of_context = (sequence == context for sequence in flat(one.sequence_ids for one in every))
    return Reference(
        ids=np.fromiter(flat(one.ids for one in every), np.int32, n),
        type_ids=np.fromiter(flat(one.type_ids for one in every), np.int32, n),
        of_context=np.fromiter(of_context, np.bool_, n),
        offsets=offsets.reshape(n, 2),
        windows=np.array([1 + len(first.overflowing) for first in encodings]),
    )


def strip(text, start, end):
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return start, end


def assert_equal_to_overflow(tokenizer, pairs, settings):
    """Ids, window ranges, type ids and trimmed offsets of all pairs; returns their windows."""
    windows = make_windows(pairs, tokenizer, settings)
    if windows.cut_questions:  # where the library fails
        cut = set(windows.cut_questions)
        pairs = [pair for row, pair in enumerate(pairs) if row not in cut]
        windows = make_windows(pairs, tokenizer, settings)
    theirs = overflow(tokenizer, pairs, settings)
    np.testing.assert_array_equal(np.bincount(windows.example), theirs.windows)

    batch = join(windows, np.arange(len(windows)))
    present = batch.attention_mask.astype(bool)
    np.testing.assert_array_equal(batch.attention_mask.sum(axis=1), windows.lengths)
    np.testing.assert_array_equal(batch.input_ids[present], theirs.ids)
    assert (batch.input_ids[~present] == tokenizer.pad_id).all()
    assert (batch.token_type_ids is not None) == tokenizer.has_type_ids
    if batch.token_type_ids is not None:
        np.testing.assert_array_equal(batch.token_type_ids[present], theirs.type_ids)
        assert (batch.token_type_ids[~present] == 0).all()

    column = np.arange(present.shape[1]) - batch.sliced_start[:, None]
    of_context = (column >= 0) & (column < batch.n_sliced[:, None])
    np.testing.assert_array_equal(of_context[present], theirs.of_context)
    row, column = np.nonzero(of_context)
    tokens = column - batch.sliced_start[row]
    ours = np.stack([windows.char_start(row, tokens), windows.char_end(row, tokens)], axis=1)
    raw = theirs.offsets[theirs.of_context]
    for at in np.flatnonzero((ours != raw).any(axis=1)):
        text = pairs[windows.example[row[at]]].sliced
        start, end = strip(text, *raw[at])
        if start < end or ours[at, 0] < ours[at, 1]:  # blank tokens have no place of their own
            assert tuple(ours[at]) == (start, end), (text, raw[at])
    return windows


def toy_pairs():
    texts = prose()
    questions = [
        "How long does a journey take?",
        "なぜ車両は緑色なのですか。",
        "표는 얼마입니까?",
        *NASTY,
    ]
    contexts = [*texts, *NASTY, " ".join(texts[:3])]
    return [
        TextPair(questions[row % len(questions)], context)
        for row, context in enumerate([*contexts, *contexts[::-1]])
    ]


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("kind", KINDS)
def test_windows_equal_the_tokenizers_overflow(kind, template):
    tokenizer = from_transformers(arrange(kind, template))
    for settings in SETTINGS:
        assert_equal_to_overflow(tokenizer, toy_pairs(), settings)


@pytest.mark.parametrize(
    "name", ["XLNetTokenizer", "T5Tokenizer", "DebertaV2Tokenizer", "XLMRobertaTokenizer"]
)
def test_windows_of_transformers_own_classes(name):
    transformers = pytest.importorskip("transformers")
    vocabulary = json.loads(load("unigram").to_json())["model"]["vocab"]
    tok = getattr(transformers, name)(vocab=[(piece, score) for piece, score in vocabulary])
    tokenizer = from_transformers(tok)
    assert tokenizer.padding_side == ("left" if name == "XLNetTokenizer" else "right")
    assert (tokenizer.config.cls_id is None) == (name == "T5Tokenizer")
    assert_equal_to_overflow(tokenizer, toy_pairs(), SETTINGS[0])


@pytest.mark.parametrize("kind", ["bytelevel", "unigram"])
def test_windows_where_the_tokenizer_leaves_spaces_in_its_offsets(kind):
    tokenizer = from_transformers(arrange(kind, "bert", trims=False))
    assert_equal_to_overflow(tokenizer, toy_pairs(), SETTINGS[0])


@pytest.mark.parametrize("side", ["left", "right"])
def test_windows_on_the_other_padding_side(side):
    for kind in KINDS:
        tokenizer = from_transformers(arrange(kind, "bert", padding_side=side))
        assert tokenizer.template.fixed_first == (side == "right")
        assert_equal_to_overflow(tokenizer, toy_pairs(), SETTINGS[0])


@pytest.mark.parametrize("template", TEMPLATES)
def test_windows_equal_a_transformers_call(template):
    tok = arrange("unigram", template)
    right = tok.padding_side == "right"
    pairs = [TextPair("Who was it?", text) for text in prose()]
    windows = make_windows(pairs, from_transformers(tok), SETTINGS[0])
    batch = join(windows, np.arange(len(windows)))
    fixed, sliced = zip(*pairs, strict=True)
    theirs = tok(
        *(map(list, (fixed, sliced) if right else (sliced, fixed))),
        truncation="only_second" if right else "only_first",
        max_length=SETTINGS[0].max_length,
        stride=SETTINGS[0].overlap,
        return_overflowing_tokens=True,
        padding="longest",
        return_tensors="np",
    )
    assert theirs["overflow_to_sample_mapping"].tolist() == windows.example.tolist()
    assert theirs["input_ids"].tolist() == batch.input_ids.tolist()
    assert theirs["attention_mask"].tolist() == batch.attention_mask.tolist()
    if "token_type_ids" in theirs:
        present = batch.attention_mask == 1
        assert (theirs["token_type_ids"] == batch.token_type_ids)[present].all()


# --- real files ---------------------------------------------------------------------------------


@cache
def read_pairs(file, *, every=1):
    """Question and context of every so many questions of a SQuAD-shaped file."""
    paragraphs = [
        p for article in json.loads(file.read_text())["data"] for p in article["paragraphs"]
    ]
    pairs = [TextPair(q["question"].strip(), p["context"]) for p in paragraphs for q in p["qas"]]
    return pairs[::every]


FILES = {
    "squad_v1": "data/squad_v1/dev-v1.1.json",
    "squad_v2": "data/squad_v2/dev-v2.0.json",
    "korquad": "data/korquad_v1/KorQuAD_v1.0_dev.json",
    "jsquad": "data/jsquad/valid-v1.3.json",
    "jaquad": "data/jaquad/jaquad_dev.json",
    "cmrc": "data/cmrc2018/cmrc2018_dev.json",
}


def test_whole_real_file(shared):
    tokenizer = load_real(shared / "vocab" / "roberta-base")
    pairs = read_pairs(shared / FILES["squad_v1"])
    windows = assert_equal_to_overflow(tokenizer, pairs, WindowSettings(384, 128))
    assert len(windows) == 10_790


@pytest.mark.parametrize(
    ("name", "vocabulary", "every"),
    [
        ("squad_v2", "bert-base-cased", 60),
        ("squad_v1", "bert-base-uncased", 60),
        ("korquad", "bert-base-multilingual-cased", 100),
        ("korquad", "koelectra", 100),
        ("jsquad", "bert-base-multilingual-cased", 40),  # contexts with a literal [SEP]
        ("jaquad", "roberta-base", 100),  # three tokens a character
        ("cmrc", "bert-base-multilingual-cased", 100),
    ],
)
def test_real_samples(shared, name, vocabulary, every):
    tokenizer = load_real(shared / "vocab" / vocabulary)
    pairs = read_pairs(shared / FILES[name], every=every)
    for settings in (WindowSettings(384, 128), WindowSettings(128, 32), WindowSettings(96, 0)):
        assert_equal_to_overflow(tokenizer, pairs, settings)


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("kind", KINDS)
def test_real_samples_in_every_template(shared, kind, template):
    tokenizer = from_transformers(arrange(kind, template))
    files = ("squad_v1", "korquad", "jsquad", "cmrc")
    pairs = [pair for name in files for pair in read_pairs(shared / FILES[name], every=500)]
    assert_equal_to_overflow(tokenizer, pairs, WindowSettings(384, 128))
