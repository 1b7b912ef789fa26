"""What windows lose, by hand; the ceiling against brute force over everything that can be said."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
from hypothesis import example as try_also
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_tokenizers import KINDS
from toy_tokenizers import load as load_afresh

from spanfit.data import read
from spanfit.metrics import METRICS, answer_scores, find_question_metric
from spanfit.recipe import DecodeSection, TaskSection
from spanfit.settings import ModelSettings
from spanfit.tasks import QuestionTask
from spanfit.tasks.coverage import measure_coverage, summarise_lengths
from spanfit.tokenizer_opening import load_tokenizer
from spanfit.types import Answer, QuestionExample
from spanfit.windows import WindowSettings, make_windows

TASK = QuestionTask()
load = cache(load_afresh)


def question(context, *golds, id="q", text="Who?"):
    """An example; a gold is a text (its first place) or a pair of characters."""
    answers = []
    for gold in golds:
        start, end = (
            (context.index(gold), context.index(gold) + len(gold))
            if isinstance(gold, str)
            else gold
        )
        answers.append(Answer(context[start:end], start))
    return QuestionExample(id, text, context, tuple(answers))


def measure(examples, kind="wordpiece", *, max_length=384, overlap=128, limit=30, metric=None):
    tokenizer = load(kind) if isinstance(kind, str) else kind
    pairs = [TASK.texts(one) for one in examples]
    windows = make_windows(pairs, tokenizer, WindowSettings(max_length, overlap))
    limits = ModelSettings(decode=DecodeSection(max_answer_tokens=limit))
    coverage = measure_coverage(examples, windows, limits, metric=metric)
    return windows, coverage


# --- by hand --------------------------------------------------------------------------------------


def test_what_is_lost_by_hand():
    text = "one two three four five six seven eight nine ten " * 4
    examples = [
        question("Ada came.", "Ada", id="exact"),
        question("Wonderfully warm.", "arm", id="widened"),
        question("Wonderfully warm.", "arm", "warm", id="saved by the second"),
        question(text, (0, 49), id="too long"),
        question(text, (0, 180), id="outside"),
        question(text, (0, 180), (0, 49), id="outside, then too long"),
        question("Ada came.", id="no answer"),
        replace(question("Ada came.", id="to predict"), answers=None),
        question(text, "one", text="who " * 40, id="cut"),
    ]
    _, coverage = measure(examples, max_length=30, overlap=8, limit=5)
    assert coverage.n_answerable == 7
    assert coverage.n_unanswerable == 1
    assert coverage.n_without_gold == 1
    assert coverage.cut == ("cut",)
    first, best = coverage.first_gold, coverage.best_gold
    assert first.widened == ("widened", "saved by the second")
    assert best.widened == ("widened",)
    assert first.too_long == ("too long",)
    assert best.too_long == ("too long", "outside, then too long")
    assert first.outside == ("outside", "outside, then too long")
    assert best.outside == ("outside",)
    assert (first.exact, best.exact) == (2, 3)
    assert (first.n_lost, best.n_lost) == (3, 3)
    learnt_first, learnt_all = (
        coverage.describe(TaskSection(answers=answers)) for answers in ("first", "all")
    )
    assert learnt_first[0] == (
        "first golds that no window holds (they train as null): 2 (outside, outside, then too long)"
    )
    assert learnt_all[0] == "best golds that no window holds (they train as null): 1 (outside)"
    assert learnt_all[3:] == learnt_first[3:]
    assert coverage.ceiling.n == 8
    assert coverage.ceiling.metric == "squad_v2"
    assert coverage.figures == {
        "squad_v2 exact": coverage.ceiling.exact,
        "squad_v2 f1": coverage.ceiling.f1,
    }


def test_lost_answers_count_against_the_ceiling():
    # Five of ten words (one token each) can be said: F1 of 2 * 0.5 / 1.5; nothing of it is exact.
    text = "b c d e f g h i j k"
    _, coverage = measure([question(text, text), question("Ada came.", "Ada", id="r")], limit=5)
    assert coverage.ceiling.exact == 50
    assert coverage.ceiling.f1 == pytest.approx(100 * (2 / 3 + 1) / 2)


def test_any_gold_counts_for_the_ceiling():
    _, coverage = measure([question("Wonderfully warm.", "arm", "warm")])
    assert (coverage.ceiling.exact, coverage.ceiling.f1) == (100, 100)


def test_gold_that_the_metric_cannot_see():
    """squad_v1: saying "the" is exact, but shares no word; squad_v2 then expects nothing at all."""
    examples = [question("It was the end.", "the")]
    _, coverage = measure(examples)
    assert (coverage.ceiling.exact, coverage.ceiling.f1) == (100, 0)
    _, coverage = measure(examples, metric="squad_v2")
    assert (coverage.ceiling.exact, coverage.ceiling.f1) == (100, 100)


def test_empty_context_and_no_gold_at_all():
    _, coverage = measure([question("", id="empty"), question(" ", id="space")])
    assert coverage.ceiling.exact == 100
    _, coverage = measure([replace(question("Ada came."), answers=None)])
    assert coverage.ceiling is None and coverage.figures == {}
    assert coverage.first_gold.exact == coverage.n_answerable == 0


def test_lengths_by_hand():
    windows, _ = measure([question("a " * n, id=str(n)) for n in (1, 2, 6)])
    low = windows.lengths[0]
    summary = summarise_lengths(windows)
    assert (summary.min, summary.median, summary.max) == (low, low + 1, low + 5)
    assert summary.mean == pytest.approx(low + 2)
    assert summary.p95 == pytest.approx(low + 4.6)


# --- the ceiling against brute force --------------------------------------------------------------


def brute_force(one, windows, *, limit, metric):
    """The best exact and F1 over every range of tokens of every window."""
    golds = [gold.text for gold in one.answers]
    said = {""} if find_question_metric(metric).allows_null else set()
    for row in range(len(windows)):
        low = windows.origin[row]
        high = low + windows.last[row] - windows.first[row]
        starts, ends = windows.texts.starts[low:high], windows.texts.ends[low:high]
        for i in range(high - low):
            for j in range(i, min(i + limit, high - low)):
                if starts[i] < ends[i] and starts[j] < ends[j]:
                    said.add(one.context[starts[i] : ends[j]])
    scores = [answer_scores(text, golds, metric=metric) for text in said]
    return max((exact for exact, _ in scores), default=0), max((f1 for _, f1 in scores), default=0)


PIECES = (
    *(
        "lamp",
        "Lamp's",
        "the",
        "a",
        "an",
        "The-lamp",
        "l’an",
        "to the–end",
        "ΟΔΟΣ",
        "ὁδός",
        "İzmir",
    ),
    *("東京", "東京都の", "각", "Wonderfully", "warm", "U.S.", "3,000", "?!", "\u200b", "é", "ﬁn"),
)


OTHER_PIECES = (
    *(
        "東京",
        "東京都の",
        "北海道。",
        "。",
        "紅。紅",
        "红楼梦",
        "《红》",
        "——",
        "……",
        "3,000年",
        "U.S.年",
    ),
    *(
        "서울에서",
        "(주)삼성",
        "‘각’",
        "la Casa",
        "des",
        "والكتاب",
        "الـ",
        "của",
        "กรุงเทพ",
        "lamp",
        "can't",
    ),
)


@st.composite
def questions(draw, pieces=PIECES):
    words = draw(st.lists(st.sampled_from(pieces), min_size=1, max_size=12))
    gaps = st.sampled_from([" ", " ", " ", "", "-", "\u00a0", "  ", "\n", ", "])
    context = "".join(word + draw(gaps) for word in words)
    golds = []
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(context) - 1))
        end = min(len(context), start + draw(st.integers(1, 20)))
        if context[start:end].strip():
            golds.append((start, end))
    return question(context, *golds) if golds else question(context, (0, len(words[0])))


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    one=questions(),
    limit=st.sampled_from([1, 2, 4, 30]),
    size=st.sampled_from([(16, 2), (20, 6), (384, 128)]),
    metric=st.sampled_from(["squad_v1", "squad_v2"]),
)
@try_also(one=question("ΟΔΟΣ ΟΔΟΣα", (0, 8)), limit=30, size=(384, 128), metric="squad_v1")
@try_also(one=question("x the", (2, 5)), limit=1, size=(384, 128), metric="squad_v1")
def test_ceiling_equals_brute_force(kind, one, limit, size, metric):
    max_length, overlap = size
    windows, coverage = measure(
        [one], kind, max_length=max_length, overlap=overlap, limit=limit, metric=metric
    )
    exact, f1 = brute_force(one, windows, limit=limit, metric=metric)
    assert coverage.ceiling.exact == pytest.approx(100 * exact)
    assert coverage.ceiling.f1 == pytest.approx(100 * f1)


@pytest.mark.parametrize("metric", METRICS)
@given(
    kind=st.sampled_from(sorted(KINDS)),
    one=questions(PIECES + OTHER_PIECES),
    limit=st.sampled_from([1, 4, 30]),
    size=st.sampled_from([(16, 2), (384, 128)]),
)
@try_also(kind="wordpiece", one=question("紅。紅x", (0, 3)), limit=30, size=(384, 128))
@try_also(kind="wordpiece", one=question("、 ab", (0, 2)), limit=30, size=(384, 128))
def test_ceiling_equals_brute_force_by_every_metric(metric, kind, one, limit, size):
    windows, coverage = measure(
        [one], kind, max_length=size[0], overlap=size[1], limit=limit, metric=metric
    )
    exact, f1 = brute_force(one, windows, limit=limit, metric=metric)
    assert coverage.ceiling.exact == pytest.approx(100 * exact)
    assert coverage.ceiling.f1 == pytest.approx(100 * f1)


@settings(max_examples=50)
@given(
    kind=st.sampled_from(sorted(KINDS)),
    one=questions(),
    size=st.sampled_from([(16, 2), (20, 6), (384, 128)]),
    answers=st.sampled_from(["first", "all"]),
)
def test_what_is_said_to_train_as_null_is_what_does(kind, one, size, answers):
    windows, coverage = measure([one], kind, max_length=size[0], overlap=size[1])
    targets = TASK.targets([one], windows, TaskSection(answers=answers))
    learnt = coverage.best_gold if answers == "all" else coverage.first_gold
    assert (learnt.outside == (one.id,)) == (targets.lost == (0,))
    assert targets.lost or not one.answers or not targets.is_null.all()


def test_ceiling_equals_brute_force_on_real_questions(shared):
    examples = read(shared / "data/squad_v1/dev-v1.1.json")[:3000]
    tokenizer = load_tokenizer(shared / "vocab/roberta-base")
    _, coverage = measure(examples, tokenizer, limit=8)
    hard = {*coverage.best_gold.widened, *coverage.best_gold.too_long}
    assert len(hard) > 20
    for one in [one for one in examples if one.id in hard][::8]:
        windows, alone = measure([one], tokenizer, limit=8)
        exact, f1 = brute_force(one, windows, limit=8, metric="squad_v1")
        assert alone.ceiling.exact == 100 * exact
        assert alone.ceiling.f1 == pytest.approx(100 * f1)


@pytest.mark.parametrize(
    ("file", "vocabulary"),
    [
        ("jsquad/valid-v1.3.json", "bert-base-cased"),
        ("korquad_v1/KorQuAD_v1.0_dev.json", "bert-base-multilingual-cased"),
    ],
)
def test_ceiling_of_characters_equals_brute_force_on_real_questions(shared, file, vocabulary):
    examples = read(shared / "data" / file)[:300]
    tokenizer = load_tokenizer(shared / "vocab" / vocabulary)
    _, coverage = measure(examples, tokenizer, limit=8)
    hard = {*coverage.best_gold.widened, *coverage.best_gold.too_long}
    assert len(hard) > 20
    for one in [one for one in examples if one.id in hard][::12]:
        windows, alone = measure([one], tokenizer, limit=8)
        exact, f1 = brute_force(one, windows, limit=8, metric=alone.ceiling.metric)
        assert alone.ceiling.exact == 100 * exact
        assert alone.ceiling.f1 == pytest.approx(100 * f1)
