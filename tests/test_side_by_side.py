"""Batches computed side by side on a CPU: same results, same order, and torch as it was before."""

from __future__ import annotations

import threading
from contextlib import closing

import numpy as np
import pytest
import torch
import transformers
from tiny_models import make_encoder

import spanfit
from spanfit.backends.side_by_side import compute_side_by_side, share_threads
from spanfit.recipe import WindowsSection
from spanfit.settings import Calibration, ModelSettings
from spanfit.types import QuestionExample

pytestmark = pytest.mark.training

WAIT_S = 60


@pytest.fixture
def three_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A random, untrained model that answers questions."""
    folder = make_encoder(tmp_path_factory.mktemp("model") / "model")
    torch.manual_seed(1)
    transformers.AutoModelForQuestionAnswering.from_pretrained(folder).save_pretrained(folder)
    windows = WindowsSection(max_length=64, overlap=20)
    ModelSettings(windows=windows, calibration={"torch": Calibration()}).save(folder)
    return folder


def make_examples(n):
    texts = [
        " ".join(f"In year {k} the Ada came to Crane." for k in range(9 + i)) for i in range(n)
    ]
    return [QuestionExample(str(i), "Where did Ada come?", text) for i, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("n_threads", "n_batches", "expected"),
    [
        (1, 9, (1, 1)),
        (2, 9, (2, 1)),
        (16, 43, (16, 1)),
        (16, 3, (3, 5)),
        (16, 1, (1, 16)),
        (4, 0, (1, 4)),
    ],
)
def test_threads_are_shared_by_the_batches(n_threads, n_batches, expected):
    assert share_threads(n_threads, n_batches=n_batches) == expected


def test_results_come_in_order_though_later_ones_are_ready_first(three_threads):
    is_second_done = threading.Event()

    def compute(n):
        if n == 0:
            assert is_second_done.wait(WAIT_S)  # would never come, one after the other
        if n == 1:
            is_second_done.set()
        return n, torch.get_num_threads()

    assert list(compute_side_by_side(compute, range(8))) == [(n, 1) for n in range(8)]
    assert torch.get_num_threads() == 3


def test_no_more_is_computed_ahead_than_threads_and_one(three_threads):
    begun = []

    def compute(n):
        begun.append(n)

    with closing(compute_side_by_side(compute, range(100))) as results:
        next(results)
        assert len(begun) <= 5
    assert len(begun) <= 5
    assert torch.get_num_threads() == 3


def test_an_error_reaches_the_caller_and_leaves_torch_as_it_was(three_threads):
    def compute(n):
        if n == 2:
            raise MemoryError("no room")
        return n

    found = []
    with pytest.raises(MemoryError, match="no room"):
        for n in compute_side_by_side(compute, range(9)):
            found.append(n)
    assert found == [0, 1]
    assert torch.get_num_threads() == 3
    assert list(compute_side_by_side(abs, [-1, -2])) == [1, 2]  # and nobody waits for a turn


def test_who_comes_second_computes_in_its_own_thread(three_threads):
    def say_thread(_):
        return threading.get_ident()

    with closing(compute_side_by_side(say_thread, range(9))) as first:
        assert next(first) != threading.get_ident()
        assert set(compute_side_by_side(say_thread, range(9))) == {threading.get_ident()}
    assert torch.get_num_threads() == 3


def test_a_loaded_model_computes_packs_at_once_and_says_the_same(folder, three_threads):
    examples = make_examples(60)
    model = spanfit.load(folder, device="cpu")
    backend = model.predictor.backend
    assert backend.packing is not None
    windows = model.predictor.windows(examples)
    parts = backend.split(windows.lengths, max_tokens=None)
    assert len(parts) > 3
    meeting, met = threading.Barrier(3), []

    def meet(*_):
        if len(met) < 3:
            met.append(threading.get_ident())
            meeting.wait(WAIT_S)

    hook = backend.network.register_forward_pre_hook(meet)
    found = list(model.predictor.predict(examples))
    hook.remove()
    assert len(set(met)) == 3  # three were inside of the network at one time
    with closing(backend.compute_batches(windows, parts)) as computed:
        for rows, (batch, logits) in zip(parts, computed, strict=True):
            np.testing.assert_array_equal(batch.rows, rows)
            torch.testing.assert_close(logits, backend.logits(batch), rtol=1e-4, atol=1e-5)
    torch.set_num_threads(1)
    expected = list(model.predictor.predict(examples))
    for one, other in zip(found, expected, strict=True):
        assert (one.id, one.answer.text) == (other.id, other.answer.text)
        scores, wanted = ([each.score for each in said.n_best] for said in (one, other))
        np.testing.assert_allclose(scores, wanted, rtol=1e-4, atol=1e-5)


def test_predictions_are_the_same_to_the_bit_each_time(folder, three_threads):
    examples = make_examples(60)
    first, second = (list(spanfit.load(folder, device="cpu").predict(examples)) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("bound", [{"max_tokens": 512}, {"threads": 1}])
def test_who_bounds_the_memory_or_has_one_thread_has_one_batch_at_a_time(
    folder, three_threads, bound
):
    model = spanfit.load(folder, device="cpu", **bound)
    seen = set()
    model.predictor.backend.network.register_forward_pre_hook(
        lambda *_: seen.add(threading.get_ident())
    )
    list(model.predict(make_examples(60)))
    assert seen == {threading.get_ident()}


def test_dropout_stays_off_where_somebody_left_the_network_in_training(folder, three_threads):
    examples = make_examples(60)
    model = spanfit.load(folder, device="cpu")
    expected = list(model.predict(examples))
    network = model.predictor.backend.network.train()
    for one, other in zip(model.predict(examples), expected, strict=True):
        assert one.answer.score == pytest.approx(other.answer.score, rel=1e-4, abs=1e-5)
    assert network.training
