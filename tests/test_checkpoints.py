"""Checkpoints that do not fit: what somebody who trains or asks is told."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from tiny_models import make_encoder, make_recipe_content
from toy_tokenizers import arrange
from transformers import dynamic_module_utils
from typer.testing import CliRunner

import spanfit
from spanfit import hub
from spanfit.backends.pretrained import load_encoder
from spanfit.cli.app import app
from spanfit.errors import ModelError
from spanfit.progress import Progress
from spanfit.recipe import ModelSection, WindowsSection, make_recipe
from spanfit.settings import ModelSettings
from spanfit.tasks import TASKS

pytestmark = pytest.mark.training
QUIET = Progress(quiet=True)

SETTINGS = ModelSettings(windows=WindowsSection(max_length=64, overlap=20))

GENERIC = {"tokenizer_class": "PreTrainedTokenizerFast"}
"""The class that takes tokenizer.json as it stands; BERT's own would make up what is missing."""


OWN_MODEL = """
from transformers import BertConfig, BertForQuestionAnswering


class OwnConfig(BertConfig):
    model_type = "own"


class OwnForQuestionAnswering(BertForQuestionAnswering):
    config_class = OwnConfig
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A model as a run would leave it, random weights aside."""
    return add_head(make_encoder(tmp_path_factory.mktemp("whole") / "model"))


@pytest.fixture
def folder(trained, tmp_path):
    """A copy of it, to spoil."""
    return Path(shutil.copytree(trained, tmp_path / "model"))


def add_head(folder, kind="QuestionAnswering"):
    torch.manual_seed(1)
    head = getattr(transformers, f"AutoModelFor{kind}")
    head.from_pretrained(folder).save_pretrained(folder)
    SETTINGS.save(folder)
    return folder


def change_weights(folder, change):
    file = folder / "model.safetensors"
    save_file(change(load_file(file)), file, metadata={"format": "pt"})


def change_json(file, **changes):
    content = json.loads(file.read_text()) | changes
    told = {name: value for name, value in content.items() if value is not None}
    file.write_text(json.dumps(told))


def refusal(folder, *, alike=True):
    """The message for who asks; with `alike` it must be the same for who trains."""
    with pytest.raises(ModelError) as caught:
        spanfit.load(folder)
    message = str(caught.value)
    assert str(folder) in message
    assert "expected:" in message and "found:" in message and "try:" in message
    if alike:
        with pytest.raises(ModelError) as caught:
            prepare(folder)
        assert str(caught.value) == message
    return message


def prepare(folder, max_length=64):
    outputs = TASKS["qa"].outputs(ModelSettings())
    return load_encoder(
        ModelSection(name=str(folder)), task="qa", outputs=outputs, max_length=max_length
    )


def test_a_whole_model_loads_without_a_note(trained):
    model = spanfit.load(trained)
    assert model.notes == ()
    assert model.ask("Who?", "Ada.").n_best
    assert prepare(trained).notes == ()


def test_a_checkpoint_that_tags_is_no_checkpoint_that_answers(tmp_path):
    folder = make_encoder(tmp_path / "encoder")
    add_head(folder, "TokenClassification")
    (folder / "spanfit.json").unlink()
    model = spanfit.load(folder)
    assert model.settings.task == "tagging" and len(model.tag("Ada came.").tags) == 3
    with pytest.raises(ModelError, match="this model is for tagged texts"):
        model.ask("Who?", "Ada.")
    assert prepare(folder).notes == ("newly initialised: qa_outputs.bias, qa_outputs.weight",)


@pytest.mark.parametrize("kind", ["TokenClassification", "SequenceClassification", None])
def test_a_checkpoint_without_a_question_answering_head(tmp_path, kind):
    folder = make_encoder(tmp_path / "encoder")
    if kind:
        add_head(folder, kind)
    message = refusal(folder, alike=False)
    assert "not trained for the task: its answers would be random" in message
    assert "QuestionAnswering head: qa_outputs.bias, qa_outputs.weight" in message
    assert f"found:    Bert{f'For{kind}' if kind else 'Model'}" in message
    assert f"spanfit init DATA --model {folder}" in message
    assert prepare(folder).notes == ("newly initialised: qa_outputs.bias, qa_outputs.weight",)


