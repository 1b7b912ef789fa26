"""The loss of a step does not depend on how the step is computed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_models import make_recipe_content

from spanfit.backends.torch import head_logits, input_tensors
from spanfit.batching import join
from spanfit.losses import span_loss, span_positions
from spanfit.preparation import prepare
from spanfit.progress import Progress
from spanfit.recipe import make_recipe
from spanfit.runs import RunFolder
from spanfit.training import Training

pytestmark = pytest.mark.training
QUIET = Progress(quiet=True)


@pytest.fixture
def training(tmp_path):
    content = make_recipe_content(tmp_path, unanswerable=True)
    prepared = prepare(make_recipe(content), progress=QUIET)
    return Training(prepared, RunFolder(tmp_path / "run"), QUIET)


def gradients(training, rows, *, max_tokens):
    recipe = make_recipe(
        training.prepared.recipe.model_dump(), overrides=[f"batch.max_tokens={max_tokens}"]
    )
    training.prepared = replace(training.prepared, recipe=recipe)
    training.network.zero_grad()
    loss = training.accumulate_gradient(rows)
    flat = [p.grad.flatten() for p in training.network.parameters() if p.grad is not None]
    return loss, torch.cat(flat)


def test_micro_batches_give_the_loss_and_gradient_of_one_padded_batch(training):
    rows = np.random.default_rng(1).permutation(len(training.prepared.windows))[:16]
    lengths = training.prepared.windows.lengths[rows]
    assert len(set(lengths.tolist())) > 1, "windows of one length would prove nothing"
    whole_loss, whole = gradients(training, rows, max_tokens=100_000)
    assert whole.abs().max() > 0
    for max_tokens in (int(lengths.max()), 60, 90, 200):
        loss, gradient = gradients(training, rows, max_tokens=max_tokens)
        assert loss == pytest.approx(whole_loss, rel=1e-5)
        torch.testing.assert_close(gradient, whole, rtol=1e-5, atol=1e-5)


def test_the_loss_is_that_of_transformers_where_nothing_is_padded(training):
    windows, targets = training.prepared.windows, training.prepared.targets
    length = int(np.bincount(windows.lengths).argmax())
    rows = np.flatnonzero(windows.lengths == length)[:6]
    batch = join(windows, rows)
    labels = torch.from_numpy(span_positions(batch, targets))
    device = torch.device("cpu")
    network = training.prepared.pretrained.network.eval()
    inputs = input_tensors(batch, device=device, has_type_ids=training.has_type_ids)
    theirs = network(**inputs, start_positions=labels[:, 0], end_positions=labels[:, 1]).loss
    ours = span_loss(head_logits(network(**inputs)), batch, targets) / len(rows)
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-6)


def test_padding_takes_no_part_in_the_loss(training):
    windows, targets = training.prepared.windows, training.prepared.targets
    rows = np.arange(8)
    batch = join(windows, rows)
    logits = torch.randn((*batch.input_ids.shape, 2), generator=torch.Generator().manual_seed(0))
    spoilt = logits.clone()
    spoilt[torch.from_numpy(batch.attention_mask) == 0] = 1e4
    assert (batch.attention_mask == 0).any(), "without padding this would prove nothing"
    assert float(span_loss(spoilt, batch, targets)) == float(span_loss(logits, batch, targets))


def test_labels_point_at_the_answer_or_at_the_null_position(training):
    windows, targets = training.prepared.windows, training.prepared.targets
    batch = join(windows, np.arange(len(windows)))
    places = span_positions(batch, targets)
    examples = training.prepared.parts.training
    for row, (start, end) in enumerate(places):
        example = examples[windows.example[row]]
        if example.answers:
            first, last = start - batch.sliced_start[row], end - batch.sliced_start[row]
            found = example.context[
                windows.char_start(np.array([row]), np.array([first]))[0] : windows.char_end(
                    np.array([row]), np.array([last])
                )[0]
            ]
            assert found == example.answers[0].text
        else:
            assert start == end == batch.null_position[row] == 0
