"""The metrics of languages: by pencil, against slow rules, and the official figures."""

from __future__ import annotations

import json
import re
import string
import unicodedata
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanfit.errors import DataError, RecipeError
from spanfit.metrics import METRICS, answer_scores, compare, find_question_metric, score, suit_name
from spanfit.metrics.overlap import count_longest_run
from spanfit.text.latin_words import split_words
from spanfit.types import Answer, Candidate, QuestionExample, QuestionPrediction

OF_LANGUAGES = tuple(name for name in METRICS if not name.startswith("squad"))


def example(key, *golds, context="context", question="?"):
    return QuestionExample(key, question, context, tuple(Answer(gold) for gold in golds))


def f1(shared, predicted, gold):
    return pytest.approx(2 * shared / (predicted + gold))


# By pencil -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metric", "text", "golds", "exact", "expected"),
    [
        # Characters, spaces among them; "。" goes at the end and stays inside.
        ("jsquad", "東京都", ["東京"], 0, f1(2, 3, 2)),
        ("jsquad", "東京。", ["東京"], 1, 1),
        ("jsquad", "東。京", ["東京"], 0, f1(2, 3, 2)),
        ("jsquad", "東京。 ", ["東京"], 0, f1(2, 3, 2)),  # the space stands behind it
        ("jsquad", "New  York", ["new york"], 1, 1),
        ("jsquad", "a b", ["c d"], 0, f1(1, 3, 3)),  # the space is shared
        ("jsquad", "、", ["、"], 1, 1),  # no other mark goes
        ("jsquad", "", ["。"], 1, 1),  # a gold of nothing, and nothing said
        ("jsquad", "", ["。", "東"], 0, 0),  # which is dropped beside another one
        # Letters without spaces; quotes and brackets part words, other marks go.
        ("korquad", "서울에서", ["서울"], 0, f1(2, 4, 2)),
        ("korquad", "‘서울’", ["서울"], 1, 1),
        ("korquad", "(주)삼성", ["주 삼성"], 1, 1),
        ("korquad", "주삼성", ["(주)삼성"], 0, 1),  # the same letters
        ("korquad", "A-B", ["ab"], 1, 1),
        ("korquad", "", ["《》"], 1, 0),  # kept, and no letter is shared
        # The longest run of Han and words; marks go, spaces stay for the exact match.
        ("cmrc2018", "《红楼梦》", ["红楼梦"], 1, 1),
        ("cmrc2018", "红楼之梦", ["红楼梦"], 0, f1(2, 4, 3)),  # 3 are shared, 2 of them in a row
        ("cmrc2018", "梦红楼", ["红楼梦"], 0, f1(2, 3, 3)),
        ("cmrc2018", "iPhone 4s手机", ["iphone 4s"], 0, f1(2, 4, 2)),
        ("cmrc2018", "3,000米", ["3000米"], 0, f1(1, 2, 2)),
        ("cmrc2018", "1998-2000年", ["19982000年"], 1, 1),
        ("cmrc2018", "a b", ["ab"], 0, 0),
        ("cmrc2018", "他说…", ["他说"], 0, f1(2, 3, 2)),  # "……" never is one character
        ("cmrc2018", "，", ["。"], 1, 0),
        # Words, articles of the language; all marks of Unicode.
        ("mlqa-en", "the “lamp”", ["lamp"], 1, 1),
        ("mlqa-en", "", ["the"], 1, 0),
        ("mlqa-de", "der alte Kai", ["Kai"], 0, f1(1, 2, 1)),
        ("mlqa-de", "the Kai", ["Kai"], 0, f1(1, 2, 1)),
        ("mlqa-es", "¿La Casa?", ["casa"], 1, 1),
        ("mlqa-vi", "cái đèn của tôi", ["đèn tôi"], 1, 1),
        ("mlqa-hi", "एक दीया।", ["एक दीया"], 1, 1),
        ("mlqa-ar", "الكتاب", ["كتاب"], 1, 1),
        ("mlqa-ar", "والكتاب", ["كتاب"], 0, f1(1, 2, 1)),  # the article goes inside a word too
        ("mlqa-zh", "红楼梦", ["红楼"], 0, f1(2, 3, 2)),
        ("mlqa-zh", "第3版book", ["第3版"], 0, f1(3, 4, 3)),  # 第, 3, 版, book
        ("mlqa-zh", "第 3 版", ["第3版"], 1, 1),
        ("mlqa-ru", "старый Маяк", ["маяк"], 0, f1(1, 2, 1)),
        ("mlqa-tr", "eski fener", ["fener"], 0, f1(1, 2, 1)),
        ("mlqa-el", "ο φάρος", ["φάρος"], 0, f1(1, 2, 1)),
        ("mlqa-ro", "un far", ["far"], 0, f1(1, 2, 1)),
        ("mlqa-th", "กทม", ["กท"], 0, f1(2, 3, 2)),
        # The first gold, character by character.
        ("first_gold_exact", "quay", ["quay", "the quay"], 1, 1),
        ("first_gold_exact", "the quay", ["quay", "the quay"], 0, 0),
        ("first_gold_exact", "quay.", ["quay"], 0, 0),
        ("first_gold_exact", "Quay", ["quay"], 0, 0),
    ],
)
def test_answer_scores_by_hand(metric, text, golds, exact, expected):
    assert answer_scores(text, golds, metric=metric) == (exact, expected)


