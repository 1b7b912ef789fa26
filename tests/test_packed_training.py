"""A training computes the same, whether its windows are packed or padded; both tasks."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_models import make_encoder, make_recipe_content, make_tagging_content

import spanfit
from spanfit.backends.torch import MAX_RELATIVE_TOKENS, TorchBackend
from spanfit.dropout import CheapDropout
from spanfit.preparation import prepare
from spanfit.progress import Progress
from spanfit.recipe import make_recipe
from spanfit.runs import RunFolder
from spanfit.training import Training

pytestmark = pytest.mark.training
QUIET = Progress(quiet=True)
CONTENTS = {"qa": make_recipe_content, "tagging": make_tagging_content}


def begin(folder, task, *, packed, kind="wordpiece", architecture="bert"):
    """A training with dropout 0, from an encoder that is made once a folder."""
    if not (folder / "encoder").exists():
        make_encoder(folder / "encoder", kind=kind, architecture=architecture)
    content = CONTENTS[task](folder)
    recipe = make_recipe(content, overrides=[f"batch.packed={str(packed).lower()}"])
    training = Training(prepare(recipe, progress=QUIET), RunFolder(folder / "run"), QUIET)
    for module in training.network.modules():
        if isinstance(module, CheapDropout):
            module.p = 0.0  # of the heads too, which no recipe names
    return training


def gradient_of(training, rows):
    training.network.zero_grad()
    loss = training.accumulate_gradient(rows)
    return loss, {
        name: weight.grad.clone()
        for name, weight in training.network.named_parameters()
        if weight.grad is not None
    }


@pytest.mark.parametrize("task", CONTENTS)
@pytest.mark.parametrize(
    ("kind", "architecture"),
    [("wordpiece", "bert"), ("bytelevel", "roberta"), ("wordpiece", "distilbert")],
)
def test_loss_and_every_gradient_are_those_of_the_padded_batch(tmp_path, task, kind, architecture):
    options = {"kind": kind, "architecture": architecture}
    packed = begin(tmp_path, task, packed=True, **options)
    padded = begin(tmp_path, task, packed=False, **options)
    assert packed.backend.packing is not None
    assert padded.backend.packing is None
    padded.network.load_state_dict(packed.network.state_dict())
    rows = np.random.default_rng(1).permutation(len(packed.prepared.windows))[:16]
    assert len(set(packed.prepared.windows.lengths[rows].tolist())) > 1
    loss, mine = gradient_of(packed, rows)
    expected, theirs = gradient_of(padded, rows)
    assert loss == pytest.approx(expected, rel=1e-5)
    assert mine.keys() == theirs.keys()
    scale = max(float(gradient.abs().max()) for gradient in theirs.values())
    for name, gradient in theirs.items():
        torch.testing.assert_close(mine[name], gradient, rtol=1e-4, atol=1e-5 * scale)


def test_an_encoder_without_packs_says_so_and_pads(tmp_path):
    training = begin(tmp_path, "qa", packed=True, architecture="xlnet")
    assert training.backend.packing is None
    assert "padded" in training.backend.describe()


def test_what_was_computed_how_is_told(tmp_path, capsys):
    make_encoder(tmp_path / "encoder")
    content = make_recipe_content(tmp_path)
    for packed, words in ((True, "without padding"), (False, "padded to the longest")):
        run = spanfit.train(
            make_recipe(
                content, overrides=[f"batch.packed={str(packed).lower()}", "run.max_steps=2"]
            ),
            out=tmp_path / f"run-{packed}",
        )
        assert words in capsys.readouterr().err
        record = json.loads((run.folder / "run.json").read_text())
        assert record["resolved"]["packed"] is packed
        config = json.loads((run.folder / "model" / "config.json").read_text())
        assert "spanfit" not in json.dumps(config), "the folder is a plain checkpoint"


def test_predictions_are_those_of_padded_batches(tmp_path):
    make_encoder(tmp_path / "encoder")
    content = make_recipe_content(tmp_path)
    run = spanfit.train(make_recipe(content, overrides=["run.max_steps=4"]), out=tmp_path / "run")
    model = run.model()
    assert model.predictor.backend.packing is not None
    plain = replace(
        model.predictor,
        backend=TorchBackend(model.predictor.backend.network, model.predictor.tokenizer),
    )
    examples = spanfit.read(content["data"]["validation"])
    for packed, padded in zip(model.predict(examples), plain.predict(examples), strict=True):
        assert (packed.answer.start, packed.answer.end) == (padded.answer.start, padded.answer.end)
        assert packed.probability == pytest.approx(padded.probability, abs=1e-5)


def test_rows_are_short_where_a_network_makes_a_table_of_all_pairs(tmp_path):
    backend = begin(tmp_path, "qa", packed=True).backend
    lengths = np.full(100, 100)
    assert max(len(rows) for rows in backend.split(lengths, max_tokens=None)) > 10
    backend.packing = replace(backend.packing, is_relative=True)
    limit = MAX_RELATIVE_TOKENS // 100
    assert max(len(rows) for rows in backend.split(lengths, max_tokens=None)) <= limit
