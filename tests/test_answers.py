"""Gold answers that do not stand where the file says, and the repairs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanfit.data import read
from spanfit.data.answers import check_answers, find_all, is_good
from spanfit.errors import DataError
from spanfit.types import Answer, QuestionExample

#          0         1         2         3
#          0123456789012345678901234567890123
CONTEXT = "The lamp of the old lamp was a lamp"


def example(*answers, name="q", context=CONTEXT):
    golds = tuple(Answer(text, start) for text, start in answers)
    return QuestionExample(name, "What?", context, golds, place="line 3")


def complaint(*examples, repair=None):
    with pytest.raises(DataError) as caught:
        check_answers(examples, repair=repair, name="lamps.jsonl")
    return str(caught.value)


class TestCheck:
    def test_right_answers_pass_untouched(self):
        examples = (example(("lamp", 4), ("old lamp", 16)), example(), example(("a", 29)))
        checked = check_answers(examples, name="f")
        assert checked.examples == examples
        assert all(one is other for one, other in zip(checked.examples, examples, strict=True))
        assert checked.dropped == checked.dropped_answers == checked.relocated == ()
        assert checked.summary() == []

    def test_a_question_without_gold_passes(self):
        blind = QuestionExample("q", "What?", CONTEXT)
        assert check_answers([blind], name="f").examples == (blind,)

    @pytest.mark.parametrize(
        ("answer", "found"),
        [
            (("old", 4), "'lam'; the text occurs once, at 16"),
            (("lamp", 5), "'amp '; the text occurs 3 times, first at 4"),
            (("boat", 0), "'The '; the text occurs nowhere in the context"),
            (("old", -1), "a negative start, which is no place; the text occurs once, at 16"),
            (("old", 99), "the context ends at character 35; the text occurs once, at 16"),
            (("amp", 33), "'mp'; the text occurs 3 times, first at 5"),
            (("", 4), "an answer with nothing to point at"),
            ((" ", 3), "an answer with nothing to point at"),
            (("Old", 16), "'old'; the text occurs nowhere"),
        ],
    )
    def test_what_is_bad(self, answer, found):
        message = complaint(example(answer))
        assert "lamps.jsonl, line 3, question 'q': a gold answer does not stand where" in message
        assert f"expected: {answer[0]!r} at character {answer[1]} of the context" in message
        assert f"found:    {found}" in message
        assert "--bad-answers drop" in message

    def test_the_message_counts(self):
        bad = [example(("old", 4), ("boat", 1), name="a"), example(("old", 16), name="b")]
        message = complaint(*bad, example(("oil", 0), name="c"))
        assert "question 'a'" in message
        assert "(one of 3; questions concerned: 2)" in message
        assert "--bad-answers drop (relocate could mend 1 of 3" in message

    def test_relocate_is_offered_where_it_helps(self):
        assert "try:      --bad-answers relocate" in complaint(example(("old", 4)))
        assert "relocate" not in complaint(example(("lamp", 5)))

    @pytest.mark.parametrize(
        ("context", "text", "start", "unit"),
        [("Où est la mer ?", "mer", 11, "bytes"), ("𝄞 la mer", "mer", 6, "UTF-16 units")],
    )
    def test_other_units_are_recognised(self, context, text, start, unit):
        message = complaint(example((text, start), context=context))
        assert f"the text occurs once, at {start - 1} (the file counts {unit}?)" in message

    def test_code_points_outside_the_bmp(self):
        assert check_answers([example(("mer", 5), context="𝄞 la mer")], name="f")


class TestDrop:
    def test_answers_go_and_questions_left_with_none(self):
        examples = [
            example(("old", 4), ("old", 16), name="a"),
            example(("boat", 0), ("", 0), name="b"),
            example(name="c"),
            example(("lamp", 4), name="d"),
        ]
        checked = check_answers(examples, repair="drop", name="f")
        assert [item.id for item in checked.examples] == ["a", "c", "d"]
        assert checked.examples[0].answers == (Answer("old", 16),)
        assert checked.examples[0].place == "line 3"
        assert checked.dropped == ("b",)
        assert [bad.answer.text for bad in checked.dropped_answers] == ["old", "boat", ""]
        assert checked.summary() == [
            "gold answers dropped that do not stand where the file says: 3, of a, b",
            "questions dropped that had no other gold answer: 1: b",
        ]


class TestRelocate:
    def test_to_the_only_place(self):
        examples = [
            example(("old", 4), ("lamp", 20), name="a"),
            example(("was", -1), ("was", -1), name="b"),
        ]
        checked = check_answers(examples, repair="relocate", name="f")
        assert checked.examples[0].answers == (Answer("old", 16), Answer("lamp", 20))
        assert checked.examples[1].answers == (Answer("was", 25), Answer("was", 25))
        assert checked.relocated == (("a", 4, 16), ("b", -1, 25), ("b", -1, 25))
        assert checked.dropped == ()
        assert checked.summary() == [
            "gold answers relocated: 3: a (4 → 16), b (-1 → 25), b (-1 → 25)"
        ]

    def test_never_by_guessing(self):
        message = complaint(example(("old", 4)), example(("lamp", 5)), repair="relocate")
        assert "can't be relocated; 1 could be" in message
        assert "expected: 'lamp' exactly once in the context" in message
        assert "found:    the text occurs 3 times, first at 4" in message
        assert "--bad-answers drop" in message
        assert "occurs nowhere" in complaint(example(("boat", 5)), repair="relocate")

    def test_overlapping_places_are_two(self):
        assert "2 times" in complaint(example(("aba", -1), context="ababa"), repair="relocate")


@given(st.text("ab ", max_size=4), st.text("ab ", max_size=12))
def test_find_all_is_what_brute_force_finds(text, context):
    brute = [
        start
        for start in range(len(context))
        if text.strip() and context[start : start + len(text)] == text
    ]
    assert find_all(text, context) == brute


class TestCmrc2018:
    """200 of 9,657 gold answers of the published file have a wrong start, most of them -1."""

    @pytest.fixture
    def examples(self, shared):
        return read(shared / "data/cmrc2018/cmrc2018_dev.json")

    def test_counts(self, examples):
        bad = [
            answer
            for item in examples
            for answer in item.answers
            if not is_good(answer, item.context)
        ]
        assert sum(len(item.answers) for item in examples) == 9_657
        assert len(bad) == 200
        assert sum(answer.start == -1 for answer in bad) == 193

    def test_nothing_is_done_unasked(self, examples):
        message = complaint(*examples)
        assert "question 'DEV_6_QUERY_2'" in message
        assert "(one of 200; questions concerned: 176)" in message
        assert "relocate could mend 7 of 200" in message

    def test_repairs(self, examples):
        assert "(one of 193; questions concerned: 174); 7 could be" in complaint(
            *examples, repair="relocate"
        )
        checked = check_answers(examples, repair="drop", name="f")
        assert checked.dropped == ("DEV_101_QUERY_3", "DEV_110_QUERY_2", "DEV_110_QUERY_3")
        assert len(checked.examples) == 3_216
        assert len(checked.dropped_answers) == 200
        assert sum(len(item.answers) for item in checked.examples) == 9_457
        check_answers(checked.examples, name="f")