@pytest.mark.parametrize("metric", OF_LANGUAGES)
def test_no_answer_is_right_where_there_is_none(metric):
    assert answer_scores("", [], metric=metric) == (1, 1)
    assert answer_scores("東京 quay 서울", [], metric=metric) == (0, 0)


def test_words_between_chinese_characters_by_hand():
    assert split_words("(e.g., 3,000 cats) don't.") == (
        *("(", "e.g.", ",", "3,000", "cats", ")", "do", "n't", "."),
    )
    assert split_words('"a" b... 50%;') == ("``", "a", "''", "b", "...", "50", "%", ";")
    assert split_words("henry a. walsh's") == ("henry", "a.", "walsh", "'s")
    assert split_words(" \u3000\n") == ()


LATIN = st.lists(
    st.sampled_from(
        [
            *"ab .,()[]<>{}'\"%&$;!?«»‘„—…1|#@é１\u3000\n",
            "..",
            "n't",
            "'s",
            "'ll",
            "''",
            "3,0",
            "e.g.",
            "cannot",
            "gonna",
            "wanna",
            "'tis",
            "'twas",
            "d'ye",
            "more'n",
        ]
    ),
    max_size=9,
).map("".join)


@given(LATIN)
def test_words_are_those_of_nltk(stretch):
    tokenize = pytest.importorskip("nltk.tokenize", reason="nltk is not installed, to compare with")
    assert list(split_words(stretch)) == tokenize.NLTKWordTokenizer().tokenize(stretch)


# Against slow rules ----------------------------------------------------------------------------

TEXTS = st.lists(
    st.sampled_from(
        [
            *"红楼梦年 3a.,。《》「」-_…·“”'\"（）％の각",
            "  ",
            "iPhone",
            "3,000",
            "can't",
            "the",
            "der ",
            "la ",
            "của ",
            "ال",
            "¿",
            "دار",
            "—",
            "ก",
            "\u200b",
            "Σ",
            "龥龦",
        ]
    ),
    max_size=8,
).map("".join)


def longest_run_slowly(a, b):
    """The table of the textbook: the run that ends at each pair."""
    table = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, j in np.ndindex(len(a), len(b)):
        if a[i] == b[j]:
            table[i + 1][j + 1] = table[i][j] + 1
    return max(map(max, table))


@given(st.lists(st.sampled_from("abc")), st.lists(st.sampled_from("abc")))
def test_longest_run_is_that_of_the_table(a, b):
    assert count_longest_run(a, b) == longest_run_slowly(a, b) == count_longest_run(b, a)


def cmrc_slowly(text, golds):
    """As CMRC2018 describes it: one pass over the characters, Han apart, the rest as words."""
    marks = set("-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』")

    def plain(answer):
        return "".join(c for c in answer.lower().strip() if c not in marks)

    def units(answer):
        found, run = [], ""
        for character in plain(answer) + "一":
            if "\u4e00" <= character <= "\u9fa5":
                found += [*split_words(run), character]
                run = ""
            else:
                run += character
        return found[:-1]

    best = 0.0
    for gold in golds:
        a, b = units(gold), units(text)
        if shared := longest_run_slowly(a, b):
            precision, recall = shared / len(b), shared / len(a)
            best = max(best, 2 * precision * recall / (precision + recall))
    return float(plain(text) in map(plain, golds)), best


