"""spanfit.pipeline("token-classification"): every strategy, in every scheme, nothing cut off.

What each token says is set by hand (logit 4 for its tag, 0 for others), so figures can be checked
with a pencil.
"""

from __future__ import annotations

from math import exp

import pytest
from pipeline_models import make_tagger, make_unigram, make_wordpiece
from toy_tokenizers import load

import spanfit
from spanfit.errors import ArgumentError, ModelError
from spanfit.pipelines.arguments import STRATEGIES

WORDS = "Ada Brook ##lyn ##s lives in New York . , It rains often my credit card is red a b c x"
IOB = "O B-PER I-PER B-LOC I-LOC"
WORD_STRATEGIES = ("first", "average", "max")
GROUPING = ("simple", *WORD_STRATEGIES)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    return make_wordpiece(tmp_path_factory.mktemp("wordpiece") / "it", WORDS)


def tag(tokenizer, tags, said, *, strategy=None, **settings):
    model = make_tagger(tokenizer, tags, said, **settings)
    return spanfit.pipeline("ner", model, aggregation_strategy=strategy)


def brief(entities):
    return [(e["entity_group"], e["word"], e["start"], e["end"]) for e in entities]


SURE = exp(4) / (exp(4) + 4)  # of five tags


@pytest.mark.parametrize("strategy", ["none", *GROUPING])
def test_texts_without_a_word_have_no_entity(tokenizer, strategy):
    pipeline = tag(tokenizer, IOB, {"Brook": "B-LOC"}, strategy=strategy)
    assert pipeline("") == []
    assert pipeline(["", " \n"]) == [[], []]
    assert [len(found) for found in pipeline(["", "Brook", ""])] == [0, 1, 0]


def test_none_reports_each_token_with_its_place_in_the_input(tokenizer):
    pipeline = tag(tokenizer, IOB, {"Brook": "B-LOC", "##lyn": "I-LOC"})
    assert pipeline("Ada lives in Brooklyn.") == [
        {
            "entity": "B-LOC",
            "score": pytest.approx(SURE),
            "index": 4,  # [CLS] is 0
            "word": "Brook",
            "start": 13,
            "end": 18,
        },
        {
            "entity": "I-LOC",
            "score": pytest.approx(SURE),
            "index": 5,
            "word": "##lyn",
            "start": 18,
            "end": 21,
        },
    ]


@pytest.mark.parametrize("strategy", GROUPING)
def test_groups_have_the_label_the_mean_score_and_the_characters(tokenizer, strategy):
    said = {"New": "B-LOC", "York": "I-LOC=2", "Ada": "B-PER"}
    pipeline = tag(tokenizer, IOB, said)
    york = exp(2) / (exp(2) + 4)
    assert pipeline("Ada lives in New York.", aggregation_strategy=strategy) == [
        {
            "entity_group": "PER",
            "score": pytest.approx(SURE),
            "word": "Ada",
            "start": 0,
            "end": 3,
        },
        {
            "entity_group": "LOC",
            "score": pytest.approx((SURE + york) / 2),
            "word": "New York",
            "start": 13,
            "end": 21,
        },
    ]


def test_the_strategies_differ_where_the_tokens_of_a_word_do(tokenizer):
    """Brook says PER with 1, ##lyn LOC with 3, ##s O with 2; the other four tags 0 each."""
    said = {"Brook": "B-PER=1", "##lyn": "B-LOC=3", "##s": "O=2"}
    pipeline = tag(tokenizer, IOB, said)

    def found(strategy):
        return [
            (e["entity_group"], e["word"], pytest.approx(e["score"]))
            for e in pipeline("Brooklyns", aggregation_strategy=strategy)
        ]

    per, loc, out = (exp(n) / (exp(n) + 4) for n in (1, 3, 2))
    other = 1 / (exp(1) + 4), 1 / (exp(2) + 4)
    assert found("simple") == [("PER", "Brook", per), ("LOC", "lyn", loc)]
    assert found("first") == [("PER", "Brooklyns", per)]
    assert found("max") == [("LOC", "Brooklyns", loc)]
    mean = (loc + sum(other)) / 3
    assert mean > (out + other[0] + 1 / (exp(3) + 4)) / 3
    assert found("average") == [("LOC", "Brooklyns", mean)]


