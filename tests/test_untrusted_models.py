"""Models from anybody: what would run code, read elsewhere or fill memory is refused, and why."""

from __future__ import annotations

import json
import os
import pickle
import resource
import shlex
import shutil
import socket
import struct
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from test_checkpoints import add_head, change_json, change_weights
from tiny_models import make_encoder, make_recipe_content
from transformers import (
    BertForQuestionAnswering,
    DebertaV2Config,
    DebertaV2ForQuestionAnswering,
)

import spanfit
from spanfit.backends.weights import MAX_HEADER, bounded, read_held
from spanfit.errors import ModelError, RunError
from spanfit.model_files import MAX_SETTINGS, MAX_VOCABULARY
from spanfit.progress import Progress
from spanfit.recipe import make_recipe
from spanfit.resumption import choose_recipe
from spanfit.runs import RunFolder
from spanfit.tokenizer_opening import load_tokenizer
from spanfit.upload import list_upload

pytestmark = pytest.mark.training
QUIET = Progress(quiet=True)
GIGABYTE = 10**9
SPARE = 150_000  # kB that a refusal may take beside what was there


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A model as a run would leave it, random weights aside."""
    return add_head(make_encoder(tmp_path_factory.mktemp("whole") / "model"))


@pytest.fixture
def folder(trained, tmp_path):
    """A copy of it, to spoil."""
    return Path(shutil.copytree(trained, tmp_path / "model"))


@pytest.fixture
def trap(tmp_path):
    """A file that is there once somebody has run what a model brought along."""
    file = tmp_path / "code of the model has run"
    yield file
    assert not file.exists()


@pytest.fixture(autouse=True)
def nobody_answers(monkeypatch):
    """transformers asks at the terminal whether code may run, where it is not told."""

    def answer(*_):
        pytest.fail("somebody was asked a question")

    monkeypatch.setattr("builtins.input", answer)


class Bomb:
    """What leaves a file when it is unpickled."""

    def __init__(self, trap):
        self.trap = trap

    def __reduce__(self):
        return (Path.touch, (self.trap,))


def refusal(work, *parts):
    """The message of a refusal, which has all that a user needs; in little time and memory."""
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with pytest.raises(ModelError) as caught:
        work()
    assert time.process_time() - started < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < SPARE
    error, message = caught.value, str(caught.value)
    assert error.problem and error.where and error.fix
    assert error.expected or error.found
    assert len(message) < 3_000
    for part in parts:
        assert part in message
    return message


def refuse(folder, *parts):
    return refusal(lambda: spanfit.load(folder), *parts)


def train(encoder, tmp_path):
    content = make_recipe_content(tmp_path, n=12) | {"model": {"name": str(encoder)}}
    return spanfit.train(make_recipe(content), out=tmp_path / "run", progress=QUIET)


# Pickle


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "weights.pkl", "model.ckpt"])
def test_pickled_weights_are_refused_by_everything_that_opens_a_model(
    folder, trap, name, tmp_path, command
):
    (folder / "model.safetensors").unlink()
    (folder / name).write_bytes(pickle.dumps(Bomb(trap)))
    refuse(folder, "pickled", f"found:    {name}", "expected: model.safetensors")
    if name != "pytorch_model.bin":
        return
    (tmp_path / "text.txt").write_text("Ada lives in Elm.")
    (tmp_path / "q.jsonl").write_text('{"question": "Who?", "context": "Ada."}\n')
    text, questions = tmp_path / "text.txt", tmp_path / "q.jsonl"
    for words in (
        ("ask", folder, "--question", "Who?", "--context", text),
        ("tag", folder, "Ada"),
        ("predict", folder, questions, "--out", tmp_path / "p.jsonl"),
        ("evaluate", folder, questions),
    ):
        code, out, err = command(*words)
        assert (code, out) == (1, "")
        assert err.startswith("error: ") and "pickled" in err and "Traceback" not in err
    refusal(lambda: spanfit.pipeline("question-answering", str(folder)), "pickled")
    refusal(lambda: train(folder, tmp_path), "pickled")
    assert not (tmp_path / "p.jsonl").exists()


def test_pickles_beside_safetensors_are_never_opened(folder, trap):
    for name in ("pytorch_model.bin", "training_args.bin", "optimizer.pt"):
        (folder / name).write_bytes(pickle.dumps(Bomb(trap)))
    assert spanfit.load(folder).ask("Who?", "Ada lives in Elm.").n_best


def test_what_the_message_says_converts_pickled_weights(folder, monkeypatch):
    """Read by the part of torch that runs nothing, which is typed by whoever trusts them."""
    expected = spanfit.load(folder).ask("Who?", "Ada lives in Elm.")
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError) as caught:
        spanfit.load(folder)
    typed = caught.value.fix.partition(": ")[2]
    python, flag, code, *files = shlex.split(typed)
    assert (python, flag) == ("python", "-c")
    monkeypatch.setattr("sys.argv", ["-c", *files])
    exec(code, {})
    assert spanfit.load(folder).ask("Who?", "Ada lives in Elm.") == expected


# Code


def plant(folder, trap):
    (folder / "evil.py").write_text(f"import pathlib; pathlib.Path({str(trap)!r}).touch()")
    return {
        "AutoConfig": "evil.EvilConfig",
        "AutoModel": "evil.Evil",
        "AutoModelForQuestionAnswering": "evil.Evil",
        "AutoTokenizer": ["evil.Evil", None],
    }


def test_an_architecture_of_its_own_is_refused(folder, trap):
    change_json(folder / "config.json", model_type="evil", auto_map=plant(folder, trap))
    refuse(folder, "Python code of its own", "--trust-remote-code")


def test_code_beside_a_known_architecture_is_not_run_and_told(folder, trap):
    """Models of the hub bring code for older versions of transformers than has their class."""
    expected = spanfit.load(folder).ask("Who?", "Ada lives in Elm.")
    change_json(folder / "config.json", auto_map=plant(folder, trap))
    change_json(folder / "tokenizer_config.json", auto_map=plant(folder, trap))
    model = spanfit.load(folder)
    assert isinstance(model.predictor.backend.network, BertForQuestionAnswering)
    assert "names Python code of its own (auto_map), which is not run" in model.notes[0]
    assert model.ask("Who?", "Ada lives in Elm.") == expected


@pytest.mark.parametrize("name", ["EvilTokenizer", "BertTokenizer"])
def test_a_tokenizer_with_code_of_its_own_is_refused(folder, trap, name):
    (folder / "tokenizer.json").unlink()
    change_json(
        folder / "tokenizer_config.json", tokenizer_class=name, auto_map=plant(folder, trap)
    )
    refuse(folder)
    if name == "EvilTokenizer":
        refusal(lambda: load_tokenizer(folder), "Python code of its own", "auto_map in ")


@pytest.mark.parametrize("key", ["attn_implementation", "_attn_implementation"])
def test_kernels_of_the_hub_are_refused(folder, key):
    change_json(folder / "config.json", **{key: "somebody/kernel"})
    refuse(folder, "code of the hub", f"{key} in {folder}/config.json", "somebody/kernel")


def test_a_run_is_not_resumed_with_code_unless_it_is_typed(tmp_path):
    """A run folder may come from anybody, and its recipe says what is run."""
    content = make_recipe_content(tmp_path) | {
        "model": {"name": "somebody/model", "trust_remote_code": True}
    }
    recipe = make_recipe(content)
    (tmp_path / "recipe.toml").write_text(recipe.to_toml())
    folder, record = RunFolder(tmp_path), {"recipe": recipe.model_dump()}
    with pytest.raises(RunError, match="Python code that came with its model") as caught:
        choose_recipe(folder, record, None, overrides=[])
    assert caught.value.fix.endswith("--set model.trust_remote_code=true")
    typed = ["model.trust_remote_code=true"]
    assert choose_recipe(folder, record, None, overrides=typed) == recipe
    assert choose_recipe(folder, record, recipe, overrides=[]) == recipe


# Large and odd files


@pytest.mark.parametrize(
    "name",
    [
        "tokenizer.json",
        "vocab.txt",
        "spiece.model",
        "config.json",
        "spanfit.json",
        "tokenizer_config.json",
    ],
)
def test_a_file_of_a_gigabyte_is_refused_unread(folder, name, command, tmp_path):
    with (folder / name).open("ab") as file:
        file.truncate(GIGABYTE)
    refuse(folder, f"{folder / name}: ", "too large", "found:    1,000.0 MB", "expected: at most")
    refusal(lambda: load_tokenizer(folder), "too large")
    data = tmp_path / "q.jsonl"
    data.write_text('{"question": "Who?", "context": "Ada."}\n')
    code, out, err = command("windows", data, "--tokenizer", folder)
    assert (code, out) == (1, "") and "too large" in err


def test_a_tokenizer_file_of_a_gigabyte_by_itself_is_refused(tmp_path):
    file = tmp_path / "tokenizer.json"
    file.touch()
    os.truncate(file, GIGABYTE)
    refusal(lambda: load_tokenizer(file), "too large", "at most 100 MB")


def test_the_limits_are_far_above_what_is_published():
    assert MAX_VOCABULARY > 2 * 35_000_000  # bytes of the largest tokenizer.json that is known
    assert MAX_SETTINGS > 10 * 1_000_000


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json", "spanfit.json"])
@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe{}", b"[" * 100_000, b'{"a": ' * 100_000, b"[]", b'{"x": "a\\u0000b"}'],
)
def test_settings_that_are_no_settings_are_one_message(folder, name, content):
    (folder / name).write_bytes(content)
    refuse(folder, name)


@pytest.mark.parametrize("name", ["tokenizer.json", "config.json", "spanfit.json", "README.md"])
def test_links_out_of_the_folder_are_refused(folder, name, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("{}")
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(secret)
    message = refuse(folder, "leads out of the model's folder", str(secret), "cp -rL")
    assert str(folder / name) in message
    refusal(lambda: list_upload(folder), "leads out")


def test_a_folder_of_exports_that_is_elsewhere_is_refused(folder, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (folder / "onnx").symlink_to(tmp_path / "elsewhere")
    refuse(folder, "leads out of the model's folder")


def test_links_inside_of_the_folder_and_in_the_cache_of_the_hub_are_followed(folder, tmp_path):
    (folder / "other.safetensors").symlink_to("model.safetensors")
    expected = spanfit.load(folder).ask("Who?", "Ada lives in Elm.")
    blobs = tmp_path / "models--a--b" / "blobs"
    snapshot = tmp_path / "models--a--b" / "snapshots" / "0123"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    for number, file in enumerate(sorted(folder.iterdir())):
        shutil.copy(file, blobs / str(number))
        (snapshot / file.name).symlink_to(Path("../../blobs", str(number)))
    assert spanfit.load(snapshot).ask("Who?", "Ada lives in Elm.") == expected
    (snapshot / "secret.txt").symlink_to("../../../model/config.json")
    refuse(snapshot, "leads out")


def test_what_is_no_file_is_refused(folder, monkeypatch):
    os.mkfifo(folder / "vocab.txt")
    refuse(folder, "no plain file", "a pipe")
    (folder / "vocab.txt").unlink()
    with socket.socket(socket.AF_UNIX) as made:
        monkeypatch.chdir(folder)  # the names of sockets are short
        made.bind("added_tokens.json")
        refuse(folder, "no plain file", "a socket")


# spanfit.json


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"weights": "/etc/passwd"}, "weights: "),
        ({"tokenizer": "../../other"}, "tokenizer: "),
        ({"a\x1b[31mb": 1}, "a\ufffd[31mb: "),
        ({"segmenter": "../mecab"}, "segmenter: "),
        ({"segmenter": ["mecab"]}, "segmenter: "),
        ({"windows": {"max_length": "../../x", "overlap": 8}}, "windows.max_length: "),
        ({"windows": {"max_length": 10**30, "overlap": 8}}, "of these lengths"),
        ({"windows": {"max_length": 64, "overlap": 64}}, "of these lengths"),
        ({"windows": {"max_length": 64, "overlap": -1}}, "windows.overlap: "),
        ({"windows": {"max_length": 4096, "overlap": 8}}, "longer than its encoder's positions"),
        ({"decode": {"n_best": 10**9}}, "decode.n_best: "),
        ({"decode": {"max_answer_tokens": 10**12}}, "of these lengths"),
        ({"calibration": {"torch": {"threshold": "/etc/passwd"}}}, "calibration.torch.threshold: "),
        ({"calibration": [1]}, "calibration: "),
        ({"ceiling": {"../x": "y"}}, "ceiling.../x: "),
        ({"task": "../tagging"}, "task: "),
        ({"task": "tagging"}, "spanfit.json"),
        ({"task": "tagging", "tagging": {"tags": ["O"], "scheme": "../x"}}, "tagging.scheme: "),
        ({"task": "tagging", "tagging": {"tags": []}}, "tagging.tags: "),
        ({"metric": ["/etc/passwd"]}, "metric: "),
        ({"format_version": "../1"}, "format_version: "),
        ({"x": "y" * 1_000_000}, "x: "),
    ],
)
def test_tricks_in_spanfit_json_are_refused_with_their_key(folder, changes, named):
    file = folder / "spanfit.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))
    refuse(folder, named)


def test_infinity_is_no_threshold(folder):
    file = folder / "spanfit.json"
    content = json.loads(file.read_text()) | {"calibration": {"torch": {"threshold": 1.5}}}
    file.write_text(json.dumps(content).replace("1.5", "NaN"))
    refuse(folder, "calibration.torch.threshold: ")


# What is there only in part

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n"


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "config.json"])
def test_what_git_lfs_did_not_fetch_is_told(folder, name, tmp_path):
    (folder / name).write_bytes(POINTER)
    refuse(folder, str(folder / name), "Git LFS", f"git -C {folder} lfs pull")
    refusal(lambda: train(folder, tmp_path), "Git LFS")
    if name == "tokenizer.json":
        refusal(lambda: load_tokenizer(folder), "Git LFS")


def test_an_exported_network_that_git_lfs_did_not_fetch_is_told(folder):
    (folder / "onnx").mkdir()
    (folder / "onnx" / "model.onnx").write_bytes(b"\x08\x08")
    (folder / "onnx" / "model.onnx.data").write_bytes(POINTER)
    refusal(lambda: spanfit.load(folder, backend="onnx"), "model.onnx.data: ", "Git LFS")


def test_pointers_to_what_is_not_read_are_no_hindrance(folder):
    for name in ("pytorch_model.bin", "spiece.model", "flax_model.msgpack", "fp16.safetensors"):
        (folder / name).write_bytes(POINTER)
    assert spanfit.load(folder).ask("Who?", "Ada lives in Elm.").n_best


@pytest.mark.parametrize("name", ["spanfit.json", "model.safetensors", "tokenizer.json"])
def test_a_folder_or_a_link_to_nowhere_is_not_passed_over(folder, name):
    """Else a model would answer with the settings of another one, and no word of it."""
    (folder / name).unlink()
    (folder / name).mkdir()
    refuse(folder, f"{folder / name}: this file of a model is no plain file", "a folder")
    (folder / name).rmdir()
    (folder / name).symlink_to("gone")
    refuse(folder, f"{folder / name}: this link leads nowhere", "found:    gone")


# Tokenizers


def change_tokenizer(folder, change):
    file = folder / "tokenizer.json"
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))


def test_an_id_behind_a_gap_is_compared_with_the_embeddings(folder):
    """As many pieces as before, one of which has an id that there is no embedding for."""
    change_tokenizer(folder, lambda c: c["model"]["vocab"].update(the=999_999))
    refuse(folder, "more pieces than the model has embeddings", "ids up to 999,999")


@pytest.mark.parametrize(
    "part",
    [
        {"normalizer": {"type": "Precompiled", "precompiled_charsmap": "AAAAAA=="}},
        {"model": {"type": "Unigram", "unk_id": None, "vocab": [["a", 0.0], ["b", -1.0]]}},
        {"model": {"type": "WordLevel", "unk_token": "none", "vocab": {"a": 0}}},
    ],
)
def test_a_tokenizer_that_fails_on_any_text_is_refused(folder, part, command, tmp_path):
    """The first one panics: no Exception of Python, so that a traceback would be shown."""
    change_tokenizer(folder, lambda c: c.update(part))
    refusal(lambda: load_tokenizer(folder), f"{folder}: this tokenizer fails on a plain text")
    (tmp_path / "q.jsonl").write_text('{"question": "Who?", "context": "Ada."}\n')
    code, out, err = command("windows", tmp_path / "q.jsonl", "--tokenizer", folder)
    assert (code, out) == (1, "") and "error: " in err and "Traceback" not in err


# Sizes and weights


def test_buffers_are_bounded_like_weights(tmp_path):
    """DeBERTa v2 has no table of positions, but numbers them: 80 GB for ten thousand million."""
    folder = make_encoder(tmp_path / "model")
    config = DebertaV2Config(
        vocab_size=json.loads((folder / "config.json").read_text())["vocab_size"],
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=128,
        relative_attention=True,
        position_biased_input=False,
        pos_att_type=["p2c", "c2p"],
        type_vocab_size=0,
    )
    DebertaV2ForQuestionAnswering(config).save_pretrained(folder)
    assert spanfit.load(folder).ask("Who?", "Ada lives in Elm.").n_best
    change_json(folder / "config.json", max_position_embeddings=300_000_000)
    refuse(folder, "far beyond those of the weights", "300,0")


@pytest.mark.parametrize("architectures", [7, [7], "BertForQuestionAnswering", {"a": 1}])
def test_names_of_classes_are_names(folder, architectures):
    change_json(folder / "config.json", architectures=architectures)
    refuse(folder, f"architectures in {folder}/config.json")


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (["O", "B-PER", "B-PER"], "two outputs have the same name"),
        (["O", "B-PER\n", "I-PER\n"], "holds a line break"),
        (["O", "B-\x1b[31mPER", "I-PER"], "or another control character"),
    ],
)
def test_names_of_outputs_that_nobody_can_tell_apart_are_refused(folder, names, problem):
    """Of a model from elsewhere; with spanfit.json they stand there (tests/bad/settings)."""
    (folder / "spanfit.json").unlink()
    labels = {str(number): name for number, name in enumerate(names)}
    change_json(
        folder / "config.json", architectures=["BertForTokenClassification"], id2label=labels
    )
    message = refuse(folder, problem, "id2label in config.json")
    assert "\x1b" not in message


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"hidden_size": 10**9}, "far beyond those of the weights"),
        ({"vocab_size": 10**9}, "far beyond those of the weights"),
        ({"intermediate_size": 10**10}, "far beyond those of the weights"),
        ({"max_position_embeddings": 10**10}, "far beyond those of the weights"),
        ({"num_hidden_layers": 10**9}, "num_hidden_layers in "),
        ({"num_hidden_layers": 9_999}, "far beyond those of the weights"),
        ({"num_labels": 10**9}, "num_labels in "),
        ({"hidden_size": 10**30}, "cannot be loaded"),
        ({"hidden_size": -1}, "cannot be loaded"),
        ({"hidden_size": "large"}, "cannot be loaded"),
        ({"num_attention_heads": 0}, "cannot be loaded"),
        ({"model_type": ["bert"]}, "cannot be loaded"),
        ({"id2label": "x"}, "cannot be loaded"),
        ({"transformers_weights": "../../other.safetensors"}, "transformers_weights in "),
    ],
)
def test_sizes_that_nobody_has_are_refused_before_there_is_memory_for_them(folder, changes, named):
    change_json(folder / "config.json", **changes)
    refuse(folder, named)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"vocab_size": 700}, "do not have the shapes of its config.json"),
        ({"hidden_size": 64}, "do not have the shapes of its config.json"),
        ({"intermediate_size": 32}, "do not have the shapes of its config.json"),
        ({"max_position_embeddings": 64}, "do not have the shapes of its config.json"),
        ({"num_hidden_layers": 3}, "its answers would be random"),
        ({"num_hidden_layers": 9}, "does not hold the encoder of its config.json"),
    ],
)
def test_weights_of_other_shapes_are_refused(folder, changes, named, tmp_path):
    change_json(folder / "config.json", **changes)
    refuse(folder, named)


def test_a_head_of_another_number_of_outputs_is_refused(folder):
    change_weights(
        folder,
        lambda w: w | {"qa_outputs.weight": torch.ones(3, 32), "qa_outputs.bias": torch.ones(3)},
    )
    refuse(folder, "another number of outputs", "qa_outputs.weight (3, 32)")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_weights_that_are_no_numbers_are_refused_and_named(folder, value, tmp_path):
    name = "bert.encoder.layer.1.output.dense.weight"

    def spoil(weights):
        weights[name][3, 5] = value
        return weights

    change_weights(folder, spoil)
    refuse(folder, "NaN or infinite", f"found:    {name}")
    refusal(lambda: train(folder, tmp_path), "NaN or infinite", name)


def test_weights_whose_sum_is_too_large_for_a_float_are_numbers_all_the_same(folder):
    def enlarge(weights):
        weights["bert.embeddings.position_embeddings.weight"][100:] = 3e38
        return weights

    change_weights(folder, enlarge)  # of positions that a short text has not
    assert spanfit.load(folder)


def test_a_network_that_computes_no_numbers_is_refused(folder):
    def enlarge(weights):
        weights["bert.embeddings.LayerNorm.weight"][:] = 3e38
        return weights

    change_weights(folder, enlarge)
    refuse(folder, "computes of a plain text is no numbers")


def write_safetensors(file, header, data=b"", *, length=None):
    content = header if isinstance(header, bytes) else json.dumps(header).encode()
    length = len(content) if length is None else length
    file.write_bytes(struct.pack("<Q", length) + content + data)


ONE = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


@pytest.mark.parametrize(
    ("header", "data", "length"),
    [
        ({"a": ONE}, b"\0" * 4, None),  # cut off
        ({"a": ONE}, b"\0" * 80, None),  # more than it says
        ({"a": ONE | {"shape": [10**9]}}, b"\0" * 8, None),
        ({"a": ONE | {"shape": [2**62, 8]}}, b"\0" * 8, None),
        ({"a": ONE | {"shape": [-2]}}, b"\0" * 8, None),
        ({"a": ONE | {"data_offsets": [8, 0]}}, b"\0" * 8, None),
        ({"a": ONE | {"data_offsets": [2**63, 2**63 + 8]}}, b"\0" * 8, None),
        ({"a": ONE, "b": ONE}, b"\0" * 8, None),  # one place for two
        ({"a": ONE | {"dtype": "pickle"}}, b"\0" * 8, None),
        ({"a": "b"}, b"", None),
        (b"[" * 100_000, b"", None),
        (b"not JSON", b"", None),
        (b"", b"", 2**63),
        (b"{}", b"", MAX_HEADER + 1),
        (b"{}", b"", 100),
    ],
)
def test_weights_whose_header_lies_are_refused(folder, header, data, length):
    write_safetensors(folder / "model.safetensors", header, data, length=length)
    refuse(folder, f"{folder}/model.safetensors: this is no whole file of weights")


@pytest.mark.parametrize("content", [b"", b"abc", pickle.dumps({"a": 1})])
def test_what_is_no_safetensors_is_refused(folder, content):
    (folder / "model.safetensors").write_bytes(content)
    refuse(folder, "this is no whole file of weights")


def test_weights_that_were_cut_off_are_refused(folder, tmp_path):
    file = folder / "model.safetensors"
    os.truncate(file, file.stat().st_size // 2)
    refuse(folder, "this is no whole file of weights")
    refusal(lambda: train(folder, tmp_path), "this is no whole file of weights")


def test_weights_of_a_terabyte_are_refused_unread(folder):
    """Sparse: it takes no room on the disk, and would in memory."""
    file, n = folder / "model.safetensors", 10**12
    write_safetensors(file, {"a": {"dtype": "F32", "shape": [n], "data_offsets": [0, 4 * n]}})
    os.truncate(file, file.stat().st_size + 4 * n)
    refuse(folder, "do not fit into the memory of this machine", "4,000.0 GB")


@pytest.mark.parametrize(
    "names",
    [
        "../other/model.safetensors",
        "/etc/passwd",
        "pytorch_model.bin",
        "gone.safetensors",
        "a/../model.safetensors",
        "model.safetensors\0",
        7,
        ["x"],
    ],
)
def test_a_list_of_weights_names_files_of_the_folder(folder, names, tmp_path):
    shutil.copytree(folder, tmp_path / "other")
    (folder / "model.safetensors").rename(folder / "part-1.safetensors")
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": {"a": names}}))
    refuse(folder, str(index))
    index.write_text(json.dumps({"weight_map": names}))
    refuse(folder, str(index))


def test_weights_in_several_files_are_read(folder):
    expected = spanfit.load(folder).ask("Who?", "Ada lives in Elm.")
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = sorted(weights)
    parts = {"a.safetensors": names[::2], "b.safetensors": names[1::2]}
    for file, some in parts.items():
        save_file({name: weights[name] for name in some}, folder / file, {"format": "pt"})
    places = {name: file for file, some in parts.items() for name in some}
    index = {"metadata": {"total_size": 1}, "weight_map": places}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert spanfit.load(folder).ask("Who?", "Ada lives in Elm.") == expected


def test_a_folder_without_weights_says_so(folder):
    (folder / "model.safetensors").unlink()
    refuse(folder, "there are no weights in this folder")


def test_an_adapter_is_not_left_out_silently(folder):
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "/etc"}')
    refuse(folder, "an adapter beside a model", "merge_and_unload")


def test_only_the_thread_that_loads_is_bounded(folder):
    """Another one may make a larger network of its own meanwhile."""
    from threading import Thread

    held, made = read_held(folder), []
    with bounded(held, source="x"):
        thread = Thread(target=lambda: made.append(torch.nn.Linear(20_000, 20_000, device="meta")))
        thread.start()
        thread.join()
        with pytest.raises(ModelError, match="far beyond"):
            torch.nn.Linear(20_000, 20_000, device="meta")
    assert len(made) == 1
    assert torch.nn.Linear(20_000, 20_000, device="meta")
