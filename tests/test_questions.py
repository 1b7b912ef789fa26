"""Labels against a pencil, against a slow oracle, and against real data."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_tokenizers import KINDS, NASTY, prose
from toy_tokenizers import load as load_afresh

from spanfit.batching import join
from spanfit.data import read
from spanfit.errors import DataError, ModelError, RecipeError
from spanfit.metrics import score
from spanfit.recipe import DecodeSection, TaskSection
from spanfit.settings import Calibration, ModelSettings
from spanfit.tasks import TASKS, QuestionTask
from spanfit.tasks.labels import find_tokens
from spanfit.tokenizer_opening import load_tokenizer
from spanfit.tokens import Texts
from spanfit.types import Answer, QuestionExample
from spanfit.windows import WindowSettings, make_windows

TASK = QuestionTask()
load = cache(load_afresh)


def texts_of(*texts):
    """Texts from lists of (start, end) character ranges, one list a text."""
    flat = np.array([pair for text in texts for pair in text], np.int32).reshape(-1, 2)
    splits = np.cumsum([0, *map(len, texts)])
    return Texts(np.zeros(len(flat), np.int32), flat[:, 0], flat[:, 1], splits)


def find(texts, *spans):
    """(first, last, exact) of each span, given as (row, start, end)."""
    rows, starts, ends = np.array(spans, np.int64).reshape(-1, 3).T
    found = find_tokens(texts, rows=rows, starts=starts, ends=ends)
    return list(zip(found.first.tolist(), found.last.tolist(), found.exact.tolist(), strict=True))


def example(context, *answers, question="Who?", id="q"):
    golds = tuple(
        gold if isinstance(gold, Answer) else Answer(gold, context.index(gold)) for gold in answers
    )
    return QuestionExample(id, question, context, golds)


def windows_of(examples, tokenizer, max_length=384, overlap=128):
    pairs = [TASK.texts(one) for one in examples]
    return make_windows(pairs, tokenizer, WindowSettings(max_length, overlap))


# --- the rule, by hand ----------------------------------------------------------------------------

ADA = "Ada lives in Łódź."
ADA_TOKENS = [(0, 3), (4, 9), (10, 12), (13, 15), (15, 17), (17, 18)]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("Ada", (0, 0, True)),
        ("Łódź", (3, 4, True)),
        ("Łód", (3, 4, False)),  # ends inside "dź"
        ("ź", (4, 4, False)),
        ("ives i", (1, 2, False)),
        ("dź.", (4, 5, True)),
        (ADA, (0, 5, True)),
    ],
)
def test_labels_by_hand(answer, expected):
    start = ADA.index(answer)
    assert find(texts_of(ADA_TOKENS), (0, start, start + len(answer))) == [expected]


def test_byte_pieces_of_one_character_are_taken_whole():
    # Three byte pieces for the character at 1, and one that straddles 2 and 3.
    tokens = [(0, 1), (1, 2), (1, 2), (1, 2), (2, 4), (3, 5)]
    texts = texts_of(tokens)
    assert find(texts, (0, 1, 2)) == [(1, 3, True)]
    assert find(texts, (0, 2, 3)) == [(4, 4, False)]
    assert find(texts, (0, 3, 4)) == [(5, 5, False)]  # [2, 4) ends there, but begins before [3, 5)
    assert find(texts, (0, 1, 5)) == [(1, 5, True)]


def test_blank_tokens_are_never_a_border():
    texts = texts_of([(3, 3), (0, 3), (3, 3), (4, 7), (7, 7)])
    assert find(texts, (0, 0, 3), (0, 4, 7), (0, 0, 7)) == [
        (1, 1, True),
        (3, 3, True),
        (1, 3, True),
    ]


def test_characters_without_a_token_are_null_and_never_the_neighbour_s():
    texts = texts_of([(0, 2), (5, 7)], [], [(0, 4)])
    assert (
        find(texts, (0, 2, 5), (0, 3, 4), (0, 7, 9), (1, 0, 3), (0, 1, 1)) == [(-1, -1, False)] * 5
    )
    assert find(texts, (0, 3, 6), (2, 0, 4)) == [(1, 1, False), (0, 0, True)]


def test_nothing_at_all():
    assert find(texts_of([])) == []
    assert find(texts_of([]), (0, 0, 1)) == [(-1, -1, False)]


def test_offsets_that_run_backwards_are_refused():
    with pytest.raises(ModelError, match="run backwards"):
        find(texts_of([(4, 6), (0, 3)]), (0, 0, 3))


# --- the rule, against a slow oracle --------------------------------------------------------------


@st.composite
def token_ranges(draw):
    """Ranges whose starts and ends never decrease: overlapping, straddling, blank, with gaps."""
    n = draw(st.integers(0, 8))
    places = st.lists(st.integers(0, 9), min_size=n, max_size=n).map(sorted)
    return [(start, max(start, end)) for start, end in zip(draw(places), draw(places), strict=True)]


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    st.lists(token_ranges(), min_size=1, max_size=3),
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 10), st.integers(0, 10)), max_size=6),
)
def test_labels_cover_and_are_exact_where_borders_allow_it(texts, spans):
    spans = [(row % len(texts), min(a, z), max(a, z)) for row, a, z in spans]
    for (row, a, z), (first, last, exact) in zip(
        spans, find(texts_of(*texts), *spans), strict=True
    ):
        check_label(texts[row], a, z, first, last, exact)


def check_label(tokens, a, z, first, last, exact):
    touching = [t for t, (s, e) in enumerate(tokens) if max(s, a) < min(e, z)]
    assert (first >= 0) == (last >= 0) == bool(touching)
    if not touching:
        assert not exact
        return
    assert first <= last
    assert all(tokens[t][0] < tokens[t][1] for t in (first, last))  # neither is blank
    characters = {c for t in touching for c in range(*tokens[t]) if a <= c < z}
    assert characters <= set(range(tokens[first][0], tokens[last][1]))
    assert exact <= ((tokens[first][0], tokens[last][1]) == (a, z))
    possible = [
        (i, j)
        for i, (s, left) in enumerate(tokens)
        for j, (right, e) in enumerate(tokens)
        if i <= j and (s, e) == (a, z) and s < left and right < e
    ]
    assert exact == bool(possible)


# --- targets in windows ---------------------------------------------------------------------------


@st.composite
def contexts_with_an_answer(draw):
    pieces = st.sampled_from([*NASTY, *prose(), "Łódź", "東京都の", "각나", "ab–cd", " ", "naïve"])
    context = draw(st.lists(pieces, min_size=1, max_size=4).map("".join))
    start = draw(st.integers(0, len(context)))
    end = draw(st.integers(start, min(len(context), start + 60)))
    return context, start, end


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40, deadline=None, derandomize=True)
@given(data=contexts_with_an_answer(), size=st.sampled_from([(24, 8), (40, 0), (384, 128)]))
def test_targets_of_every_window(kind, data, size):
    context, start, end = data
    one = example(context, Answer(context[start:end], start), question="Who is it?")
    windows = windows_of([one], load(kind), *size)
    targets = TASK.targets([one], windows)
    assert targets.start.dtype == targets.end.dtype == np.int32
    assert len(targets) == len(windows)

    text = context[start:end].strip()
    start += context[start:end].index(text)
    end = start + len(text)
    low = windows.texts.splits[windows.sliced[0]]
    high = windows.texts.splits[windows.sliced[0] + 1]
    tokens = list(zip(windows.texts.starts[low:high], windows.texts.ends[low:high], strict=True))
    ((first, last, exact),) = find(texts_of(tokens), (0, start, end))
    check_label(tokens, start, end, first, last, exact)
    for row in range(len(windows)):
        if windows.first[row] <= first and last < windows.last[row] and first >= 0:
            assert targets.start[row] == [first - windows.first[row]]
            assert targets.end[row] == [last - windows.first[row]]
            characters = (
                windows.char_start(np.array([row]), targets.start[row]).item(),
                windows.char_end(np.array([row]), targets.end[row]).item(),
            )
            assert not exact or context[slice(*characters)] == text
        else:
            assert (targets.start[row], targets.end[row]) == ([-1], [-1])
    held = bool((targets.start >= 0).any())
    assert targets.lost == (() if held else (0,))
    assert targets.widened == ((0,) if held and not exact else ())


def test_the_label_points_at_the_answer_in_the_batch():
    tokenizer = load("wordpiece")
    one = example("  The lamp was lit by Ada, and it burns.", "Ada", question="  Who lit it? ")
    windows = windows_of([one], tokenizer)
    targets, batch = TASK.targets([one], windows), join(windows, np.arange(1))
    place = batch.sliced_start[0] + targets.start[0, 0]
    width = targets.end[0, 0] + 1 - targets.start[0, 0]
    found = batch.input_ids[0, place : place + width]
    assert found.tolist() == tokenizer.encode(["Ada"]).ids.tolist()


def test_question_is_stripped_and_context_is_not():
    assert TASK.texts(example(" context ", question=" \u3000Who? ")) == ("Who?", " context ")


def test_first_gold_is_trained_on_and_outer_white_space_is_not():
    one = example("Ada and Bo came.", Answer(" and ", 3), "Ada")
    windows = windows_of([one], load("wordpiece"))
    targets = TASK.targets([one], windows)
    assert windows.char_start(np.array([0]), targets.start[0]).tolist() == [4]
    assert windows.char_end(np.array([0]), targets.end[0]).tolist() == [7]
    assert targets.widened == targets.lost == ()


def test_lost_and_widened_are_listed_by_row():
    long = "word " * 40
    examples = [
        example("Ada came.", "Ada"),
        example("Ada came."),  # no answer: nothing to lose
        example(long + "end", long.strip()),
        example("Wonderfully warm.", "arm"),
        example("a \u200b b", Answer(" ", 1)),
    ]
    windows = windows_of(examples, load("wordpiece"), 30, 10)
    targets = TASK.targets(examples, windows)
    assert targets.lost == (2, 4)
    assert targets.widened == (3,)
    assert (targets.start[windows.example == 1] == -1).all()


def test_no_examples():
    targets = TASK.targets([], windows_of([], load("wordpiece")))
    assert len(targets) == 0
    assert targets.lost == ()


@pytest.mark.parametrize("start", [-1, 7, 10**9])
def test_answer_outside_its_context_is_a_data_error(start):
    one = replace(example("Ada came."), answers=(Answer("Ada", start),), place="paragraph 3")
    with pytest.raises(DataError, match="not inside its context") as caught:
        TASK.targets([one], windows_of([one], load("wordpiece")))
    assert caught.value.where == "paragraph 3"
    assert "'q'" in str(caught.value)


def test_question_without_gold_cannot_be_learnt():
    one = replace(example("Ada came."), answers=None)
    with pytest.raises(DataError, match="no gold answers"):
        TASK.targets([one], windows_of([one], load("wordpiece")))


# --- from logits to statistics --------------------------------------------------------------------


def test_perfect_logits_come_back_as_the_gold_and_its_statistics():
    texts = [line for line in prose() if line][:6]
    examples = [
        example(text, text.split()[4].strip(".,;:"), id=str(n)) for n, text in enumerate(texts)
    ]
    examples[2] = replace(examples[2], answers=())
    windows = windows_of(examples, load("bytelevel"), 48, 12)
    targets, batch = TASK.targets(examples, windows), join(windows, np.arange(len(windows)))
    logits = np.zeros((*batch.input_ids.shape, len(TASK.outputs(ModelSettings()))), np.float32)
    for column, places in enumerate((targets.start[:, 0], targets.end[:, 0])):
        at = np.where(places < 0, batch.null_position, places + batch.sliced_start)
        logits[np.arange(len(batch.rows)), at, column] = 9
    candidates = TASK.decode(logits, batch, windows, DecodeSection())
    how = {"windows": windows, "settings": ModelSettings(), "calibration": Calibration()}
    predictions = TASK.merge(examples, [candidates], **how)
    for one, prediction in zip(examples, predictions, strict=True):
        said = prediction.answer.text if prediction.answer else None
        assert said == (one.answers[0].text if one.answers else None)
    wrong = [replace(one, answers=(Answer("no such", 0),)) for one in examples]
    for golds in (examples, wrong):
        scores = score(golds, predictions, metric="squad_v2")
        counted = [
            TASK.statistics(*pair, metric="squad_v2")
            for pair in zip(golds, predictions, strict=True)
        ]
        assert counted == list(zip(scores.example_exact, scores.example_f1, strict=True))
    with pytest.raises(RecipeError, match="no metric 'squad'"):
        TASK.statistics(examples[0], predictions[0], metric="squad")
    assert TASK.merge([], [], **how) == []


def test_tasks_are_found_by_their_names():
    assert all(name == task.name for name, task in TASKS.items())
    assert list(TASKS) == ["qa", "tagging"]


# --- real data ------------------------------------------------------------------------------------


def test_labels_equal_the_usual_rule_where_tokens_do_not_overlap(shared):
    """run_qa's: the last token that starts by the gold's start, the first that ends by its end."""
    examples = read(shared / "data/squad_v1/dev-v1.1.json")[:3000]
    windows = windows_of(examples, load_tokenizer(shared / "vocab/bert-base-cased"), 512, 128)
    targets, texts = TASK.targets(examples, windows), windows.texts
    row_of = np.searchsorted(windows.example, np.arange(len(examples)))
    for one, row in zip(examples, row_of, strict=True):
        tokens = slice(windows.origin[row], windows.origin[row] + windows.last[row])
        gold = one.answers[0]
        first = np.searchsorted(texts.starts[tokens], gold.start, "right") - 1
        last = np.searchsorted(texts.ends[tokens], gold.start + len(gold.text), "left")
        if last < windows.last[row]:
            assert (targets.start[row], targets.end[row]) == ([first], [last])


@pytest.mark.parametrize(
    ("data", "vocabulary", "share"),
    [
        ("squad_v1/dev-v1.1.json", "bert-base-uncased", 0.997),
        ("squad_v1/dev-v1.1.json", "roberta-base", 0.9915),
        ("jaquad/jaquad_dev.json", "roberta-base", 1.0),
        ("jaquad/jaquad_dev.json", "bert-base-uncased", 0.953),
        ("korquad_v1/KorQuAD_v1.0_dev.json", "roberta-base", 0.9986),
        ("korquad_v1/KorQuAD_v1.0_dev.json", "bert-base-uncased", 0.933),
    ],
)
def test_share_of_answers_whose_text_is_exact(shared, data, vocabulary, share):
    """Shares known for samples of these files; ours is another sample."""
    examples = read(shared / "data" / data)[:500]
    windows = windows_of(examples, load_tokenizer(shared / "vocab" / vocabulary), 512, 256)
    targets = TASK.targets(examples, windows)
    assert not targets.lost
    assert 1 - len(targets.widened) / len(examples) == pytest.approx(share, abs=0.02)


def test_all_golds_are_learnt_where_the_recipe_says_so_equal_ones_once():
    context = "Ada led it. Bo came later. " + "It was dull. " * 6 + "Cleo left."
    golds = [("Ada", 0), ("Bo", 12), ("Ada", 0), ("Cleo", context.index("Cleo"))]
    one = example(context, *(Answer(*gold) for gold in golds), question="Who?")
    other = example("Nobody came.", id="none")
    windows = windows_of([one, other], load("wordpiece"), 24, 4)
    options = TaskSection(answers="all")
    targets = TASK.targets([one, other], windows, options)
    assert targets.start.shape == (len(windows), 3)
    found = [
        {
            context[windows.char_start(row, start).item() : windows.char_end(row, end).item()]
            for start, end in zip(targets.start[row], targets.end[row], strict=True)
            if start >= 0
        }
        for row in range(len(windows) - 1)
    ]
    assert found[0] == {"Ada", "Bo"} and found[-1] == {"Cleo"}
    assert targets.is_null.tolist() == [not texts for texts in found] + [True]
    first = TASK.targets([one, other], windows)
    assert first.start.shape[1] == 1 and int((first.start >= 0).sum()) == 1


def test_null_windows_get_the_share_of_the_loss_that_the_recipe_wants():
    examples = [example("Ada came.", "Ada", id=str(n)) for n in range(6)]
    examples += [example("Ada came.", id=str(n)) for n in range(6, 8)]
    windows = windows_of(examples, load("wordpiece"))
    raw = TASK.targets(examples, windows)
    assert TASK.weigh(raw, TaskSection()) is raw
    assert raw.count(np.arange(8)) == 8
    targets = TASK.weigh(raw, TaskSection(null_share=0.5))
    assert targets.weight.tolist() == pytest.approx([4 / 6] * 6 + [2] * 2)
    assert targets.count(np.arange(8)) == pytest.approx(8)
    assert targets.count(np.array([0, 6])) == pytest.approx(4 / 6 + 2)
    answerable = TASK.targets(examples[:6], windows_of(examples[:6], load("wordpiece")))
    with pytest.raises(DataError, match="balances nothing"):
        TASK.weigh(answerable, TaskSection(null_share=0.5))
