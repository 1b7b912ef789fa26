"""Cheap masks: as many cells as asked for, the same for one state of torch's generator."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from spanfit.dropout import CheapDropout, cheapen_dropout, draw_mask, multiply

pytestmark = pytest.mark.training


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_a_cell_is_dropped_as_often_as_asked_and_by_itself(p):
    torch.manual_seed(0)
    n = 1_000_000
    keep = draw_mask(n, p)
    margin = 5 * (p * (1 - p) / n) ** 0.5
    assert keep.mean() == pytest.approx(1 - p, abs=margin)
    for distance in (1, 2, 3, 4, 64):  # four cells share a random number
        both = (keep[:-distance] & keep[distance:]).mean()
        assert both == pytest.approx((1 - p) ** 2, abs=2 * margin)


@pytest.mark.parametrize("n", [0, 1, 3, 4, 5])
def test_any_number_of_cells(n):
    assert draw_mask(n, 0.1).shape == (n,)


def test_the_state_of_torch_is_all_the_state():
    torch.manual_seed(3)
    state = torch.get_rng_state()
    first, second = draw_mask(1000, 0.3), draw_mask(1000, 0.3)
    assert (first != second).any()
    torch.set_rng_state(state)
    np.testing.assert_array_equal(draw_mask(1000, 0.3), first)
    np.testing.assert_array_equal(draw_mask(1000, 0.3), second)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_multiplying_is_torchs_and_leaves_the_input_alone(dtype):
    x = torch.arange(12, dtype=dtype).reshape(3, 4)
    keep = np.arange(12).reshape(3, 4) % 3 != 0
    assert torch.equal(multiply(x.T, keep.T), (x * torch.from_numpy(keep)).T)
    assert torch.equal(x, torch.arange(12, dtype=dtype).reshape(3, 4))


def test_forward_and_gradient_use_one_mask():
    torch.manual_seed(0)
    x = torch.randn(50, 40, requires_grad=True)
    out = CheapDropout(0.25)(x)
    out.backward(torch.ones_like(out))
    is_kept = out != 0
    assert torch.allclose(out[is_kept], x[is_kept] / 0.75)
    assert torch.equal(x.grad, is_kept / 0.75)


def test_nothing_is_dropped_outside_of_training():
    x = torch.randn(5)
    assert CheapDropout(0.5).eval()(x) is x
    assert CheapDropout(0.0)(x) is x


def test_a_network_keeps_its_weights_and_its_probabilities():
    network = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.1), nn.Sequential(nn.Dropout(0.2)))
    names = list(network.state_dict())
    cheapen_dropout(network)
    assert list(network.state_dict()) == names
    assert [m.p for m in network.modules() if isinstance(m, CheapDropout)] == [0.1, 0.2]
    assert not any(isinstance(m, nn.Dropout) for m in network.modules())
