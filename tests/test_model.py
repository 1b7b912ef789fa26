"""Loading a model and asking it: offsets, windows, notes, and what is refused."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch
import transformers
from tiny_models import make_encoder, make_questions

import spanfit
from spanfit.backends.inputs import takes_type_ids
from spanfit.backends.positions import check_length, describe_positions, max_positions
from spanfit.backends.torch import TorchBackend
from spanfit.batching import join
from spanfit.decode.merging import merge_all
from spanfit.errors import DataError, ModelError, RecipeError
from spanfit.loading import find_model
from spanfit.model import Model
from spanfit.prediction import Predictor
from spanfit.recipe import WindowsSection
from spanfit.settings import Calibration, ModelSettings
from spanfit.types import QuestionExample

pytestmark = pytest.mark.training

LONG = " ".join(f"In year {n} the 🚢 Ada came from Łódź to Crane." for n in range(60))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A random, untrained model with a head, as a run would leave it."""
    folder = make_encoder(tmp_path_factory.mktemp("model") / "model")
    torch.manual_seed(1)
    transformers.AutoModelForQuestionAnswering.from_pretrained(folder).save_pretrained(folder)
    settings = ModelSettings(
        windows=WindowsSection(max_length=64, overlap=20),
        calibration={"torch": Calibration(threshold=0.0)},
    )
    settings.save(folder)
    return folder


@pytest.fixture(scope="module")
def model(folder):
    return spanfit.load(folder)


def test_answers_are_verbatim_also_in_long_texts_with_characters_of_every_width(model):
    prediction = model.ask("Where did Ada come from?", LONG)
    assert len(model.predictor.windows([QuestionExample("1", "Where?", LONG)])) > 10
    assert len(prediction.n_best) == 20
    for candidate in prediction.n_best:
        assert candidate.text == LONG[candidate.start : candidate.end]
        assert candidate.text.strip() == candidate.text != ""
    scores = [candidate.score for candidate in prediction.n_best]
    assert scores == sorted(scores, reverse=True)
    total = sum(candidate.probability for candidate in prediction.n_best)
    assert total + prediction.null_probability == pytest.approx(1)


def test_the_best_span_over_all_windows_is_that_of_brute_force(model):
    example = QuestionExample("1", "Where did Ada come from?", LONG)
    windows = model.predictor.windows([example])
    best = {}
    nulls = []
    for row in range(len(windows)):
        batch = join(windows, np.array([row]))
        logits = np.asarray(model.predictor.backend.logits(batch))[0]
        start = batch.sliced_start[0]
        nulls.append(logits[batch.null_position[0]].sum())
        for i in range(batch.n_sliced[0]):
            for j in range(i, min(i + 30, batch.n_sliced[0])):
                at = np.array([row])
                place = (
                    int(windows.char_start(at, np.array([i]))[0]),
                    int(windows.char_end(at, np.array([j]))[0]),
                )
                score = logits[start + i, 0] + logits[start + j, 1]
                best[place] = max(best.get(place, -np.inf), float(score))
    expected = sorted(best.items(), key=lambda item: (-item[1], item[0]))[:20]
    prediction = model.ask(example.question, example.context)
    assert [(c.start, c.end) for c in prediction.n_best[:5]] == [place for place, _ in expected[:5]]
    assert [c.score for c in prediction.n_best] == pytest.approx([s for _, s in expected], abs=1e-4)
    assert prediction.null_odds == pytest.approx(min(nulls) - expected[0][1], abs=1e-4)


def test_a_prediction_does_not_depend_on_the_examples_beside_it(model):
    examples = [
        QuestionExample(line["id"], line["question"], line["context"]) for line in make_questions(9)
    ]
    examples.append(QuestionExample("long", "Where?", LONG))
    together = list(model.predict(examples))
    for example, prediction in zip(examples, together, strict=True):
        alone = model.ask(example.question, example.context)
        assert [(c.start, c.end) for c in alone.n_best[:3]] == [
            (c.start, c.end) for c in prediction.n_best[:3]
        ]
        assert prediction.null_odds == pytest.approx(alone.null_odds, abs=1e-4)
    assert [prediction.id for prediction in together] == [example.id for example in examples]


def test_predict_is_a_stream(model):
    def endless():
        number = 0
        while True:
            yield QuestionExample(str(number), "Where?", "Ada lives in Elm.")
            number += 1

    stream = model.predict(endless())
    assert [next(stream).id for _ in range(3)] == ["0", "1", "2"]