@given(TEXTS, st.lists(TEXTS, min_size=1, max_size=3))
def test_cmrc2018_against_slow_rules(text, golds):
    assert answer_scores(text, golds, metric="cmrc2018") == pytest.approx(cmrc_slowly(text, golds))


ARTICLES = {
    "en": ["a", "an", "the"],
    "es": ["un", "una", "unos", "unas", "el", "la", "los", "las"],
    "vi": ["của", "là", "cái", "chiếc", "những"],
    "de": [
        "ein",
        "eine",
        "einen",
        "einem",
        "eines",
        "einer",
        "der",
        "die",
        "das",
        "den",
        "dem",
        "des",
    ],
}


def mlqa_slowly(text, golds, language):
    """As MLQA describes it, with a list of words for a pattern."""

    def plain(answer):
        kept = "".join(
            c
            for c in answer.lower()
            if not unicodedata.category(c).startswith("P") and c not in string.punctuation
        )
        if language == "ar":
            kept = kept.replace("ال", " ")
        pieces = re.split(r"(\w+)", kept)
        kept = "".join(" " if p in ARTICLES.get(language, ()) else p for p in pieces)
        if language == "zh":
            kept = "".join(f" {c} " if "\u4e00" <= c <= "\u9fa5" else c for c in kept)
        return kept.split()

    said, best = plain(text), 0.0
    for gold in map(plain, golds):
        shared = sum(min(n, gold.count(unit)) for unit, n in Counter(said).items())
        if shared:
            best = max(best, 2 * shared / (len(said) + len(gold)))
    return float(said in map(plain, golds)), best


@pytest.mark.parametrize("language", ["en", "es", "hi", "vi", "de", "ar", "zh"])
@given(TEXTS, st.lists(TEXTS, min_size=1, max_size=3))
def test_mlqa_against_slow_rules(language, text, golds):
    expected = mlqa_slowly(text, golds, language)
    assert answer_scores(text, golds, metric=f"mlqa-{language}") == pytest.approx(expected)


# The official figures --------------------------------------------------------------------------

OFFICIAL = {
    "korquad_v1_dev": ("korquad_v1/KorQuAD_v1.0_dev.json", "korquad"),
    "jsquad_valid": ("jsquad/valid-v1.3.json", "jsquad"),
}


@pytest.mark.parametrize("key", OFFICIAL)
def test_equal_to_the_official_scripts(shared, key):
    gold, metric = OFFICIAL[key]
    folder = shared / "expected"
    expected = json.loads((folder / "official_scores.json").read_text())[key]
    scores = score(shared / "data" / gold, folder / f"{key}.predictions.json")
    assert scores.signature.metric == metric  # without being named
    assert {name: scores.figures[name] for name in expected} == pytest.approx(
        expected, rel=0, abs=1e-9
    )
    assert not scores.missing


# Whole scores ----------------------------------------------------------------------------------

GOLD = [
    example("q1", "红楼梦", context="《红楼梦》是小说。"),
    example("q2", "北京", "北京市", context="北京市是首都。"),
    example("q3", "清代", context="清代作品"),
]
SAID = {"q1": "红楼梦", "q2": "北京", "q3": "清"}


@pytest.mark.parametrize("metric", OF_LANGUAGES)
def test_scores_do_all_that_scores_do(metric):
    scores = score(GOLD, SAID, metric=metric)
    known = find_question_metric(metric)
    assert scores.exact == scores.value("exact") == scores.figures[known.exact]
    assert scores.f1 == scores.value("f1") == scores.figures[known.f1]
    assert scores.headline == {"EM": scores.exact, "F1": scores.f1}
    assert scores.interval("f1") == scores.intervals[known.f1]
    assert scores.interval("exact") == scores.interval(known.exact)
    assert scores.worst(1) == ("q3",)
    (whole,) = scores.by("has_answer").values()
    assert (whole.exact, whole.f1) == pytest.approx((scores.exact, scores.f1))
    differences = compare(scores, score(GOLD, {**SAID, "q3": "清代"}, metric=metric)).differences
    assert list(differences)[:2] == [known.exact, known.f1]
    assert differences[known.f1].wins == 1


