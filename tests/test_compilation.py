"""Compiled layers compute what they compute uncompiled, and are compiled a few times only.

The compiler is a quick one, which traces and makes no code; tests/compiled_layers.py
(`make reliability`) takes the real one, and encoders of other makes.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
import tiny_encoders
import torch
import torch._dynamo
from compiled_layers import QUIET, assert_same_step, begin, forget
from safetensors.torch import load_file
from tiny_models import make_encoder, make_recipe_content
from torch._dynamo.utils import counters

import spanfit
from spanfit.compilation import choose_samples
from spanfit.errors import ModelError, RecipeError
from spanfit.loop import Training
from spanfit.recipe import make_recipe

pytestmark = pytest.mark.training


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """The quick compiler, without what earlier tests had compiled."""
    monkeypatch.setattr("spanfit.compilation.COMPILER", "eager")
    forget(monkeypatch)


@pytest.mark.parametrize("packed", [True, False], ids=["packed", "padded"])
def test_it_computes_the_same_in_rows_of_any_lengths_by_the_code_of_the_samples(tmp_path, packed):
    """Loss, gradients and logits, with dropout on: the masks are the same ones."""
    plain = begin(tmp_path, compiled=False, packed=packed)
    compiled = begin(tmp_path, compiled=True, packed=packed)
    n_graphs = counters["stats"]["unique_graphs"]
    assert n_graphs, "something was compiled"
    assert (compiled.backend.packing is not None) == packed
    dice = np.random.default_rng(2)
    for n in range(1, 11):
        rows = dice.choice(len(plain.prepared.windows), size=n, replace=False)
        assert_same_step(compiled, plain, rows)
    assert counters["stats"]["unique_graphs"] == n_graphs
    weights, state = plain.network.state_dict(), torch.get_rng_state()
    compiled.compile()  # leaves no trace in the training
    assert torch.equal(torch.get_rng_state(), state)
    assert all(weight.grad is None for weight in compiled.network.parameters())
    assert list(compiled.network.state_dict()) == list(weights)
    for name, weight in compiled.network.state_dict().items():
        assert torch.equal(weight, weights[name])


def train(folder, *changes, **options):
    if not (folder / "encoder").exists():
        make_encoder(folder / "encoder")
    recipe = make_recipe(
        make_recipe_content(folder),
        overrides=["batch.compiled=true", "model.hidden_dropout=0.1", *changes],
    )
    return spanfit.train(recipe, progress=QUIET, **options)


def test_a_run_has_plain_weights_says_that_it_was_compiled_and_goes_on_to_the_bit(
    tmp_path, monkeypatch
):
    whole = train(tmp_path, "run.max_steps=4", out=tmp_path / "whole")
    assert json.loads((whole.folder / "run.json").read_text())["resolved"]["compiled"] is True
    weights = load_file(whole.folder / "model" / "model.safetensors")
    plain = load_file(tmp_path / "encoder" / "model.safetensors")
    assert {f"bert.{name}" for name in plain if "pooler" not in name} <= weights.keys()
    assert not [name for name in weights if "orig_mod" in name]
    config = json.loads((whole.folder / "model" / "config.json").read_text())
    assert "spanfit" not in json.dumps(config), "the folder is a plain checkpoint"
    assert whole.model().ask("Where does Ada live?", "Ada lives in Alder.") is not None

    step = Training.take_step

    def stop(training, rows):
        if training.step == 2:
            raise KeyboardInterrupt
        return step(training, rows)

    with monkeypatch.context() as patch:
        patch.setattr(Training, "take_step", stop)
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path, "run.max_steps=4", out=tmp_path / "cut", checkpoint_minutes=0)
    torch._dynamo.reset()  # as in another process
    spanfit.train(resume=tmp_path / "cut", progress=QUIET)
    again = load_file(tmp_path / "cut" / "model" / "model.safetensors")
    assert weights.keys() == again.keys()
    assert all(torch.equal(weights[name], again[name]) for name in weights)


def test_layers_that_cannot_be_told_apart_are_refused(tmp_path):
    albert = tiny_encoders.ENCODERS["ALBERT"].save(tmp_path / "albert")
    content = make_recipe_content(tmp_path) | {"model": {"name": str(albert)}}
    with pytest.raises(ModelError, match=r"batch\.compiled needs to know this network's layers"):
        spanfit.train(
            make_recipe(content, overrides=["batch.compiled=true"]),
            out=tmp_path / "run",
            progress=QUIET,
        )


def broken(graph, inputs):
    raise RuntimeError("no compiler for this machine")


def test_a_machine_without_a_compiler_is_refused_before_the_data_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr("spanfit.compilation.COMPILER", broken)
    content = make_recipe_content(tmp_path) | {"data": {"train": "nothing.jsonl"}}
    with pytest.raises(RecipeError) as caught:
        spanfit.train(make_recipe(content, overrides=["batch.compiled=true"]), progress=QUIET)
    assert "no compiler for this machine" in str(caught.value)
    assert "--set batch.compiled=false" in str(caught.value)


def test_layers_that_cannot_be_compiled_are_one_message(tmp_path, monkeypatch):
    monkeypatch.setattr("spanfit.compilation.COMPILER", broken)
    monkeypatch.setattr("spanfit.hardware.check_compiler", lambda device: None)
    with pytest.raises(ModelError, match="cannot compile this network's layers"):
        train(tmp_path, out=tmp_path / "run")
    assert json.loads((tmp_path / "run" / "run.json").read_text())["status"] == "failed"


def test_samples_are_of_every_kind():
    lengths = np.array([5, 9, 7, 9, 3], dtype=np.int32)
    [pack] = choose_samples(lengths, packs=True, max_tokens=26)
    assert pack.tolist() == [1, 3, 2]  # 9 + 9 + 7 tokens
    mixed, alike, one = choose_samples(lengths, packs=False, max_tokens=30)
    assert mixed.tolist() == [1, 1, 4]
    assert alike.tolist() == [1, 1, 1]
    assert one.tolist() == [1]
    assert [len(rows) for rows in choose_samples(lengths, packs=False, max_tokens=8)] == [2, 2, 1]
