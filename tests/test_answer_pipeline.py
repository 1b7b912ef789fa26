"""spanfit.pipeline("question-answering"): transformers' forms and scores, without its defects.

The tokens' logits are set by hand, so every score can be checked with a pencil.
"""

from __future__ import annotations

import tracemalloc
from math import exp

import numpy as np
import pytest
from pipeline_models import make_asker, make_unigram, make_wordpiece
from toy_predictor import make_predictor

import spanfit
from spanfit.errors import ArgumentError, ModelError
from spanfit.model import Model
from spanfit.pipelines.words import divide_words
from spanfit.types import QuestionExample

WORDS = "Who lives in Paris ? Ada ##m Ben Eve London and . , far too near PARIS x y z ##s ##t"
QUESTION = "Who lives in Paris?"
CONTEXT = "Ada lives in Paris. Ben lives in London."


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    return make_wordpiece(tmp_path_factory.mktemp("wordpiece") / "it", WORDS)


def ask(tokenizer, logits_of, **settings):
    return spanfit.pipeline("question-answering", make_asker(tokenizer, logits_of, **settings))


@pytest.fixture
def pipeline(tokenizer):
    """Ada is the answer, Ben might be; of the question nothing may be."""
    return ask(tokenizer, {"Ada": (3, 2), "Ben": (1, 1), "Who": (9, 9), "[CLS]": (0, 1)})


def softmax_sum(values):
    return sum(exp(value) for value in values)


def test_a_score_is_the_softmax_of_its_start_times_that_of_its_end(pipeline):
    answer = pipeline(question=QUESTION, context=CONTEXT)
    others = 8 * [-5.0]  # the context has ten tokens, the null takes part too
    start = exp(3) / softmax_sum([3, 1, 0, *others])
    end = exp(2) / softmax_sum([2, 1, 1, *others])
    assert answer == {
        "score": pytest.approx(start * end, abs=1e-6),
        "start": 0,
        "end": 3,
        "answer": "Ada",
    }


def test_one_question_gives_a_dict_and_top_k_a_list(pipeline):
    one = pipeline(question=QUESTION, context=CONTEXT)
    best = pipeline(question=QUESTION, context=CONTEXT, top_k=2)
    assert isinstance(one, dict)
    assert best[0] == one
    assert [answer["answer"] for answer in best] == ["Ada", "Ada lives in Paris. Ben"]
    with pytest.warns(UserWarning, match="old name of top_k"):
        assert pipeline(question=QUESTION, context=CONTEXT, topk=2) == best


def test_top_k_above_1_gives_a_list_also_where_only_one_answer_is_possible(pipeline):
    assert [answer["answer"] for answer in pipeline("Who?", "Ada", top_k=3)] == ["Ada"]


def test_every_form_of_transformers_4_is_read(pipeline):
    one = pipeline(question=QUESTION, context=CONTEXT)
    asked = {"question": QUESTION, "context": CONTEXT}
    assert pipeline({"question": [QUESTION, QUESTION], "context": CONTEXT}) == pipeline(
        question=[QUESTION, QUESTION], context=CONTEXT
    )
    assert pipeline(asked) == pipeline([asked]) == pipeline(QUESTION, CONTEXT) == one
    assert pipeline(question=[QUESTION], context=[CONTEXT]) == one
    assert pipeline(question=[QUESTION] * 2, context=CONTEXT) == [one, one]
    assert pipeline(question=[QUESTION] * 2, context=[CONTEXT] * 2) == [one, one]
    assert pipeline([asked] * 3) == pipeline(asked, asked, asked) == [one] * 3
    assert pipeline([]) == pipeline(question=[], context=[]) == []
    stream = pipeline(asked for _ in range(2))
    assert next(stream) == one
    assert list(stream) == [one]


