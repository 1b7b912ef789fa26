"""The loss of a step does not depend on how the step is computed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_models import make_recipe_content

from spanfit.backends.torch import head_logits
from spanfit.batching import Batch, join
from spanfit.losses import span_loss, span_positions
from spanfit.preparation import prepare
from spanfit.progress import Progress
from spanfit.recipe import make_recipe
from spanfit.runs import RunFolder
from spanfit.tasks.span_targets import SpanTargets
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
    labels = torch.from_numpy(span_positions(batch, targets)[:, 0])
    network = training.prepared.pretrained.network.eval()
    inputs = training.backend.inputs(batch)
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
    places = span_positions(batch, targets)[:, 0]
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


def small_batch(starts, ends, *, weight=1.0):
    """One window of 8 places: null at 0, a question at 1 and 2, the context at 3 to 6, padding."""
    batch = Batch(
        rows=np.array([0]),
        input_ids=np.zeros((1, 8), np.int64),
        attention_mask=np.array([[1, 1, 1, 1, 1, 1, 1, 0]]),
        token_type_ids=None,
        sliced_start=np.array([3], np.int32),
        n_sliced=np.array([4], np.int32),
        fixed_start=np.array([1], np.int32),
        n_fixed=np.array([2], np.int32),
        null_position=np.array([0], np.int32),
    )
    targets = SpanTargets(
        start=np.array([starts], np.int32),
        end=np.array([ends], np.int32),
        weight=np.array([weight], np.float32),
        lost=(),
        widened=(),
    )
    logits = torch.randn((1, 8, 2), generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    shares = torch.softmax(logits[:, :7], dim=1)[0].numpy()  # (7, 2)
    return logits, batch, targets, shares


def test_several_golds_are_a_marginal_likelihood():
    logits, batch, targets, p = small_batch([0, 2, -1], [1, 2, -1])
    sum_over_golds = p[3, 0] * p[4, 1] + p[5, 0] * p[5, 1]
    assert float(span_loss(logits, batch, targets)) == pytest.approx(-np.log(sum_over_golds) / 2)


def test_a_window_without_gold_learns_the_null_however_many_places_there_are():
    logits, batch, targets, p = small_batch([-1, -1], [-1, -1], weight=2.5)
    expected = -np.log(p[0, 0] * p[0, 1]) / 2
    assert float(span_loss(logits, batch, targets)) == pytest.approx(2.5 * expected)


def test_smoothing_spreads_over_the_context_and_the_null_alone():
    logits, batch, targets, p = small_batch([1], [2])
    gold = -np.log(p[4, 0] * p[5, 1]) / 2
    spread = -np.log(p[[0, 3, 4, 5, 6]]).sum(axis=1).mean() / 2
    found = float(span_loss(logits, batch, targets, label_smoothing=0.1))
    assert found == pytest.approx(0.9 * gold + 0.1 * spread)


def test_marginal_likelihood_has_a_finite_gradient_and_prefers_either_gold():
    logits, batch, targets, _ = small_batch([0, 2, -1], [1, 2, -1])
    logits.requires_grad_()
    span_loss(logits, batch, targets, label_smoothing=0.1).backward()
    assert torch.isfinite(logits.grad).all() and (logits.grad[0, 7] == 0).all()
    with torch.no_grad():
        sure = torch.full_like(logits, -20)
        sure[0, 5, :] = 20
    assert float(span_loss(sure, batch, targets)) == pytest.approx(0, abs=1e-6)


def test_weighted_windows_give_the_gradient_of_the_weighted_mean(tmp_path):
    content = make_recipe_content(tmp_path, unanswerable=True)
    recipe = make_recipe(content, overrides=["task.null_share=0.7", "task.answers=all"])
    prepared = prepare(recipe, progress=QUIET)
    training = Training(prepared, RunFolder(tmp_path / "run"), QUIET)
    rows = np.arange(12)
    weight = prepared.targets.weight[rows]
    assert len(set(weight.tolist())) == 2
    single = [float(training.loss_sum(rows[[row]]).detach()) for row in rows]
    loss, _ = gradients(training, rows, max_tokens=90)
    assert loss == pytest.approx(sum(single) / weight.sum(), rel=1e-5)