def test_a_plain_label_keeps_its_hyphen(tokenizer):
    """transformers takes "credit-" for a prefix and reports "card"."""
    pipeline = tag(tokenizer, "O credit-card colour", {"card": "credit-card"}, scheme="plain")
    for strategy in GROUPING:
        assert brief(pipeline("my card is red", aggregation_strategy=strategy)) == [
            ("credit-card", "card", 3, 7)
        ]


@pytest.mark.parametrize("strategy", GROUPING)
def test_neighbouring_words_of_one_part_of_speech_stay_two(tokenizer, strategy):
    said = {"New": "NOUN", "York": "NOUN", "Brook": "NOUN", "##lyn": "NOUN", "is": "VERB"}
    pipeline = tag(tokenizer, "NOUN VERB", said, scheme="plain")
    assert brief(pipeline("New York Brooklyn is", aggregation_strategy=strategy)) == [
        ("NOUN", "New", 0, 3),
        ("NOUN", "York", 4, 8),
        ("NOUN", "Brooklyn", 9, 17),
        ("VERB", "is", 18, 20),
    ]


@pytest.mark.parametrize("strategy", GROUPING)
@pytest.mark.parametrize(
    ("scheme", "letters"), [("BILOU", "BILU"), ("BIOES", "BIES"), ("BMES", "BMES")]
)
def test_schemes_that_mark_ends_are_read_as_such(tokenizer, scheme, letters, strategy):
    """transformers gives New, York, Ada, Brooklyn one by one, with the label "L-LOC" cut to LOC."""
    begin, middle, last, single = letters
    tags = " ".join(["O", *(f"{letter}-{label}" for label in ("LOC", "PER") for letter in letters)])
    said = {
        "New": f"{begin}-LOC",
        "York": f"{middle}-LOC",
        "Brook": f"{last}-LOC",
        "##lyn": f"{last}-LOC",
        "Ada": f"{single}-PER",
        "It": f"{single}-PER",
    }
    pipeline = tag(tokenizer, tags, said, scheme=scheme)
    found = pipeline("Ada It New York Brooklyn lives", aggregation_strategy=strategy)
    assert brief(found) == [
        ("PER", "Ada", 0, 3),
        ("PER", "It", 4, 6),
        ("LOC", "New York Brooklyn", 7, 24),
    ]


def test_the_pieces_of_a_single_word_are_one_entity(tokenizer):
    """Behind the first piece SpanFit learns E for S, and I for B."""
    tags = "O B-LOC I-LOC E-LOC S-LOC"
    said = {"Brook": "S-LOC", "##lyn": "E-LOC", "##s": "E-LOC"}
    pipeline = tag(tokenizer, tags, said, scheme="BIOES", strategy="simple")
    assert brief(pipeline("Brooklyns Brooklyn")) == [
        ("LOC", "Brooklyns", 0, 9),
        ("LOC", "Brooklyn", 10, 18),
    ]


@pytest.mark.parametrize("strategy", GROUPING)
def test_iob1_parts_neighbours_only_where_b_says_so(tokenizer, strategy):
    said = {"New": "I-LOC", "York": "I-LOC", "Brook": "B-LOC", "##lyn": "I-LOC", "Ada": "I-PER"}
    pipeline = tag(tokenizer, "O B-LOC I-LOC I-PER", said, scheme="IOB1")  # ties: the first
    found = pipeline("Ada New York Brooklyn", aggregation_strategy=strategy)
    assert brief(found) == [
        ("PER", "Ada", 0, 3),
        ("LOC", "New York", 4, 12),
        ("LOC", "Brooklyn", 13, 21),
    ]


