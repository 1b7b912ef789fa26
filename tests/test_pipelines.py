"""spanfit.pipeline on networks: loading, and against transformers' own token classification."""

from __future__ import annotations

import pytest
import torch
import transformers
from tiny_models import make_encoder
from toy_tokenizers import prose

import spanfit
from spanfit.backends.pretrained import quiet_transformers
from spanfit.errors import ArgumentError, RecipeError
from spanfit.settings import ModelSettings

pytestmark = pytest.mark.training

TAGS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
CONTEXT = "Ada lit the lamp in 1864. Ben came from Crane by sea, and left in June."


def save_head(folder, head, **options):
    """A random head on the encoder in `folder`, large enough to be sure of something."""
    torch.manual_seed(3)
    with quiet_transformers():
        network = getattr(transformers, head).from_pretrained(folder, **options)
    for parameter in next(reversed([*network.children()])).parameters():
        torch.nn.init.normal_(parameter, std=1.0)
    network.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def asker(tmp_path_factory):
    folder = make_encoder(tmp_path_factory.mktemp("asker") / "model")
    save_head(folder, "AutoModelForQuestionAnswering")
    settings = ModelSettings.model_validate({"windows": {"max_length": 64, "overlap": 16}})
    settings.save(folder)
    return folder


@pytest.fixture(scope="module")
def tagger(tmp_path_factory):
    folder = make_encoder(tmp_path_factory.mktemp("tagger") / "model")
    names = dict(enumerate(TAGS))
    options = {"id2label": names, "label2id": {name: n for n, name in names.items()}}
    return save_head(folder, "AutoModelForTokenClassification", **options)


@pytest.mark.parametrize("strategy", ["none", "simple", "first", "average", "max"])
def test_token_classification_is_transformers_where_no_defect_is_between(tagger, strategy):
    """IOB2, WordPiece, texts of one window: the same groups, scores to 1e-4."""
    with quiet_transformers():
        old = transformers.pipeline(
            "token-classification", str(tagger), aggregation_strategy=strategy, device=-1
        )
    new = spanfit.pipeline("token-classification", tagger, aggregation_strategy=strategy)
    text = " ".join(text for text in prose() if text.isascii())
    texts = [text[start : start + 150] for start in range(0, 3000, 150)]
    n_found = 0
    for text, found in zip(texts, new(texts), strict=True):
        expected = old(text)
        n_found += len(expected)
        for key in ("entity", "entity_group", "index", "start", "end"):
            assert [e.get(key) for e in found] == [e.get(key) for e in expected], text
        assert [e["score"] for e in found] == pytest.approx(
            [e["score"] for e in expected], abs=1e-4
        )
        if strategy == "none":
            assert [e["word"] for e in found] == [e["word"] for e in expected]
        else:
            assert all(text[e["start"] : e["end"]] == e["word"] for e in found)
    assert n_found > 50


def test_a_folder_and_a_network_with_its_tokenizer_answer_alike(asker):
    by_name = spanfit.pipeline("question-answering", model=str(asker), device=-1)
    answer = by_name(question="Who lit the lamp?", context=CONTEXT)
    network = transformers.AutoModelForQuestionAnswering.from_pretrained(asker)
    tokenizer = transformers.AutoTokenizer.from_pretrained(asker)
    for pipeline in (
        spanfit.pipeline("question-answering", model=network, tokenizer=tokenizer, device="cpu"),
        spanfit.pipeline("question-answering", model=network, tokenizer=str(asker), device=-1),
        spanfit.pipeline("question-answering", model=asker, tokenizer=tokenizer, device=-1),
        spanfit.pipeline("question-answering", model=asker, tokenizer=str(asker), device=-1),
        spanfit.pipeline("question-answering", model=spanfit.load(asker)),
        spanfit.pipeline(model=asker, device=-1),
    ):
        again = pipeline(question="Who lit the lamp?", context=CONTEXT)
        assert again == answer | {"score": pytest.approx(answer["score"], abs=1e-6)}
    with pytest.raises(ArgumentError, match="comes with its tokenizer"):
        spanfit.pipeline("question-answering", model=network)
    with pytest.raises(ArgumentError, match="what a network is for has to be said"):
        spanfit.pipeline(model=network, tokenizer=tokenizer)


def test_a_network_that_tags_is_read_by_its_labels(tagger):
    network = transformers.AutoModelForTokenClassification.from_pretrained(tagger)
    tokenizer = transformers.AutoTokenizer.from_pretrained(tagger)
    by_object = spanfit.pipeline("ner", model=network, tokenizer=tokenizer, device=-1)
    by_name = spanfit.pipeline("ner", model=tagger, device=-1)
    found, expected = by_object(CONTEXT), by_name(CONTEXT)
    assert [e["entity"] for e in found] == [e["entity"] for e in expected]
    assert by_object.model.settings.tagging.scheme == "IOB2"


def test_windows_are_as_long_as_the_positions_and_long_texts_are_whole(tagger):
    pipeline = spanfit.pipeline("ner", model=tagger, device=-1, ignore_labels=[])
    text = " ".join(prose()[:40])
    found = pipeline(text)
    n_tokens = int(pipeline.model.predictor.tokenizer.encode([text]).splits[-1])
    assert n_tokens > 128  # the positions of the encoder
    assert len(found) == n_tokens
    assert [e["index"] for e in found] == list(range(1, n_tokens + 1))


def test_the_defaults_fit_a_model_with_few_positions(asker):
    pipeline = spanfit.pipeline("question-answering", model=asker, device=-1)
    options = pipeline.options(pipeline.defaults)
    assert options.max_seq_len == 128
    assert pipeline("Who?", CONTEXT * 30)["answer"]


def test_a_device_that_is_not_here_is_told(asker):
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(RecipeError, match="cuda"):
        spanfit.pipeline("question-answering", model=asker, device=1)
