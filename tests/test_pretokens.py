"""What a tokenizer takes for a word, and whether it needs a space before one."""

from __future__ import annotations

import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st
from tagged_texts import WORDS, load
from tokenizers import models, pre_tokenizers
from toy_tokenizers import KINDS, NASTY, backend_of

from spanfit.pretokens import divide, needs_leading_space
from spanfit.tokenizer_opening import load_tokenizer


@pytest.mark.parametrize(("kind", "needs"), [("wordpiece", 0), ("bytelevel", 1), ("unigram", 0)])
def test_stored_tokenizers(kind, needs):
    assert load(kind).needs_leading_space == bool(needs)


def test_the_behaviour_counts_and_not_the_kind():
    backend = backend_of("bytelevel")
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    assert not needs_leading_space(backend)
    backend = backend_of("unigram")
    for scheme, needs in {"always": False, "first": False, "never": True}.items():
        backend.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme)
        assert needs_leading_space(backend) == needs


def test_published_tokenizers(shared):
    folder = shared / "vocab"
    needing = {
        f.name for f in folder.iterdir() if f.is_dir() and load_tokenizer(f).needs_leading_space
    }
    assert needing == {"roberta-base"}


def words(kind, text):
    starts, ends = load(kind).divide(text)
    return [text[start:end] for start, end in zip(starts, ends, strict=True)]


def test_words_are_those_of_the_tokenizer():
    text = "Ada doesn't live in 東京."
    assert words("wordpiece", text) == [*["Ada", "doesn", "'", "t", "live", "in"], "東", "京", "."]
    assert words("bytelevel", text) == ["Ada", "doesn", "'t", "live", "in", "東京", "."]
    # This one only knows white space, and leaves the full stop to its pieces.
    assert words("unigram", text) == ["Ada", "doesn", "'", "t", "live", "in", "東京", "."]


def test_an_accent_stays_with_its_word():
    assert words("wordpiece", "cafe\u0301, e\u0301te\u0301") == [
        "cafe\u0301",
        ",",
        "e\u0301te\u0301",
    ]


def test_a_tokenizer_without_pretokens():
    assert divide(tokenizers.Tokenizer(models.BPE()), "Ada  came.") == ((0, 5, 9), (3, 9, 10))


@pytest.mark.parametrize("kind", KINDS)
@given(parts=st.lists(st.sampled_from([*NASTY, *WORDS]), max_size=5))
def test_words_are_in_order_apart_and_visible(kind, parts):
    text = " ".join(parts)
    starts, ends = load(kind).divide(text)
    assert all(start < end for start, end in zip(starts, ends, strict=True))
    assert all(end <= start for end, start in zip(ends, starts[1:], strict=False))
    for start, end in zip(starts, ends, strict=True):
        assert text[start:end].split() == [text[start:end]]