@pytest.mark.parametrize("strategy", WORD_STRATEGIES)
def test_unigram_words_do_not_take_the_comma(tmp_path, strategy):
    """transformers says "Paris," by `first`, and nothing at all by `average`."""
    tokenizer = make_unigram(tmp_path / "it", "▁ ▁Par is , ▁Ada ▁left .")
    said = {"▁Par": "B-LOC", "is": "I-LOC", "▁Ada": "B-PER"}
    pipeline = tag(tokenizer, IOB, said, strategy=strategy)
    assert brief(pipeline("Ada left Paris, Ada left.")) == [
        ("PER", "Ada", 0, 3),
        ("LOC", "Paris", 9, 14),
        ("PER", "Ada", 16, 19),
    ]


JAPANESE = "山田花子は東京都で生まれた。"
PIECES = "▁ 山田 花子 は 東京 都 で 生まれた 。 ▁山田"


@pytest.mark.parametrize("units", ["words", "characters"])
@pytest.mark.parametrize("strategy", GROUPING)
def test_japanese_entities_are_not_the_whole_sentence(tmp_path, strategy, units):
    """To transformers the sentence is one word, since it holds no space."""
    tokenizer = make_unigram(tmp_path / "it", PIECES)
    said = {"▁山田": "B-PER", "山田": "B-PER", "花子": "I-PER", "東京": "B-LOC", "都": "I-LOC"}
    pipeline = tag(tokenizer, IOB, said, units=units, joiner="", strategy=strategy)
    assert brief(pipeline(JAPANESE)) == [("PER", "山田花子", 0, 4), ("LOC", "東京都", 5, 8)]


@pytest.mark.parametrize("stride", [None, 0, 3, 10])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_long_texts_are_tagged_whole_whatever_the_stride(tokenizer, strategy, stride):
    """800 words and windows of 24 tokens; transformers reads the first window only."""
    said = {"New": "B-LOC", "York": "I-LOC", "Brook": "B-LOC", "##lyn": "I-LOC"}
    model = make_tagger(tokenizer, IOB, said)
    model.max_length = 24
    pipeline = spanfit.pipeline("ner", model, aggregation_strategy=strategy, stride=stride)
    text = "It rains often in New York. Ada lives in Brooklyn. " * 60
    found = pipeline(text)
    assert all(width <= 24 for _, width in model.predictor.backend.seen)
    if strategy == "none":
        assert len(found) == 60 * 4
        assert [e["index"] for e in found[:4]] == [5, 6, 11, 12]
        assert found[-1]["index"] == 59 * 13 + 12
    else:
        assert len(found) == 120
        assert {e["word"] for e in found} == {"New York", "Brooklyn"}
    if strategy != "average":  # Brooklyn is half B and half I there
        assert all(e["score"] == pytest.approx(SURE) for e in found)


def test_a_word_longer_than_a_window_keeps_all_its_tokens(tokenizer):
    model = make_tagger(tokenizer, IOB, {"##s": "I-LOC", "Brook": "B-LOC"})
    model.max_length = 10
    pipeline = spanfit.pipeline("ner", model)
    assert len(pipeline("Brook" + "s" * 30)) == 31
    (whole,) = pipeline("Brook" + "s" * 30, aggregation_strategy="simple")
    assert (whole["start"], whole["end"]) == (0, 35)


def test_given_words_are_the_units(tokenizer):
    pipeline = tag(tokenizer, IOB, {"New": "B-LOC", "York": "I-LOC", ".": "I-LOC"})
    words = ["It", "rains", "in", "New", "York."]
    (found,) = pipeline(words, is_split_into_words=True, aggregation_strategy="first")
    assert brief(found) == [("LOC", "New York.", 12, 21)]
    both = pipeline([words, words], is_split_into_words=True, aggregation_strategy="first")
    assert both == [found, found]
    (joined,) = pipeline(
        ["New", ",", "York"], is_split_into_words=True, delimiter="", aggregation_strategy="first"
    )
    assert brief(joined) == [("LOC", "New", 0, 3), ("LOC", "York", 4, 8)]


def test_one_text_gives_a_list_and_several_a_list_of_lists(tokenizer):
    pipeline = tag(tokenizer, IOB, {"Ada": "B-PER"}, strategy="simple")
    one = pipeline("Ada lives")
    assert brief(one) == [("PER", "Ada", 0, 3)]
    assert pipeline(["Ada lives"]) == [one]
    assert pipeline(("Ada lives", "It rains", "")) == [one, [], []]
    stream = pipeline(text for text in ("Ada lives", "It rains"))
    assert next(stream) == one
    assert list(stream) == [[]]


