"""Windows by hand and by their properties; test_overflow.py compares with the tokenizers."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import models, pre_tokenizers, processors
from toy_tokenizers import DATA, load

from spanfit.errors import ModelError, RecipeError
from spanfit.tokenizer_opening import load_tokenizer
from spanfit.types import TextPair
from spanfit.windows import WindowSettings, make_windows


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


# --- independence -------------------------------------------------------------------------------

PROGRAM = """
import sys, hashlib
import numpy as np
from spanfit.batching import join, split_by_length
from spanfit.tokenizer_opening import load_tokenizer
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
