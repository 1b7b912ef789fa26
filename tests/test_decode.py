"""The k best spans: both kernels against a look at every pair of tokens."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spanfit.decode import spans
from spanfit.decode.spans import BestSpans
from spanfit.errors import ModelError


def by_numpy(start, end, allowed, **request) -> BestSpans:
    return spans.best_spans(start, end, allowed, **request)


def by_torch(start, end, allowed, **request) -> BestSpans:
    torch = pytest.importorskip("torch")
    from spanfit.decode import spans_torch

    tensors = [torch.from_numpy(np.ascontiguousarray(array)) for array in (start, end, allowed)]
    return spans_torch.best_spans(*tensors, **request)


kernels = pytest.mark.parametrize("best_spans", [by_numpy, by_torch])


def by_brute_force(start, end, allowed, *, k, max_answer_tokens):
    """Per row, the k best of all (score, first, last), with the tie rule spelt out."""
    for row in range(len(start)):
        places = np.flatnonzero(allowed[row])
        found = [
            (start[row, first] + end[row, last], first, last)
            for first in places
            for last in places
            if first <= last < first + max_answer_tokens
        ]
        found = [span for span in found if span[0] > -np.inf]
        yield sorted(found, key=lambda span: (-span[0], span[1], span[2]))[:k]


def assert_equals_brute_force(best_spans, start, end, allowed, **request):
    best = best_spans(start, end, allowed, **request)
    k = request["k"]
    assert best.score.dtype == np.float32
    assert best.first.dtype == best.last.dtype == np.int32
    assert best.score.shape == (len(start), k)
    for row, expected in enumerate(by_brute_force(start, end, allowed, **request)):
        missing = k - len(expected)
        padded = [*expected, *[(np.float32(-np.inf), -1, -1)] * missing]
        scores, firsts, lasts = zip(*padded, strict=True)
        assert best.score[row].tolist() == [float(score) for score in scores]
        assert best.first[row].tolist() == list(firsts)
        assert best.last[row].tolist() == list(lasts)


def random_case(rng: np.random.Generator):
    """Logits of up to 40 windows, mostly with ties; holes, and rows where nothing is allowed."""
    shape = (int(rng.integers(1, 40)), int(rng.integers(1, 22)))
    kind = rng.integers(3)
    if kind == 0:
        start, end = rng.normal(0, 4, (2, *shape)).astype(np.float32)
    else:
        start, end = rng.integers(-kind, kind + 1, (2, *shape)).astype(np.float32)
        start[rng.random(shape) < 0.1] = -0.0
    allowed = rng.random(shape) < rng.choice([0.3, 0.8, 1.0])
    allowed[rng.random(shape[0]) < 0.1] = False
    request = {"k": int(rng.integers(1, 26)), "max_answer_tokens": int(rng.integers(1, 41))}
    return start, end, allowed, request


@kernels
def test_thousands_of_random_windows_equal_brute_force(best_spans):
    rng = np.random.default_rng(1)
    windows = 0
    while windows < 3000:
        start, end, allowed, request = random_case(rng)
        assert_equals_brute_force(best_spans, start, end, allowed, **request)
        windows += len(start)


@settings(max_examples=100, deadline=None)
@given(data=st.data(), k=st.integers(1, 25), limit=st.integers(1, 40), length=st.integers(1, 12))
def test_any_window_equals_brute_force(data, k, limit, length):
    # Few values, far apart and close together: ties, rounding of the sum, and logits of -inf.
    logit = st.sampled_from([-np.inf, -3e4, -1.0, -0.0, 0.0, 1e-8, 0.1, 0.2, 0.3, 1.0, 16777216.0])
    rows = st.lists(st.lists(logit, min_size=length, max_size=length), min_size=2, max_size=2)
    start, end = (np.array(data.draw(rows), dtype=np.float32) for _ in "se")
    flags = st.lists(st.booleans(), min_size=2 * length, max_size=2 * length)
    allowed = np.array(data.draw(flags), dtype=bool).reshape(2, length)
    for best_spans in (by_numpy, by_torch):
        assert_equals_brute_force(best_spans, start, end, allowed, k=k, max_answer_tokens=limit)


@kernels
def test_a_worked_example(best_spans):
    """Five tokens, of which the first and the fourth may not be used; answers of up to 2 tokens."""
    start = np.array([[9.0, 1.0, 2.0, 9.0, 0.0]], dtype=np.float32)
    end = np.array([[9.0, 1.0, 1.0, 9.0, 3.0]], dtype=np.float32)
    allowed = np.array([[False, True, True, False, True]])
    best = best_spans(start, end, allowed, k=5, max_answer_tokens=2)
    found = [*zip(best.score[0].tolist(), best.first[0], best.last[0], strict=True)]
    assert found == [
        (3.0, 2, 2),
        (3.0, 4, 4),  # as good, but later
        (2.0, 1, 1),
        (2.0, 1, 2),  # as good and as early, but longer
        (-np.inf, -1, -1),  # (2, 4) has 3 tokens: there is no fifth
    ]


@kernels
def test_a_window_where_nothing_is_allowed_has_no_spans(best_spans):
    logits = np.ones((2, 4), dtype=np.float32)
    allowed = np.array([[False] * 4, [True] * 4])
    best = best_spans(logits, logits, allowed, k=2, max_answer_tokens=3)
    assert best.score.tolist() == [[-np.inf, -np.inf], [2.0, 2.0]]
    assert best.first.tolist() == [[-1, -1], [0, 0]]
    assert best.last.tolist() == [[-1, -1], [0, 1]]


@kernels
@pytest.mark.parametrize("shape", [(0, 5), (3, 0), (0, 0)])
def test_no_windows_and_no_tokens_give_no_spans(best_spans, shape):
    logits = np.zeros(shape, dtype=np.float32)
    best = best_spans(logits, logits, logits > 0, k=3, max_answer_tokens=30)
    assert best.score.tolist() == [[-np.inf] * 3] * shape[0]
    assert best.first.tolist() == best.last.tolist() == [[-1] * 3] * shape[0]


@kernels
@pytest.mark.parametrize("broken", [np.nan, np.inf])
@pytest.mark.parametrize("which", [0, 1])
def test_broken_logits_are_an_error_where_they_could_matter(best_spans, broken, which):
    logits = np.zeros((2, 2, 6), dtype=np.float32)
    allowed = np.ones((2, 6), dtype=bool)
    logits[which, 1, 4] = broken
    with pytest.raises(ModelError, match="the logits hold NaN or infinity"):
        best_spans(*logits, allowed, k=3, max_answer_tokens=3)
    allowed[1, 4] = False
    best = best_spans(*logits, allowed, k=1, max_answer_tokens=3)
    assert best.score.tolist() == [[0.0], [0.0]]


@kernels
def test_the_logits_are_left_as_they_are(best_spans):
    start, end = np.random.default_rng(2).normal(0, 1, (2, 3, 9)).astype(np.float32)
    before = start.copy(), end.copy()
    best_spans(start, end, start > 0, k=4, max_answer_tokens=3)
    assert np.array_equal(start, before[0])
    assert np.array_equal(end, before[1])


@kernels
def test_logits_may_be_a_strided_view(best_spans):
    """(B, T, 2) logits are passed as their two slices."""
    logits = np.random.default_rng(3).normal(0, 1, (4, 9, 2)).astype(np.float32)
    allowed = np.ones((4, 9), dtype=bool)
    assert_equals_brute_force(
        best_spans, logits[..., 0], logits[..., 1], allowed, k=7, max_answer_tokens=4
    )


def test_half_precision_logits_are_summed_in_float32():
    torch = pytest.importorskip("torch")
    from spanfit.decode import spans_torch

    logits = torch.tensor([[0.1, 7.3, -2.2]], dtype=torch.bfloat16)
    allowed = torch.ones(1, 3, dtype=torch.bool)
    best = spans_torch.best_spans(logits, logits, allowed, k=1, max_answer_tokens=1)
    assert best.score.item() == 2 * logits[0, 1].item()
    assert best.score.dtype == np.float32


@kernels
@pytest.mark.parametrize(
    "request_", [{"k": 0, "max_answer_tokens": 3}, {"k": 3, "max_answer_tokens": 0}]
)
def test_k_and_limit_begin_at_one(best_spans, request_):
    logits = np.zeros((1, 3), dtype=np.float32)
    with pytest.raises(ValueError, match="begin at 1"):
        best_spans(logits, logits, logits == 0, **request_)


@kernels
def test_arrays_of_different_shapes_are_refused(best_spans):
    logits = np.zeros((1, 3), dtype=np.float32)
    with pytest.raises(ValueError, match="one shape"):
        best_spans(logits, logits, np.ones((1, 4), dtype=bool), k=1, max_answer_tokens=1)
