"""The metrics of questions: which text is exact, and what counts for F1.

                   normalisation  units       shared        empty golds  F1 of nothing  script
    squad_v1       english        words       in any order  kept         0              evaluate-v1.1.py
    squad_v2       english        words       in any order  dropped      1 if exact     evaluate-v2.0.py
    jsquad         japanese       characters  in any order  dropped      1 if exact     JGLUE
    korquad        korean         letters     in any order  kept         0              evaluate-v1.0.py
    cmrc2018       chinese        mixed       longest run   kept         0              cmrc2018_evaluate.py
    mlqa-LANGUAGE  multilingual   words       in any order  kept         0              mlqa_evaluation_v1.py
    first_gold_exact  untouched   whole       in any order  kept         1 if exact     none

Normalisations are in `text.normalisation`, units in `text.division`. "Empty" is what normalises to
nothing. The best over all golds counts, but for first_gold_exact, which knows the first alone. That
one is no good measure: it was a quick check in a tutorial. A gold that stands second is as right as
the first, and a full stop or a space too many is no other answer; so it says less than it seems, and
is here to compare with figures that were published by it.

A question without an answer is right if nothing is said, in all but squad_v1, which does not allow
it. The scripts of the other languages do not know such questions.
"""  # noqa: E501 (a table)

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from spanfit.errors import RecipeError, did_you_mean
from spanfit.metrics.overlap import CountShared, count_common, count_longest_run, unit_f1
from spanfit.text.division import CHARACTERS, LETTERS, MIXED, WHOLE, WORDS, Division
from spanfit.text.normalisation import (
    MULTILINGUAL_ARTICLES,
    MULTILINGUAL_SINGLES,
    leave_untouched,
    make_multilingual,
    normalise_chinese,
    normalise_english,
    normalise_japanese,
    normalise_korean,
)


@dataclass(frozen=True, slots=True)
class QuestionMetric:
    """One way to score answers; see the table above.

    `name` is what users type, `normalisation` and `language` go into the signature. `exact` and
    `f1` are what the official script calls the two figures, `average` their mean, if it has that.
    `drops_empty`: golds that normalise to nothing are dropped ("" if none is left), and nothing
    said has the F1 of an exact match; else they are kept, and nothing said has F1 0.
    `allows_null`: questions without an answer are known. `by_kind`: HasAns and NoAns, and what
    thresholds could do, are told where all have answers too.
    """

    name: str
    normalisation: str
    language: str
    normalise: Callable[[str], str]
    division: Division
    count_shared: CountShared = count_common
    first_gold_only: bool = False
    drops_empty: bool = False
    allows_null: bool = True
    by_kind: bool = False
    exact: str = "exact_match"
    f1: str = "f1"
    average: str = ""

    @property
    def signed_name(self) -> str:
        """The name in a signature, where the language stands beside it: "mlqa" of "mlqa-de"."""
        return self.name.partition("-")[0]

    def divide(self, text: str) -> Sequence[str]:
        """The units of a text as it stands in the data."""
        return self.division.split(self.normalise(text))

    def score(self, text: str, golds: Sequence[str]) -> tuple[float, float]:
        """Exact match and F1 (each 0 to 1) of one predicted text: each the best over the golds.

        No golds means that the question has no answer, which only nothing says rightly.

        Raises:
            ValueError: no golds, and this metric does not allow it.
        """
        predicted = self.normalise(text)
        if not golds:
            return self.score_null(not predicted)
        known = [self.normalise(gold) for gold in (golds[:1] if self.first_gold_only else golds)]
        if self.drops_empty:
            known = [gold for gold in known if gold] or [""]
        exact = float(predicted in known)
        units = self.division.split(predicted)
        if not units:
            return exact, exact if self.drops_empty else 0.0
        if exact:
            return 1.0, 1.0
        return 0.0, max(
            unit_f1(units, self.division.split(gold), count_shared=self.count_shared)
            for gold in known
        )

    def score_null(self, is_right: bool) -> tuple[float, float]:
        """Exact match and F1 where there is no answer, or where "no answer" is said.

        Raises:
            ValueError: this metric does not know "no answer".
        """
        if not self.allows_null:
            raise ValueError(f"{self.name} has no score for a question without golds")
        return float(is_right), float(is_right)


def _list_metrics() -> tuple[QuestionMetric, ...]:
    return (
        QuestionMetric(
            name="squad_v1",
            normalisation="squad",
            language="en",
            normalise=normalise_english,
            division=WORDS,
            allows_null=False,
        ),
        QuestionMetric(
            name="squad_v2",
            normalisation="squad",
            language="en",
            normalise=normalise_english,
            division=WORDS,
            drops_empty=True,
            by_kind=True,
            exact="exact",
        ),
        QuestionMetric(
            name="jsquad",
            normalisation="jglue",
            language="ja",
            normalise=normalise_japanese,
            division=CHARACTERS,
            drops_empty=True,
            by_kind=True,
            exact="exact",
        ),
        QuestionMetric(
            name="korquad",
            normalisation="korquad",
            language="ko",
            normalise=normalise_korean,
            division=LETTERS,
        ),
        QuestionMetric(
            name="cmrc2018",
            normalisation="cmrc2018",
            language="zh",
            normalise=normalise_chinese,
            division=MIXED,
            count_shared=count_longest_run,
            exact="EM",
            f1="F1",
            average="AVERAGE",
        ),
        *(_make_multilingual_metric(language) for language in MULTILINGUAL_ARTICLES),
        QuestionMetric(
            name="first_gold_exact",
            normalisation="none",
            language="any",
            normalise=leave_untouched,
            division=WHOLE,
            first_gold_only=True,
            exact="exact",
        ),
    )


def _make_multilingual_metric(language: str) -> QuestionMetric:
    singles = MULTILINGUAL_SINGLES.get(language)
    return QuestionMetric(
        name=f"mlqa-{language}",
        normalisation="mlqa",
        language=language,
        normalise=make_multilingual(language),
        # The normalisation has put spaces around single characters, so all units are words.
        division=Division("words", str.split, singles) if singles else WORDS,
    )


QUESTION_METRICS: Final = {metric.name: metric for metric in _list_metrics()}
"""Each metric of questions by its name."""
METRICS: Final = tuple(QUESTION_METRICS)
"""The names; `tag_counting.TAG_METRICS` are those of tagged texts."""


def find_question_metric(name: str) -> QuestionMetric:
    """The metric of that name.

    Raises:
        RecipeError: questions have none; with the name that was perhaps meant.
    """
    metric = QUESTION_METRICS.get(name)
    if metric is None:
        family = name.partition("-")[0]
        like = [known for known in METRICS if known.startswith(f"{family}-")]
        raise RecipeError(
            f"questions have no metric {name!r}",
            fix=f"one of: {', '.join(like)}" if like else did_you_mean(name, METRICS),
        )
    return metric


def answer_scores(
    text: str, golds: Sequence[str], *, metric: str = "squad_v2"
) -> tuple[float, float]:
    """Exact match and F1 (each 0 to 1) of one predicted text: each the best over the golds.

    No golds means that the question has no answer, which only "" says rightly.

    Raises:
        ValueError: squad_v1 without golds.
        RecipeError: there is no metric of that name.
    """
    return find_question_metric(metric).score(text, golds)