def test_objects_with_the_texts_of_a_squad_example_are_read(pipeline):
    class SquadExample:
        question_text, context_text = QUESTION, CONTEXT

    expected = pipeline(QUESTION, CONTEXT)
    assert pipeline(SquadExample()) == expected
    assert pipeline([SquadExample()] * 2) == [expected] * 2
    assert pipeline(QuestionExample("7", QUESTION, CONTEXT)) == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"question": "Who?", "context": ""}, "`context` cannot be empty"),
        ({"question": "", "context": "Ada"}, "`question` cannot be empty"),
        ({"question": "Who?", "context": None}, "`context` must be a text"),
        ({"question": "Who?", "context": ["Ada", "Ben"]}, "several contexts"),
        ({"question": ["Who?"], "context": ["Ada", "Ben"]}, "not equally many"),
        ({}, "nothing is asked"),
        ({"question": "Who?", "context": "Ada", "top_k": 0}, "top_k must be"),
        ({"question": "Who?", "context": "Ada", "max_answer_len": 0}, "max_answer_len must be"),
        ({"question": "Who?", "context": "Ada", "doc_stride": 400}, "doc_stride leaves no room"),
        ({"question": "Who?", "context": "Ada", "doc_stride": 381}, "doc_stride leaves no room"),
        ({"question": "Who?", "context": "Ada", "probability": "mine"}, "no probability 'mine'"),
    ],
)
def test_mistakes_are_value_errors_as_there_with_what_to_do(pipeline, arguments, message):
    with pytest.raises(ValueError, match=message) as caught:
        pipeline(**arguments)
    assert isinstance(caught.value, ArgumentError)


def test_inputs_that_are_no_questions_are_told_by_their_number(pipeline):
    with pytest.raises(ArgumentError, match="question 2 has no context"):
        pipeline([{"question": "Who?", "context": "Ada"}, {"question": "Who?"}])
    with pytest.raises(ArgumentError, match="a question without a context"):
        pipeline("Who?")


def test_an_unknown_argument_is_not_swallowed(pipeline):
    with pytest.raises(TypeError, match="max_anwser_len"):
        pipeline(question=QUESTION, context=CONTEXT, max_anwser_len=3)


def test_the_windows_are_compared_by_logits_and_not_by_softmaxes_of_their_own(tokenizer):
    """transformers 4 says Ben: in a window of nothing else Ben is sure; Ada competes with Eve."""
    logits = {"Ada": (6, 6), "Eve": (6, 5.9), "Ben": (3, 3), "[CLS]": (-9, -9)}
    context = "Ada Eve " + "x " * 12 + "Ben " + "x " * 4
    pipeline = ask(tokenizer, logits)
    found = pipeline(question="Who?", context=context, max_seq_len=16, doc_stride=2, top_k=30)
    assert found[0]["answer"] == "Ada"
    scores = {answer["answer"]: answer["score"] for answer in found}
    assert scores["Ada"] / scores["Ben"] == pytest.approx(exp(6))  # as their logit sums
    assert sum(answer["score"] for answer in found) <= 1
    first = exp(6) / softmax_sum([6, 6, -9, *[-5] * 8])  # 10 tokens a window: Ada, Eve, 8 x
    first *= exp(6) / softmax_sum([6, 5.9, -9, *[-5] * 8])
    assert scores["Ada"] == pytest.approx(first, rel=1e-2)  # Ben's window takes exp(6 - 12) of it


def test_the_null_of_a_window_without_the_answer_takes_nothing_from_it(tokenizer):
    """That the second window holds no answer says nothing about the first."""
    logits = {"Ada": (6, 6), "[CLS]": (5, 5)}
    pipeline = ask(tokenizer, logits)
    short = pipeline(question="Who?", context="Ada " + "x " * 9)
    long = pipeline(question="Who?", context="Ada " + "x " * 40, max_seq_len=16, doc_stride=2)
    assert long["answer"] == "Ada"
    assert long["score"] == pytest.approx(short["score"], abs=1e-4)


def test_the_same_words_elsewhere_are_another_answer_and_no_scores_are_added(tokenizer):
    pipeline = ask(tokenizer, {"Paris": (3, 3), "PARIS": (3, 3), "[CLS]": (0, 0)})
    found = pipeline(
        question="Where?", context="Paris x x x PARIS x x x Paris", top_k=3, max_answer_len=1
    )
    assert [(answer["start"], answer["end"]) for answer in found] == [(0, 5), (12, 17), (24, 29)]
    share = (exp(3) / softmax_sum([3, 3, 3, 0, *[-5] * 6])) ** 2
    assert [answer["score"] for answer in found] == [pytest.approx(share, abs=1e-6)] * 3


def test_spans_that_come_to_the_same_words_are_one_answer_with_the_best_score(tokenizer):
    """Ada ##m ##s and Ada ##m both become Adams; transformers 4 gives both, or adds them up."""
    logits = {"Ada": (3, 0), "##m": (0, 3), "##s": (0, 2.5), "[CLS]": (0, 0)}
    pipeline = ask(tokenizer, logits)
    found = pipeline(question="Who?", context="x Adams x", top_k=5)
    assert found[0]["answer"] == "Adams"
    assert found[0]["score"] == pytest.approx(
        exp(3) / softmax_sum([3, 0, 0, 0, -5, -5]) * exp(3) / softmax_sum([0, 3, 2.5, 0, -5, -5])
    )
    places = [(answer["start"], answer["end"]) for answer in found]
    assert len({*places}) == len(places)
    tokens = pipeline(question="Who?", context="x Adams x", top_k=2, align_to_words=False)
    assert [answer["answer"] for answer in tokens] == ["Adam", "Adams"]