@pytest.mark.parametrize("n_labels", [2, 3])
def test_a_head_with_three_outputs_is_refused_and_trained_anew(folder, n_labels):
    """Whatever the config says; pains: "too many values to unpack"."""
    change_weights(
        folder,
        lambda weights: (
            weights | {"qa_outputs.weight": torch.ones(3, 32), "qa_outputs.bias": torch.ones(3)}
        ),
    )
    change_json(folder / "config.json", id2label={str(n): f"L{n}" for n in range(n_labels)})
    message = refusal(folder, alike=False)
    assert "another number of outputs" in message
    assert "2 outputs for each token" in message
    assert "qa_outputs.bias (3,), not (2,), qa_outputs.weight (3, 32), not (2, 32)" in message
    (note,) = prepare(folder).notes
    assert "its head has another shape and starts anew: qa_outputs.bias (3,)" in note


def test_the_weights_count_and_not_what_the_config_says_of_labels(folder):
    change_json(folder / "config.json", id2label={"0": "A", "1": "B", "2": "C"}, num_labels=3)
    assert spanfit.load(folder).ask("Who?", "Ada.").n_best
    assert prepare(folder).notes == ()


def test_weights_that_do_not_have_the_shapes_of_the_config(folder):
    change_json(folder / "config.json", intermediate_size=48)
    message = refusal(folder)
    assert "do not have the shapes of its config.json" in message
    assert "intermediate.dense.bias (64,), not (48,)" in message
    assert "and 2 more" in message


def test_a_checkpoint_without_its_encoder(folder):
    change_weights(
        folder, lambda weights: {n: w for n, w in weights.items() if n.startswith("qa_outputs")}
    )
    message = refusal(folder)
    assert "does not hold the encoder" in message
    assert "37 of 37 missing" in message


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_loads_as_float32(folder, dtype):
    network = transformers.AutoModelForQuestionAnswering.from_pretrained(folder, dtype=dtype)
    network.save_pretrained(folder)
    assert load_file(folder / "model.safetensors")["qa_outputs.bias"].dtype == dtype
    loaded = spanfit.load(folder).predictor.backend.network
    assert {weight.dtype for weight in loaded.parameters()} == {torch.float32}
    assert {weight.dtype for weight in prepare(folder).network.parameters()} == {torch.float32}


def test_a_tokenizer_with_more_pieces_than_embeddings(folder):
    network = transformers.AutoModelForQuestionAnswering.from_pretrained(folder)
    network.resize_token_embeddings(50)
    network.save_pretrained(folder)
    message = refusal(folder)
    assert "the tokenizer does not belong to this model" in message
    assert "ids up to 49" in message
    assert "1,500 pieces with ids up to 1,499" in message


def test_an_added_token_beyond_the_embeddings(folder):
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens([f"[NEW{n}]" for n in range(11)])
    tokenizer.save_pretrained(folder)
    message = refusal(folder)
    assert "ids up to 1,509" in message
    assert "1,511 pieces with ids up to 1,510" in message


def test_a_tokenizer_of_a_much_smaller_model_is_noted(folder):
    network = transformers.AutoModelForQuestionAnswering.from_pretrained(folder)
    network.resize_token_embeddings(4000)
    network.save_pretrained(folder)
    note = "the tokenizer has 1,500 pieces for 4,000 embeddings: is it this model's?"
    assert spanfit.load(folder).notes == (note,)
    assert prepare(folder).notes == (note,)


def test_a_folder_without_a_tokenizer(folder):
    """transformers 5 makes one up that knows nothing but special tokens."""
    for file in [*folder.glob("*token*"), *folder.glob("vocab*")]:
        file.unlink()
    message = refusal(folder)
    assert "no tokenizer here" in message
    assert "nothing but the 5 special tokens" in message


def test_a_tokenizer_without_a_pad_token(folder):
    change_json(folder / "tokenizer_config.json", pad_token=None, **GENERIC)
    message = refusal(folder)
    assert "no pad token" in message
    assert '"pad_token" in tokenizer_config.json' in message


def test_a_tokenizer_without_a_template(folder):
    change_json(folder / "tokenizer_config.json", **GENERIC)
    file = folder / "tokenizer.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"post_processor": None}))
    assert "puts no special token around two texts" in refusal(folder)