def test_labels_that_are_ignored_are_not_reported(tokenizer):
    said = {"Ada": "B-PER", "New": "B-LOC"}
    pipeline = tag(tokenizer, IOB, said, strategy="simple")
    text = "Ada lives in New"
    assert brief(pipeline(text, ignore_labels=["O", "PER"])) == [("LOC", "New", 13, 16)]
    assert brief(pipeline(text, ignore_labels=[])) == [
        ("PER", "Ada", 0, 3),
        ("O", "lives in", 4, 12),
        ("LOC", "New", 13, 16),
    ]
    alone = pipeline(text, aggregation_strategy="none", ignore_labels=["O", "B-LOC"])
    assert [e["entity"] for e in alone] == ["B-PER"]


def test_the_space_before_a_byte_level_word_is_not_its_own():
    """The text is read with a space before it, so its first word is the same token as the third."""
    tokenizer = load("bytelevel")
    pipeline = tag(tokenizer, "O B-PER", {})
    found = pipeline("The lamp, the lamp", ignore_labels=[])
    assert "".join("The lamp, the lamp"[e["start"] : e["end"]] for e in found) == "Thelamp,thelamp"
    assert found[0]["word"].startswith("Ġ")


def test_an_unknown_token_is_shown_as_the_text_has_it(tokenizer):
    pipeline = tag(tokenizer, IOB, {"[UNK]": "B-PER"})
    assert [e["word"] for e in pipeline("Zoë lives")] == ["Zoë"]


def test_outputs_that_are_no_tags_are_never_chosen(tokenizer):
    """Some models have an output for the pieces behind the first ("X")."""
    pipeline = tag(tokenizer, "O B-PER I-PER X", {"Ada": "X=9 B-PER=2"})
    assert [e["entity"] for e in pipeline("Ada lives")] == ["B-PER"]


def test_old_names_of_strategies_are_translated(tokenizer):
    pipeline = tag(tokenizer, IOB, {"Ada": "B-PER"})
    with pytest.warns(UserWarning, match="aggregation_strategy='simple'"):
        found = pipeline("Ada lives", grouped_entities=True)
    assert brief(found) == [("PER", "Ada", 0, 3)]
    with pytest.warns(UserWarning, match="aggregation_strategy='first'"):
        pipeline("Ada lives", grouped_entities=True, ignore_subwords=True)
    with pytest.warns(UserWarning, match="aggregation_strategy='none'"):
        assert "entity" in pipeline("Ada lives", grouped_entities=False)[0]


@pytest.mark.parametrize(
    ("inputs", "arguments", "message"),
    [
        ([], {}, "there is no text to tag"),
        ([7], {}, "text 1 is none"),
        (7, {}, "this is no text"),
        ("Ada", {"is_split_into_words": True}, "no list of words"),
        ([["Ada", ""]], {"is_split_into_words": True}, "no list of words"),
        ("Ada", {"aggregation_strategy": "firts"}, "did you mean 'first'"),
        ("Ada", {"stride": -1}, "stride must be"),
        ("Ada", {"stride": 9_998}, "stride leaves no room"),
    ],
)
def test_mistakes_are_value_errors(tokenizer, inputs, arguments, message):
    pipeline = tag(tokenizer, IOB, {})
    with pytest.raises(ValueError, match=message) as caught:
        pipeline(inputs, **arguments)
    assert isinstance(caught.value, ArgumentError)


def test_a_model_for_the_other_task_is_refused(tokenizer):
    with pytest.raises(ModelError, match="this model is for tagged texts"):
        spanfit.pipeline("question-answering", make_tagger(tokenizer, IOB, {}))
    with pytest.raises(ArgumentError, match="top_k: not an argument of token-classification"):
        spanfit.pipeline("ner", make_tagger(tokenizer, IOB, {}), top_k=2)
