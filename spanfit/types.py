"""The words that everything in SpanFit speaks: spans, examples, candidates, predictions.

All objects are frozen and valid by construction. A span is a half-open range of **code points** in
the original string: ``text[span.start:span.end]``. No other kind of position leaves a module.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from math import exp, log
from typing import Any, ClassVar, Literal, NamedTuple

UNKNOWN_START = -1
"""`Answer.start` where the data gives a text without a place (CMRC2018 writes -1 itself)."""
LARGEST_EXPONENT = 700.0
"""exp of more than this is no float any more."""

SelectedOn = Literal["none", "calibration", "validation"]
"""The part of the data that chose a model or its threshold; every score carries it."""

SegmenterName = Literal["none", "mecab", "jumanpp"]
"""What cuts words before the tokenizer (see `text.segmentation`)."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A half-open range of characters (code points): ``text[start:end]``."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise ValueError(f"a span needs 0 <= start <= end, found [{self.start}, {self.end})")

    def __len__(self) -> int:
        return self.end - self.start

    def of(self, text: str) -> str:
        """The characters of `text` that this span covers."""
        return text[self.start : self.end]


@dataclass(frozen=True, slots=True)
class Answer:
    """One gold answer: its text and the character at which the data says that it starts.

    The place is what the file claims. It is checked where it is used (training, windows, ceiling)
    and not by scoring, which reads only the text.
    """

    text: str
    start: int = UNKNOWN_START

    def stands_in(self, context: str) -> bool:
        """Whether `context` holds exactly this text at this place."""
        return self.start >= 0 and context.startswith(self.text, self.start)


@dataclass(frozen=True, slots=True)
class QuestionExample:
    """One question with its context.

    `answers` is None where the data has no gold (a question to predict), empty where the gold says
    that the context holds no answer. `synthetic` names the way in which a question that nobody
    asked was made ("other_paragraph"); empty for real ones. `place` says where the example came
    from ("file:line" or "file, paragraph 3"), for messages only.
    """

    id: str
    question: str
    context: str
    answers: tuple[Answer, ...] | None = None
    title: str = ""
    synthetic: str = ""
    place: str = field(default="", compare=False)

    kind: ClassVar[str] = "questions"
    noun: ClassVar[str] = "question"
    gold_form: ClassVar[str] = '"answers" for every question, [] where the context holds none'
    """What several of these are called, and one; and how their gold is written."""

    @property
    def has_gold(self) -> bool:
        """Whether the data says what is right, "no answer" included."""
        return self.answers is not None

    @property
    def is_answerable(self) -> bool:
        """Whether the gold holds an answer."""
        return bool(self.answers)


class TextPair(NamedTuple):
    """What a task reads of an example: a text that every window repeats, and one that is sliced.

    `fixed` is the question (None for a task that has only one text), `sliced` the context.
    """

    fixed: str | None
    sliced: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A possible answer: its text, its characters in the context, its logit sum and probability.

    `source` names the context where there were several: a file, a key, or a number from "0".
    """

    text: str
    start: int
    end: int
    score: float
    probability: float
    source: str = ""

    @property
    def span(self) -> Span:
        """Where the text stands in the context."""
        return Span(self.start, self.end)

    def to_json(self) -> dict[str, Any]:
        """Text and place; the source where there is one."""
        place = {"text": self.text, "start": self.start, "end": self.end}
        return {"source": self.source, **place} if self.source else place


class NullScale(NamedTuple):
    """Slope and offset of the null's log-odds (Platt scaling); as they are where they are 1 and 0.

    The null's share of the softmax at the temperature has log-odds z; its probability then has
    slope * z + offset. What is left is shared among the spans as the softmax shares it.
    """

    slope: float = 1.0
    offset: float = 0.0

    def share(self, log_odds: float) -> float:
        """The probability of "no answer", from its log-odds in the softmax."""
        z = self.slope * log_odds + self.offset
        return 0.0 if -z > LARGEST_EXPONENT else 1 / (1 + exp(-z))


@dataclass(frozen=True, slots=True)
class QuestionPrediction:
    """The k best answers to one question, and what speaks for "no answer".

    `n_best` is sorted: best first. `null_odds` is the null score minus the best span's score;
    above `threshold` the prediction is "no answer". `threshold` None means that the model never
    says so (it was trained without unanswerable questions). `null_probability` is the share that
    the null has beside the n-best; 0 where `threshold` is None. Without any candidate (an empty
    context) the prediction is "no answer" at every threshold: null odds +inf, null probability 1.
    """

    id: str
    n_best: tuple[Candidate, ...]
    null_odds: float
    null_probability: float = 0.0
    threshold: float | None = None
    temperature: float = 1.0
    null_scale: NullScale = NullScale()  # noqa: RUF009 (immutable)

    @property
    def answer(self) -> Candidate | None:
        """The best candidate, or None for "no answer"."""
        if not self.n_best or (self.threshold is not None and self.null_odds > self.threshold):
            return None
        return self.n_best[0]

    @property
    def probability(self) -> float:
        """The probability of what `answer` says (of the null, where that is None)."""
        answer = self.answer
        return self.null_probability if answer is None else answer.probability

    def rethreshold(self, threshold: float | None) -> QuestionPrediction:
        """The same prediction decided at another threshold of the null odds.

        Probabilities change only where the null comes to stand beside the n-best, or leaves it.
        """
        return self.recalibrate(threshold, self.temperature, null_scale=self.null_scale)

    def recalibrate(
        self,
        threshold: float | None,
        temperature: float,
        *,
        null_scale: NullScale = NullScale(),  # noqa: B008 (immutable)
    ) -> QuestionPrediction:
        """The same prediction decided at another threshold, its probabilities scaled anew.

        Scores and null odds stay as they are, so this can be done and undone without loss.

        Raises:
            ValueError: the temperature is not above 0.
        """
        if not temperature > 0:
            raise ValueError(f"temperature must be positive, found {temperature}")
        null_stays = (threshold is None) == (self.threshold is None)
        same = (temperature, null_scale) == (self.temperature, self.null_scale)
        if not self.n_best or (null_stays and same):
            return replace(
                self, threshold=threshold, temperature=temperature, null_scale=null_scale
            )
        # Relative to the best span, whose own weight is exp(0).
        best = self.n_best[0].score
        weights = [exp((c.score - best) / temperature) for c in self.n_best]
        total = sum(weights)
        null = 0.0
        if threshold is not None:
            null = null_scale.share(self.null_odds / temperature - log(total))
        return replace(
            self,
            n_best=tuple(
                replace(candidate, probability=(1 - null) * weight / total)
                for candidate, weight in zip(self.n_best, weights, strict=True)
            ),
            null_probability=null,
            threshold=threshold,
            temperature=temperature,
            null_scale=null_scale,
        )

    def to_json(self) -> dict[str, Any]:
        """The line of a predictions file (see docs/files.md).

        JSON has no infinity: the null odds of +inf beside an empty n_best are null there.
        """
        answer = self.answer
        is_empty = not self.n_best and self.null_odds == math.inf
        return {
            "id": self.id,
            "answer": answer and answer.to_json(),
            "probability": self.probability,
            "null_odds": None if is_empty else self.null_odds,
            "n_best": [
                c.to_json() | {"score": c.score, "probability": c.probability} for c in self.n_best
            ],
        }