def test_a_pad_token_that_the_model_does_not_count_by(tmp_path):
    """RoBERTa's positions begin behind the pad token's id, here 1; WordPiece pads with 0."""
    folder = make_encoder(tmp_path / "model", architecture="roberta", kind="wordpiece")
    arrange("wordpiece", "bert").save_pretrained(folder)
    message = refusal(add_head(folder))
    assert "pads with another token" in message
    assert "the id 1, by which the model counts positions" in message
    assert "'[PAD]', id 0" in message


def test_windows_longer_than_the_positions(folder):
    with pytest.raises(ModelError, match=r"at most 128 tokens\n.*200\n.*windows.max_length=128"):
        prepare(folder, max_length=200)
    settings = ModelSettings(windows=WindowsSection(max_length=200, overlap=20))
    settings.save(folder)
    message = refusal(folder, alike=False)
    assert message.startswith(f"{folder}/spanfit.json: the windows of this model are longer")
    assert "at most 128 tokens" in message


def test_a_model_from_elsewhere_gets_windows_that_fit_and_a_note(folder):
    (folder / "spanfit.json").unlink()
    model = spanfit.load(folder)
    assert model.settings.windows == WindowsSection(max_length=128, overlap=42)
    assert "windows of 128 tokens, all that its encoder has positions for" in model.notes[0]
    assert model.ask("Who?", "Ada lives in Elm. " * 60).n_best


def test_code_of_a_model_runs_only_where_somebody_says_so(tmp_path, monkeypatch):
    """Trained with model.trust_remote_code, it has to be opened with it too."""
    monkeypatch.setattr(dynamic_module_utils, "HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.setattr("sys.path", [*sys.path])
    encoder = make_encoder(tmp_path / "own")
    (encoder / "own_model.py").write_text(OWN_MODEL)
    change_json(
        encoder / "config.json",
        model_type="own",
        architectures=None,
        auto_map={
            "AutoConfig": "own_model.OwnConfig",
            "AutoModelForQuestionAnswering": "own_model.OwnForQuestionAnswering",
        },
    )
    content = make_recipe_content(tmp_path, n=12) | {"model": {"name": str(encoder)}}
    with pytest.raises(ModelError, match=r"model\.trust_remote_code = true"):
        spanfit.train(make_recipe(content), out=tmp_path / "run", progress=QUIET)
    recipe = make_recipe(content, overrides=["model.trust_remote_code=true", "run.max_steps=1"])
    run = spanfit.train(recipe, out=tmp_path / "run", progress=QUIET)
    with pytest.raises(ModelError, match="Python code of its own") as caught:
        run.model()
    assert caught.value.fix.startswith("--trust-remote-code; ")
    model = run.model(trust_remote_code=True)
    assert type(model.predictor.backend.network).__name__ == "OwnForQuestionAnswering"
    text = tmp_path / "text.txt"
    text.write_text("Ada lives in Elm.")
    command = ["ask", str(run.folder), "--question", "Who?", "--context", str(text)]
    with pytest.raises(ModelError, match="--trust-remote-code"):
        CliRunner().invoke(app, command, catch_exceptions=False)
    shown = CliRunner().invoke(app, [*command, "--trust-remote-code"], catch_exceptions=False)
    assert shown.exit_code == 0


@pytest.mark.parametrize("name", ["bert-base-nowhere", "nobody/nothing"])
def test_a_name_that_is_nowhere_fails_at_once_without_a_hub(name, monkeypatch, tmp_path):
    """One look whether the hub answers, instead of six for every file."""
    monkeypatch.setattr(hub.constants, "HF_HUB_OFFLINE", False)
    looks = []

    def no_network():
        looks.append(1)
        raise OSError("no network")

    monkeypatch.setattr(hub, "get_session", no_network)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bert-base-nowhere-1").mkdir()
    hub.is_reachable.cache_clear()
    try:
        message = refusal(name)
    finally:
        hub.is_reachable.cache_clear()
    assert looks == [1]
    assert "there is no such folder, and the hub cannot be reached" in message
    assert "bert-base-nowhere-1" in message


def test_a_reachable_hub_is_asked_for_what_is_no_folder(monkeypatch, folder):
    monkeypatch.setattr(hub, "is_reachable", lambda: True)
    assert not hub.use_cache_only("nobody/nothing")
    monkeypatch.setattr(hub, "is_reachable", lambda: False)
    assert hub.use_cache_only("nobody/nothing")
    assert not hub.use_cache_only(str(folder)), "a folder needs no hub"
