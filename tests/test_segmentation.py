"""Words that a segmenter cuts: every visible character in one, at its place in the original."""

from __future__ import annotations

import os
import sys

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from japanese_tokenizers import SENTENCES, install_jumanpp, train_unigram
from toy_tokenizers import NASTY

from spanfit.data import read
from spanfit.errors import DataError, MissingExtraError, ModelError
from spanfit.memory import TextMemory
from spanfit.text.segmentation import Jumanpp, Mecab, find_words, segment
from spanfit.tokenizer_opening import load_tokenizer

pytest.importorskip("fugashi", reason="not installed: pip install 'spanfit[ja]'")
pytest.importorskip("rhoknp", reason="not installed: pip install 'spanfit[ja]'")


@pytest.fixture(scope="module")
def mecab():
    return Mecab()


@pytest.fixture(scope="module")
def unigram(tmp_path_factory):
    return train_unigram(tmp_path_factory.mktemp("unigram"))


@pytest.fixture
def jumanpp(tmp_path, monkeypatch):
    """Juman++ as the program on the PATH speaks it; give what the program does with a word."""

    def start(rewrite=""):
        folder = install_jumanpp(tmp_path / "bin", rewrite=rewrite)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        return Jumanpp()

    return start


def words(text, segmenter, kept=()):
    starts, ends = find_words(text, segmenter, kept=kept)
    return [text[start:end] for start, end in zip(starts, ends, strict=True)]


def check(text, segmenter, kept=()):
    """The words are apart, in order, and leave out white space alone; places lead back."""
    starts, ends = find_words(text, segmenter, kept=kept)
    assert (starts < ends).all() and (starts[1:] >= ends[:-1]).all()
    assert "".join(words(text, segmenter, kept)) == "".join(text.split())
    done = segment(text, segmenter, kept=kept)
    assert len(done.places) == len(done.text) + 1 and (np.diff(done.places) >= 0).all()
    for character, place in zip(done.text, done.places, strict=False):
        assert character == " " or text[place] == character


def test_mecab_cuts_words(mecab):
    text = "東京タワーに　行く。\n次の行 "
    assert words(text, mecab) == ["東京", "タワー", "に", "行く", "。", "次", "の", "行"]
    assert segment(text, mecab).text == "東京 タワー に 行く 。 次 の 行"
    assert words("a\x00b東京", mecab) == ["a", "\x00", "b", "東京"]  # a NUL ends MeCab's texts
    assert words("", mecab) == words(" \n\u3000", mecab) == []


def test_special_tokens_stay_whole(mecab):
    assert words("題名[SEP]本文 [SEP] x", mecab, ["[SEP]"]) == [
        "題名",
        "[SEP]",
        "本文",
        "[SEP]",
        "x",
    ]
    assert words("題名[SEP]", mecab) != ["題名", "[SEP]"]


@given(
    st.text(st.characters(codec="utf-8") | st.sampled_from("東京タワーに。 \n[SEP]ｶﾞ"), max_size=30)
)
@example("か\u3099e\u0301\u200b")
def test_no_character_is_lost(text):
    check(text, SHARED_MECAB, ("[SEP]",))


SHARED_MECAB = Mecab()


@pytest.mark.parametrize("text", NASTY)
def test_nasty_texts(text, mecab, jumanpp):
    check(text, mecab, ("[SEP]", "</s>"))
    check(text, jumanpp(), ("[SEP]", "</s>"))


def test_long_texts_are_cut_at_sentences(mecab):
    text = "春子は京都に住んでいます。" * 3000 + "あ" * 25_000
    given_texts = []

    class Watched:
        limit, by_line = 10_000, False

        def cut(self, text):
            given_texts.append(text)
            return mecab.cut(text)

    check(text, Watched())
    given_texts = given_texts[: len(given_texts) // 2]  # `check` cuts twice
    assert max(map(len, given_texts)) <= 10_000
    assert all(part.endswith("。") for part in given_texts[:3])


# --- Juman++ -----------------------------------------------------------------------------------


def test_jumanpp_reads_lines(jumanpp):
    segmenter = jumanpp()
    text = "# 見出し\n東京 タワー\n\n" + "あい" * 2500 + "\tＡB"
    check(text, segmenter)
    assert words("東京 タワー", segmenter) == ["東京", "タワ", "ー"]
    assert "2.0.0-test" in segmenter.signature()


def test_what_the_program_changes_is_found_again(jumanpp):
    wide = "''.join(chr(ord(c) + 0xFEE0) if '!' <= c <= '~' else c for c in word)"
    assert words("abc東京", jumanpp(wide)) == ["ab", "c東", "京"]


def test_what_cannot_be_found_again_is_refused(jumanpp):
    with pytest.raises(DataError, match="do not spell it"):
        words("東京タワー", jumanpp("word.replace('京', '都')"))


def test_a_program_that_is_missing(monkeypatch, unigram):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ModelError) as error:
        load_tokenizer(unigram).segmented("jumanpp")
    assert "github.com/ku-nlp/jumanpp" in str(error.value)


