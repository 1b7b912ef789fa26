"""Texts as arrays, templates found by asking, and the two readings of a folder."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import processors
from toy_tokenizers import DATA, KINDS, NASTY, arrange, backend_of, change, load, prose

from spanfit.errors import DataError, ModelError
from spanfit.offsets import trim
from spanfit.tokenizer_comparison import compare_readings
from spanfit.tokenizer_opening import from_transformers, load_tokenizer

TEXTS = (*NASTY, *prose())


# --- texts --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_texts_are_tokenised_whole_without_special_tokens(kind):
    texts = load(kind).encode(TEXTS)
    backend = backend_of(kind)
    assert len(texts) == len(TEXTS)
    for row, text in enumerate(TEXTS):
        expected = backend.encode(text, add_special_tokens=False).ids
        assert texts.ids[texts.splits[row] : texts.splits[row + 1]].tolist() == expected
        assert texts.lengths[row] == len(expected)
    assert texts.ids.dtype == texts.starts.dtype == texts.ends.dtype == np.int32
    assert texts.splits.dtype == np.int64


@pytest.mark.parametrize("trims", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_offsets_are_trimmed_and_never_run_backwards(kind, trims):
    tokenizer = from_transformers(arrange(kind, "bert", trims=trims))
    texts = tokenizer.encode(TEXTS)
    for row, text in enumerate(TEXTS):
        tokens = slice(*texts.splits[row : row + 2])
        starts, ends, blank = texts.starts[tokens], texts.ends[tokens], texts.blank[tokens]
        assert (np.diff(starts) >= 0).all()
        assert (np.diff(ends) >= 0).all()
        assert ((starts <= ends) & (ends <= len(text))).all()
        pieces = [text[start:end] for start, end in zip(starts, ends, strict=True)]
        assert all(piece == piece.strip() for piece in pieces)
        assert [not piece for piece in pieces] == blank.tolist()
        visible = np.zeros(len(text), bool)
        for start, end in zip(starts, ends, strict=True):
            visible[start:end] = True
        if kind == "bytelevel":  # the only kind that loses no character
            assert "".join(text[place] for place in np.flatnonzero(visible)) == "".join(
                text.split()
            )


PLACES = st.integers(0, 12)


@given(
    st.lists(st.tuples(st.text("ab \n\u3000😀", max_size=12), st.lists(st.tuples(PLACES, PLACES))))
)
def test_trimming_is_stripping(cases):
    offsets, expected = [], []
    for text, pairs in cases:
        for pair in pairs:
            start, end = sorted(min(place, len(text)) for place in pair)
            inside = text[start:end]
            left = start + len(inside) - len(inside.lstrip())
            offsets.append((start, end))
            expected.append((left, left + len(inside.strip())))
    starts, ends = trim(
        [text for text, _ in cases],
        np.array([len(pairs) for _, pairs in cases], dtype=np.int64),
        np.array(offsets, dtype=np.int32).reshape(-1, 2),
    )
    assert list(zip(starts.tolist(), ends.tolist(), strict=True)) == expected


def test_many_texts_are_the_same_as_one_by_one():
    tokenizer = load("unigram")
    many = [f"{row} {text}" for row in range(30) for text in TEXTS]  # more than one call's worth
    whole = tokenizer.encode(many)
    single = [tokenizer.encode([text]) for text in many]
    for name in ("ids", "starts", "ends"):
        assert (
            getattr(whole, name).tolist()
            == np.concatenate([getattr(s, name) for s in single]).tolist()
        )


def test_no_texts():
    texts = load("wordpiece").encode([])
    assert len(texts) == 0
    assert texts.splits.tolist() == [0]
    assert texts.ids.shape == (0,)


def test_half_a_surrogate_pair_is_named():
    with pytest.raises(DataError, match="surrogate") as error:
        load("wordpiece").encode(["fine", "half \ud83d of it"])
    assert "at character 5" in str(error.value)


def test_truncation_and_padding_of_the_file_are_switched_off(tmp_path):
    backend = backend_of("wordpiece")
    backend.enable_truncation(8)
    backend.enable_padding(length=8, pad_id=3, direction="left")
    backend.save(str(tmp_path / "tokenizer.json"))
    tokenizer = load_tokenizer(tmp_path)
    long = prose()[0]
    assert tokenizer.encode([long]).lengths[0] == load("wordpiece").encode([long]).lengths[0] > 8
    assert tokenizer.encode(["a"]).lengths[0] == 1
    assert tokenizer.padding_side == "left"
    assert tokenizer.template.n_specials == 3


def test_a_call_of_transformers_does_not_touch_the_frozen_copy():
    tok = arrange("wordpiece", "bert")
    tokenizer = from_transformers(tok)
    tok("a b c d e f", truncation=True, max_length=4, padding="max_length")
    assert tok.backend_tokenizer.truncation is not None
    assert tokenizer.backend.truncation is None
    assert tokenizer.encode(["a b c d e f"]).lengths.tolist() == [6]


# --- templates ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("template", "parts", "types", "null"),
    [
        ("bert", ("c", "s", "s"), (0, 1), (0, 0)),
        ("roberta", ("c", "ss", "s"), (0, 0), (0, 0)),
        ("xlnet", ("", "s", "sc"), (1, 0), (2, 1)),
        ("t5", ("", "s", "s"), (0, 0), (1, 0)),
    ],
)
def test_templates_by_hand(kind, template, parts, types, null):
    tokenizer = from_transformers(arrange(kind, template))
    names = ("[CLS]", "[SEP]") if kind == "wordpiece" else ("<s>", "</s>")
    of = {
        short: tokenizer.backend.token_to_id(name) for short, name in zip("cs", names, strict=True)
    }
    found = tokenizer.template
    assert found.tokens == tuple([of[short] for short in part] for part in parts)
    assert found.n_specials == sum(map(len, parts))
    assert (found.fixed_type, found.sliced_type) == types
    assert found.null == null
    assert found.fixed_first == (template != "xlnet")
    assert tokenizer.has_type_ids == found.uses_types == (template in ("bert", "xlnet"))
    single = tokenizer.single_template
    assert single.tokens == (found.tokens[0], [], found.tokens[2])
    assert single.null == (null if template != "t5" else (2, 0))


def test_stored_tokenizers_have_the_templates_of_their_models():
    assert load("wordpiece").template.n_specials == 3
    assert load("bytelevel").template.tokens == ([0], [2, 2], [2])  # RobertaProcessing
    assert load("unigram").template.tokens == ([0], [2, 2], [2])


def test_special_tokens_in_a_text_are_not_taken_for_the_templates():
    tokenizer = load("wordpiece")
    sep, cls = (tokenizer.backend.token_to_id(name) for name in ("[SEP]", "[CLS]"))
    texts = tokenizer.encode(["title [SEP] text [CLS]"])
    assert sep in texts.ids
    assert cls in texts.ids
    where = texts.ids.tolist().index(sep)
    assert (texts.starts[where], texts.ends[where]) == (6, 11)
    assert tokenizer.template.tokens == ([cls], [sep], [sep])


def test_a_template_that_repeats_a_text_is_refused(tmp_path):
    backend = backend_of("wordpiece")
    backend.post_processor = processors.TemplateProcessing(
        single="$A", pair="[CLS] $A $B $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    backend.save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(ModelError, match="fixed places"):
        load_tokenizer(tmp_path)


def test_a_template_that_changes_the_order_is_refused(tmp_path):
    backend = backend_of("wordpiece")
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A", pair="[CLS] $B [SEP] $A:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    backend.save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(ModelError, match="fixed places"):
        load_tokenizer(tmp_path)


# --- the folder ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_a_file_and_transformers_agree(kind):
    transformers = pytest.importorskip("transformers")
    folder, file = load(kind), load_tokenizer(DATA / kind / "tokenizer.json")
    auto = from_transformers(transformers.AutoTokenizer.from_pretrained(DATA / kind))
    assert folder.digest == file.digest == auto.digest
    for name in ("padding_side", "pad_id", "has_type_ids", "max_length"):
        assert getattr(folder, name) == getattr(auto, name)
    assert folder.template.null == auto.template.null
    assert compare_readings(DATA / kind) == []


def test_the_documented_ids_of_roberta(shared):
    backend = load_tokenizer(shared / "vocab/roberta-base").backend
    ids = [0, 2264, 16, 110, 766, 116, 2, 2, 2387, 766, 16, 28856, 1851, 4, 2]
    assert backend.encode("What is your name?", "My name is Sylvain.").ids == ids


def test_tokenizer_json_alone_gets_sensible_settings(tmp_path):
    shutil.copy(DATA / "unigram" / "tokenizer.json", tmp_path)
    tokenizer = load_tokenizer(tmp_path)
    assert tokenizer.padding_side == "right"
    assert tokenizer.pad_id == 1
    assert tokenizer.max_length is None
    assert not tokenizer.has_type_ids
    assert tokenizer.template.null == (0, 0)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, True),  # the template has a type 1
        ({"model_input_names": ["input_ids", "attention_mask"]}, False),
        ({"model_input_names": ["input_ids", "token_type_ids"]}, True),
        ({"tokenizer_class": "DistilBertTokenizerFast"}, False),
    ],
)
def test_type_ids_follow_the_files(tmp_path, settings, expected):
    assert load_tokenizer(change(tmp_path, "wordpiece", **settings)).has_type_ids == expected


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ({"model_type": "bert", "type_vocab_size": 2}, True),
        ({"model_type": "bert", "type_vocab_size": 1}, False),
        ({"model_type": "distilbert"}, False),
    ],
)
def test_type_ids_follow_the_model(tmp_path, model, expected):
    folder = change(tmp_path, "wordpiece")
    (folder / "config.json").write_text(json.dumps(model))
    assert load_tokenizer(folder).has_type_ids == expected


def test_special_tokens_may_be_objects_or_stand_in_their_own_file(tmp_path):
    folder = change(tmp_path, "wordpiece", cls_token={"content": "[MASK]"}, pad_token=None)
    (folder / "special_tokens_map.json").write_text('{"pad_token": "[UNK]", "cls_token": "[PAD]"}')
    tokenizer = load_tokenizer(folder)
    assert tokenizer.config.cls_id == tokenizer.backend.token_to_id("[MASK]")
    assert tokenizer.pad_id == tokenizer.backend.token_to_id("[UNK]")
    assert tokenizer.template.null == (0, 0)  # no [MASK] in the template: its first special token


@pytest.mark.parametrize(
    ("limit", "expected"), [(512, 512), (1e30, None), (10**30, None), (None, None), ("?", None)]
)
def test_the_longest_input(tmp_path, limit, expected):
    assert (
        load_tokenizer(change(tmp_path, "wordpiece", model_max_length=limit)).max_length == expected
    )


def test_xlnet_pads_on_the_left_because_of_its_class(tmp_path):
    folder = change(tmp_path, "unigram", tokenizer_class="XLNetTokenizerFast")
    assert load_tokenizer(folder).padding_side == "left"
    assert not load_tokenizer(folder).template.fixed_first


def test_errors_name_the_file(tmp_path):
    with pytest.raises(ModelError, match="no tokenizer"):
        load_tokenizer(tmp_path / "nowhere")
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelError, match="not a tokenizer file"):
        load_tokenizer(tmp_path)
    with pytest.raises(ModelError, match="padding_side"):
        load_tokenizer(change(tmp_path / "side", "wordpiece", padding_side="up"))
    folder = change(tmp_path / "broken", "wordpiece")
    (folder / "tokenizer_config.json").write_text("{")
    with pytest.raises(ModelError, match="not a JSON file"):
        load_tokenizer(folder)


def test_a_python_tokenizer_is_refused():
    class JapaneseTokenizer:
        name_or_path = "somewhere"

    with pytest.raises(ModelError, match="written in Python") as error:
        from_transformers(JapaneseTokenizer())
    assert "JapaneseTokenizer" in str(error.value)


# --- independence -------------------------------------------------------------------------------


def test_reading_a_tokenizer_imports_nothing_heavy():
    program = (
        "import sys; from spanfit.tokenizer_opening import load_tokenizer; import spanfit.batching;"
        f"load_tokenizer({str(DATA / 'wordpiece')!r}).encode(['a']);"
        "print(sorted({'torch', 'transformers', 'datasets'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=DATA.parent.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_the_stored_tokenizers_are_what_the_script_makes(tmp_path):
    for file in ("make_tokenizers.py", "prose.txt"):
        shutil.copy(DATA / file, tmp_path)
    subprocess.run([sys.executable, str(tmp_path / "make_tokenizers.py")], check=True)
    for kind in KINDS:
        for name in ("tokenizer.json", "tokenizer_config.json"):
            assert (tmp_path / kind / name).read_text() == (DATA / kind / name).read_text()
