"""Packs: each window gets what it gets alone, for every architecture that says it takes packs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
import transformers
from transformers import AttentionInterface

from spanfit.attention import Packing, attend
from spanfit.dropout import draw_mask
from spanfit.packing import can_learn, enable_packing
from spanfit.segments import (
    DroppedAttention,
    attend_nested,
    attend_varlen,
    attend_within,
    make_segments,
)

pytestmark = pytest.mark.training

CPU = torch.device("cpu")

SIZE = {
    "vocab_size": 90,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
}
SPECIAL = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
BEHIND_PADDING = {**SIZE, "max_position_embeddings": 200, "type_vocab_size": 1, "pad_token_id": 1}
PACKED = {
    "bert": lambda: transformers.BertConfig(**SIZE),
    "electra": lambda: transformers.ElectraConfig(**SIZE, embedding_size=32),
    "ernie": lambda: transformers.ErnieConfig(**SIZE),
    "roberta": lambda: transformers.RobertaConfig(**BEHIND_PADDING),
    "xlm-roberta": lambda: transformers.XLMRobertaConfig(**BEHIND_PADDING),
    "camembert": lambda: transformers.CamembertConfig(**BEHIND_PADDING),
    "xlm-roberta-xl": lambda: transformers.XLMRobertaXLConfig(**BEHIND_PADDING),
    "distilbert": lambda: transformers.DistilBertConfig(
        vocab_size=90, dim=32, n_layers=2, n_heads=4, hidden_dim=48
    ),
    "albert": lambda: transformers.AlbertConfig(**SIZE, embedding_size=16),
    "modernbert": lambda: transformers.ModernBertConfig(
        **SIZE, **SPECIAL, cls_token_id=1, sep_token_id=2, local_attention=8
    ),
    "eurobert": lambda: transformers.EuroBertConfig(
        **SIZE, **SPECIAL, mask_token_id=3, num_key_value_heads=2
    ),
    "nomic_bert": lambda: transformers.NomicBertConfig(**SIZE, **SPECIAL),
    "gte": lambda: transformers.GteConfig(**SIZE),
    "t5": lambda: transformers.T5Config(
        vocab_size=90, d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4
    ),
    "umt5": lambda: transformers.UMT5Config(
        vocab_size=90, d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4
    ),
}
ALONE = {
    "mpnet": lambda: transformers.MPNetConfig(**SIZE),
    "deberta": lambda: transformers.DebertaConfig(**SIZE),
    "deberta-v2": lambda: transformers.DebertaV2Config(**SIZE),
    "xlnet": lambda: transformers.XLNetConfig(
        vocab_size=90, d_model=32, n_layer=2, n_head=4, d_inner=48
    ),
    "rembert": lambda: transformers.RemBertConfig(**SIZE, input_embedding_size=16),
    "luke": lambda: transformers.LukeConfig(**SIZE, entity_vocab_size=8),
    "big_bird": lambda: transformers.BigBirdConfig(**SIZE),
    "longformer": lambda: transformers.LongformerConfig(**SIZE, attention_window=16),
    "convbert": lambda: transformers.ConvBertConfig(**SIZE),
    "funnel": lambda: transformers.FunnelConfig(
        vocab_size=90, d_model=32, n_head=4, d_head=8, d_inner=48, block_sizes=[1, 1]
    ),
}
LENGTHS = [23, 41, 7, 30]


def make(config):
    """A network with a head for tags, large weights so that a leak would show, dropout 0."""
    for name in ("hidden_dropout_prob", "attention_probs_dropout_prob", "dropout", "dropout_rate"):
        if hasattr(config, name):
            setattr(config, name, 0.0)
    if hasattr(config, "attention_dropout"):
        config.attention_dropout = 0.0
    torch.manual_seed(0)
    network = transformers.AutoModelForTokenClassification.from_config(config).eval()
    with torch.no_grad():
        for weight in network.parameters():
            if weight.ndim >= 2:
                weight.normal_(0, 0.2)
    return network


def make_windows():
    generator = torch.Generator().manual_seed(1)
    return [torch.randint(10, 90, (1, n), generator=generator) for n in LENGTHS]


def run_packed(network, packing, windows):
    inputs = packing.inputs([w.shape[1] for w in windows], device=CPU)
    return network(input_ids=torch.cat(windows, dim=1), **inputs).logits[0]


@pytest.mark.parametrize("name", PACKED)
def test_a_pack_gives_the_logits_and_gradients_of_its_windows_alone(name):
    network, windows = make(PACKED[name]()), make_windows()
    longest = max(LENGTHS)
    ids = torch.cat([torch.nn.functional.pad(w, (0, longest - w.shape[1])) for w in windows])
    mask = (torch.arange(longest)[None] < torch.tensor(LENGTHS)[:, None]).long()
    weights = torch.randn(sum(LENGTHS), 2, generator=torch.Generator().manual_seed(2))
    padded = network(input_ids=ids, attention_mask=mask).logits[mask.bool()]
    (padded * weights).sum().backward()
    expected = {n: p.grad.clone() for n, p in network.named_parameters() if p.grad is not None}
    network.zero_grad()

    packing = enable_packing(network)
    assert packing is not None
    packed = run_packed(network, packing, windows)
    assert torch.allclose(packed, padded, atol=1e-5 * float(padded.detach().abs().max()))
    (packed * weights).sum().backward()
    found = {n: p.grad for n, p in network.named_parameters() if p.grad is not None}
    assert found.keys() == expected.keys()
    scale = max(float(g.abs().max()) for g in expected.values())
    for key, gradient in expected.items():
        assert torch.allclose(found[key], gradient, atol=1e-5 * scale), key


@pytest.mark.parametrize("name", PACKED)
def test_a_poisoned_neighbour_changes_nothing(name):
    network, windows = make(PACKED[name]()), make_windows()
    packing = enable_packing(network)
    with torch.inference_mode():
        before = run_packed(network, packing, windows)
        other = [*windows[:1], torch.full_like(windows[1], 89), *windows[2:]]
        after = run_packed(network, packing, other)
    start, end = LENGTHS[0], LENGTHS[0] + LENGTHS[1]
    assert torch.equal(before[:start], after[:start])
    assert torch.equal(before[end:], after[end:])
    assert not torch.allclose(before[start:end], after[start:end])


@pytest.mark.parametrize("name", PACKED)
def test_padded_batches_are_computed_as_before(name):
    """The attention is one for both, and a mask of padding must not be lost."""
    network, windows = make(PACKED[name]()), make_windows()
    ids = torch.nn.functional.pad(windows[2], (0, 9))
    mask = (torch.arange(16) < 7).long()[None]
    with torch.inference_mode():
        before = network(input_ids=ids, attention_mask=mask).logits[0, :7]
        assert enable_packing(network)
        after = network(input_ids=ids, attention_mask=mask).logits[0, :7]
    assert torch.allclose(before, after, atol=1e-5 * float(before.abs().max()))


@pytest.mark.parametrize("name", ALONE)
def test_an_architecture_that_takes_no_packs_is_left_as_it_was(name):
    network = make(ALONE[name]())
    before = network.config._attn_implementation
    assert enable_packing(network) is None
    assert network.config._attn_implementation == before


def test_networks_may_be_loaded_side_by_side():
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: enable_packing(make(PACKED["bert"]())), range(8)))
    assert found == [Packing(0)] * 8


def test_dropout_under_autocast_has_a_gradient():
    """Rotary queries and keys are then of another precision than the products."""
    q, k, v = (torch.randn(1, 2, 7, 4, requires_grad=True) for _ in range(3))
    both = make_segments([3, 4], device=CPU)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out, _ = attend(torch.nn.Module(), q, k, v, None, dropout=0.1, spanfit_segments=both)
    out.float().sum().backward()
    assert all(torch.isfinite(x.grad).all() for x in (q, k, v))


def test_what_is_told_of_each_kind():
    assert enable_packing(make(PACKED["bert"]())) == Packing(0)
    assert enable_packing(make(PACKED["roberta"]())) == Packing(2)
    assert enable_packing(make(PACKED["t5"]())) == Packing(None, is_relative=True)
    assert enable_packing(make(PACKED["modernbert"]())).masks == (
        "full_attention",
        "sliding_attention",
    )


def test_dropped_attention_is_plain_attention_with_its_mask():
    torch.manual_seed(0)
    q, k, v = (torch.randn(1, 2, 7, 4, requires_grad=True) for _ in range(3))
    upstream = torch.randn(1, 2, 7, 4)
    state = torch.get_rng_state()
    found = DroppedAttention.apply(q, k, v, 0.5, 0.3)
    mine = torch.autograd.grad(found, (q, k, v), upstream)
    torch.set_rng_state(state)
    keep = torch.from_numpy(draw_mask(2 * 7 * 7, 0.3)).view(1, 2, 7, 7)
    plain = ((q * 0.5 @ k.mT).softmax(dim=-1) * keep / 0.7) @ v
    theirs = torch.autograd.grad(plain, (q, k, v), upstream)
    assert torch.allclose(found, plain, atol=1e-6)
    for one, other in zip(mine, theirs, strict=True):
        assert torch.allclose(one, other, atol=1e-6)


def test_dropped_segments_have_the_mean_of_those_that_are_not():
    torch.manual_seed(0)
    module = torch.nn.Module()
    q, k, v = (torch.randn(1, 2, 9, 4) for _ in range(3))
    both = make_segments([4, 5], device=CPU)
    whole, _ = attend(module, q, k, v, None, spanfit_segments=both)
    drops = [
        attend(module, q, k, v, None, dropout=0.2, spanfit_segments=both)[0] for _ in range(4000)
    ]
    assert torch.allclose(torch.stack(drops).mean(dim=0), whole, atol=0.05)


@pytest.mark.parametrize("checkpointing", [False, True])
def test_gradient_checkpointing_sees_the_same_masks(checkpointing):
    network = make(PACKED["bert"]())
    network.config.attention_probs_dropout_prob = 0.3
    for module in network.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.3
    packing, windows = enable_packing(network), make_windows()
    network.train()
    if checkpointing:
        network.activation_checkpointing_enable({"use_reentrant": False})
    torch.manual_seed(5)
    run_packed(network, packing, windows).sum().backward()
    found = network.bert.encoder.layer[0].attention.self.query.weight.grad.clone()

    plain = make(PACKED["bert"]())
    for module in plain.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.3
    packing = enable_packing(plain)
    plain.train()
    torch.manual_seed(5)
    run_packed(plain, packing, windows).sum().backward()
    assert torch.allclose(found, plain.bert.encoder.layer[0].attention.self.query.weight.grad)


# What a GPU computes with, as far as a CPU can tell: equal to one call for each segment.


def make_products(n=21, heads=2, size=8):
    torch.manual_seed(0)
    return [torch.randn(1, heads, n, size, requires_grad=True) for _ in range(3)]


def reference_varlen(
    query, key, value, cu_seq_q, cu_seq_k, max_q, max_k, *, scale=None, window_size=(-1, -1)
):
    """What torch says of `varlen_attn`: (N, H, D) each, sequences between neighbouring bounds."""
    assert cu_seq_q.dtype == torch.int32
    assert query.is_contiguous()
    assert max_q == max_k == int(cu_seq_q.diff().max())
    scale = query.shape[-1] ** -0.5 if scale is None else scale
    parts = []
    for start, end in zip(cu_seq_q.tolist(), cu_seq_k.tolist()[1:], strict=False):
        q, k, v = (x[start:end].transpose(0, 1) for x in (query, key, value))
        scores = q @ k.mT * scale
        place = torch.arange(end - start)
        away = place[None] - place[:, None]  # of a key, to the right of its query
        left, right = window_size
        is_far = (away > right if right >= 0 else away > end) | (
            away < -left if left >= 0 else away > end
        )
        parts.append((scores.masked_fill(is_far, -torch.inf).softmax(-1) @ v).transpose(0, 1))
    return torch.cat(parts)


def old_varlen(query, key, value, cu_seq_q, cu_seq_k, max_q, max_k, is_causal=False):
    """That of an older torch: without scale and window."""
    assert not is_causal
    return reference_varlen(query, key, value, cu_seq_q, cu_seq_k, max_q, max_k)


@pytest.mark.parametrize("kernel", [reference_varlen, old_varlen])
@pytest.mark.parametrize("window", [None, 4])
def test_one_call_for_all_segments_is_a_call_for_each(kernel, window):
    q, k, v = make_products()
    segments = make_segments([9, 3, 7, 2], device=CPU)
    expected = attend_within(q, k, v, segments, scale=0.3, window=window)
    if kernel is old_varlen and window is not None:
        with pytest.raises(TypeError):  # so the network is padded
            attend_varlen(q, k, v, segments, scale=0.3, window=window, kernel=kernel)
        return
    found = attend_varlen(q, k, v, segments, scale=0.3, window=window, kernel=kernel)
    assert_same_with_gradients(found, expected, (q, k, v))


def test_nested_tensors_are_a_call_for_each():
    q, k, v = make_products()
    segments = make_segments([9, 3, 7, 2], device=CPU)
    expected = attend_within(q, k, v, segments, scale=0.3)
    found = attend_nested(q, k, v, segments, scale=0.3, dropout=0.0)
    assert_same_with_gradients(found, expected, (q, k, v))


def assert_same_with_gradients(found, expected, inputs):
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    upstream = torch.randn(found.shape, generator=torch.Generator().manual_seed(3))
    mine = torch.autograd.grad(found, inputs, upstream)
    for one, other in zip(mine, torch.autograd.grad(expected, inputs, upstream), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


def test_the_kernel_of_this_torch_is_called_as_its_signature_says():
    """It runs on no CPU: what is passed is checked on tensors without content."""
    with torch.device("meta"):
        q, k, v = (torch.empty(1, 2, 21, 8, dtype=torch.bfloat16) for _ in range(3))
    segments = make_segments([9, 3, 7, 2], device=torch.device("meta"))
    found = attend_varlen(q, k, v, segments, scale=0.3, window=4)
    assert found.shape == (1, 21, 2, 8)


@pytest.mark.parametrize("dtype", [None, torch.bfloat16])
def test_what_a_gpu_is_asked_before_it_learns_in_packs(dtype, monkeypatch):
    network = make(PACKED["bert"]())
    packing = enable_packing(network)
    state, before = torch.get_rng_state(), [p.clone() for p in network.parameters()]
    assert can_learn(network, packing, dtype=dtype)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(p.grad is None for p in network.parameters())
    assert all(torch.equal(p, b) for p, b in zip(network.parameters(), before, strict=True))

    def leak(q, k, v, segments, **options):
        """A kernel that forgets where a window ends."""
        whole = make_segments([sum(segments.lengths)], device=CPU)
        return attend_within(q, k, v, whole, **options)

    monkeypatch.setattr("spanfit.attention.attend_within", leak)
    assert not can_learn(network, packing, dtype=dtype)


def test_a_network_whose_embeddings_are_frozen_may_learn_in_packs():
    network = make(PACKED["bert"]())
    packing = enable_packing(network)
    network.get_input_embeddings().requires_grad_(False)
    assert can_learn(network, packing, dtype=None)
    network.requires_grad_(False)
    network.classifier.requires_grad_(True)
    assert can_learn(network, packing, dtype=None)


def test_what_the_first_attention_did_is_asked_before_it_is_replaced(monkeypatch):
    """A network whose own attention has a term that ours leaves out takes no packs."""
    network = make(PACKED["bert"]())

    def with_sinks(module, query, key, value, mask, scaling=None, **options):
        weights = (query @ key.mT * (query.shape[-1] ** -0.5)).exp()
        weights = weights / (1 + weights.sum(dim=-1, keepdim=True))
        return (weights @ value).transpose(1, 2), None

    AttentionInterface.register("with_sinks", with_sinks)
    network.set_attn_implementation("with_sinks")
    assert enable_packing(network) is None
    assert network.config._attn_implementation == "with_sinks"


def test_sliding_windows_are_tried_with_a_window_that_slides(monkeypatch):
    def forget(q, k, v, segments, *, window, **options):
        return attend_within(q, k, v, segments, window=None, **options)

    monkeypatch.setattr("spanfit.attention.attend_within", forget)
    assert enable_packing(make(PACKED["modernbert"]())) is None
    assert enable_packing(make(PACKED["bert"]())) is not None