@pytest.mark.parametrize("context", ["", " \n\t "])
def test_an_empty_context_has_no_answer(model, context):
    prediction = model.ask("Where?", context)
    assert prediction.answer is None
    assert prediction.probability == 1
    assert prediction.to_json()["null_odds"] is None


def test_an_empty_or_endless_question_is_still_answered(model):
    assert model.ask("", "Ada lives in Elm.").n_best
    assert model.ask("why " * 500, LONG).n_best


def test_a_batch_dtype_and_device_of_logits(model):
    windows = model.predictor.windows([QuestionExample("1", "Where?", "Ada lives in Elm.")])
    logits = model.predictor.backend.logits(join(windows, np.array([0])))
    assert tuple(logits.shape) == (1, windows.lengths[0], 2)
    assert torch.as_tensor(logits).dtype == torch.float32


def test_rethreshold_turns_an_answer_into_none_and_back(model):
    prediction = model.ask("Where?", "Ada lives in Elm.").rethreshold(1e9)
    never = prediction.rethreshold(None)
    assert never.answer is not None
    assert sum(c.probability for c in never.n_best) == pytest.approx(1)
    again = never.rethreshold(0.0)
    assert again.null_probability == pytest.approx(prediction.null_probability)
    assert again.answer.probability == pytest.approx(prediction.n_best[0].probability)
    assert prediction.rethreshold(prediction.null_odds - 1).answer is None
    assert prediction.rethreshold(prediction.null_odds).answer is not None


def test_a_model_without_settings_is_told_so(folder, tmp_path):
    copy = tmp_path / "foreign"
    shutil.copytree(folder, copy)
    (copy / "spanfit.json").unlink()
    config = transformers.AutoConfig.from_pretrained(copy)
    assert config.max_position_embeddings == 128
    foreign = spanfit.load(copy)  # the default of 384 does not fit this one
    assert foreign.settings.windows == WindowsSection(max_length=128, overlap=42)
    assert "no spanfit.json: windows of 128 tokens, all that its encoder has" in foreign.notes[0]
    assert foreign.ask("Where did Ada come from?", LONG).n_best


def test_an_encoder_without_a_trained_head_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r"not trained for the task(?s:.*)qa_outputs"):
        encoder = make_encoder(tmp_path / "encoder")
        ModelSettings(windows=WindowsSection(max_length=64, overlap=20)).save(encoder)
        spanfit.load(encoder)


def test_folders_that_hold_no_model(tmp_path):
    with pytest.raises(ModelError, match="no model in this folder"):
        find_model(tmp_path)
    (tmp_path / "qa-001").mkdir()
    with pytest.raises(ModelError, match="no such folder") as caught:
        spanfit.load(tmp_path / "qa-01")
    assert caught.value.fix == f"the same with {tmp_path / 'qa-001'}"
    with pytest.raises(ModelError, match="no such folder") as caught:
        spanfit.load(tmp_path / "elsewhere")
    assert caught.value.fix.startswith("spanfit train")
    with pytest.raises(ModelError, match="cannot be loaded"):
        spanfit.load("bert-base-nowhere")
    with pytest.raises(ModelError, match="no backend 'jax'"):
        spanfit.load(tmp_path, backend="jax")


def test_evaluation_without_gold_fails_before_predicting(model):
    with pytest.raises(DataError, match="no gold"):
        model.evaluate([QuestionExample("1", "Where?", "Ada lives in Elm.")])
    with pytest.raises(RecipeError, match="squad_v9"):
        model.evaluate([QuestionExample("1", "Where?", "At sea.", answers=())], metric="squad_v9")


def test_positions_and_type_ids_are_asked_of_the_network():
    small = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "vocab_size": 20}
    small["intermediate_size"] = 8
    bert = transformers.BertForQuestionAnswering(
        transformers.BertConfig(**small, max_position_embeddings=64)
    )
    roberta = transformers.RobertaForQuestionAnswering(
        transformers.RobertaConfig(**small, max_position_embeddings=66)
    )
    assert max_positions(bert) == 64
    assert max_positions(roberta) == 64, "two places are lost to padding_idx"
    assert takes_type_ids(bert)
    distil = transformers.DistilBertForQuestionAnswering(
        transformers.DistilBertConfig(
            dim=8, n_layers=1, n_heads=2, vocab_size=20, hidden_dim=8, max_position_embeddings=64
        )
    )
    assert not takes_type_ids(distil)
    assert max_positions(distil) == 64


