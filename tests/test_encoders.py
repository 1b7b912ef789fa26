"""Every encoder of docs/encoders.md, random and tiny: heads, inputs, positions, and reopening."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from tiny_encoders import BERT, ENCODERS, LIMIT, T5, VOCABULARY, save_tokenizer
from tiny_models import make_recipe_content, make_tagging_content

import spanfit
from spanfit.backends.heads import find_head
from spanfit.backends.inputs import taken_inputs
from spanfit.backends.positions import check_length, max_positions, position_padding
from spanfit.backends.pretrained import load_encoder, load_trained
from spanfit.backends.torch import TorchBackend, head_logits
from spanfit.batching import join
from spanfit.errors import ModelError
from spanfit.progress import Progress
from spanfit.recipe import ModelSection, WindowsSection, make_recipe
from spanfit.settings import SPAN_OUTPUTS, ModelSettings
from spanfit.tasks.tag_settings import assume_tags
from spanfit.types import QuestionExample, TextPair
from spanfit.windows import WindowSettings, make_windows

pytestmark = pytest.mark.training

DOCUMENTED = Path(__file__).resolve().parent.parent / "docs" / "encoders.md"
QUIET = Progress(quiet=True)
CONTEXT = "Ada Reed leads the harbour office in Elm. Ben came by sea, with a goat and two lamps."
PAIRS = {
    "qa": [
        TextPair("Who leads the office?", CONTEXT),
        TextPair("Where?", "In Elm."),
        TextPair("Who came by sea, and with what?", CONTEXT[30:]),
    ],
    "tagging": [TextPair(None, CONTEXT), TextPair(None, "Elm."), TextPair(None, CONTEXT[30:])],
}
OUTPUTS = {"qa": SPAN_OUTPUTS, "tagging": ("O", "B-PER", "I-PER")}
SETTINGS = {"qa": ModelSettings(outputs=SPAN_OUTPUTS), "tagging": assume_tags(OUTPUTS["tagging"])}
SHORT = WindowsSection(max_length=LIMIT, overlap=8)

each_encoder = pytest.mark.parametrize("name", ENCODERS)
each_task = pytest.mark.parametrize("task", ["qa", "tagging"])


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """The folder of each encoder, made when it is first asked for; nothing may change it."""
    root, made = tmp_path_factory.mktemp("encoders"), {}

    def folder(name):
        if name not in made:
            made[name] = ENCODERS[name].save(root / name)
        return made[name]

    return folder


def load(folder, task="qa", max_length=LIMIT):
    """An encoder to train, with its head's weights far enough from 0 to tell logits apart."""
    torch.manual_seed(1)
    return load_encoder(
        ModelSection(name=str(folder)), task=task, outputs=OUTPUTS[task], max_length=max_length
    )


def publish(pretrained, task, folder):
    """The folder of a model, as a run leaves it."""
    pretrained.save(folder)
    SETTINGS[task].model_copy(update={"windows": SHORT}).save(folder)
    return folder


def windows_of(tokenizer, task):
    return make_windows(PAIRS[task], tokenizer, WindowSettings(max_length=LIMIT, overlap=8))


def logits_of(network, tokenizer, task):
    """The batch of all windows, and its logits."""
    windows = windows_of(tokenizer, task)
    batch = join(windows, np.arange(len(windows)))
    return batch, TorchBackend(network, tokenizer).logits(batch)


