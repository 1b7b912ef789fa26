"""Tokens kept on disk: used again for the same content, never for another."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from toy_tokenizers import load, prose

from spanfit import cache
from spanfit.cache import TokenCache, find_folder

PARTS = ("ids", "starts", "ends", "splits")


@pytest.fixture(autouse=True)
def few_characters_are_kept_too(monkeypatch):
    monkeypatch.setattr(cache, "MIN_CHARACTERS", 0)


@pytest.fixture
def encoded(monkeypatch):
    """How many texts were tokenised, call by call."""
    calls = []
    whole = cache.Tokenizer.encode

    def counting(self, texts):
        calls.append(len(texts))
        return whole(self, texts)

    monkeypatch.setattr(cache.Tokenizer, "encode", counting)
    return calls


def assert_equal(one, other):
    for part in PARTS:
        np.testing.assert_array_equal(getattr(one, part), getattr(other, part))
        assert getattr(one, part).dtype == getattr(other, part).dtype


def test_the_second_time_nothing_is_tokenised(tmp_path, encoded):
    texts = [*prose(), "", "a 👩‍🚀 b"]
    first = TokenCache(load("wordpiece"), tmp_path).encode(texts)
    second = TokenCache(load("wordpiece"), tmp_path).encode(texts)
    assert encoded == [len(texts)]
    assert_equal(first, second)
    assert_equal(first, load("wordpiece").encode(texts))


@pytest.mark.parametrize(
    "texts", [["ab", "c"], ["a", "bc"], ["abc"], ["c", "ab"], ["ab", "c", ""]], ids=str
)
def test_another_content_is_never_taken_for_it(tmp_path, encoded, texts):
    kept = ["a", "b", "c"]
    TokenCache(load("wordpiece"), tmp_path).encode(kept)
    found = TokenCache(load("wordpiece"), tmp_path).encode(texts)
    assert encoded == [3, len(texts)]
    assert_equal(found, load("wordpiece").encode(texts))


def test_another_tokenizer_does_not_share_it(tmp_path, encoded):
    for kind in ("wordpiece", "bytelevel"):
        TokenCache(load(kind), tmp_path).encode(prose())
    assert len(encoded) == 2
    same = replace(load("wordpiece"), source="another folder")
    TokenCache(same, tmp_path).encode(prose())
    assert len(encoded) == 2, "where it came from changes nothing"


@pytest.mark.parametrize("damage", ["cut", "empty", "other", "long"])
def test_a_damaged_file_is_made_again(tmp_path, damage):
    texts = prose()
    right = TokenCache(load("wordpiece"), tmp_path).encode(texts)
    (file,) = tmp_path.glob("*.npz")
    whole = file.read_bytes()
    if damage == "long":
        np.savez(file, ids=right.ids, starts=right.starts, ends=right.ends, splits=[0, 9])
    else:
        file.write_bytes({"cut": whole[: len(whole) // 2], "empty": b"", "other": b"{}"}[damage])
    assert_equal(TokenCache(load("wordpiece"), tmp_path).encode(texts), right)
    assert file.read_bytes() == whole


def test_a_folder_that_cannot_be_written_costs_nothing_but_time(tmp_path):
    taken = tmp_path / "file"
    taken.write_text("")
    found = TokenCache(load("wordpiece"), taken / "below").encode(prose())
    assert_equal(found, load("wordpiece").encode(prose()))


def test_the_folder_is_bounded_and_what_was_just_used_stays(tmp_path, monkeypatch):
    texts = [[f"{number} {text}" for text in prose()] for number in range(3)]
    keep = TokenCache(load("wordpiece"), tmp_path)
    keep.encode(texts[0])
    (oldest,) = tmp_path.iterdir()
    size = oldest.stat().st_size
    monkeypatch.setattr(cache, "MAX_BYTES", int(2.5 * size))
    keep.encode(texts[1])
    for file in tmp_path.iterdir():
        os.utime(file, (1, 1) if file == oldest else (2, 2))
    keep.encode(texts[0])  # used: now the newest
    keep.encode(texts[2])
    assert oldest.exists()
    assert len(list(tmp_path.iterdir())) == 2


def test_few_texts_are_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "MIN_CHARACTERS", 1_000)
    TokenCache(load("wordpiece"), tmp_path).encode(["short"])
    assert not list(tmp_path.iterdir())


def test_the_folder_is_the_users_choice(monkeypatch, tmp_path):
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path))
    assert find_folder() == tmp_path
    monkeypatch.setenv(cache.VARIABLE, "")
    assert find_folder() is None
    monkeypatch.delenv(cache.VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert find_folder() == tmp_path / "spanfit" / "tokens"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    assert find_folder() == Path.home() / ".cache" / "spanfit" / "tokens"
