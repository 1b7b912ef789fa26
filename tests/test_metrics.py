"""Metrics: tables that a reader can check with a pencil, brute force, the official figures."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanfit.errors import DataError, RecipeError
from spanfit.metrics import (
    METRICS,
    SLICES,
    Signature,
    answer_scores,
    require_same_signature,
    score,
)
from spanfit.metrics.overlap import unit_f1
from spanfit.metrics.squad import Ranking, threshold_figures
from spanfit.text import normalise_english
from spanfit.types import Answer, Candidate, QuestionExample, QuestionPrediction


def example(key, *golds):
    return QuestionExample(key, "?", "context", tuple(Answer(gold) for gold in golds))


def prediction(key, *texts, null_odds=0.0, threshold=None):
    n_best = tuple(Candidate(text, 0, len(text), 1.0, 0.5) for text in texts)
    return QuestionPrediction(key, n_best, null_odds=null_odds, threshold=threshold)


# Normalisation ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The  U.S.-led Coalition!", "usled coalition"),
        ("a cat, an owl & the dog", "cat owl dog"),
        ("theatre Another anthem", "theatre another anthem"),
        ("The", ""),
        ("?!", ""),
        ("t.h.e end", "end"),  # the points go first, then the article that they leave
        ("a_b", "ab"),
        ("l’an", "l’"),  # only ASCII punctuation goes, but it borders a word
        ("an–an", "–"),
        ("€5 «quoted»", "€5 «quoted»"),
        ("\ttabs\nand\u00a0no-break\u3000spaces ", "tabs and nobreak spaces"),
        ("ÅNGSTRÖM", "ångström"),
    ],
)
def test_normalisation_by_hand(text, expected):
    assert normalise_english(text) == expected


@given(st.text())
def test_normalising_twice_changes_nothing(text):
    once = normalise_english(text)
    assert normalise_english(once) == once


# One answer ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "golds", "v1", "v2"),
    [
        ("The Harbour.", ["harbour"], (1, 1), (1, 1)),
        ("old harbour", ["harbour"], (0, 2 / 3), (0, 2 / 3)),  # precision 1/2, recall 1
        ("b c", ["b d"], (0, 1 / 2), (0, 1 / 2)),
        ("very very old", ["very old"], (0, 4 / 5), (0, 4 / 5)),  # "very" counts once of two
        ("b c", ["x", "b c d", "b"], (0, 4 / 5), (0, 4 / 5)),  # the best of several golds
        ("c b", ["b c"], (0, 1), (0, 1)),
        ("harbour", ["quay"], (0, 0), (0, 0)),
        ("", ["harbour"], (0, 0), (0, 0)),
        ("", ["the"], (1, 0), (1, 1)),  # a gold that normalises to nothing
        ("the", ["?"], (1, 0), (1, 1)),
        ("", ["the", "quay"], (1, 0), (0, 0)),  # v2 drops it where another gold is left
        ("quay", ["the", "quay"], (1, 1), (1, 1)),
        ("quay", ["the"], (0, 0), (0, 0)),
        ("", [], None, (1, 1)),
        ("The!", [], None, (1, 1)),
        ("quay", [], None, (0, 0)),
    ],
)
def test_answer_scores_by_hand(text, golds, v1, v2):
    assert answer_scores(text, golds) == pytest.approx(v2)
    assert answer_scores(text, golds, metric="squad_v2") == pytest.approx(v2)
    if v1 is None:
        with pytest.raises(ValueError, match="without golds"):
            answer_scores(text, golds, metric="squad_v1")
    else:
        assert answer_scores(text, golds, metric="squad_v1") == pytest.approx(v1)


WORDS = st.lists(st.sampled_from(["quay", "lamp", "old", "red", "sea"]), max_size=6)


@given(WORDS, WORDS)
def test_f1_is_symmetric_and_one_only_for_equal_bags(a, b):
    assert unit_f1(a, b) == unit_f1(b, a)
    assert 0 <= unit_f1(a, b) <= 1
    assert (unit_f1(a, b) == 1) == (sorted(a) == sorted(b) and bool(a))


ANSWERS = st.lists(st.sampled_from(["quay", "lamp", "old", "the"]), max_size=4).map(" ".join)


@given(ANSWERS, st.lists(ANSWERS.filter(normalise_english), min_size=2), st.sampled_from(METRICS))
def test_another_gold_never_lowers_a_score(text, golds, metric):
    exact, f1 = answer_scores(text, golds[:-1], metric=metric)
    more_exact, more_f1 = answer_scores(text, golds, metric=metric)
    assert more_exact >= exact
    assert more_f1 >= f1


# Figures ---------------------------------------------------------------------------------------


def test_squad_v1_by_hand():
    gold = [example("q1", "quay"), example("q2", "old quay"), example("q3", "lamp")]
    scores = score(gold, {"q3": "sea", "q1": "the quay", "q2": "quay"})
    assert scores.signature.metric == "squad_v1"
    assert scores.figures == pytest.approx({"exact_match": 100 / 3, "f1": 100 * (1 + 2 / 3) / 3})
    assert (scores.exact, scores.f1) == (scores.figures["exact_match"], scores.figures["f1"])
    assert scores.ids == ("q1", "q2", "q3")
    assert scores.example_exact.tolist() == [1, 0, 0]
    assert scores.example_f1.tolist() == pytest.approx([1, 2 / 3, 0])
    assert scores.worst(2) == ("q3", "q2")


def test_squad_v2_by_hand():
    gold = [example("q1", "quay"), example("q2", "old quay"), example("q3"), example("q4")]
    scores = score(gold, {"q1": "quay", "q2": "quay", "q3": "", "q4": "sea"})
    assert scores.figures == pytest.approx(
        {
            "exact": 50,
            "f1": 100 * (1 + 2 / 3 + 1 + 0) / 4,
            "total": 4,
            "HasAns_exact": 50,
            "HasAns_f1": 100 * (1 + 2 / 3) / 2,
            "HasAns_total": 2,
            "NoAns_exact": 50,
            "NoAns_f1": 50,
            "NoAns_total": 2,
        }
    )
    assert scores.has_answer.tolist() == [True, True, False, False]


V2_GOLD = [example("q1", "quay"), example("q2", "lamp"), example("q3"), example("q4")]
V2_TEXTS = {"q1": "quay", "q2": "sea", "q3": "sea", "q4": "tide"}


def test_threshold_figures_by_hand():
    """Sorted by na-prob: q1 right (+1), q3 has no answer (-1), q2 wrong (0), q4 (-1).

    Saying nothing scores 2 of 4; answering only q1 scores 3.
    """
    na_probs = {"q4": 0.9, "q1": 0.1, "q3": 0.3, "q2": 0.6}
    figures = score(V2_GOLD, V2_TEXTS, na_probs=na_probs, na_prob_threshold=0.3).figures
    assert figures["exact"] == 50  # 0.3 is not above 0.3: only q1 right, and q4 rightly silent
    assert (figures["best_exact"], figures["best_exact_thresh"]) == (75, 0.1)
    assert (figures["best_f1"], figures["best_f1_thresh"]) == (75, 0.1)
    # Precision 1 at recall 1/2; recall never grows again.
    assert figures["pr_exact_ap"] == 50
    # If every answer were right: 1 at 1/2, then 2/3 at 1.
    assert figures["pr_oracle_ap"] == pytest.approx(100 * (1 / 2 + 2 / 3 / 2))


def test_na_probs_at_the_threshold_are_answered():
    na_probs = {"q1": 0.5, "q2": 0.5, "q3": 0.5, "q4": 0.5000001}
    assert score(V2_GOLD, V2_TEXTS, na_probs=na_probs, na_prob_threshold=0.5).exact == 50


def test_a_silent_answer_to_an_empty_gold_has_the_score_of_silence():
    """has_ans follows the list of golds, not their texts: silence by na-prob is wrong here."""
    gold = [example("q1", "the"), example("q2")]
    assert score(gold, {"q1": "", "q2": ""}).figures["HasAns_f1"] == 100
    silent = score(gold, {"q1": "", "q2": ""}, na_probs={"q1": 1, "q2": 1}, na_prob_threshold=0.5)
    assert (silent.figures["HasAns_f1"], silent.figures["NoAns_f1"]) == (0, 100)


def test_equal_na_probs_are_taken_in_the_order_of_their_file():
    gold = [example("q1", "quay"), example("q2")]
    texts = {"q1": "quay", "q2": "sea"}
    good_first = score(gold, texts, na_probs={"q1": 0.5, "q2": 0.5}).figures
    bad_first = score(gold, texts, na_probs={"q2": 0.5, "q1": 0.5}).figures
    assert (good_first["best_f1"], good_first["best_f1_thresh"]) == (100, 0.5)
    assert (bad_first["best_f1"], bad_first["best_f1_thresh"]) == (50, 0.0)
    assert good_first["pr_f1_ap"] == bad_first["pr_f1_ap"] == 50  # areas keep ties together


def slow_best(rows, which):
    """Give 0, 1, 2 … answers, the surest first, and look at each sum."""
    rows = sorted(rows, key=lambda row: row["odds"])
    silent = sum(not row["has"] for row in rows)
    best, threshold, total = silent, 0.0, silent
    for row in rows:
        total += row[which] if row["has"] else -row["says"]
        if total > best:
            best, threshold = total, row["odds"]
    return best, threshold


def slow_area(rows, which, n_answerable):
    """Precision and recall at each distinct threshold, each from scratch."""
    area, before = 0.0, 0.0
    for odds in sorted({row["odds"] for row in rows}):
        given = [row for row in rows if row["odds"] <= odds]
        hits = sum(row[which] for row in given if row["has"])
        area += hits / len(given) * (hits / n_answerable - before)
        before = hits / n_answerable
    return area


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "odds": st.integers(-3, 3).map(float),  # few, so that many are equal
                "exact": st.sampled_from([0.0, 1.0]),
                "f1": st.floats(0, 1),
                "has": st.booleans(),
                "says": st.booleans(),
            }
        ),
        min_size=1,
        max_size=30,
    ),
    st.integers(0, 3),
)
def test_threshold_figures_equal_brute_force(rows, missing):
    ranking = Ranking.sort(
        np.array([row["odds"] for row in rows]),
        exact=np.array([row["exact"] for row in rows]),
        f1=np.array([row["f1"] for row in rows]),
        has_answer=np.array([row["has"] for row in rows]),
        says_text=np.array([row["says"] for row in rows]),
    )
    n, n_answerable = len(rows) + missing, sum(row["has"] for row in rows) + missing
    figures = threshold_figures(ranking, n=n, n_answerable=n_answerable)
    for which in ("exact", "f1"):
        best, threshold = slow_best(rows, which)
        assert (figures[f"best_{which}"], figures[f"best_{which}_thresh"]) == (
            100 * best / n,
            threshold,
        )
        if n_answerable:
            area = slow_area(rows, which, n_answerable)
            assert figures[f"pr_{which}_ap"] == pytest.approx(100 * area, abs=1e-9)
    assert ("pr_f1_ap" in figures) == (n_answerable > 0)


@given(st.randoms(use_true_random=False))
def test_scores_do_not_depend_on_the_order(order: random.Random):
    gold = [example(f"q{i}", *(["quay", "old lamp"][: i % 3])) for i in range(9)]
    texts = {f"q{i}": ["quay", "lamp", "", "the old quay"][i % 4] for i in range(9)}
    na_probs = {f"q{i}": (i * 5 % 9) / 9 for i in range(9)}
    one = score(gold, texts, na_probs=na_probs, na_prob_threshold=0.5)
    shuffled = [order.sample(list(items), len(items)) for items in (gold, texts, na_probs)]
    two = score(
        shuffled[0],
        {key: texts[key] for key in shuffled[1]},
        na_probs={key: na_probs[key] for key in shuffled[2]},
        na_prob_threshold=0.5,
    )
    assert two.figures == pytest.approx(one.figures)
    assert two.signature == one.signature


# Predictions of ours ---------------------------------------------------------------------------


def test_null_predictions_score_as_no_answer_and_keep_their_text_for_the_threshold_search():
    """q1 is wrongly silent at threshold 0; at its own null odds it would have been right."""
    gold = [example("q1", "quay"), example("q2")]
    predictions = [
        prediction("q1", "quay", "sea", null_odds=0.5, threshold=0.0),
        prediction("q2", "sea", null_odds=2.0, threshold=0.0),
    ]
    figures = score(gold, predictions).figures
    assert (figures["HasAns_f1"], figures["NoAns_f1"]) == (0, 100)
    assert (figures["best_f1"], figures["best_f1_thresh"]) == (100, 0.5)


def test_squad_v1_reads_a_null_prediction_as_the_empty_text():
    predictions = [prediction("q1", "quay", null_odds=1.0, threshold=0.0)]
    assert score([example("q1", "quay")], predictions).f1 == 0
    assert score([example("q1", "quay")], [predictions[0].rethreshold(None)]).f1 == 100


def test_a_prediction_without_candidates_is_no_answer_at_any_threshold():
    gold = [example("q1", "quay"), example("q2")]
    predictions = [
        prediction("q1", "quay", null_odds=-1.0),
        prediction("q2", null_odds=float("inf")),
    ]
    figures = score(gold, predictions).figures
    assert (figures["f1"], figures["best_f1"], figures["best_f1_thresh"]) == (100, 100, -1)
    assert all(np.isfinite(list(figures.values())))


def test_best_figures_need_null_odds_of_every_prediction():
    assert "best_f1" not in score(V2_GOLD, V2_TEXTS).figures


@pytest.mark.parametrize("null_odds", [float("nan"), float("-inf")])
def test_null_odds_that_are_no_numbers_are_refused(null_odds):
    with pytest.raises(DataError, match="'q1': the null odds"):
        score([example("q1")], [prediction("q1", null_odds=null_odds)])


# Missing, unknown, wrong -----------------------------------------------------------------------


@pytest.mark.parametrize(("metric", "name"), [("squad_v1", "exact_match"), ("squad_v2", "exact")])
def test_a_missing_prediction_counts_as_zero_and_is_listed(metric, name):
    gold = [example("q1", "quay"), example("q2", "lamp"), example("q3", "sea")]
    scores = score(gold, {"q2": "lamp"}, metric=metric)
    assert scores.missing == ("q1", "q3")
    assert scores.figures[name] == pytest.approx(100 / 3)
    assert scores.signature.n == 3


def test_a_missing_prediction_is_zero_for_unanswerable_questions_and_best_figures_too():
    figures = score(V2_GOLD, {"q1": "quay"}, na_probs={"q1": 0.2, "q4": 0.9}).figures
    assert figures["f1"] == figures["best_f1"] == 25
    assert (figures["NoAns_f1"], figures["NoAns_total"]) == (0, 2)
    assert (figures["HasAns_f1"], figures["pr_f1_ap"]) == (50, 50)


def test_no_prediction_at_all_is_zero():
    assert score(V2_GOLD, {}).f1 == 0
    assert score(V2_GOLD, []).figures["total"] == 4


def test_unknown_ids_are_refused():
    with pytest.raises(DataError, match=r"1 of 2 ids are not in the gold") as caught:
        score([example("q1", "quay")], {"q1": "quay", "q7": "sea"})
    assert caught.value.found == "q7"


@pytest.mark.parametrize("metric", ["squad_v1", "squad_v2"])
def test_what_a_progress_line_and_the_selection_look_at(metric):
    gold = [QuestionExample("q", "?", "a red lamp", (Answer("red lamp"),))]
    scores = score(gold, {"q": "lamp"}, metric=metric)
    assert scores.value("f1") == scores.f1 == pytest.approx(200 / 3)
    assert scores.value("exact") == scores.exact == 0
    assert scores.headline == {"EM": 0, "F1": scores.f1}
    assert {*scores.headings.values()} <= {*scores.intervals}
    assert (scores.noun, scores.notes, scores.kinds) == ("questions", (), SLICES)
    assert "scheme" not in str(scores.signature)


def test_gold_is_needed():
    with pytest.raises(DataError, match="no example to score"):
        score([], {})
    with pytest.raises(DataError, match="1 of 2 questions have no gold"):
        score([example("q1", "quay"), QuestionExample("q2", "?", "context")], {})
    with pytest.raises(DataError, match="twice"):
        score([example("q1", "quay"), example("q1", "quay")], {})


def test_metric_names():
    with pytest.raises(RecipeError, match="did you mean 'squad_v2'"):
        score(V2_GOLD, V2_TEXTS, metric="sqaud_v2")
    with pytest.raises(DataError, match="2 of 4 have none"):
        score(V2_GOLD, V2_TEXTS, metric="squad_v1")
    forced = score([example("q1", "quay")], {"q1": "quay"}, metric="squad_v2")
    assert forced.figures == {
        "exact": 100, "f1": 100, "total": 1,
        "HasAns_exact": 100, "HasAns_f1": 100, "HasAns_total": 1,
    }  # fmt: skip


def test_na_probs_must_fit():
    with pytest.raises(DataError, match="not a finite number"):
        score(V2_GOLD, V2_TEXTS, na_probs=dict.fromkeys(V2_TEXTS, float("nan")))
    with pytest.raises(DataError, match="3 of 4 predictions have no na-prob"):
        score(V2_GOLD, V2_TEXTS, na_probs={"q2": 0.5})
    with pytest.raises(DataError, match="1 of 5 ids are not in the gold"):
        score(V2_GOLD, V2_TEXTS, na_probs=dict.fromkeys([*V2_TEXTS, "q9"], 0.5))
    with pytest.raises(RecipeError, match="without na-probs"):
        score(V2_GOLD, V2_TEXTS, na_prob_threshold=0.5)
    with pytest.raises(RecipeError, match="not a number"):
        score(V2_GOLD, V2_TEXTS, na_probs=dict.fromkeys(V2_TEXTS, 0), na_prob_threshold=np.nan)


# Scores ----------------------------------------------------------------------------------------


def test_scores_are_compared_only_under_one_signature():
    one = score(V2_GOLD, V2_TEXTS)
    require_same_signature(one.signature, score(V2_GOLD, {}).signature)
    tuned = score(V2_GOLD[:3], {}, selected_on="validation")
    with pytest.raises(DataError, match="selected_on, data_digest, n") as caught:
        require_same_signature(one.signature, tuned.signature)
    assert "selected_on none" in caught.value.expected
    assert "selected_on validation" in caught.value.found


def test_signature_says_how_the_score_was_made():
    signature = score(V2_GOLD, V2_TEXTS, selected_on="calibration").signature
    assert isinstance(signature, Signature)
    assert str(signature).startswith(
        "squad_v2 · normalisation squad/en · selected on calibration · data "
    )


def test_scores_go_into_json_and_their_arrays_stay_as_they_are():
    scores = score(V2_GOLD, {"q1": "quay"})
    written = json.loads(json.dumps(scores.to_json()))
    assert written["figures"] == scores.figures
    assert written["signature"]["n"] == 4
    assert written["missing"] == ["q2", "q3", "q4"]
    assert written["intervals"]["f1"] == scores.interval("f1").to_json()
    assert written["confidence"] is None
    with pytest.raises(ValueError, match="read-only"):
        scores.example_f1[0] = 1


def test_worst_takes_f1_then_exact_then_order():
    gold = [example("q1", "b c"), example("q2", "x"), example("q3", "b c"), example("q4", "y")]
    scores = score(gold, {"q1": "b c", "q2": "-", "q3": "c b", "q4": "-"})
    assert scores.worst(10) == ("q2", "q4", "q3", "q1")


def test_a_case_holds_what_a_reader_compares():
    gold = [example("q1", "quay", "the quay", "quay"), example("q2"), example("q3", "lamp")]
    scores = score(gold, {"q1": "old quay", "q2": ""})
    case = scores.case("q1")
    assert (case.golds, case.predicted, case.exact) == (("quay", "the quay"), "old quay", 0)
    assert case.f1 == pytest.approx(2 / 3)
    assert (scores.case("q2").golds, scores.case("q2").predicted) == ((), "")
    assert scores.case("q3").predicted is None
    assert scores.missing == ("q3",)


def test_what_was_predicted_is_what_the_threshold_decides():
    gold = [example("q1", "quay"), example("q2")]
    sure, unsure = (
        prediction("q1", "quay", null_odds=-1.0, threshold=0.0),
        prediction("q2", "sea", null_odds=1.0, threshold=0.0),
    )
    assert score(gold, [sure, unsure]).predicted == ("quay", "")
    assert score(gold, [sure, unsure.rethreshold(2.0)]).predicted == ("quay", "sea")


# Intervals -------------------------------------------------------------------------------------


def test_every_mean_has_an_interval_and_nothing_else():
    odds = dict.fromkeys(V2_TEXTS, 0.5)
    scores = score(V2_GOLD, V2_TEXTS, na_probs=odds)
    assert "best_f1" in scores.figures
    assert list(scores.intervals) == [
        "exact", "f1", "HasAns_exact", "HasAns_f1", "NoAns_exact", "NoAns_f1",
    ]  # fmt: skip
    for figure, interval in scores.intervals.items():
        assert scores.interval(figure) == interval
        assert 0 <= interval.low <= scores.figures[figure] <= interval.high <= 100
    with pytest.raises(RecipeError, match="no interval for 'best_f1'"):
        scores.interval("best_f1")
    with pytest.raises(ValueError, match="between 0 and 1"):
        scores.interval("f1", level=95)


def test_squad_v1_intervals_go_by_its_names():
    scores = score([example("q1", "quay"), example("q2", "lamp")], {"q1": "quay"})
    assert list(scores.intervals) == ["exact_match", "f1"]
    assert scores.interval("exact") == scores.interval("exact_match")


def test_a_wider_level_is_a_wider_interval():
    gold = [example(f"q{row}", "quay") for row in range(100)]
    scores = score(gold, {f"q{row}": "quay" for row in range(60)})
    widths = [scores.interval(level=level) for level in (0.5, 0.95, 0.99)]
    assert widths[0].low > widths[1].low > widths[2].low
    assert widths[0].high < widths[1].high < widths[2].high
    half = 196 * np.sqrt(0.6 * 0.4 / 100)
    assert widths[1].low == pytest.approx(60 - half, abs=1)


def test_one_question_has_no_spread():
    scores = score([example("q1", "quay")], {"q1": "old quay"})
    assert scores.intervals["f1"].to_json() == pytest.approx([200 / 3, 200 / 3])


def test_how_many_have_an_answer_is_left_to_chance_too():
    """HasAns is resampled among all questions, so it spreads a little more than by itself."""
    gold = [example(f"q{row}", "quay") for row in range(20)]
    texts = {f"q{row}": "quay" for row in range(10)}
    alone = score(gold, texts, metric="squad_v2").interval("HasAns_f1")
    among = score([*gold, *(example(f"n{row}") for row in range(20))], texts).interval("HasAns_f1")
    assert among.high - among.low > alone.high - alone.low


# Confidence ------------------------------------------------------------------------------------


def test_confidence_is_that_of_what_is_said():
    gold = [example("q1", "quay"), example("q2", "lamp"), example("q3", "sea")]
    answered = [prediction("q1", "quay"), prediction("q2", "quay")]  # each with probability 0.5
    confidence = score(gold, answered).confidence
    assert confidence.n == 2  # of the missing one nothing is known
    assert (confidence.brier, confidence.calibration_error) == (0.25, 0)
    assert score(gold, answered).to_json()["confidence"]["brier"] == 0.25


def test_without_probabilities_there_is_no_confidence():
    gold = [example("q1", "quay"), example("q2")]
    assert score(gold, {"q1": "quay"}).confidence is None
    assert score(gold, []).confidence is None
    answered = [prediction("q1", "quay"), prediction("q2", "quay")]
    assert score(gold, answered).confidence is not None
    decided_anew = score(gold, answered, na_probs={"q1": 0, "q2": 1}, na_prob_threshold=0.5)
    assert decided_anew.confidence is None


# The official figures --------------------------------------------------------------------------

OFFICIAL = {
    "squad_v1_dev": ("squad_v1/dev-v1.1.json", None),
    "squad_v2_dev": ("squad_v2/dev-v2.0.json", 0.5),
    "squad_v2_dev_without_na_probs": ("squad_v2/dev-v2.0.json", None),
}


@pytest.mark.parametrize("key", OFFICIAL)
def test_equal_to_the_official_scripts(shared, key):
    gold, threshold = OFFICIAL[key]
    folder, stem = shared / "expected", key.removesuffix("_without_na_probs")
    expected = json.loads((folder / "official_scores.json").read_text())[key]
    options = {}
    if threshold is not None:
        options = {"na_probs": folder / f"{stem}.na_probs.json", "na_prob_threshold": threshold}
    scores = score(shared / "data" / gold, folder / f"{stem}.predictions.json", **options)
    assert list(scores.figures) == list(expected)
    assert scores.figures == pytest.approx(expected, rel=0, abs=1e-9)
    assert not scores.missing