def test_the_k_best_are_those_of_all_spans_however_many_come_to_the_same_words(tokenizer):
    """By brute force: every span, extended, the best score of each place."""
    rng = np.random.default_rng(5)
    names = ["x", "y", "z", "Ada", "##m", "##s", "##t", "[CLS]"]
    logits = {name: tuple(rng.normal(0, 3, 2).astype(np.float32).tolist()) for name in names}
    context = "Adamst x Adasmmm y z Admts Adamsmstmst Ada xst"
    model = make_asker(tokenizer, logits)
    texts = tokenizer.encode([context])
    starts, ends = divide_words(tokenizer, context)
    tokens = [tokenizer.backend.id_to_token(number) for number in texts.ids]
    best = {}
    for i, first in enumerate(tokens):
        for j in range(i, min(i + 15, len(tokens))):
            place = (
                max(start for start in starts if start <= texts.starts[i]),
                min(end for end in ends if end >= texts.ends[j]),
            )
            score = np.float32(logits.get(first, (-5, -5))[0])
            score += np.float32(logits.get(tokens[j], (-5, -5))[1])
            best[place] = max(best.get(place, -np.inf), score)
    for k in (1, 2, 7, 20):
        found = spanfit.pipeline("question-answering", model)("Who?", context, top_k=k)
        found = [found] if k == 1 else found
        expected = sorted(best, key=lambda place: (-best[place], place))[:k]
        assert [(answer["start"], answer["end"]) for answer in found] == expected


def test_question_tokens_are_never_answers_where_padding_is_on_the_left(tmp_path):
    """XLNet's arrangement: context, question, [CLS]; the rows of a batch are of unlike lengths."""
    tokenizer = make_wordpiece(tmp_path / "it", WORDS, like="xlnet")
    logits = {"Who": (9, 9), "?": (8, 8), "Ada": (3, 3), "Ben": (2, 2), "[CLS]": (1, 1)}
    pipeline = ask(tokenizer, logits)
    asked = [
        {"question": "Who?", "context": "Ada"},
        {"question": "Who lives in Paris?", "context": "x " * 30 + "Ben " + "x " * 9},
        {"question": "Who? Who?", "context": "x Ada x y Ben"},
    ]
    answers = pipeline(asked, batch_size=8)
    assert [answer["answer"] for answer in answers] == ["Ada", "Ben", "Ada"]
    assert pipeline.model.predictor.backend.seen[0][0] > 1  # they did share a batch
    alone = [pipeline(one) for one in asked]
    assert [answer["score"] for answer in alone] == pytest.approx([a["score"] for a in answers])


def test_the_null_is_where_the_tokenizer_puts_it(tmp_path):
    tokenizer = make_wordpiece(tmp_path / "it", WORDS, like="xlnet")
    pipeline = ask(tokenizer, {"x": (1, 1), "[CLS]": (4, 4)})
    found = pipeline("Who?", "x y", handle_impossible_answer=True)
    assert (found["answer"], found["start"], found["end"]) == ("", 0, 0)


def test_without_cls_the_first_special_token_says_no_answer(tmp_path):
    tokenizer = make_wordpiece(tmp_path / "it", WORDS, like="t5")
    pipeline = ask(tokenizer, {"Ada": (2, 2), "[SEP]": (3, 3), "Who": (9, 9)})
    found = pipeline("Who?", "Ada", handle_impossible_answer=True, top_k=2)
    share = (exp(3) / softmax_sum([2, 3])) ** 2
    assert [(a["answer"], a["score"]) for a in found] == [
        ("", pytest.approx(share)),
        ("Ada", pytest.approx((1 - share**0.5) ** 2)),
    ]


def test_a_literal_cls_in_the_question_is_no_answer(tokenizer):
    pipeline = ask(tokenizer, {"[CLS]": (6, 6), "Ada": (1, 1)})
    assert pipeline("Who [CLS] lives?", "Ada lives in Paris")["answer"] == "Ada"


