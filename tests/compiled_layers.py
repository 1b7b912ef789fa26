"""Compiled layers for longer: by the real compiler, in both tasks, and encoders of other makes.

    python -m pytest tests/compiled_layers.py

Takes some minutes, most of them the compiler's: a part of `make reliability`.
"""

from __future__ import annotations

import logging

import numpy as np
import pytest
import tiny_encoders
import torch
import torch._dynamo
from tiny_models import make_encoder, make_recipe_content, make_tagging_content
from torch._dynamo.utils import counters

from spanfit.backends.torch import TorchBackend
from spanfit.batching import join
from spanfit.compilation import compile_layers
from spanfit.estimation import estimate
from spanfit.loop import Training
from spanfit.preparation import prepare
from spanfit.progress import Progress
from spanfit.recipe import make_recipe
from spanfit.runs import RunFolder

QUIET = Progress(quiet=True)
CONTENTS = {"qa": make_recipe_content, "tagging": make_tagging_content}


def begin(folder, *changes, compiled, packed=True, task="qa"):
    """A training with dropout, ready to step, from an encoder that is made once a folder."""
    if not (folder / "encoder").exists():
        make_encoder(folder / "encoder")
    overrides = [
        f"batch.packed={str(packed).lower()}",
        f"batch.compiled={str(compiled).lower()}",
        "model.hidden_dropout=0.1",
        "model.attention_dropout=0.1",
        *changes,
    ]
    recipe = make_recipe(CONTENTS[task](folder), overrides=overrides)
    torch.manual_seed(0)
    training = Training(prepare(recipe, progress=QUIET), RunFolder(folder / "run"), QUIET)
    training.compile()
    training.network.train()
    return training


def gradient_of(training, rows):
    training.network.zero_grad()
    torch.manual_seed(3)
    loss = training.accumulate_gradient(rows)
    return loss, {name: weight.grad.clone() for name, weight in training.network.named_parameters()}


def assert_same_step(one, other, rows):
    """Loss, every gradient, and logits without dropout of two trainings with the same weights."""
    expected, theirs = gradient_of(other, rows)
    loss, mine = gradient_of(one, rows)
    assert loss == pytest.approx(expected, rel=1e-5)
    scale = max(float(gradient.abs().max()) for gradient in theirs.values())
    for name, gradient in theirs.items():
        torch.testing.assert_close(mine[name], gradient, rtol=1e-4, atol=1e-5 * scale)
    batch = join(other.prepared.windows, rows)
    said, expected_logits = one.backend.logits(batch), other.backend.logits(batch)
    torch.testing.assert_close(said, expected_logits, rtol=1e-4, atol=1e-5)


def forget(monkeypatch):
    """What was compiled before, and that pytest would listen to torch's long trace of it."""
    monkeypatch.setattr(logging.getLogger("torch.__trace"), "disabled", True)
    torch._dynamo.reset()
    counters.clear()


@pytest.mark.parametrize("task", CONTENTS)
@pytest.mark.parametrize("packed", [True, False], ids=["packed", "padded"])
def test_the_real_compiler_computes_the_same(tmp_path, monkeypatch, task, packed):
    """With dropout on, but for padded attention, whose masks are the compiler's own there."""
    forget(monkeypatch)
    changes = [] if packed else ["model.attention_dropout=0"]
    plain = begin(tmp_path, *changes, compiled=False, packed=packed, task=task)
    compiled = begin(tmp_path, *changes, compiled=True, packed=packed, task=task)
    n_graphs = counters["stats"]["unique_graphs"]
    assert n_graphs
    dice = np.random.default_rng(2)
    for n in range(1, 11):
        rows = dice.choice(len(plain.prepared.windows), size=n, replace=False)
        assert_same_step(compiled, plain, rows)
    assert counters["stats"]["unique_graphs"] == n_graphs


def test_gradient_checkpointing_goes_with_it(tmp_path, monkeypatch):
    forget(monkeypatch)
    plain = begin(tmp_path, compiled=False)
    both = begin(tmp_path, "model.gradient_checkpointing=true", compiled=True)
    assert counters["stats"]["unique_graphs"]
    for start in (0, 8):
        assert_same_step(both, plain, np.arange(start, start + 8))


@pytest.mark.parametrize("name", ["ModernBERT", "DistilBERT", "T5", "DeBERTa-v2", "XLNet", "GTE"])
def test_encoders_of_other_makes_say_the_same(name, tmp_path, monkeypatch):
    """Local layers, positions of its own, biases, and two that take no packs."""
    forget(monkeypatch)
    monkeypatch.setattr("spanfit.compilation.COMPILER", "aot_eager")
    folder = tiny_encoders.ENCODERS[name].save(tmp_path / name)
    recipe = make_recipe(make_recipe_content(tmp_path) | {"model": {"name": str(folder)}})
    prepared = prepare(recipe, progress=QUIET)
    network = prepared.pretrained.network
    backend = TorchBackend(network, prepared.pretrained.tokenizer, packs=True)
    batches = [join(prepared.windows, np.arange(n, n + 4)) for n in range(3)]
    expected = [backend.logits(batch) for batch in batches]
    names = list(network.state_dict())
    compile_layers(network, packs=backend.packing is not None)
    for batch, logits in zip(batches, expected, strict=True):
        torch.testing.assert_close(backend.logits(batch), logits, rtol=1e-4, atol=1e-5)
    assert counters["stats"]["unique_graphs"]
    assert list(network.state_dict()) == names


def test_time_is_estimated_of_compiled_steps(tmp_path, monkeypatch):
    forget(monkeypatch)
    make_encoder(tmp_path / "encoder")
    content = make_recipe_content(tmp_path)
    found = estimate(make_recipe(content, overrides=["batch.compiled=true"]), progress=QUIET)
    assert counters["stats"]["unique_graphs"]
    assert found.windows_per_second > 0
