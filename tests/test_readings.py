"""Saved folders give the same ids everywhere, and differing readings are named."""

from __future__ import annotations

import shutil

import pytest
from toy_tokenizers import DATA, KINDS, NASTY, TEMPLATES, arrange, change, load, prose

from spanfit.tokenizer_comparison import compare_readings
from spanfit.tokenizer_opening import from_transformers, load_tokenizer

TEXTS = (*NASTY, *prose())


# --- saving -------------------------------------------------------------------------------------


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_folder_gives_the_same_everywhere(tmp_path, kind, template):
    transformers = pytest.importorskip("transformers")
    tokenizer = from_transformers(arrange(kind, template, model_max_length=512))
    tokenizer.save(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    again = load_tokenizer(tmp_path)
    auto = transformers.AutoTokenizer.from_pretrained(tmp_path)
    for other in (again, from_transformers(auto)):
        assert other.digest == tokenizer.digest
        assert other.config == tokenizer.config
        assert other.template.tokens == tokenizer.template.tokens
    for text in filter(None, TEXTS):  # transformers takes an empty second text for none
        assert auto(text, text)["input_ids"] == tokenizer.backend.encode(text, text).ids
    assert compare_readings(tmp_path) == []


def test_saving_keeps_what_was_read_from_a_folder(tmp_path):
    """Transformers reads this folder otherwise than tokenizer.json: saved, it stays as read."""
    transformers = pytest.importorskip("transformers")
    folder = change(tmp_path / "foreign", "wordpiece", do_lower_case=False)
    auto = from_transformers(transformers.AutoTokenizer.from_pretrained(folder))
    assert auto.digest != load_tokenizer(folder).digest
    for name, tokenizer in (("auto", auto), ("file", load_tokenizer(folder))):
        tokenizer.save(tmp_path / name)
        saved = transformers.AutoTokenizer.from_pretrained(tmp_path / name)
        assert saved("The GOAT")["input_ids"] == tokenizer.backend.encode("The GOAT").ids
        assert load_tokenizer(tmp_path / name).digest == tokenizer.digest


def test_the_digest_follows_the_ids():
    assert load("wordpiece").digest == load("wordpiece").digest
    assert len({load(kind).digest for kind in KINDS}) == 3
    assert len(load("wordpiece").digest) == 32


# --- two readings -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "settings", "flag"),
    [
        ("wordpiece", {"do_lower_case": False}, "do_lower_case"),
        ("wordpiece", {"strip_accents": False}, "strip_accents"),
        ("wordpiece", {"tokenize_chinese_chars": False}, "tokenize_chinese_chars"),
        ("bytelevel", {"add_prefix_space": True}, "add_prefix_space"),
        ("unigram", {"padding_side": "left"}, None),
        ("unigram", {"tokenizer_class": "XLMRobertaTokenizer"}, "NFKC"),
    ],
)
def test_differing_readings_name_the_flag(tmp_path, kind, settings, flag):
    warnings = compare_readings(change(tmp_path, kind, **settings))
    if flag is None:
        assert warnings == []
    else:
        assert len(warnings) == 1
        assert flag in warnings[0]
        assert str(tmp_path) in warnings[0]


def test_differing_type_ids_are_named(tmp_path):
    folder = change(tmp_path, "wordpiece", tokenizer_class="PreTrainedTokenizerFast")
    assert [w for w in compare_readings(folder) if "token_type_ids" in w]


def test_a_folder_that_transformers_cannot_read(tmp_path):
    shutil.copy(DATA / "unigram" / "tokenizer.json", tmp_path)
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "BertJapaneseTokenizer"}')
    (warning,) = compare_readings(tmp_path)
    assert "AutoTokenizer cannot read it" in warning


def test_real_vocabularies_read_the_same_both_ways(shared):
    for folder in sorted((shared / "vocab").iterdir()):
        if folder.is_dir():
            assert compare_readings(folder) == []
