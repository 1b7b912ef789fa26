"""The weights of a checkpoint come back as they were, whatever names they were written by."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from spanfit.checkpoints import FOLDER, Learner, Position, Standing, restore, save_state
from spanfit.errors import RunError

pytestmark = pytest.mark.training

SIZES = {
    "vocab_size": 40,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
}
NETWORKS = {
    "bert": transformers.BertConfig(**SIZES),
    "distilbert": transformers.DistilBertConfig(vocab_size=40, dim=16, n_layers=2, n_heads=2),
    "deberta-v2": transformers.DebertaV2Config(**SIZES, relative_attention=True),
    "modernbert": transformers.ModernBertConfig(**SIZES, pad_token_id=0),
    "funnel": transformers.FunnelConfig(
        vocab_size=40, d_model=16, n_head=2, d_head=8, d_inner=24, block_sizes=[1, 1]
    ),
    "t5": transformers.T5Config(vocab_size=40, d_model=16, d_kv=8, d_ff=24, num_layers=2),
}


def make_learner(kind: str, *, seed: int) -> Learner:
    """A network after one step."""
    torch.manual_seed(seed)
    network = transformers.AutoModelForTokenClassification.from_config(NETWORKS[kind])
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-2)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 / (1 + step))
    network(input_ids=torch.arange(10)[None]).logits.square().sum().backward()
    optimizer.step()
    scheduler.step()
    return Learner(network, optimizer, scheduler, scaler=None)


def write(folder: Path, learner: Learner) -> Path:
    folder.mkdir()
    learner.network.save_pretrained(folder)
    position = Position(step=1, seconds=2.0, losses=(0.5,), standing=Standing())
    save_state(folder / FOLDER, learner, position, metrics="")
    return folder


def read_tensors(learner: Learner) -> dict[str, torch.Tensor]:
    """All that learns, and what is known of it, by name."""
    optimizer = learner.optimizer.state_dict()["state"]
    return dict(learner.network.state_dict()) | {
        f"{number}.{name}": value
        for number, values in optimizer.items()
        for name, value in values.items()
    }


def assert_same(one: Learner, other: Learner) -> None:
    before, after = read_tensors(one), read_tensors(other)
    assert before.keys() == after.keys()
    for name, value in before.items():
        assert torch.equal(value, after[name]), name


@pytest.mark.parametrize("kind", NETWORKS)
def test_all_of_it_comes_back(tmp_path, kind):
    learner, other = make_learner(kind, seed=1), make_learner(kind, seed=2)
    position, metrics = restore(write(tmp_path / "step", learner), other)
    assert (position.step, position.losses, metrics) == (1, (0.5,), "")
    assert_same(learner, other)


def test_tied_weights_stay_tied(tmp_path):
    learner, other = make_learner("t5", seed=1), make_learner("t5", seed=2)
    checkpoint = write(tmp_path / "step", learner)
    names = {"transformer.shared.weight", "transformer.encoder.embed_tokens.weight"}
    assert names <= learner.network.state_dict().keys()
    assert len(names & load_file(checkpoint / "model.safetensors").keys()) == 1
    restore(checkpoint, other)
    encoder = other.network.transformer
    assert encoder.shared.weight is encoder.encoder.embed_tokens.weight
    assert torch.equal(encoder.shared.weight, learner.network.transformer.shared.weight)


def test_plain_weights_are_read_without_another_network(tmp_path, monkeypatch):
    learner, other = make_learner("bert", seed=1), make_learner("bert", seed=2)
    checkpoint = write(tmp_path / "step", learner)

    def refuse(*_, **__):
        raise AssertionError("a second network was made")

    monkeypatch.setattr(transformers.PreTrainedModel, "from_pretrained", refuse)
    restore(checkpoint, other)
    assert_same(learner, other)


def test_weights_that_were_written_by_other_names_are_read_by_transformers(tmp_path):
    """As T5's and others' are, or those of another version of transformers."""
    learner, other = make_learner("bert", seed=1), make_learner("bert", seed=2)
    checkpoint = write(tmp_path / "step", learner)
    weights = load_file(checkpoint / "model.safetensors")
    renamed = {name.replace("Norm.weight", "Norm.gamma"): weights[name] for name in weights}
    assert renamed.keys() != weights.keys()
    save_file(renamed, checkpoint / "model.safetensors", metadata={"format": "pt"})
    restore(checkpoint, other)
    assert_same(learner, other)


def test_values_that_are_not_the_networks_are_no_plain_weights(tmp_path):
    learner = make_learner("bert", seed=1)
    folder = tmp_path / "step"
    folder.mkdir()
    learner.network.save_pretrained(folder)
    with torch.no_grad():
        learner.network.bert.embeddings.word_embeddings.weight[3, 4] += 1
    position = Position(step=1, seconds=2.0, losses=(), standing=Standing())
    save_state(folder / FOLDER, learner, position, metrics="")
    state = json.loads((folder / FOLDER / "state.json").read_text())
    assert state["weights_are_plain"] is False


def test_a_weight_that_is_missing_is_named(tmp_path):
    learner, other = make_learner("bert", seed=1), make_learner("bert", seed=2)
    checkpoint = write(tmp_path / "step", learner)
    weights = load_file(checkpoint / "model.safetensors")
    del weights["bert.encoder.layer.1.output.dense.weight"]
    save_file(weights, checkpoint / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(RunError, match=r"layer\.1\.output\.dense\.weight"):
        restore(checkpoint, other)
