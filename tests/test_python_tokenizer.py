"""Tokenizers written in Python: transformers' ids, exact ranges, and the way through a folder."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from japanese_tokenizers import SENTENCES, make_bert_japanese
from toy_tokenizers import NASTY

from spanfit.data import read
from spanfit.errors import DataError, MissingExtraError, ModelError
from spanfit.tokenizer_opening import from_transformers, load_tokenizer
from spanfit.types import TextPair
from spanfit.windows import WindowSettings, make_windows

transformers = pytest.importorskip("transformers")
pytest.importorskip("fugashi", reason="not installed: pip install 'spanfit[ja]'")

KINDS = {
    "mecab": {},
    "unknown": {"without": "京春子塔船"},
    "lower": {"do_lower_case": True},
    "basic": {"word_tokenizer_type": "basic", "do_lower_case": True},
    "character": {"subword_tokenizer_type": "character", "without": "京春子"},
}
LINES = "題名 [SEP] 春子は京都に\n住む。　ｶﾞﾗｽと２０㍍、Café　ﾊﾟﾘ [UNK]。"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vocabularies")
    toks = {kind: make_bert_japanese(folder / kind, **how) for kind, how in KINDS.items()}
    return {kind: (tok, from_transformers(tok)) for kind, tok in toks.items()}


def check(text, tok, tokenizer):
    """transformers' ids; every range spells its piece; nothing visible is left out."""
    encoded = tokenizer.encode([text])
    pieces = tok.tokenize(text)
    assert encoded.ids.tolist() == tok.convert_tokens_to_ids(pieces)
    shown = [text[s:e] for s, e in zip(encoded.starts, encoded.ends, strict=True)]
    for piece, part in zip(pieces, shown, strict=True):
        spelled = unicodedata.normalize("NFKC", part)
        if piece == "[UNK]":
            assert part and not set(part) & set(" \n")
        elif len(part) == 1:  # pieces of ㍍ or ½ share it
            assert fold(piece.removeprefix("##")) in fold(spelled), (piece, part)
        else:
            assert fold(piece.removeprefix("##")) == fold(spelled), (piece, part)
    assert not left_out(text, encoded).strip()
    return shown


def fold(text):
    parts = unicodedata.normalize("NFD", text.lower())
    return "".join(c for c in parts if unicodedata.category(c) != "Mn")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", [*SENTENCES, LINES, "".join(SENTENCES), "", " "])
def test_ranges_spell_the_pieces(kind, text, made):
    check(text, *made[kind])


def test_ranges_through_normalisation(made):
    _, tokenizer = made["mecab"]
    text = "ｶﾞﾗｽと２０㍍ e\u0301"
    encoded = tokenizer.encode([text])
    shown = [text[s:e] for s, e in zip(encoded.starts, encoded.ends, strict=True)]
    assert shown[0].startswith("ｶﾞ") and "㍍" in shown and shown[-1] == "e\u0301"


def test_unknown_words_have_places(made):
    tok, tokenizer = made["unknown"]
    text = "春子は京都に船で来た。"
    pairs = zip(check(text, tok, tokenizer), tok.tokenize(text), strict=True)
    assert {"春子", "京都", "船"} <= {shown for shown, piece in pairs if piece == "[UNK]"}


@pytest.fixture(scope="module")
def seldom(tmp_path_factory):
    tok = make_bert_japanese(tmp_path_factory.mktemp("seldom"), without="京子")
    return tok, from_transformers(tok)


def test_any_text_is_placed(seldom):
    tok, tokenizer = seldom
    parts = [*"春子は京都に。ＡbＣé２㍍ 　\n", "ｶﾞ", "か\u3099", "[SEP]", "東京"]

    @given(st.lists(st.sampled_from(parts)).map("".join))
    def place(text):
        encoded = tokenizer.encode([text])
        assert encoded.ids.tolist() == tok.convert_tokens_to_ids(tok.tokenize(text))
        assert not left_out(text, encoded).strip()

    place()


def left_out(text, encoded):
    """The characters of a text that are in no token."""
    covered = set()
    for start, end in zip(encoded.starts.tolist(), encoded.ends.tolist(), strict=True):
        covered |= set(range(start, end))
    return "".join(c for at, c in enumerate(text) if at not in covered)


@pytest.mark.parametrize("text", NASTY)
def test_nasty_texts_are_placed_or_refused(text, made):
    for kind in KINDS:
        tok, tokenizer = made[kind]
        if "\x00" in text and kind not in ("basic",):
            with pytest.raises(DataError, match="BertJapaneseTokenizer"):
                tokenizer.encode([text])
        else:
            encoded = tokenizer.encode([text])
            assert encoded.ids.tolist() == tok.convert_tokens_to_ids(tok.tokenize(text))
    if "\x00" not in text:
        check(text, *made["mecab"])


def test_what_a_tokenizer_swallows_is_refused(made):
    """MeCab ends a text at a NUL: its tokens spell half of the text, and nobody says so."""
    with pytest.raises(DataError) as error:
        made["mecab"][1].encode(["春子\x00は京都に"])
    assert "do not spell it" in str(error.value) and "at character" in str(error.value)


def test_windows_are_those_of_transformers(made):
    tok, tokenizer = made["mecab"]
    question, context = "誰が京都に住む？", " [SEP] ".join(SENTENCES)
    windows = make_windows([TextPair(question, context)], tokenizer, WindowSettings(512, 32))
    assert len(windows) == 1
    from spanfit.batching import join

    batch = join(windows, [0])
    expected = tok(question, context, truncation="only_second", max_length=512)
    assert batch.input_ids[0].tolist() == expected["input_ids"]
    assert tokenizer.has_type_ids == ("token_type_ids" in expected)
    short = make_windows([TextPair(question, context)], tokenizer, WindowSettings(40, 8))
    first = tok(question, context, truncation="only_second", max_length=40)["input_ids"]
    assert join(short, [0]).input_ids[0].tolist() == first and len(short) > 2


