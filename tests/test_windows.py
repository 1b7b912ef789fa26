"""Windows against a pencil, against properties, and against the tokenizers' own overflow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from itertools import chain
from typing import NamedTuple

import numpy as np
import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import models, pre_tokenizers, processors
from toy_tokenizers import KINDS, NASTY, TEMPLATES, arrange, load, prose

from spanfit.batching import join
from spanfit.errors import ModelError, RecipeError
from spanfit.tokenizer import from_transformers, load_tokenizer
from spanfit.types import TextPair
from spanfit.windows import WindowSettings, make_windows

SETTINGS = (WindowSettings(48, 16), WindowSettings(64, 0), WindowSettings(384, 128))


@pytest.fixture(scope="session")
def words(tmp_path_factory):
    """One token a word, one special token before, one between, one behind: 3 in all."""
    vocabulary = {name: id_ for id_, name in enumerate(["[PAD]", "[CLS]", "[SEP]", "?", "w", "q"])}
    backend = tokenizers.Tokenizer(models.WordLevel(vocabulary, unk_token="?"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.post_processor = processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    file = tmp_path_factory.mktemp("words") / "tokenizer.json"
    backend.save(str(file))
    return load_tokenizer(file)


def ranges(windows):
    rows = zip(windows.example, windows.first, windows.last, strict=True)
    return [tuple(map(int, row)) for row in rows]


# --- by hand ------------------------------------------------------------------------------------


def test_windows_by_hand(words):
    # 10 tokens: 3 special, 2 of the question, so 5 of the context, of which 2 are shared.
    pairs = [TextPair("q q", "w " * 12), TextPair("q q", "w " * 5), TextPair("q", "w w")]
    windows = make_windows(pairs, words, WindowSettings(max_length=10, overlap=2))
    assert ranges(windows) == [
        (0, 0, 5),
        (0, 3, 8),
        (0, 6, 11),
        (0, 9, 12),  # short: not pulled back to 7
        (1, 0, 5),
        (2, 0, 2),
    ]
    assert windows.lengths.tolist() == [10, 10, 10, 8, 10, 6]
    assert windows.cut_questions == ()


def test_each_distinct_text_is_tokenised_once(words):
    pairs = [
        TextPair("q", "w w"),
        TextPair("q q", "w w"),
        TextPair("q", "w w"),
        TextPair("w w", "q"),
    ]
    windows = make_windows(pairs, words, WindowSettings())
    assert len(windows.texts) == 3
    assert windows.fixed.tolist() == [0, 1, 0, 2]
    assert windows.sliced.tolist() == [2, 2, 2, 0]


@pytest.mark.parametrize("question", ["", "   "])
@pytest.mark.parametrize("context", ["", " \n "])
def test_empty_texts_have_one_window(words, question, context):
    windows = make_windows([TextPair(question, context)], words, WindowSettings(8, 2))
    assert ranges(windows) == [(0, 0, 0)]
    assert windows.lengths.tolist() == [3]


def test_no_pairs_no_windows(words):
    windows = make_windows([], words, WindowSettings())
    assert len(windows) == 0
    assert windows.lengths.shape == windows.origin.shape == (0,)


def test_characters_of_tokens():
    context = "The stubborn goat is content."
    windows = make_windows([TextPair("Who?", context)], load("bytelevel"), WindowSettings())
    tokens = np.arange(int(windows.last[0]))
    starts, ends = (
        windows.char_start(np.array([0]), tokens),
        windows.char_end(np.array([0]), tokens),
    )
    pieces = [context[start:end] for start, end in zip(starts, ends, strict=True)]
    assert "".join(pieces) == context.replace(" ", "")
    assert not any(" " in piece for piece in pieces)


def test_one_text_alone(words):
    windows = make_windows([TextPair(None, "w " * 12)], words, WindowSettings(7, 1))
    assert ranges(windows) == [(0, 0, 5), (0, 4, 9), (0, 8, 12)]
    assert windows.fixed.tolist() == [-1, -1, -1]
    assert windows.lengths.tolist() == [7, 7, 6]


def test_one_and_two_texts_do_not_mix(words):
    with pytest.raises(ValueError, match="1 of 2 pairs"):
        make_windows([TextPair(None, "w"), TextPair("q", "w")], words, WindowSettings())


# --- long questions -----------------------------------------------------------------------------


def test_long_question_is_cut_only_where_the_tokenizer_fails(words):
    settings = WindowSettings(max_length=23, overlap=8)  # 20 tokens for two texts
    pairs = [
        TextPair("q " * 11, "w " * 30),  # room 9: more than the overlap, one token a step
        TextPair("q " * 12, "w " * 30),  # room 8: no more than the overlap
        TextPair("q " * 12, "w " * 8),  # the same room, but the context fits into it
        TextPair("q " * 50, "w " * 30),
        TextPair("q " * 50, "w " * 5),  # the context needs 5, so 15 of the question stay
        TextPair("q " * 50, ""),  # nothing to slice, still too long
    ]
    windows = make_windows(pairs, words, settings)
    first_window = np.flatnonzero(windows.first == 0)
    assert windows.cut_questions == (1, 3, 4, 5)
    assert windows.fixed_tokens[first_window].tolist() == [11, 6, 12, 6, 15, 20]
    assert np.bincount(windows.example).tolist() == [22, 4, 1, 4, 1, 1]
    assert windows.lengths.max() <= settings.max_length
    assert windows.crowded == (0,)


def test_tokenizer_fails_exactly_where_questions_are_cut(words, capfd):
    settings = WindowSettings(max_length=23, overlap=8)
    backend = tokenizers.Tokenizer.from_str(words.to_json())
    backend.enable_truncation(23, stride=8, strategy="only_second")
    pairs = [TextPair("q " * q, "w " * w) for q in range(0, 26, 2) for w in (0, 1, 7, 8, 9, 12, 30)]
    windows = make_windows(pairs, words, settings)
    failed = []
    for row, pair in enumerate(pairs):
        try:
            n = 1 + len(backend.encode(*pair).overflowing)
        except BaseException:  # a Rust panic is no Exception
            failed.append(row)
        else:
            assert n == np.count_nonzero(windows.example == row), pair
    assert tuple(failed) == windows.cut_questions
    capfd.readouterr()  # the panics' backtraces


@pytest.mark.parametrize(
    ("max_length", "overlap", "message"),
    [(0, 0, "max_length"), (10, -1, "overlap"), (128, 128, "overlap"), (100, 384, "overlap")],
)
def test_impossible_settings_are_refused(max_length, overlap, message):
    with pytest.raises(RecipeError, match=message):
        WindowSettings(max_length=max_length, overlap=overlap)


def test_settings_that_only_the_special_tokens_make_impossible(words):
    make_windows([TextPair("q", "w")], words, WindowSettings(10, 6))
    with pytest.raises(RecipeError, match="3 special tokens"):
        make_windows([TextPair("q", "w")], words, WindowSettings(10, 7))


# --- properties ---------------------------------------------------------------------------------


@given(
    q=st.integers(0, 40), w=st.integers(0, 200), room=st.integers(1, 60), overlap=st.integers(0, 59)
)
def test_windows_cover_the_text_and_share_the_overlap(words, q, w, room, overlap):
    if overlap >= room:
        room, overlap = overlap + 1, room - 1
    settings = WindowSettings(max_length=room + 3, overlap=overlap)
    windows = make_windows([TextPair("q " * q, "w " * w)], words, settings)
    first, last = windows.first.tolist(), windows.last.tolist()
    assert first[0] == 0
    assert last[-1] == w
    assert [end - start for start, end in zip(first[1:], last, strict=False)] == [overlap] * (
        len(first) - 1
    )
    sizes = {end - start for start, end in zip(first, last, strict=True)}
    full = max(sizes)
    assert all(last[k] - first[k] == full for k in range(len(first) - 1))
    assert len(first) == 1 or last[-1] - first[-1] > overlap  # each brings something new
    assert windows.lengths.max() <= settings.max_length
    kept = int(windows.fixed_tokens[0])
    assert (kept < q) == (windows.cut_questions == (0,))


# --- against the tokenizers themselves ----------------------------------------------------------


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


def test_known_window_counts(shared):
    def count(name, vocabulary, first=None):
        pairs = read_pairs(shared / FILES[name])[:first]
        tokenizer = load_real(shared / "vocab" / vocabulary)
        return len(make_windows(pairs, tokenizer, WindowSettings(384, 128)))

    assert count("squad_v2", "bert-base-cased") == 12_199
    assert count("squad_v2", "bert-base-cased", first=100) == 107
    assert count("squad_v1", "bert-base-cased") == 10_822
    assert count("korquad", "bert-base-multilingual-cased") == 7_706


def test_whole_real_file(shared):
    tokenizer = load_real(shared / "vocab" / "roberta-base")
    pairs = read_pairs(shared / FILES["squad_v1"])
    windows = assert_equal_to_overflow(tokenizer, pairs, WindowSettings(384, 128))
    assert len(windows) == 10_790


@pytest.mark.parametrize(
    ("name", "vocabulary", "every"),
    [
        ("squad_v2", "bert-base-cased", 25),
        ("squad_v1", "bert-base-uncased", 25),
        ("korquad", "bert-base-multilingual-cased", 40),
        ("korquad", "koelectra", 40),
        ("jsquad", "bert-base-multilingual-cased", 15),  # contexts with a literal [SEP]
        ("jaquad", "roberta-base", 40),  # three tokens a character
        ("cmrc", "bert-base-multilingual-cased", 40),
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
    pairs = [pair for name in files for pair in read_pairs(shared / FILES[name], every=200)]
    assert_equal_to_overflow(tokenizer, pairs, WindowSettings(384, 128))


# --- independence -------------------------------------------------------------------------------

PROGRAM = """
import sys, hashlib
import numpy as np
from spanfit.batching import join, split_by_length
from spanfit.tokenizer import load_tokenizer
from spanfit.types import TextPair
from spanfit.windows import WindowSettings, make_windows
lines = open(sys.argv[2], encoding="utf-8").read().splitlines() * 40
pairs = [TextPair("Who?", f"{row} {line}") for row, line in enumerate(lines)]
windows = make_windows(pairs, load_tokenizer(sys.argv[1]), WindowSettings(64, 16))
batch = join(windows, np.arange(len(windows)))
print(hashlib.blake2b(batch.input_ids.tobytes() + windows.texts.starts.tobytes()).hexdigest())
heavy = {"torch", "transformers", "datasets"} & set(sys.modules)
assert not heavy, heavy
"""


def test_threads_do_not_matter_and_nothing_heavy_is_imported():
    from toy_tokenizers import DATA

    def run(**variables):
        command = [sys.executable, "-c", PROGRAM, str(DATA / "bytelevel"), str(DATA / "prose.txt")]
        root = os.pathsep.join([str(DATA.parent.parent), os.environ.get("PYTHONPATH", "")])
        environment = {**os.environ, "PYTHONPATH": root, **variables}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    one = run(TOKENIZERS_PARALLELISM="false")
    assert one == run(TOKENIZERS_PARALLELISM="true", RAYON_NUM_THREADS="2")


def test_a_template_without_special_tokens_has_no_place_for_no_answer(tmp_path):
    backend = tokenizers.Tokenizer(models.WordLevel({"w": 0, "?": 1}, unk_token="?"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.save(str(tmp_path / "tokenizer.json"))
    tokenizer = load_tokenizer(tmp_path)
    assert len(make_windows([TextPair(None, "w w")], tokenizer, WindowSettings())) == 1
    with pytest.raises(ModelError, match="no special token"):
        make_windows([TextPair("w", "w w")], tokenizer, WindowSettings())