def test_cmrc2018_by_its_own_names():
    scores = score(GOLD, SAID)
    assert list(scores.figures) == ["EM", "F1", "AVERAGE"]
    assert scores.figures["EM"] == pytest.approx(100 * 2 / 3)
    assert scores.figures["F1"] == pytest.approx(100 * (1 + 1 + 2 / 3) / 3)
    assert scores.figures["AVERAGE"] == pytest.approx((scores.exact + scores.f1) / 2)


@pytest.mark.parametrize("metric", OF_LANGUAGES)
def test_unanswerable_questions_count_as_in_squad_v2(metric):
    gold = [*GOLD, example("q4"), example("q5")]

    def said(key, text, null_odds):
        candidate = Candidate(text, 0, len(text), 1.0, 0.5)
        return QuestionPrediction(key, (candidate,), null_odds=null_odds, threshold=0.0)

    predictions = [
        said("q1", "红楼梦", -3.0),
        said("q2", "北京", -2.0),
        said("q3", "清代", 1.0),  # "no answer", which is wrong
        said("q4", "梦", 2.0),
        said("q5", "梦", -1.0),
    ]
    scores = score(gold, predictions, metric=metric)
    known = find_question_metric(metric)
    assert scores.figures[known.exact] == pytest.approx(60)
    assert scores.figures["HasAns_f1"] == pytest.approx(100 * 2 / 3)
    assert scores.figures["NoAns_exact"] == scores.figures["NoAns_f1"] == 50
    assert scores.figures["best_f1"] == pytest.approx(80)
    assert 0 < scores.figures["pr_f1_ap"] <= 100
    assert scores.confidence is not None


def test_the_signature_names_metric_normalisation_and_language():
    def signed(metric):
        return str(score(GOLD, SAID, metric=metric).signature)

    assert signed("jsquad").startswith("jsquad · normalisation jglue/ja · ")
    assert signed("korquad").startswith("korquad · normalisation korquad/ko · ")
    assert signed(None).startswith("cmrc2018 · normalisation cmrc2018/zh · ")
    assert signed("mlqa-de").startswith("mlqa · normalisation mlqa/de · ")
    assert signed("first_gold_exact").startswith("first_gold_exact · normalisation none/any · ")
    with pytest.raises(DataError, match="differ in language"):
        compare(score(GOLD, SAID, metric="mlqa-de"), score(GOLD, SAID, metric="mlqa-es"))


# Which metric suits ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("golds", "context", "name"),
    [
        (["東京"], "東京は日本の首都である。", "jsquad"),
        (["東京タワー"], "東京タワー", "jsquad"),
        (["서울"], "서울은 대한민국의 수도이다.", "korquad"),
        (["三國史記"], "《삼국사기》(三國史記)는 책이다.", "korquad"),
        (["北京"], "北京是中国的首都。", "cmrc2018"),
        (["の"], "北京是中国的首都，也有人写作の字，这是少见的写法", "cmrc2018"),
        (["1998年"], "1998年北京", "cmrc2018"),
        (["Beijing"], "Beijing (北京) is a city.", "squad_v1"),
        (["Tao"], "道", "squad_v1"),
        (["1864"], "1864", "squad_v1"),
        (["1958"], "東京タワーは1958年に完成した。", "jsquad"),
        (["1958"], "The tower was built in 1958.", "squad_v1"),
        ([], "東京は日本の首都である。", "jsquad"),
        ([], "The lamp was lit.", "squad_v2"),
    ],
)
def test_the_script_of_the_golds_chooses(golds, context, name):
    assert suit_name([example("q", *golds, context=context)]) == name


def test_many_languages_go_by_most_of_their_letters():
    english = [example(f"e{n}", "the lamp", context="The lamp was lit.") for n in range(20)]
    assert suit_name([*english, example("q", "東京", context="東京である")]) == "squad_v1"


@pytest.mark.parametrize(
    ("name", "suggested"),
    [
        ("jsqad", "did you mean 'jsquad'"),
        ("mlqa_de", "did you mean 'mlqa-de'"),
        ("mlqa", "one of: mlqa-en, mlqa-es, "),
        ("mlqa-fr", "one of: mlqa-en, mlqa-es, "),
        ("conlleval", "one of: cmrc2018, "),
    ],
)
def test_unknown_metrics_are_refused(name, suggested):
    with pytest.raises(RecipeError, match=f"questions have no metric '{name}'") as caught:
        score(GOLD, SAID, metric=name)
    assert suggested in caught.value.fix
