"""What learns and how fast: learning rates by depth, frozen layers, gradient checkpointing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import transformers
from tiny_models import make_encoder, make_recipe_content

import spanfit
from spanfit.batching import join
from spanfit.errors import ModelError, RecipeError
from spanfit.optimization import (
    describe_learning,
    find_stack,
    freeze,
    make_optimizer,
    make_schedule,
)
from spanfit.preparation import describe, prepare
from spanfit.progress import Progress
from spanfit.recipe import ModelSection, OptimizerSection, make_recipe
from spanfit.runs import RunFolder
from spanfit.training import Training

pytestmark = pytest.mark.training
QUIET = Progress(quiet=True)

SIZES = {
    "vocab_size": 40,
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 24,
}
CONFIGS = {
    "bert": lambda: transformers.BertConfig(**SIZES),
    "roberta": lambda: transformers.RobertaConfig(**SIZES),
    "electra": lambda: transformers.ElectraConfig(**SIZES, embedding_size=8),
    "distilbert": lambda: transformers.DistilBertConfig(
        vocab_size=40, dim=16, n_layers=3, n_heads=2, hidden_dim=24
    ),
    "xlnet": lambda: transformers.XLNetConfig(
        vocab_size=40, d_model=16, n_layer=3, n_head=2, d_inner=24
    ),
    "deberta": lambda: transformers.DebertaV2Config(
        **SIZES, relative_attention=True, position_buckets=8
    ),
    "modernbert": lambda: transformers.ModernBertConfig(
        **SIZES, pad_token_id=0, cls_token_id=1, bos_token_id=1, sep_token_id=2, eos_token_id=2
    ),
    "flaubert": lambda: transformers.FlaubertConfig(
        vocab_size=40, emb_dim=16, n_layers=3, n_heads=2
    ),
    "albert": lambda: transformers.AlbertConfig(**SIZES, embedding_size=8),
    "bart": lambda: transformers.BartConfig(
        vocab_size=40,
        d_model=16,
        encoder_layers=3,
        decoder_layers=3,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=24,
        decoder_ffn_dim=24,
    ),
}
EMBEDDINGS = {
    "bert": ["bert.embeddings."],
    "roberta": ["roberta.embeddings."],
    "electra": ["electra.embeddings.", "electra.embeddings_project."],
    "distilbert": ["distilbert.embeddings."],
    "xlnet": ["transformer.word_embedding.", "transformer.mask_emb"],
    "deberta": ["deberta.embeddings.", "deberta.encoder.rel_embeddings."],
    "modernbert": ["model.embeddings."],
    "flaubert": ["transformer.embeddings.", "transformer.position_", "transformer.layer_norm_emb"],
}
LAYERS = {
    "bert": ["bert.encoder.layer."],
    "roberta": ["roberta.encoder.layer."],
    "electra": ["electra.encoder.layer."],
    "distilbert": ["distilbert.transformer.layer."],
    "xlnet": ["transformer.layer."],
    "deberta": ["deberta.encoder.layer."],
    "modernbert": ["model.layers."],
    "flaubert": [
        f"transformer.{name}." for name in ("attentions", "layer_norm1", "ffns", "layer_norm2")
    ],
}
"""How the parameters of each architecture are called, for the tests alone: the code never asks."""


def make_network(architecture):
    torch.manual_seed(0)
    return transformers.AutoModelForQuestionAnswering.from_config(CONFIGS[architecture]())


def expected_factor(architecture, name, decay):
    """The rule for three layers, written out."""
    if any(name.startswith(prefix) for prefix in EMBEDDINGS[architecture]):
        return decay**4
    for prefix in LAYERS[architecture]:
        for layer, factor in enumerate((decay**3, decay**2, decay)):
            if name.startswith(f"{prefix}{layer}."):
                return factor
    return 1.0


@pytest.mark.parametrize("architecture", LAYERS)
def test_each_layer_learns_slower_than_the_one_above_it(architecture):
    network = make_network(architecture)
    optimizer = make_optimizer(network, OptimizerSection(learning_rate=0.01, layer_decay=0.5))
    rates = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    got = {name: rates[id(p)] for name, p in network.named_parameters()}
    assert got == {name: 0.01 * expected_factor(architecture, name, 0.5) for name in got}
    assert set(got.values()) == {0.01, 0.005, 0.0025, 0.00125, 0.000625}
    assert sum(len(group["params"]) for group in optimizer.param_groups) == len(got)


def test_weight_decay_stays_off_on_vectors_at_every_depth():
    settings = OptimizerSection(layer_decay=0.9, weight_decay=0.1)
    groups = make_optimizer(make_network("bert"), settings).param_groups
    for group in groups:
        assert {p.ndim >= 2 for p in group["params"]} == {group["weight_decay"] == 0.1}
    assert len(groups) == 10  # head, three layers, embeddings: matrices and vectors


def test_without_a_decay_all_learn_alike_and_no_layers_are_looked_for():
    groups = make_optimizer(make_network("albert"), OptimizerSection()).param_groups
    assert [group["lr"] for group in groups] == [3e-5, 3e-5]


def test_the_schedule_scales_all_depths_alike_and_the_first_group_is_the_head():
    network = make_network("bert")
    settings = OptimizerSection(learning_rate=0.01, layer_decay=0.5, schedule="linear")
    optimizer = make_optimizer(network, settings)
    schedule = make_schedule(optimizer, settings, steps=10, warmup_steps=2)
    assert schedule.get_last_lr()[0] == 0
    for _ in range(6):
        optimizer.step()
        schedule.step()
    assert schedule.get_last_lr()[0] == pytest.approx(0.01 * 4 / 8)
    assert schedule.get_last_lr()[-1] == pytest.approx(0.01 * 4 / 8 * 0.5**4)
    head = {id(p) for p in network.qa_outputs.parameters()}
    assert {id(p) for p in optimizer.param_groups[0]["params"]} <= head


@pytest.mark.parametrize("architecture", ["albert", "bart"])
@pytest.mark.parametrize("option", ["optimizer.layer_decay", "model.frozen_layers"])
def test_shared_layers_and_two_stacks_are_refused_by_the_name_of_the_option(architecture, option):
    network = make_network(architecture)
    with pytest.raises(ModelError, match="cannot be told from each other") as caught:
        if option == "optimizer.layer_decay":
            make_optimizer(network, OptimizerSection(layer_decay=0.9))
        else:
            freeze(network, 1)
    assert option in str(caught.value)
    assert architecture in str(caught.value)


@pytest.mark.parametrize("architecture", LAYERS)
@pytest.mark.parametrize("n_layers", [0, 2, 3])
def test_embeddings_and_the_lowest_layers_are_frozen(architecture, n_layers):
    network = make_network(architecture)
    freeze(network, n_layers)
    for name, parameter in network.named_parameters():
        factor = expected_factor(architecture, name, 0.5)
        depth = 4 - round(np.log(factor) / np.log(0.5))  # embeddings 0, layers 1 to 3, head 4
        assert parameter.requires_grad == (depth > n_layers), name


def test_more_frozen_layers_than_there_are():
    with pytest.raises(RecipeError) as caught:
        freeze(make_network("bert"), 4)
    assert caught.value.expected == "0 (the embeddings alone) to 3"
    assert caught.value.exit_code == 2


def test_every_weight_stands_in_one_place_of_the_stack():
    network = make_network("deberta")
    stack = find_stack(network, option="model.frozen_layers")
    ids = [id(weight) for part in stack.from_above for weight in part]
    assert sorted(ids) == sorted(map(id, network.parameters()))


def test_how_many_parameters_learn_is_counted_and_said():
    network = make_network("bert")
    every = sum(p.numel() for p in network.parameters())
    freeze(network, 3)
    assert describe_learning(network, ModelSection(frozen_layers=3)) == (
        f"parameters: 34 of {every:,} learn; frozen: the embeddings and 3 of 3 layers"
    )  # the head: 16 x 2 weights and 2 biases
    assert describe_learning(make_network("bert"), ModelSection()) == (
        f"parameters: {every:,} of {every:,} learn"
    )


def make_training(folder, *overrides):
    content = make_recipe_content(folder)
    recipe = make_recipe(content, overrides=["run.epochs=1", *overrides])
    prepared = prepare(recipe, progress=QUIET)
    return Training(prepared, RunFolder.create(folder / "run", default_name=""), QUIET)


def test_frozen_weights_are_the_same_bits_after_a_training_and_all_others_have_moved(tmp_path):
    training = make_training(tmp_path, "model.frozen_layers=1", "model.gradient_checkpointing=true")
    line = next(x for x in describe(training.prepared) if x.startswith("parameters"))
    assert "frozen: the embeddings and 1 of 2 layers" in line
    assert "gradients are checkpointed" in line
    before = {name: p.detach().clone() for name, p in training.network.named_parameters()}
    trained = training.run().model().predictor.backend.network
    for name, after in trained.named_parameters():
        is_frozen = "embeddings" in name or "layer.0." in name
        assert torch.equal(before[name], after) == is_frozen, name


def test_a_frozen_encoder_sends_no_gradient_down(tmp_path):
    training = make_training(tmp_path, "model.frozen_layers=1")
    training.accumulate_gradient(np.arange(4))
    got = {name for name, p in training.network.named_parameters() if p.grad is not None}
    assert got
    assert all("layer.1." in name or "qa_outputs" in name for name in got)


def gradients(folder, *overrides):
    """The gradient of one step with dropout, and how often the first layer ran for it."""
    training = make_training(folder, "model.hidden_dropout=0.2", *overrides)
    calls = []
    inside = training.network.bert.encoder.layer[0].attention
    inside.register_forward_pre_hook(lambda *_: calls.append(1))
    training.network.train()
    torch.manual_seed(1)
    training.accumulate_gradient(np.arange(8))
    found = {
        n: p.grad.clone() for n, p in training.network.named_parameters() if p.grad is not None
    }
    n_calls = len(calls)
    calls.clear()
    training.backend.logits(join(training.prepared.windows, np.arange(8)))
    assert len(calls) == 1  # without gradients there is nothing to compute again
    return found, n_calls, training


def test_checkpointing_gives_the_same_gradient_and_computes_each_layer_twice(tmp_path):
    plain, calls, _ = gradients(tmp_path / "plain", "batch.max_tokens=100000")
    saving, more_calls, training = gradients(
        tmp_path / "saving", "batch.max_tokens=100000", "model.gradient_checkpointing=true"
    )
    assert (calls, more_calls) == (1, 2)
    assert plain.keys() == saving.keys()
    for name, gradient in plain.items():
        torch.testing.assert_close(saving[name], gradient, msg=name)
    assert any(gradient.abs().max() > 0 for gradient in plain.values())
    run = training.run()  # evaluation, under inference mode, too
    assert np.isfinite(run.figures()["f1"])
    assert training.network.config.use_cache is False
    published = transformers.AutoConfig.from_pretrained(run.model_folder)
    assert published.use_cache is True  # as the encoder had it


def test_an_architecture_without_checkpointing_is_refused(tmp_path):
    make_encoder(tmp_path / "encoder", kind="unigram", architecture="xlnet")
    recipe = make_recipe_content(tmp_path) | {
        "model": {"name": str(tmp_path / "encoder"), "gradient_checkpointing": True}
    }
    with pytest.raises(ModelError, match="no gradient checkpointing"):
        spanfit.train(make_recipe(recipe), out=tmp_path / "run", progress=QUIET)
    assert not (tmp_path / "run").exists()


def test_what_the_network_cannot_do_is_said_before_a_folder_is_made(tmp_path):
    recipe = make_recipe(make_recipe_content(tmp_path), overrides=["model.frozen_layers=3"])
    with pytest.raises(RecipeError, match="more than this encoder has"):
        spanfit.train(recipe, out=tmp_path / "run", progress=QUIET)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("value", ["0", "1.5", "-0.5"])
def test_a_layer_decay_is_above_0_and_at_most_1(tmp_path, value):
    with pytest.raises(RecipeError, match=r"optimizer\.layer_decay"):
        make_recipe(make_recipe_content(tmp_path), overrides=[f"optimizer.layer_decay={value}"])