def test_a_question_is_read_up_to_its_limit_and_a_warning_says_so(pipeline):
    long = "x " * 500 + "?"
    with pytest.warns(
        UserWarning, match=r"longer than 64 tokens .*: 1 of the questions, by number 1"
    ):
        answer = pipeline(question=long, context=CONTEXT * 60)
    assert answer["answer"] == "Ada"
    assert max(width for _, width in pipeline.model.predictor.backend.seen) <= 384
    with pytest.warns(UserWarning, match="longer than 3 tokens"):
        assert pipeline(question="Who lives in Paris?", context=CONTEXT, max_question_len=3)
    with pytest.warns(UserWarning, match="than the window allows"):  # 600 tokens into 384
        assert pipeline(question=long, context=CONTEXT * 60, max_question_len=600)


def test_a_context_of_white_space_has_no_answer(pipeline):
    nothing = {"start": 0, "end": 0, "answer": ""}
    assert pipeline("Who?", " \n ") == {"score": 0.0, **nothing}
    assert pipeline("Who?", " \n ", top_k=2) == [{"score": 0.0, **nothing}]
    assert pipeline("Who?", " \n ", handle_impossible_answer=True) == {"score": 1.0, **nothing}


def test_an_impossible_answer_competes_by_its_score(tokenizer):
    pipeline = ask(tokenizer, {"Ada": (2, 2), "[CLS]": (3, 3)})
    found = pipeline("Who?", "Ada x", handle_impossible_answer=True, top_k=2)
    total = softmax_sum([2, 3, -5]) ** 2
    assert found == [
        {"score": pytest.approx(exp(6) / total), "start": 0, "end": 0, "answer": ""},
        {"score": pytest.approx(exp(4) / total), "start": 0, "end": 3, "answer": "Ada"},
    ]
    assert pipeline("Who?", "Ada x")["answer"] == "Ada"


def test_of_several_windows_the_least_null_decides(tokenizer):
    """The first window of two holds the answer; a strong null in both would say "no answer"."""
    pipeline = ask(tokenizer, {"Ada": (5, 5), "[CLS]": (4, 4)})
    found = pipeline(
        "Who?",
        "Ada " + "x " * 40,
        handle_impossible_answer=True,
        max_seq_len=16,
        doc_stride=2,
        top_k=2,
    )
    assert [answer["answer"] for answer in found] == ["Ada", ""]
    assert found[0]["score"] / found[1]["score"] == pytest.approx(exp(2))


JAPANESE = "猫は窓辺で静かに眠っているが、犬は庭で吠える。"


def test_japanese_answers_are_not_extended_to_the_whole_sentence(tmp_path):
    """Unigram's words end at white space: transformers 4 gives the whole context."""
    pieces = "▁ 猫 は 窓辺 で 静か に 眠って いる が 、 犬 庭 吠える 。 誰 ▁誰"
    tokenizer = make_unigram(tmp_path / "it", pieces)
    pipeline = ask(tokenizer, {"窓辺": (4, 4), "[CLS]": (0, 0)})
    answer = pipeline(question="誰", context=JAPANESE)
    assert (answer["answer"], answer["start"], answer["end"]) == ("窓辺", 2, 4)


def test_unigram_answers_do_not_take_the_comma(tmp_path):
    tokenizer = make_unigram(tmp_path / "it", "▁ ▁Par is , ▁Ada ▁left . ▁Who ▁")
    pipeline = ask(tokenizer, {"▁Par": (4, 4), "[CLS]": (0, 0)})
    assert pipeline("Who", "Ada left Paris, Ada left.")["answer"] == "Paris"


def test_words_end_where_a_script_without_spaces_begins(tokenizer):
    def words(text):
        starts, ends = divide_words(tokenizer, text)
        return [text[start:end] for start, end in zip(starts, ends, strict=True)]

    assert words("Adams left, 2 km") == ["Adams", "left", ",", "2", "km"]
    assert words("iPS細胞のノーベル賞") == ["iPS", *"細胞のノーベル賞"]
    assert words("ไทยABC") == [*"ไทย", "ABC"]
    assert words("서울에서 왔다") == ["서울에서", "왔다"]  # Hangul is written with spaces
    assert words(" \n") == []


def test_the_own_probability_is_that_of_ask(tokenizer):
    logits = {"Ada": (3, 2), "Ben": (1, 1), "[CLS]": (2, 2)}
    calibration = {"torch": {"threshold": -1.5, "temperature": 2.0, "null_slope": 0.7}}
    model = make_asker(tokenizer, logits, calibration=calibration, decode={"max_answer_tokens": 15})
    prediction = model.ask(QUESTION, CONTEXT)
    pipeline = spanfit.pipeline("question-answering", model, probability="spanfit")
    found = pipeline(QUESTION, CONTEXT, top_k=3)
    assert [(a["score"], a["start"]) for a in found] == [
        (pytest.approx(candidate.probability), candidate.start)
        for candidate in prediction.n_best[:3]
    ]
    found = pipeline(QUESTION, CONTEXT, handle_impossible_answer=True)
    assert prediction.answer is None  # the threshold decides: null odds of -1
    assert found["answer"] == ""
    assert found["score"] == pytest.approx(prediction.null_probability)


