"""Slices: which questions belong together, by labels that a reader can check."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanfit.errors import RecipeError
from spanfit.metrics import SLICES, score
from spanfit.metrics.question_words import QUESTION_WORDS, find_question_word
from spanfit.metrics.slices import split_rows
from spanfit.types import Answer, QuestionExample

CONTEXT = "The lamp of Pellan Head was lit in 1864."


def example(key="q", question="?", *, context=CONTEXT, answers=(), title="", synthetic=""):
    return QuestionExample(key, question, context, tuple(answers), title=title, synthetic=synthetic)


def label(kind, **fields):
    (found,) = split_rows([example(**fields)], kind)
    return found


@pytest.mark.parametrize(
    ("question", "word"),
    [
        ("Who lit the lamp?", "who"),
        ("To whom was it sold, and when?", "who"),
        ("Whose lamp is it?", "who"),
        ("what's the name of the cape?", "what"),
        ("In which year was the lamp lit?", "which"),
        ("Since WHEN does it burn?", "when"),
        ("Where, if anywhere?", "where"),
        ("Why?", "why"),
        ("How many keepers were there?", "how many/much"),
        ("The oil cost how much?", "how many/much"),
        ("How tall is it?", "how"),
        ("Name the keeper.", "other"),
        ("Is the showroom whole?", "other"),  # neither "how" nor "who" stands alone
        ("", "other"),
        ("灯台を建てたのは誰ですか?", "who"),
        ("灯台が建てられたのはいつか", "when"),
        ("灯台が建てられたのは何年?", "when"),
        ("建てるのに何年間かかったか", "how many/much"),
        ("灯台守は何人いたか", "how many/much"),
        ("灯台はいくつあるか", "how many/much"),
        ("灯台はどこにあるか", "where"),
        ("なぜ灯は消えたか", "why"),
        ("灯はどのように灯されたか", "how"),
        ("岬の名前は何か", "what"),
        ("どの岬か", "which"),
        ("どんな油か", "what"),
        ("灯台などの名前は何か", "what"),  # などの is no どの
        ("灯台の高さは", "other"),
        ("등대를 세운 사람은 누구인가?", "who"),
        ("등대는 언제 세워졌는가?", "when"),
        ("등대는 어디에 있는가?", "where"),
        ("등대지기는 몇 명인가?", "how many/much"),
        ("몇 년도에 세워졌는가?", "when"),
        ("왜 꺼졌는가?", "why"),
        ("임진왜란은 무엇인가?", "what"),  # 왜 inside a name
        ("곶의 이름은?", "other"),
        ("谁建造了灯塔?", "who"),
        ("灯塔是哪一年建成的?", "when"),
        ("灯塔在什么时候建成?", "when"),
        ("灯塔位于哪里?", "where"),
        ("灯为什么熄灭?", "why"),
        ("燈為什麼熄滅?", "why"),
        ("有多少灯塔?", "how many/much"),
        ("灯塔有几座?", "how many/much"),
        ("如何点灯?", "how"),
        ("哪座灯塔最高?", "which"),
        ("海角叫什么?", "what"),
        ("什么是几何学?", "what"),
        ("What does 灯 mean?", "what"),
    ],
)
def test_question_words(question, word):
    assert find_question_word(question) == word
    assert label("question_word", question=question) == word


@given(st.text())
def test_every_question_has_one_of_the_labels(question):
    assert find_question_word(question) in QUESTION_WORDS


@pytest.mark.parametrize(
    ("text", "context", "expected"),
    [
        ("1864", CONTEXT, "1 word"),
        ("Pellan Head", CONTEXT, "2–3 words"),
        ("the lamp of Pellan", CONTEXT, "4–7 words"),
        ("The lamp of Pellan Head was lit in", CONTEXT, "8+ words"),
        ("등대지기", "등대지기는 곶에 산다", "1 word"),
        ("岬", "灯台は岬に立つ。", "1–2 characters"),
        ("1864年", "灯台は1864年に建てられた。", "3–5 characters"),
        ("1864", "灯台は1864年に建てられた。", "3–5 characters"),  # the context decides
        ("灯台は岬に", "灯台は岬に立つ。", "3–5 characters"),
        ("灯台は岬に立つ", "灯台は岬に立つ。", "6–10 characters"),
        ("灯塔灯塔灯塔灯塔灯塔灯", "灯塔灯塔灯塔灯塔灯塔灯", "11+ characters"),
        ("Kanji", "Kanji (漢字) are the characters that came from China.", "1 word"),
        ("", CONTEXT, "empty"),
    ],
)
def test_answer_length(text, context, expected):
    answers = [Answer(text, 0), Answer("another gold that does not count", 0)]
    assert label("answer_length", context=context, answers=answers) == expected


@pytest.mark.parametrize(
    ("n", "expected"),
    [
        (0, "0–249 characters"),
        (249, "0–249 characters"),
        (250, "250–499 characters"),
        (999, "750–999 characters"),
        (1_000, "1,000–1,499 characters"),
        (4_999, "2,500–4,999 characters"),
        (500_000, "5,000+ characters"),
    ],
)
def test_context_length(n, expected):
    assert label("context_length", context="x" * n) == expected


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (0, "1st quarter"),
        (1, "1st quarter"),
        (2, "2nd quarter"),
        (5, "3rd quarter"),
        (6, "4th quarter"),
        (7, "4th quarter"),
        (-1, "unknown"),
        (8, "unknown"),
    ],
)
def test_answer_position(start, expected):
    assert label("answer_position", context="x" * 8, answers=[Answer("x", start)]) == expected


def test_a_place_that_does_not_hold_the_answer_is_unknown():
    assert label("answer_position", answers=[Answer("1864", 3)]) == "unknown"
    assert label("answer_position", answers=[Answer("", 0)]) == "unknown"


def test_a_question_without_an_answer_is_a_kind_of_its_own():
    assert label("answer_length") == "no answer"
    assert label("answer_position") == "no answer"
    assert label("has_answer") == "NoAns"
    assert label("has_answer", answers=[Answer("1864", 35)]) == "HasAns"


def test_titles_come_by_size():
    examples = [example(str(n), title=title) for n, title in enumerate("caabbb")]
    examples.append(example("none"))
    found = split_rows(examples, "title")
    assert list(found.items()) == [
        ("b", [3, 4, 5]),
        ("a", [1, 2]),
        ("(no title)", [6]),
        ("c", [0]),
    ]


def test_synthetic_questions_stand_apart_under_the_name_of_the_way():
    made = [example(str(n), synthetic="other_paragraph") for n in range(2)]
    found = split_rows([made[0], *(example(f"real {n}") for n in range(3)), made[1]], "synthetic")
    assert list(found.items()) == [("real", [1, 2, 3]), ("other_paragraph", [0, 4])]


def test_labels_come_in_an_order_that_a_reader_expects():
    examples = [
        example(answers=[Answer("1864", 35)], question="How tall?"),
        example(answers=[Answer("lamp", 4)], question="Who?"),
        example(question="what"),
    ]
    assert list(split_rows(examples, "question_word")) == ["who", "what", "how"]
    assert list(split_rows(examples, "answer_position")) == [
        "1st quarter",
        "4th quarter",
        "no answer",
    ]


@pytest.mark.parametrize("kind", SLICES)
def test_every_question_is_in_one_slice(kind):
    examples = [
        example("q1", "Who?", answers=[Answer("1864", 35)], title="Lamps"),
        example("q2", "誰?", context="灯台は岬に立つ。", answers=[Answer("岬")]),
        example("q3"),
    ]
    rows = sorted(row for group in split_rows(examples, kind).values() for row in group)
    assert rows == [0, 1, 2]


def test_an_unknown_kind_is_refused():
    scores = score([example(answers=[Answer("1864", 35)])], {})
    with pytest.raises(RecipeError, match="did you mean 'question_word'"):
        scores.by("question_words")


# Figures of slices -----------------------------------------------------------------------------

GOLD = [
    example("q1", "Who lit it?", answers=[Answer("the keeper")]),
    example("q2", "Who saw it?", answers=[Answer("old sailors")]),
    example("q3", "When?", answers=[Answer("1864", 35)]),
    example("q4", "Who left?"),
]
TEXTS = {"q1": "keeper", "q2": "sailors", "q3": "1865", "q4": ""}


def test_figures_of_a_slice_by_hand():
    slices = score(GOLD, TEXTS).by("question_word")
    assert list(slices) == ["who", "when"]
    who = slices["who"]
    assert (who.n, who.exact) == (3, pytest.approx(100 * 2 / 3))
    assert who.f1 == pytest.approx(100 * (1 + 2 / 3 + 1) / 3)
    when = slices["when"]
    assert (when.n, when.exact, when.f1) == (1, 0, 0)
    for part in (who, when):  # of one question, or three, nothing is known
        assert part.exact_interval is part.f1_interval is None
        assert part.to_json()["intervals"] == {"exact": None, "f1": None}


def repeat(n):
    """GOLD and TEXTS n times."""
    gold = [replace(item, id=f"{item.id} {turn}") for turn in range(n) for item in GOLD]
    return gold, {item.id: TEXTS[item.id.split()[0]] for item in gold}


def test_a_slice_has_intervals_from_ten_questions_on_that_are_not_all_alike():
    who = score(*repeat(3)).by("question_word")["who"]
    assert who.n == 9
    assert who.exact_interval is who.f1_interval is None
    slices = score(*repeat(10)).by("question_word")
    who, when = slices["who"], slices["when"]
    assert 0 < who.f1_interval.low < who.f1 < who.f1_interval.high < 100
    assert 0 < who.exact_interval.low < who.exact < who.exact_interval.high < 100
    assert (when.n, when.exact_interval, when.f1_interval) == (10, None, None)  # all wrong


def test_a_figure_that_varies_has_its_interval_beside_one_that_does_not():
    gold = [example(str(n), answers=[Answer("old sailors")]) for n in range(20)]
    texts = {item.id: "sailors" if n % 2 else "lamp" for n, item in enumerate(gold)}
    (part,) = score(gold, texts).by("has_answer").values()
    assert (part.exact, part.exact_interval) == (0, None)
    assert part.f1_interval.low < part.f1 < part.f1_interval.high
    assert score(gold, texts).interval("exact").to_json() == [0, 0]  # of the whole, as ever


def test_slices_agree_with_the_official_figures():
    scores = score(*repeat(10))
    for name, part in scores.by("has_answer").items():
        assert part.n == scores.figures[f"{name}_total"]
        assert part.exact == pytest.approx(scores.figures[f"{name}_exact"])
        assert part.f1 == pytest.approx(scores.figures[f"{name}_f1"])
        if name == "HasAns":  # those without an answer are all right
            assert part.exact_interval == scores.intervals[f"{name}_exact"]
            assert part.f1_interval == scores.intervals[f"{name}_f1"]
    (whole,) = score(GOLD[:2], {}, metric="squad_v2").by("has_answer").values()
    assert whole.n == 2


def test_slices_of_real_data_add_up_to_the_score(shared):
    folder = shared / "expected"
    scores = score(shared / "data/squad_v2/dev-v2.0.json", folder / "squad_v2_dev.predictions.json")
    for kind in SLICES:
        slices = scores.by(kind).values()
        assert sum(part.n for part in slices) == scores.signature.n
        f1 = sum(part.n * part.f1 for part in slices) / scores.signature.n
        assert f1 == pytest.approx(scores.f1)
        for part in slices:
            interval = part.f1_interval
            assert interval is None or interval.low < part.f1 < interval.high
            assert part.n >= 10 or interval is None
    words = scores.by("question_word")
    assert list(words) == list(QUESTION_WORDS)
    assert words["other"].n < 0.02 * scores.signature.n