def test_rows_to_spare_of_a_position_table_are_no_positions():
    small = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "vocab_size": 20}
    bart = transformers.BartForQuestionAnswering(
        transformers.BartConfig(
            vocab_size=20,
            d_model=8,
            encoder_layers=1,
            decoder_layers=1,
            encoder_attention_heads=2,
            decoder_attention_heads=2,
            encoder_ffn_dim=8,
            decoder_ffn_dim=8,
            max_position_embeddings=64,
        )
    )
    nystromformer = transformers.NystromformerForQuestionAnswering(
        transformers.NystromformerConfig(
            **small, intermediate_size=8, max_position_embeddings=64, segment_means_seq_len=8
        )
    )
    for network in (bart, nystromformer):
        assert max_positions(network) == 64
        check_length(network, 64)
        with pytest.raises(ModelError, match="at most 64 tokens"):
            check_length(network, 65)
        assert describe_positions(network, 64) == ()


def test_positions_without_a_table_have_no_limit_but_a_note():
    modernbert = transformers.ModernBertForQuestionAnswering(
        transformers.ModernBertConfig(
            hidden_size=8,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=8,
            vocab_size=20,
            max_position_embeddings=64,
            **dict.fromkeys(("pad_token_id", "cls_token_id", "bos_token_id"), 0),
            **dict.fromkeys(("sep_token_id", "eos_token_id"), 1),
        )
    )
    assert max_positions(modernbert) is None
    check_length(modernbert, 65)
    assert describe_positions(modernbert, 64) == ()
    (note,) = describe_positions(modernbert, 65)
    assert note.startswith("windows of 65 tokens are longer than the 64 that")
    xlnet = transformers.XLNetForQuestionAnsweringSimple(
        transformers.XLNetConfig(vocab_size=20, d_model=8, n_layer=1, n_head=2, d_inner=8)
    )
    assert max_positions(xlnet) is None
    assert describe_positions(xlnet, 10_000) == ()


def test_numpy_and_torch_kernels_agree_through_the_task(model):
    examples = [
        QuestionExample(line["id"], line["question"], line["context"])
        for line in make_questions(12)
    ]
    windows = model.predictor.windows(examples)
    batch = join(windows, np.arange(len(windows)))
    task, decode = model.predictor.task, model.settings.decode
    logits = torch.as_tensor(model.predictor.backend.logits(batch))
    ours = task.decode(logits.numpy(), batch, windows, decode)
    theirs = task.decode(logits, batch, windows, decode)
    assert merge_all(examples, ours, k=20) == merge_all(examples, theirs, k=20)


def test_the_backend_leaves_the_network_in_the_mode_it_had(model):
    network = model.predictor.backend.network
    backend = TorchBackend(network, model.predictor.tokenizer)
    windows = model.predictor.windows([QuestionExample("1", "Where?", "Ada lives in Elm.")])
    network.train()
    backend.logits(join(windows, np.array([0])))
    assert network.training
    network.eval()


def test_a_model_made_by_hand_answers_like_the_loaded_one(model):
    predictor = Predictor(
        task=model.predictor.task,
        tokenizer=model.predictor.tokenizer,
        settings=model.settings,
        backend=model.predictor.backend,
        max_tokens=64,
    )
    by_hand = Model(predictor).ask("Where did Ada come from?", LONG)
    loaded = model.ask("Where did Ada come from?", LONG)
    assert [c.span for c in by_hand.n_best[:5]] == [c.span for c in loaded.n_best[:5]]


def test_the_digest_of_a_backend_is_that_of_its_weights(model):
    network, tokenizer = model.predictor.backend.network, model.predictor.tokenizer
    before, again = (TorchBackend(network, tokenizer).digest for _ in range(2))
    assert before == again == model.predictor.backend.digest
    weight = next(network.parameters())
    with torch.no_grad():
        saved = weight.clone()
        weight[0, 0] += 1
        changed = TorchBackend(network, tokenizer).digest
        weight.copy_(saved)
    assert changed != before
    half = TorchBackend(network, tokenizer, precision="bf16")
    assert half.digest != before