def test_no_table_of_all_pairs_is_made(tokenizer):
    """8,000 tokens: transformers 4 makes several tables of 64 million numbers."""
    pipeline = ask(tokenizer, {"Ada": (3, 3)})
    context = "x " * 7000 + "Ada " + "y " * 1000
    tracemalloc.start()
    try:
        answer = pipeline("Who?", context, max_seq_len=8192, doc_stride=128)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert answer["answer"] == "Ada"
    assert peak < 64e6


def test_defaults_given_to_the_pipeline_yield_to_those_of_a_call(tokenizer):
    model = make_asker(tokenizer, {"Ada": (3, 2), "Ben": (1, 1)})
    pipeline = spanfit.pipeline("question-answering", model=model, top_k=2, max_answer_len=1)
    assert [a["answer"] for a in pipeline(QUESTION, CONTEXT)] == ["Ada", "Ben"]
    assert pipeline(QUESTION, CONTEXT, top_k=1)["answer"] == "Ada"
    assert len(pipeline(QUESTION, CONTEXT, top_k=30)) == 10  # no more than there are


def test_the_windows_are_those_that_the_arguments_name(tokenizer):
    model = make_asker(tokenizer, {"Ada": (3, 3)})
    pipeline = spanfit.pipeline("question-answering", model=model)
    options = pipeline.options(pipeline.defaults)
    assert (options.max_seq_len, options.doc_stride) == (384, 128)
    assert (options.max_answer_len, options.max_question_len) == (15, 64)
    short = Model(model.predictor, max_length=100)
    options = spanfit.pipeline(model=short).options(pipeline.defaults)
    assert (options.max_seq_len, options.doc_stride) == (100, 50)
    with pytest.raises(ArgumentError, match="longer than the encoder's positions"):
        spanfit.pipeline(model=short, max_seq_len=101)


def test_answers_are_verbatim_in_texts_of_many_windows():
    """Logits are sines here, so answers lie anywhere."""
    pipeline = spanfit.pipeline(model=Model(make_predictor()), max_seq_len=64, doc_stride=16)
    contexts = [f"{'The  lamp was lit, in Łódź. ' * n}Ada left." for n in range(1, 40, 3)]
    answers = pipeline(question=["Who left?"] * len(contexts), context=contexts, top_k=5)
    for context, found in zip(contexts, answers, strict=True):
        assert len(found) == 5
        assert all(context[a["start"] : a["end"]] == a["answer"] for a in found)
        assert sum(a["score"] for a in found) <= 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"task": "fill-mask"}, "there is no pipeline 'fill-mask'"),
        ({"task": "question-answering", "model": None}, "no model is named"),
        ({"token": True}, "token is not taken here"),
        ({"framework": "tf"}, "framework is not taken here"),
        ({"torch_dtype": "float16"}, "torch_dtype is not taken here"),
        ({"device_map": "auto"}, "device_map is not taken here"),
        ({"device": "cpu"}, "has its tokenizer, its device"),
        ({"aggregation_strategy": "simple"}, "not an argument of question-answering"),
        ({"model": 7}, "this is no model"),
    ],
)
def test_what_cannot_be_done_is_said_when_the_pipeline_is_made(tokenizer, arguments, message):
    arguments = {"model": make_asker(tokenizer, {})} | arguments
    with pytest.raises(ArgumentError, match=message):
        spanfit.pipeline(**arguments)


def test_a_model_for_the_other_task_is_refused(tokenizer):
    with pytest.raises(ModelError, match="this model is for questions"):
        spanfit.pipeline("ner", model=make_asker(tokenizer, {}))


def test_what_changes_nothing_is_accepted(tokenizer):
    pipeline = spanfit.pipeline(
        "question-answering",
        model=make_asker(tokenizer, {"Ada": (3, 3)}),
        framework="pt",
        use_fast=True,
        num_workers=2,
        dtype="auto",
        torch_dtype="float32",
    )
    assert pipeline(QUESTION, CONTEXT, padding="longest", num_workers=1)["answer"] == "Ada"
