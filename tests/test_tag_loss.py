"""The loss of tagging: the cross entropy of labelled pieces, however they are batched."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tagged_texts import TASK, load, settle, tagged, window
from torch.nn import functional

from spanfit.batching import join
from spanfit.losses import LOSSES
from spanfit.recipe import TaskSection

pytestmark = pytest.mark.training

OPTIONS = TaskSection(name="tagging", class_weights="balanced")
tag_loss = LOSSES["tagging"]


@pytest.fixture
def learnt():
    """Windows, targets, and a logit for every tag of every token."""
    words = [f"Pellan{i}" for i in range(12)]
    examples = [
        tagged(words, ["B-x", "I-x"] + ["O"] * 10, id="long"),
        tagged(["Ada", "came"], "B-y O", id="short"),
        tagged(["\u3000"], "O", id="nothing to learn"),
    ]
    settings = settle(examples, max_length=24, overlap=8)
    examples, windows = window(examples, load("bytelevel"), settings)
    targets = TASK.weigh(TASK.targets(examples, windows, OPTIONS, settings), OPTIONS)
    assert len(windows) > 4
    generator = torch.Generator().manual_seed(0)
    shape = len(windows), int(windows.lengths.max()), len(settings.tagging.tags)
    return windows, targets, torch.randn(shape, generator=generator, requires_grad=True)


def loss_of(learnt, rows, **options):
    windows, targets, logits = learnt
    batch = join(windows, np.array(rows))
    return tag_loss(logits[rows, : batch.input_ids.shape[1]], batch, targets, **options)


def test_equals_plain_cross_entropy(learnt):
    windows, targets, logits = learnt
    rows = list(range(len(windows)))
    batch = join(windows, np.array(rows))
    labels = torch.full(batch.input_ids.shape, -100)
    weights = torch.zeros(batch.input_ids.shape)
    for row in rows:
        for piece in range(targets.splits[row], targets.splits[row + 1]):
            column = batch.sliced_start[row] + targets.position[piece]
            labels[row, column] = int(targets.tag[piece])
            weights[row, column] = float(targets.weight[piece])
    for smoothing in (0.0, 0.1):
        each = functional.cross_entropy(
            logits.flatten(0, 1), labels.flatten(), label_smoothing=smoothing, reduction="none"
        )
        expected = (each * weights.flatten()).sum()
        found = loss_of(learnt, rows, label_smoothing=smoothing)
        torch.testing.assert_close(found, expected)
        gradients = [torch.autograd.grad(loss, logits)[0] for loss in (found, expected)]
        torch.testing.assert_close(*gradients)
    assert targets.count(np.array(rows)) == pytest.approx(float(weights.sum()))


def test_the_sum_does_not_depend_on_the_batches(learnt):
    rows = np.random.default_rng(0).permutation(len(learnt[0]))
    whole = loss_of(learnt, rows)
    parts = sum(loss_of(learnt, part) for part in np.array_split(rows, 3))
    torch.testing.assert_close(parts, whole)


def test_a_batch_without_a_label_costs_nothing(learnt):
    windows, targets, logits = learnt
    row = len(windows) - 1
    assert targets.count(np.array([row])) == 0
    loss = loss_of(learnt, [row])
    assert loss.item() == 0
    loss.backward()
    assert logits.grad.abs().sum() == 0


def test_logits_in_half_precision_decode_as_they_are(learnt):
    windows, _, logits = learnt
    batch = join(windows, np.arange(len(windows)))
    half = logits.to(torch.bfloat16)
    found = TASK.decode(half, batch, windows, settle([tagged(["a"], "O")]).decode)
    expected = TASK.decode(half.float().detach().numpy(), batch, windows, None)
    assert found.logits.dtype == np.float32
    np.testing.assert_array_equal(found.logits, expected.logits)
    np.testing.assert_array_equal(found.splits, expected.splits)