def assert_equal(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


@each_encoder
@each_task
def test_an_encoder_computes_learns_and_reopens(name, task, folders, tmp_path):
    pretrained, case = load(folders(name), task), ENCODERS[name]
    network, tokenizer = pretrained.network, pretrained.tokenizer
    assert type(network).__name__ == (case.question_head if task == "qa" else case.tag_head)
    (note,) = pretrained.notes
    assert note.startswith("newly initialised: "), "nothing of the encoder, no other note"
    assert not any("decoder" in weight for weight, _ in network.named_parameters())

    batch, together = logits_of(network, tokenizer, task)
    assert together.shape == (*batch.input_ids.shape, len(OUTPUTS[task]))
    assert torch.isfinite(together).all()
    windows, backend = windows_of(tokenizer, task), TorchBackend(network, tokenizer)
    for row in range(len(windows)):
        alone = backend.logits(join(windows, np.array([row])))[0]
        assert_equal(together[row][torch.from_numpy(batch.attention_mask[row]).bool()], alone)

    network.train()
    seen = torch.from_numpy(batch.attention_mask).bool()
    backend.compute(batch)[seen].square().sum().backward()
    network.eval()
    lowest = network.get_input_embeddings().weight.grad
    assert lowest is not None and lowest.abs().sum() > 0

    folder = publish(pretrained, task, tmp_path / "model")
    again = load_trained(str(folder), task=task, outputs=OUTPUTS[task])
    assert type(again.network) is type(network) and again.notes == ()
    assert_equal(logits_of(again.network, again.tokenizer, task)[1], together)
    assert_equal(*by_transformers(pretrained, folder, task, together, batch))
    model = spanfit.load(folder)
    assert model.notes == () and model.settings.task == task

    backend = model.predictor.backend
    assert (backend.packing is not None) == (documented_rows()[name]["packing"] == "yes")
    assert_equal(backend.logits(batch)[seen], together[seen])


def by_transformers(pretrained, folder, task, together, batch):
    """The logits of the first window by transformers alone, and ours of the same tokens."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    network = getattr(transformers, pretrained.head.auto_class).from_pretrained(folder).eval()
    pair = [text for text in (PAIRS[task][0].fixed, PAIRS[task][0].sliced) if text is not None]
    inputs = tokenizer(*(pair if tokenizer.padding_side == "right" else pair[::-1]))
    with torch.no_grad():
        theirs = head_logits(network(**{k: torch.tensor([v]) for k, v in inputs.items()}))[0]
    seen = torch.from_numpy(batch.attention_mask[0]).bool()
    assert inputs["input_ids"] == batch.input_ids[0][batch.attention_mask[0] == 1].tolist()
    return theirs, together[0][seen]


@each_encoder
def test_a_window_of_just_the_limit_is_computed_and_one_token_more_refused(name, folders):
    pretrained, case = load(folders(name)), ENCODERS[name]
    network, tokenizer = pretrained.network, pretrained.tokenizer
    assert max_positions(network) == case.limit
    pair = TextPair("Who leads?", CONTEXT * 3)
    for length in (LIMIT, LIMIT + 1):
        windows = make_windows([pair], tokenizer, WindowSettings(max_length=length, overlap=8))
        assert windows.lengths[0] == length
        batch = join(windows, np.array([0]))
        if length > (case.limit or length):
            with pytest.raises(ModelError, match=f"at most {case.limit} tokens"):
                check_length(network, length)
            continue
        check_length(network, length)
        assert torch.isfinite(TorchBackend(network, tokenizer).logits(batch)).all()
    if case.limit is not None:
        with pytest.raises(ModelError, match=f"windows.max_length={case.limit}"):
            load(folders(name), max_length=LIMIT + 1)
        too_long = make_windows([pair], tokenizer, WindowSettings(max_length=80, overlap=8))
        assert fails(network, tokenizer, join(too_long, np.array([0]))), "the limit is not too low"


def fails(network, tokenizer, batch):
    try:
        TorchBackend(network, tokenizer).logits(batch)
    except (IndexError, RuntimeError):
        return True
    return False


# Inputs


def test_types_are_given_where_tokenizer_and_network_both_know_them(folders, tmp_path):
    """BERT's types; RoBERTa has one and DeBERTa none, whatever their tokenizers give."""
    given = {}
    for name in ("BERT", "RoBERTa", "DeBERTa", "DistilBERT", "XLNet", "NomicBERT"):
        pretrained = load(folders(name))
        given[name] = "token_type_ids" in taken_inputs(pretrained.network, pretrained.tokenizer)
    assert given == {
        "BERT": True,
        "RoBERTa": False,
        "DeBERTa": False,
        "DistilBERT": False,
        "XLNet": True,
        "NomicBERT": True,
    }
    folder = ENCODERS["RoBERTa"].save(tmp_path / "model")
    save_tokenizer(
        folder, "bytelevel", "bert", names=["input_ids", "token_type_ids", "attention_mask"]
    )
    pretrained = load(folder)
    assert pretrained.tokenizer.has_type_ids and pretrained.tokenizer.template.highest_type == 1
    assert torch.isfinite(logits_of(pretrained.network, pretrained.tokenizer, "qa")[1]).all()


def test_a_tokenizer_with_more_types_than_the_model(tmp_path):
    folder = ENCODERS["RemBERT"].save(tmp_path / "model")
    save_tokenizer(
        folder, "unigram", "xlnet", names=["input_ids", "token_type_ids", "attention_mask"]
    )
    with pytest.raises(ModelError, match="it has more token types") as caught:
        load(folder)
    assert "token types up to 1" in caught.value.expected
    assert caught.value.found == "2, in the template of two texts"


@pytest.mark.parametrize(
    ("name", "index"),
    [("RoBERTa", 1), ("MPNet", 1), ("LUKE", 1), ("Longformer", 1), ("BERT", None)],
)
def test_the_id_that_positions_are_counted_around(name, index, folders, tmp_path):
    assert position_padding(load(folders(name)).network) == index
    if index is None:
        return
    folder = ENCODERS[name].save(tmp_path / "model")
    save_tokenizer(folder, "wordpiece", "bert", names=["input_ids", "attention_mask"])
    with pytest.raises(ModelError, match="it pads with another token") as caught:
        load(folder)
    assert "the id 1, by which the model counts positions" in caught.value.expected


def test_the_question_has_global_attention_though_a_text_holds_separators(folders, tmp_path):
    """transformers' Longformer wants exactly three of them; JSQuAD's texts have some."""
    pretrained = load(folders("Longformer"))
    tokenizer, network = pretrained.tokenizer, pretrained.network
    pairs = [TextPair("Who leads?", "</s> Ada. </s>"), TextPair("</s>?", CONTEXT)]
    windows = make_windows(pairs, tokenizer, WindowSettings(max_length=LIMIT, overlap=8))
    batch = join(windows, np.array([0, 1]))
    backend = TorchBackend(network, tokenizer)
    mask = backend.inputs(batch)["global_attention_mask"]
    n_question = windows.fixed_tokens[:, None]
    assert mask.tolist() == (np.arange(batch.input_ids.shape[1]) <= n_question).tolist()
    assert torch.isfinite(backend.logits(batch)).all()
    with pytest.raises(AssertionError, match="exactly three separator tokens"):
        network(torch.from_numpy(batch.input_ids))
    tagging = load(folders("Longformer"), "tagging")
    batch = join(windows_of(tokenizer, "tagging"), np.array([0, 1]))
    assert "global_attention_mask" not in TorchBackend(tagging.network, tokenizer).inputs(batch)


def test_bigbird_is_told_where_the_question_ends(folders):
    """Its class takes a million from the logits of all up to the first separator."""
    pretrained = load(folders("BigBird"))
    tokenizer, network = pretrained.tokenizer, pretrained.network
    pairs = [TextPair("Is </s> a sign?", "Ada. </s> Ben.")]
    windows = make_windows(pairs, tokenizer, WindowSettings(max_length=LIMIT, overlap=8))
    batch = join(windows, np.array([0]))
    logits = TorchBackend(network, tokenizer).logits(batch)[0]
    first = int(batch.sliced_start[0])
    assert logits[1:first].max() < -9e5, "no answer in the question"
    assert logits[first:].abs().max() < 100 and logits[0].abs().max() < 100


def test_how_bigbird_attends_does_not_depend_on_what_came_before(tmp_path):
    """Left alone, it turns to full attention for good at the first short batch."""
    config = transformers.BigBirdConfig(**BERT, sep_token_id=2, block_size=4, num_random_blocks=1)
    save_tokenizer(tmp_path, "unigram", "bert", names=["input_ids", "attention_mask"])
    torch.manual_seed(0)
    transformers.AutoModel.from_config(config).save_pretrained(tmp_path)
    pretrained = load(tmp_path)
    windows = make_windows(
        [TextPair("Who?", CONTEXT * 2), TextPair("Who?", "Ada.")],
        pretrained.tokenizer,
        WindowSettings(max_length=LIMIT, overlap=8),
    )
    backend = TorchBackend(pretrained.network, pretrained.tokenizer)
    long, short = (join(windows, np.array([row])) for row in (0, len(windows) - 1))
    before = backend.logits(long)
    assert pretrained.network.base_model.attention_type == "block_sparse"
    backend.logits(short)
    torch.testing.assert_close(backend.logits(long), before)
    pretrained.network.base_model.set_attention_type("original_full")
    full = head_logits(pretrained.network.eval()(**backend.inputs(long)))
    assert (full - before).abs().max() > 1e-4, "the two kinds of attention differ"


# Heads


@pytest.mark.parametrize("name", ["T5", "mT5", "UMT5"])
def test_of_an_encoder_and_decoder_only_the_encoder_is_loaded_and_run(name, folders, monkeypatch):
    weights = transformers.AutoModel.from_pretrained(folders(name)).state_dict()
    assert any(weight.startswith("decoder.") for weight in weights), "the checkpoint has both"
    pretrained = load(folders(name))
    assert pretrained.head.is_borrowed and not pretrained.head.runs_decoder
    assert pretrained.notes == ("newly initialised: classifier.bias, classifier.weight",)
    network = pretrained.network
    assert not any("decoder" in part for part, _ in network.named_modules())
    embedding = network.get_input_embeddings().weight
    torch.testing.assert_close(embedding.detach(), weights["shared.weight"])
    stacks = [type(m).__name__ for m in network.modules() if type(m).__name__.endswith("Stack")]
    assert len(stacks) == 1


@pytest.mark.parametrize("name", ["T5", "EuroBERT"])
def test_two_outputs_say_what_they_are(name, folders, tmp_path):
    """In spanfit.json, in config.json, and, without spanfit.json, by the names in config.json."""
    folder = publish(load(folders(name)), "qa", tmp_path / "model")
    assert json.loads((folder / "spanfit.json").read_text())["outputs"] == ["start", "end"]
    config = json.loads((folder / "config.json").read_text())
    assert config["id2label"] == {"0": "start", "1": "end"}
    assert config["architectures"] == [ENCODERS[name].question_head]
    answers = spanfit.load(folder).ask("Who leads?", CONTEXT)
    (folder / "spanfit.json").unlink()
    foreign = spanfit.load(folder)
    assert foreign.settings.task == "qa"
    assert "has no spanfit.json" in foreign.notes[0]
    again = foreign.ask("Who leads?", CONTEXT)
    assert [c.span for c in again.n_best][:3] == [c.span for c in answers.n_best][:3]


@pytest.mark.parametrize("labels", [("O", "B-X"), ("LABEL_0", "LABEL_1"), ("end", "start")])
@pytest.mark.parametrize("name", ["BERT", "EuroBERT", "T5"])
def test_two_tags_are_no_start_and_end(name, labels, folders, tmp_path):
    config = ENCODERS[name].make_config()
    config.id2label = dict(enumerate(labels))
    folder = ENCODERS[name].save(tmp_path / "model")
    network = transformers.AutoModelForTokenClassification.from_pretrained(folder, config=config)
    network.save_pretrained(folder)
    model = spanfit.load(folder)
    assert model.settings.task == "tagging" and model.settings.tagging.tags == list(labels)
    with pytest.raises(ModelError, match="this model is for tagged texts"):
        model.ask("Who?", "Ada.")


def test_tags_that_are_called_start_and_end_stay_tags_where_questions_have_their_own_head(tmp_path):
    folder = ENCODERS["BERT"].save(tmp_path / "model")
    config = ENCODERS["BERT"].make_config()
    config.id2label = {0: "start", 1: "end"}
    transformers.BertForTokenClassification(config).save_pretrained(folder)
    assert spanfit.load(folder).settings.task == "tagging"


def test_a_head_for_two_tags_is_not_taken_for_one_of_questions(folders, tmp_path):
    """The weights fit; only their names tell."""
    config = ENCODERS["EuroBERT"].make_config()
    config.id2label = {0: "O", 1: "B-PER"}
    folder = ENCODERS["EuroBERT"].save(tmp_path / "model")
    transformers.EuroBertForTokenClassification(config).save_pretrained(folder)
    ModelSettings(windows=SHORT).save(folder)
    with pytest.raises(ModelError, match="trained to say something else of each token") as caught:
        spanfit.load(folder)
    assert caught.value.expected == "the outputs start and end"
    assert caught.value.found == "O, B-PER"
    assert load(folder).notes == ("its head begins with weights that were trained for O, B-PER",)


@pytest.mark.parametrize("name", ["EuroBERT", "GTE", "T5"])
def test_an_encoder_alone_asked_to_answer(name, folders):
    """It is taken for a question model, as any encoder is, and its head would be random."""
    folder = folders(name)
    with pytest.raises(ModelError, match="not trained for the task") as caught:
        spanfit.load(folder)
    expected = "a TokenClassification head with the outputs start and end: classifier.bias"
    assert expected in caught.value.expected
    assert caught.value.fix.startswith(f"spanfit init DATA --model {folder}")


@pytest.mark.parametrize("name", ["EuroBERT", "T5"])
def test_a_borrowed_head_with_another_number_of_outputs(name, folders, tmp_path):
    folder = publish(load(folders(name), "tagging"), "tagging", tmp_path / "model")
    ModelSettings(windows=SHORT).save(folder)
    with pytest.raises(ModelError, match="another number of outputs") as caught:
        spanfit.load(folder)
    assert caught.value.expected == "2 outputs for each token: start, end"
    assert "classifier.bias (3,), not (2,)" in caught.value.found
    (note,) = load(folder).notes
    assert note.startswith("its head has another shape and starts anew")


def test_a_tokenizer_of_another_model(folders, tmp_path):
    folder = ENCODERS["EuroBERT"].save(tmp_path / "model")
    network = transformers.AutoModel.from_pretrained(folder)
    network.resize_token_embeddings(100)
    network.save_pretrained(folder)
    with pytest.raises(ModelError, match="more pieces than the model has embeddings"):
        load(folder)


@pytest.mark.parametrize("source", ["EuroBERT/EuroBERT-210m", "google/mt5-small"])
def test_a_hub_id_without_a_network(source):
    for opened in (lambda: spanfit.load(source), lambda: load(source)):
        with pytest.raises(ModelError, match="the hub cannot be reached") as caught:
            opened()
        assert caught.value.where == source
        assert "hub id with a network" in caught.value.expected


def test_a_question_model_that_was_trained_with_its_decoder_is_opened_with_it(tmp_path, folders):
    """T5ForQuestionAnswering of somebody else: what it was trained as; to train on, the encoder."""
    folder = ENCODERS["T5"].save(tmp_path / "model")
    torch.manual_seed(1)
    transformers.T5ForQuestionAnswering(transformers.T5Config(**T5)).save_pretrained(folder)
    model = spanfit.load(folder)
    assert type(model.predictor.backend.network).__name__ == "T5ForQuestionAnswering"
    assert model.ask("Who leads?", CONTEXT).n_best
    pretrained = load(folder)
    assert type(pretrained.network).__name__ == "T5ForTokenClassification"
    assert pretrained.notes == ("newly initialised: classifier.bias, classifier.weight",)


def test_xlnet_with_a_beam_has_another_head(tmp_path):
    folder = ENCODERS["XLNet"].save(tmp_path / "model")
    transformers.XLNetForQuestionAnswering(ENCODERS["XLNet"].make_config()).save_pretrained(folder)
    with pytest.raises(ModelError, match="not trained for the task") as caught:
        spanfit.load(folder)
    assert caught.value.found == "XLNetForQuestionAnswering"
    assert "qa_outputs.weight" in caught.value.expected
    assert load(folder).notes == ("newly initialised: qa_outputs.bias, qa_outputs.weight",)


def test_an_architecture_without_a_head_of_the_task(tmp_path):
    save_tokenizer(tmp_path, "unigram", "roberta", names=["input_ids", "attention_mask"])
    small = {"d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "vocab_size": VOCABULARY}
    small |= {"encoder_ffn_dim": 16, "decoder_ffn_dim": 16, "max_position_embeddings": LIMIT}
    small |= {"encoder_attention_heads": 2, "decoder_attention_heads": 2}
    config = transformers.BartConfig(**small)
    transformers.AutoModel.from_config(config).save_pretrained(tmp_path)
    head = find_head(config, "qa")
    assert head is not None and head.runs_decoder, "BART has no other class for questions"
    load(tmp_path)
    with pytest.raises(ModelError, match="no head of this task for this architecture") as caught:
        load(tmp_path, "tagging")
    assert caught.value.found == "BartConfig (bart)"
    assert "AutoModelForTokenClassification" in caught.value.expected


def test_an_architecture_that_wants_more_than_text(tmp_path):
    save_tokenizer(tmp_path, "wordpiece", "bert", names=["input_ids", "attention_mask"])
    config = transformers.LxmertConfig(
        vocab_size=VOCABULARY,
        hidden_size=32,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=LIMIT + 1,
        l_layers=1,
        x_layers=1,
        r_layers=1,
        visual_feat_dim=8,
    )
    transformers.AutoModel.from_config(config).save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="cannot be computed from a text alone") as caught:
        load(tmp_path)
    assert "visual_feats" in caught.value.found


def test_where_padding_changes_the_logits_windows_of_one_length_go_together(tmp_path):
    """ConvBERT's convolution reads what a window is filled up with."""
    save_tokenizer(tmp_path, "wordpiece", "bert", names=["input_ids", "attention_mask"])
    torch.manual_seed(0)
    config = transformers.ConvBertConfig(**BERT, embedding_size=32, initializer_range=0.2)
    transformers.AutoModel.from_config(config).save_pretrained(tmp_path)
    model = spanfit.load(publish(load(tmp_path), "qa", tmp_path / "model"))
    backend = model.predictor.backend
    assert backend.sees_padding
    assert "since padding changes what is said" in backend.describe()
    texts = ["Ada leads the harbour office.", "Ada.", "Ada Reed leads.", "Ben leads.", "Bo."]
    asked = [QuestionExample(text, "Who leads?", text, ()) for text in texts]
    for example, prediction in zip(asked, model.predict(asked), strict=True):
        (alone,) = model.predict([example])
        assert prediction.null_odds == pytest.approx(alone.null_odds, abs=1e-5)
        assert [c.span for c in prediction.n_best] == [c.span for c in alone.n_best]
    padding = TorchBackend(backend.network, model.predictor.tokenizer)
    windows = windows_of(model.predictor.tokenizer, "qa")
    assert len(padding.split(windows.lengths, max_tokens=None)) < len(
        backend.split(windows.lengths, max_tokens=None)
    )


# Training, start to end


TRAINED = ("XLNet", "T5", "EuroBERT", "DeBERTa-v2", "LUKE", "Longformer", "BigBird")


@pytest.mark.parametrize("name", TRAINED)
@each_task
def test_a_training_of_a_few_steps(name, task, folders, tmp_path):
    make = {"qa": make_recipe_content, "tagging": make_tagging_content}[task]
    (tmp_path / "encoder").mkdir()
    content = make(tmp_path, n=24)
    content["model"] = {"name": str(folders(name))}
    content["run"] |= {"epochs": 1, "max_steps": 3}
    run = spanfit.train(make_recipe(content), out=tmp_path / "run", progress=QUIET)
    model = run.model()
    case = ENCODERS[name]
    expected = case.question_head if task == "qa" else case.tag_head
    assert type(model.predictor.backend.network).__name__ == expected
    card = (run.folder / "model" / "README.md").read_text()
    opened = re.search(r"`(AutoModelFor\w+)` of transformers opens this folder too", card)
    assert opened is not None
    reopened = getattr(transformers, opened[1]).from_pretrained(run.folder / "model")
    assert type(reopened).__name__ == expected
    is_borrowed = task == "qa" and case.question_head == case.tag_head
    assert ("whose outputs for each token are start and end" in card) == is_borrowed
    answered = {
        "qa": lambda: model.ask("Where does Ada live?", "Ada lives in Elm.").n_best,
        "tagging": lambda: model.tag("Ada lives in Elm.").tags,
    }
    assert answered[task]()


# The page


def documented_rows():
    """The cells of the first table of docs/encoders.md, by the encoder's name."""
    lines = DOCUMENTED.read_text(encoding="utf-8").split("\n\n")
    table = next(block for block in lines if block.startswith("| encoder "))
    header, _, *rows = (
        [cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()
    )
    return {row[0]: dict(zip(header, row, strict=True)) for row in rows}


def test_the_page_lists_what_is_tested_here():
    rows = documented_rows()
    assert list(rows) == list(ENCODERS)
    for name, case in ENCODERS.items():
        row, network = rows[name], getattr(transformers, case.tag_head)
        assert row["questions"] == f"`{case.question_head}`", name
        assert row["tags"] == f"`{case.tag_head}`", name
        kinds = ["eager"]
        kinds += ["sdpa"] * network._supports_sdpa + ["flash"] * network._supports_flash_attn
        assert row["attention"] == ", ".join(kinds), name
        is_left = case.arrangement[1] == "xlnet"
        assert row["padding"] == ("left" if is_left else "right"), name
        assert row["tested"] == "yes"


def test_the_page_says_how_long_windows_may_be(folders):
    rules = {"table": None, "table - 2": 1, "none": None}
    for name, row in documented_rows().items():
        case = ENCODERS[name]
        rule = row["limit"]
        assert (case.limit is None) == (rule == "none"), name
        assert position_padding(load(folders(name)).network) == rules[rule], name


def test_the_page_names_classes_that_transformers_has():
    text = DOCUMENTED.read_text(encoding="utf-8")
    named = set(re.findall(r"`(\w+For(?:QuestionAnswering|TokenClassification)\w*)`", text))
    assert named >= {case.question_head for case in ENCODERS.values()}
    for name in named:
        assert hasattr(transformers, name), name