@pytest.mark.parametrize("package", ["fugashi", "unidic_lite"])
def test_a_package_that_is_missing(monkeypatch, unigram, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError) as error:
        load_tokenizer(unigram).segmented("mecab")
    assert "pip install 'spanfit[ja]'" in str(error.value)


# --- in front of a tokenizer --------------------------------------------------------------------


def test_ranges_are_of_the_original(unigram):
    plain = load_tokenizer(unigram)
    tokenizer = plain.segmented("mecab")
    text = "　春子は京都に\n住んでいます。[SEP] 東京タワー"
    encoded = tokenizer.encode(["", text])
    ids = plain.backend.encode(
        "春子 は 京都 に 住ん で い ます 。 [SEP] 東京 タワー", add_special_tokens=False
    ).ids
    assert encoded.ids.tolist() == ids and encoded.lengths.tolist() == [0, len(ids)]
    pieces = [plain.backend.id_to_token(id_).replace("▁", "") for id_ in ids]
    shown = [text[s:e] for s, e in zip(encoded.starts, encoded.ends, strict=True)]
    assert [s for s, p in zip(shown, pieces, strict=True) if p] == [p for p in pieces if p]
    assert "[SEP]" in shown
    assert TextMemory(tokenizer).encode([text]).starts.tolist() == encoded.starts.tolist()


def test_a_segmenter_belongs_to_the_tokenizer(unigram):
    plain = load_tokenizer(unigram)
    mecab = plain.segmented("mecab")
    assert plain.segmented("none").digest == plain.digest != mecab.digest
    assert mecab.digest == load_tokenizer(unigram).segmented("mecab").digest
    text = "東京タワーに　行く。"
    assert [text[s:e] for s, e in zip(*mecab.divide(text), strict=True)] == [
        *("東京", "タワー", "に", "行く", "。")
    ]
    with pytest.raises(DataError, match="surrogate"):
        mecab.encode(["half \ud83d of it"])


def test_windows_command(command, unigram, tmp_path):
    line = '{"question": "誰？", "context": "%s", "answers": [{"text": "春子", "start": 0}]}\n'
    (tmp_path / "data.jsonl").write_text(line % SENTENCES[0], encoding="utf-8")
    how = ("windows", tmp_path / "data.jsonl", "-t", unigram, "--max-length", 64, "--overlap", 8)
    code, out, _ = command(*how, "--segmenter", "mecab")
    assert code == 0 and "segmenter mecab" in out and "first_gold_exact 1" in out
    (unigram / "spanfit.json").write_text('{"segmenter": "mecab"}')
    assert "segmenter mecab" in command(*how)[1]
    assert "segmenter none" in command(*how, "--segmenter", "none")[1]
    (unigram / "spanfit.json").unlink()
    assert command(*how, "--segmenter", "sudachi")[0] == 2


@pytest.mark.parametrize("file", ["jsquad/valid-v1.3.json", "jaquad/jaquad_dev.json"])
def test_real_answers_keep_their_places(shared, unigram, file):
    examples = read(shared / "data" / file)[::40]
    texts = list(dict.fromkeys(example.context for example in examples))
    tokenizer = load_tokenizer(unigram).segmented("mecab")
    encoded = tokenizer.encode(texts)
    for row, text in enumerate(texts):
        tokens = slice(encoded.splits[row], encoded.splits[row + 1])
        covered = np.zeros(len(text), bool)
        for start, end in zip(encoded.starts[tokens], encoded.ends[tokens], strict=True):
            covered[start:end] = True
        missing = "".join(c for c, is_in in zip(text, covered, strict=True) if not is_in)
        assert not missing.strip(), missing
