"""From logits to predictions: characters, the merge over windows, null odds, probabilities."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spanfit.batching import join
from spanfit.decode.merging import (
    ContextRanking,
    WindowCandidates,
    concatenate,
    decode_batch,
    merge_all,
)
from spanfit.errors import ModelError
from spanfit.tokenizer_opening import load_tokenizer
from spanfit.types import QuestionExample, TextPair
from spanfit.windows import WindowSettings, make_windows

TOKENIZERS = Path(__file__).parent / "data"
ONE_TO_TEN = "one two three four five six seven eight nine ten"


def example(context: str = ONE_TO_TEN, id_: str = "q") -> QuestionExample:
    return QuestionExample(id=id_, question="Which?", context=context)


def candidates(*windows) -> WindowCandidates:
    """Windows given as (example, null score, [(score, start, end) ...])."""
    k = max((len(spans) for _, _, spans in windows), default=1)
    rows = [[*spans, *[(-np.inf, -1, -1)] * (k - len(spans))] for _, _, spans in windows]
    table = np.array(rows, dtype=np.float64).reshape(len(windows), k, 3)
    return WindowCandidates(
        example=np.array([row for row, _, _ in windows], dtype=np.int32),
        null_score=np.array([null for _, null, _ in windows], dtype=np.float32),
        score=table[..., 0].astype(np.float32),
        char_start=table[..., 1].astype(np.int32),
        char_end=table[..., 2].astype(np.int32),
    )


def spans_of(prediction):
    return [(best.score, best.start, best.end) for best in prediction.n_best]


def test_two_windows_of_one_question_by_hand():
    """The shared span counts once, with its larger sum; the null score is the smaller one."""
    found = candidates(
        (0, 4.0, [(5.0, 4, 7), (2.0, 0, 3)]),
        (0, 1.0, [(6.0, 4, 7), (3.0, 8, 13)]),
    )
    (prediction,) = merge_all([example()], found, k=20, threshold=0.0)
    assert [best.text for best in prediction.n_best] == ["two", "three", "one"]
    assert spans_of(prediction) == [(6.0, 4, 7), (3.0, 8, 13), (2.0, 0, 3)]
    assert prediction.null_odds == 1.0 - 6.0
    assert prediction.answer.text == "two"
    weights = [math.exp(score) for score in (6, 3, 2, 1)]
    shares = [best.probability for best in prediction.n_best] + [prediction.null_probability]
    assert shares == pytest.approx([weight / sum(weights) for weight in weights], rel=1e-12)


def test_the_same_words_at_two_places_are_two_candidates():
    found = candidates((0, 0.0, [(5.0, 0, 3), (4.0, 7, 10)]))
    (prediction,) = merge_all([example("one or one")], found, k=20)
    assert [best.text for best in prediction.n_best] == ["one", "one"]


def test_ties_go_to_the_earlier_start_then_to_the_shorter_span():
    spans = [(2.0, 8, 13), (2.0, 4, 13), (2.0, 4, 7), (3.0, 14, 18)]
    (prediction,) = merge_all([example()], candidates((0, 0.0, spans)), k=3)
    assert spans_of(prediction) == [(3.0, 14, 18), (2.0, 4, 7), (2.0, 4, 13)]


def test_spans_of_one_window_with_the_same_characters_are_one_candidate():
    """Byte pieces of one character share its range."""
    spans = [(5.0, 4, 5), (4.5, 4, 5), (4.0, 4, 5), (1.0, 0, 3)]
    (prediction,) = merge_all([example("one 🦐 two")], candidates((0, 0.0, spans)), k=20)
    assert spans_of(prediction) == [(5.0, 4, 5), (1.0, 0, 3)]


def test_without_a_threshold_the_null_has_no_share():
    found = candidates((0, 9.0, [(1.0, 0, 3), (1.0, 4, 7)]))
    (prediction,) = merge_all([example()], found, k=20)
    assert [best.probability for best in prediction.n_best] == [0.5, 0.5]
    assert prediction.null_probability == 0.0
    assert prediction.answer.text == "one"
    assert prediction.null_odds == 8.0


def test_above_the_threshold_the_answer_is_no_answer():
    found = candidates((0, 3.0, [(1.0, 0, 3)]))
    (at,) = merge_all([example()], found, k=20, threshold=2.0)
    (below,) = merge_all([example()], found, k=20, threshold=1.9)
    assert at.answer.text == "one"
    assert below.answer is None
    assert below.probability == pytest.approx(math.exp(2) / (1 + math.exp(2)))


def test_temperature_flattens_the_probabilities_and_nothing_else():
    found = candidates((0, 2.0, [(4.0, 0, 3), (2.0, 4, 7)]))
    (warm,) = merge_all([example()], found, k=20, temperature=2.0, threshold=0.0)
    weights = [math.exp(score) for score in (2, 1, 1)]
    shares = [best.probability for best in warm.n_best] + [warm.null_probability]
    assert shares == pytest.approx([weight / sum(weights) for weight in weights])
    assert (warm.null_odds, warm.n_best[0].score) == (-2.0, 4.0)
    with pytest.raises(ValueError, match="temperature"):
        merge_all([example()], found, k=20, temperature=0.0)


def test_huge_logits_do_not_overflow():
    found = candidates((0, 1e5, [(-1e5, 0, 3)]), (1, -1e5, [(1e5, 0, 3)]))
    null, answer = merge_all([example(), example()], found, k=20, threshold=0.0)
    assert (null.null_probability, null.n_best[0].probability) == (1.0, 0.0)
    assert (answer.null_probability, answer.n_best[0].probability) == (0.0, 1.0)


@pytest.mark.parametrize("threshold", [None, 0.0, 1e30])
def test_an_empty_context_is_no_answer_at_every_threshold(threshold):
    found = candidates((0, 3.0, []), (1, 3.0, [(1.0, 0, 3)]))
    empty, other = merge_all([example(""), example()], found, k=20, threshold=threshold)
    assert empty.n_best == ()
    assert empty.answer is None
    assert (empty.null_odds, empty.probability) == (math.inf, 1.0)
    assert other.null_odds == 2.0
    line = json.dumps(empty.to_json(), allow_nan=False)
    assert json.loads(line)["null_odds"] is None


def test_predictions_come_in_the_order_of_the_examples():
    """Batches of like length hand the windows over in any order; an example may have none."""
    examples = [example(id_="a"), example(id_="b"), example(id_="c")]
    found = candidates((2, 0.0, [(1.0, 0, 3)]), (0, 0.0, [(2.0, 4, 7)]), (2, 0.0, [(3.0, 4, 7)]))
    a, b, c = merge_all(examples, found, k=20)
    assert [a.id, b.id, c.id] == ["a", "b", "c"]
    assert (len(a.n_best), b.n_best, len(c.n_best)) == (1, (), 2)
    assert merge_all([], candidates(), k=20) == []


def test_parts_are_joined_in_order():
    one, two = candidates((0, 1.0, [(5.0, 0, 3)])), candidates((0, 0.5, [(6.0, 4, 7)]))
    (prediction,) = merge_all([example()], concatenate([one, two]), k=20)
    assert spans_of(prediction) == [(6.0, 4, 7), (5.0, 0, 3)]
    assert prediction.null_odds == 0.5 - 6.0


def merged_one_by_one(n_examples, windows, *, k):
    """The rule in plain Python: (score, start, end) of each example, and its null odds."""
    for row in range(n_examples):
        mine = [(null, spans) for owner, null, spans in windows if owner == row]
        largest: dict[tuple[int, int], float] = {}
        for _, spans in mine:
            for score, start, end in spans:
                largest[start, end] = max(score, largest.get((start, end), -math.inf))
        ranked = sorted((-score, start, end) for (start, end), score in largest.items())
        n_best = [(-score, start, end) for score, start, end in ranked[:k]]
        yield n_best, min(null for null, _ in mine) - n_best[0][0] if n_best else math.inf


span = st.tuples(st.integers(-3, 3).map(float), st.integers(0, 5), st.integers(1, 4)).map(
    lambda drawn: (drawn[0], drawn[1], drawn[1] + drawn[2])
)
window = st.tuples(st.integers(0, 2), st.integers(-3, 3).map(float), st.lists(span, max_size=6))


@settings(max_examples=150, deadline=None)
@given(windows=st.lists(window, max_size=8), k=st.integers(1, 5), with_null=st.booleans())
def test_any_windows_merge_as_the_rule_says(windows, k, with_null):
    threshold = 0.0 if with_null else None
    predictions = merge_all([example()] * 3, candidates(*windows), k=k, threshold=threshold)
    expected = merged_one_by_one(3, windows, k=k)
    for prediction, (n_best, null_odds) in zip(predictions, expected, strict=True):
        assert spans_of(prediction) == n_best
        assert prediction.null_odds == null_odds
        shares = [best.probability for best in prediction.n_best]
        assert sum(shares) + prediction.null_probability == pytest.approx(1.0)
        assert shares == sorted(shares, reverse=True)


CONTEXTS = [
    "",
    "The harbour  of Ålesund\topened in 1904 — after the great fire.",
    "港は1904年に開いた。🦐🦐 The ferry leaves at nine; 렌즈 둘.",
    "one two three",
]


def encode(kind: str, padding_side: str):
    tokenizer = load_tokenizer(TOKENIZERS / kind)
    tokenizer = replace(tokenizer, config=replace(tokenizer.config, padding_side=padding_side))
    pairs = [TextPair(fixed="When?", sliced=context) for context in CONTEXTS]
    return make_windows(pairs, tokenizer, WindowSettings(max_length=24, overlap=5))


def expected_candidates(logits, batch, windows, *, k, limit):
    """Per window, its k best spans of tokens as characters, and the null score; one by one."""
    for place, window in enumerate(batch.rows):
        start, end = logits[place, :, 0], logits[place, :, 1]
        tokens = range(int(batch.n_sliced[place]))
        origin = int(windows.texts.splits[windows.sliced[window]] + windows.first[window])
        offset = int(batch.sliced_start[place])
        characters = [
            (int(windows.texts.starts[origin + token]), int(windows.texts.ends[origin + token]))
            for token in tokens
        ]
        found = [
            (-float(start[offset + first] + end[offset + last]), first, last)
            for first in tokens
            for last in tokens[first : first + limit]
            if characters[first][0] < characters[first][1]
            and characters[last][0] < characters[last][1]
        ]
        null = batch.null_position[place]
        spans = [(-s, characters[a][0], characters[b][1]) for s, a, b in sorted(found)[:k]]
        yield int(windows.example[window]), float(start[null] + end[null]), spans


def decode_by_torch(logits, batch, windows, **request):
    torch = pytest.importorskip("torch")
    from spanfit.decode import spans_torch

    return spans_torch.decode_batch(torch.from_numpy(logits), batch, windows, **request)


@pytest.mark.parametrize("decode", [decode_batch, decode_by_torch])
@pytest.mark.parametrize("padding_side", ["right", "left"])
@pytest.mark.parametrize("kind", ["wordpiece", "bytelevel", "unigram"])
def test_a_batch_is_decoded_to_characters(kind, padding_side, decode):
    windows = encode(kind, padding_side)
    assert len(windows) > len(CONTEXTS)
    rng = np.random.default_rng(7)
    batch = join(windows, rng.permutation(len(windows)))
    logits = rng.integers(-4, 5, (*batch.input_ids.shape, 2)).astype(np.float32)
    found = decode(logits, batch, windows, k=12, max_answer_tokens=6)
    expected = list(expected_candidates(logits, batch, windows, k=12, limit=6))
    as_arrays = candidates(*expected)
    for name in WindowCandidates.__slots__:
        assert np.array_equal(getattr(found, name), getattr(as_arrays, name)), name

    examples = [example(context) for context in CONTEXTS]
    predictions = merge_all(examples, found, k=12)
    by_rule = merged_one_by_one(len(CONTEXTS), expected, k=12)
    for prediction, (n_best, null_odds) in zip(predictions, by_rule, strict=True):
        assert spans_of(prediction) == n_best
        assert prediction.null_odds == null_odds
        assert all(best.text == best.text.strip() != "" for best in prediction.n_best)


@pytest.mark.parametrize("decode", [decode_batch, decode_by_torch])
@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_a_broken_null_score_is_an_error(decode, broken):
    windows = encode("wordpiece", "right")
    batch = join(windows, np.arange(len(windows)))
    logits = np.zeros((*batch.input_ids.shape, 2), np.float32)
    logits[1, batch.null_position[1], 1] = broken
    with pytest.raises(ModelError, match="NaN or infinity"):
        decode(logits, batch, windows, k=3, max_answer_tokens=6)


def test_arrays_that_do_not_fit_are_refused():
    good = candidates((0, 0.0, [(1.0, 0, 3)]))
    with pytest.raises(ValueError, match="one shape"):
        replace(good, char_end=good.char_end[:, :0])
    with pytest.raises(ValueError, match="every window"):
        replace(good, null_score=good.null_score[:0])


def rank(contexts, *, k, threshold=None, temperature=1.0):
    """The ranking over contexts, each given as its name and its windows (null score, spans)."""
    ranking = ContextRanking(k=k)
    for name, windows in contexts.items():
        found = candidates(*((0, null, spans) for null, spans in windows))
        (prediction,) = merge_all([example()], found, k=k, threshold=threshold)
        ranking.add(name, prediction)
    return ranking.result("q", threshold=threshold, temperature=temperature)


def test_two_contexts_by_hand():
    """The larger logit sum wins, though its own text is less sure of it; one softmax over all."""
    sure = [(0.0, [(3.0, 0, 3)])]
    torn = [(1.0, [(5.0, 4, 7), (5.0, 8, 13)])]
    prediction = rank({"sure": sure, "torn": torn}, k=20, threshold=0.0, temperature=2.0)
    assert [(c.source, c.text) for c in prediction.n_best] == [
        ("torn", "two"),
        ("torn", "three"),
        ("sure", "one"),
    ]
    assert prediction.null_odds == 0.0 - 5.0
    weights = [math.exp(score / 2) for score in (5, 5, 3, 0)]
    shares = [best.probability for best in prediction.n_best] + [prediction.null_probability]
    assert shares == pytest.approx([weight / sum(weights) for weight in weights], rel=1e-12)
    line = prediction.to_json()
    assert line["answer"] == {"source": "torn", "text": "two", "start": 4, "end": 7}
    assert [candidate["source"] for candidate in line["n_best"]] == ["torn", "torn", "sure"]


def test_contexts_without_a_candidate_say_nothing():
    one = [(2.0, [(3.0, 0, 3)])]
    alone = rank({"one": one}, k=5, threshold=0.0)
    assert rank({"empty": [(-9.0, [])], "one": one}, k=5, threshold=0.0) == alone
    none = rank({"empty": [(-9.0, [])]}, k=5, threshold=0.0)
    assert (none.n_best, none.null_odds, none.probability) == ((), math.inf, 1.0)
    assert none.answer is None


one_context = st.lists(
    st.tuples(window.map(lambda w: w[1]), window.map(lambda w: w[2])), max_size=3
)


@settings(max_examples=150, deadline=None)
@given(drawn=st.lists(one_context, min_size=1, max_size=4), k=st.integers(1, 5))
def test_any_contexts_rank_as_the_windows_of_one_text_do(drawn, k):
    """As if they stood one behind the other, 100 characters apart."""
    contexts = {
        str(number): windows
        for number, windows in enumerate(drawn)
        if any(spans for _, spans in windows)
    }
    shifted = [
        (
            0,
            null,
            [
                (score, start + 100 * int(name), end + 100 * int(name))
                for score, start, end in spans
            ],
        )
        for name, windows in contexts.items()
        for null, spans in windows
    ]
    (expected,) = merge_all([example()], candidates(*shifted), k=k, threshold=0.0)
    found = rank(contexts, k=k, threshold=0.0)
    places = [
        (c.score, c.start + 100 * int(c.source), c.end + 100 * int(c.source)) for c in found.n_best
    ]
    assert places == spans_of(expected)
    assert found.null_odds == expected.null_odds
    assert [c.probability for c in found.n_best] == [c.probability for c in expected.n_best]
    assert found.null_probability == expected.null_probability