def test_the_template_and_what_is_known(made):
    tok, tokenizer = made["mecab"]
    cls, sep = tok.cls_token_id, tok.sep_token_id
    assert tokenizer.template.tokens == ([cls], [sep], [sep])
    assert tokenizer.single_template.tokens == ([cls], [], [sep])
    assert tokenizer.pad_id == tok.pad_token_id
    assert tokenizer.backend.get_vocab_size() == len(tok)
    assert tokenizer.backend.token_to_id("[SEP]") == sep
    assert tokenizer.backend.token_to_id("no such token") is None
    assert not tokenizer.needs_leading_space


def test_words_are_the_word_tokenizers(made):
    text = "春子は、京都に 住む。"
    starts, ends = made["mecab"][1].divide(text)
    shown = [text[s:e] for s, e in zip(starts, ends, strict=True)]
    assert shown == ["春子", "は", "、", "京都", "に", "住む", "。"]
    byte = from_transformers(transformers.ByT5Tokenizer())
    starts, ends = byte.divide("Où est Ada?")
    assert ["Où est Ada?"[s:e] for s, e in zip(starts, ends, strict=True)] == [
        *("Où", "est", "Ada", "?")
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_through_a_folder(kind, made, tmp_path):
    tok, tokenizer = made[kind]
    tokenizer.save(tmp_path)
    assert not (tmp_path / "tokenizer.json").exists()
    auto = transformers.AutoTokenizer.from_pretrained(tmp_path)
    again, file = from_transformers(auto), load_tokenizer(tmp_path)
    assert again.digest == file.digest == tokenizer.digest
    assert type(auto).__name__ == "BertJapaneseTokenizer"
    for text in (LINES, *SENTENCES):
        assert again.encode([text]).ids.tolist() == tokenizer.encode([text]).ids.tolist()
        assert auto(text)["input_ids"] == tok(text)["input_ids"]
    assert len({other.digest for _, other in made.values()}) == len(made)


@pytest.mark.parametrize("name", ["ByT5Tokenizer", "CanineTokenizer"])
def test_bytes_and_characters(name):
    tok = getattr(transformers, name)()
    tokenizer = from_transformers(tok)
    for text in (*SENTENCES, "Où est 👩‍🚀?", LINES):
        encoded = tokenizer.encode([text])
        assert encoded.ids.tolist() == tok.convert_tokens_to_ids(tok.tokenize(text))
        sizes = {c: len(c.encode()) if name.startswith("By") else 1 for c in text}
        wide = [c for c in text for _ in range(sizes[c])]
        if "[" not in text:
            shown = [text[s:e] for s, e in zip(encoded.starts, encoded.ends, strict=True)]
            assert shown == ["" if c.isspace() else c for c in wide]


def test_words_of_latin_script(tmp_path):
    """BERT's old Python tokenizer has other attributes, and PhoBERT-like ones other marks."""
    from transformers.models.bert.tokenization_bert_legacy import BertTokenizerLegacy

    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "cafe", "the", "##s", "-", ".", "in"]
    (tmp_path / "vocab.txt").write_text("\n".join(pieces) + "\n")
    tok = BertTokenizerLegacy(str(tmp_path / "vocab.txt"))
    tokenizer = from_transformers(tok)
    text = "The Cafés-Zoë x in  Köln-Ost. In"
    encoded = tokenizer.encode([text])
    assert encoded.ids.tolist() == tok.convert_tokens_to_ids(tok.tokenize(text))
    shown = [text[s:e] for s, e in zip(encoded.starts, encoded.ends, strict=True)]
    assert shown == ["The", "Café", "s", "-", "Zoë", "x", "in", "Köln", "-", "Ost", ".", "In"]


def test_a_package_that_is_missing(made, tmp_path, monkeypatch):
    made["mecab"][1].save(tmp_path)
    monkeypatch.setitem(sys.modules, "fugashi", None)
    with pytest.raises(MissingExtraError) as error:
        load_tokenizer(tmp_path)
    assert "pip install 'spanfit[ja]'" in str(error.value)


def test_a_tokenizer_that_fails(made, tmp_path):
    class Broken(transformers.PreTrainedTokenizer):
        vocab_size = 2

        def get_vocab(self):
            return {"[UNK]": 0, "a": 1}

        def _tokenize(self, text, **kwargs):
            raise RuntimeError("no dictionary")

        def _convert_token_to_id(self, token):
            return 0

        def _convert_id_to_token(self, index):
            return "a"

    with pytest.raises(ModelError, match="Broken fails on a text: no dictionary"):
        from_transformers(Broken(unk_token="[UNK]"))
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "BertJapaneseTokenizer"}')
    with pytest.raises(ModelError, match="AutoTokenizer cannot read"):
        load_tokenizer(tmp_path)


@pytest.mark.parametrize("file", ["jsquad/valid-v1.3.json", "jaquad/jaquad_dev.json"])
def test_real_texts(shared, file, tmp_path):
    """A vocabulary that knows half of the words: ids, ranges and the places of the answers."""
    examples = read(shared / "data" / file)[::50]
    tok = make_bert_japanese(tmp_path / "vocabulary")
    tokenizer = from_transformers(tok)
    texts = list(dict.fromkeys(example.context for example in examples))
    for text in texts:
        encoded = tokenizer.encode([text])
        assert encoded.ids.tolist() == tok.convert_tokens_to_ids(tok.tokenize(text))
        assert not left_out(text, encoded).strip()
