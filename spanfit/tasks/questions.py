"""Extractive question answering: point at the answer in the context, or say that there is none.

    question  "Who leads?"       every window repeats it, without outer white space
    context   " Ada leads it."   sliced into windows, never stripped: offsets count from its start
    answer    "Ada" at 1         tokens [1, 1] of the context; null in windows that lack any of them

The label rule is that of `spanfit.tasks.labels`. A gold answer is taken without its outer white
space, which no token carries and no metric sees.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from spanfit.batching import Batch
from spanfit.data.checking import Checked
from spanfit.decode.merging import WindowCandidates, concatenate, decode_batch, merge_all
from spanfit.errors import DataError
from spanfit.examples import AS_IT_IS, Reading
from spanfit.metrics import find_question_metric
from spanfit.recipe import Recipe, TaskSection
from spanfit.settings import SPAN_OUTPUTS, Calibration, ModelSettings
from spanfit.tasks.base import Task
from spanfit.tasks.span_targets import (
    SpanTargets,
    find_gold_tokens,
    gold_spans,
    place_golds,
)
from spanfit.tokenizer import Tokenizer
from spanfit.types import QuestionExample, QuestionPrediction, TextPair
from spanfit.windows import Windows

if TYPE_CHECKING:
    from spanfit.recipe import DecodeSection
    from spanfit.tasks.base import Logits

DEFAULTS = TaskSection()
"""The options of a recipe that says nothing of them."""


class QuestionTask(
    Task[QuestionExample, SpanTargets, WindowCandidates, QuestionPrediction, tuple[float, float]]
):
    """Questions on a context: two logits a token, start and end of the answer."""

    name = "qa"
    example_type = QuestionExample

    def describe(self, examples: Sequence[QuestionExample]) -> str:
        """Their number, how many of them have no answer, and how many more nobody asked."""
        n_synthetic = sum(bool(example.synthetic) for example in examples)
        n_null = _count_null(examples) - n_synthetic
        asked = f"{len(examples) - n_synthetic:,} questions"
        asked += f" ({n_null:,} unanswerable)" if n_null else ""
        if not n_synthetic:
            return asked
        return f"{asked}, and {n_synthetic:,} synthetic ones made of them, without an answer"

    def advise(self, parts: Mapping[str, Sequence[QuestionExample]], recipe: Recipe) -> list[str]:
        """What it means where "no answer" is scored and not learnt, or learnt and not fitted."""
        if recipe.selection.null_threshold is not None:
            return []
        if _learns_null(parts["training"]):
            if parts["calibration"]:
                return []
            return ["there is no calibration part, so the threshold of 'no answer' is 0"]
        counts = {name: _count_null(part) for name, part in parts.items()}
        found = ", ".join(f"{n:,} in {name}" for name, n in counts.items() if n)
        if not found:
            return []
        return [
            "the model learns no unanswerable question, so it will never say 'no answer', but it "
            f"is scored on some ({found}); to learn it from questions asked of other paragraphs: "
            "--set data.synthetic_unanswerable=0.3"
        ]

    def uncalibrated(self, training: Sequence[QuestionExample], recipe: Recipe) -> Calibration:
        """The threshold that is named, else 0, or none at all.

        Without an unanswerable question to learn from, the null was never shown, so the model
        always answers.
        """
        named = recipe.selection.null_threshold
        unnamed = 0.0 if _learns_null(training) else None
        return Calibration(threshold=unnamed if named is None else named)

    def settle(
        self, examples: Sequence[QuestionExample], recipe: Recipe, *, scheme: str | None = None
    ) -> ModelSettings:
        """Windows and decoding as the recipe has them; the examples change nothing."""
        return ModelSettings(
            task="qa",
            outputs=SPAN_OUTPUTS,
            windows=recipe.windows,
            segmenter=recipe.model.segmenter,
            decode=recipe.decode,
            metric=recipe.task.metric,
        )

    def assume(self, outputs: Sequence[str]) -> ModelSettings:
        """The defaults."""
        return ModelSettings(outputs=SPAN_OUTPUTS)

    def adapt(
        self,
        examples: Sequence[QuestionExample],
        settings: ModelSettings,
        *,
        reading: Reading = AS_IT_IS,
        name: str = "",
    ) -> Checked:
        """The examples as they are: a score reads the texts of the gold, not their places."""
        return Checked(list(examples), ())

    def doubt(
        self,
        examples: Sequence[QuestionExample],
        settings: ModelSettings,
        calibration: Calibration,
    ) -> list[str]:
        """That the model always answers, where the gold does not."""
        n_null = sum(example.answers == () for example in examples)
        if not n_null or calibration.threshold is not None:
            return []
        return [
            f"{n_null:,} of these questions have no answer, and this model never says so, because "
            "it learnt none; to learn it: spanfit train RECIPE "
            "--set data.synthetic_unanswerable=0.3"
        ]

    def explain(self, settings: ModelSettings) -> str:
        """The threshold."""
        return f"a null threshold of {Calibration().threshold:g}"

    def outputs(self, settings: ModelSettings) -> tuple[str, ...]:
        """Start and end."""
        return SPAN_OUTPUTS

    def arrange(
        self, examples: Iterable[QuestionExample], tokenizer: Tokenizer, settings: ModelSettings
    ) -> Iterator[QuestionExample]:
        """The examples as they are."""
        return iter(examples)

    def texts(self, example: QuestionExample) -> TextPair:
        """The question without outer white space, and the context as it is."""
        return TextPair(fixed=example.question.strip(), sliced=example.context)

    def identify(self, example: QuestionExample) -> tuple[str, ...]:
        """Its id, the question and the context."""
        pair = self.texts(example)
        return (example.id, pair.fixed or "", pair.sliced)

    def targets(
        self,
        examples: Sequence[QuestionExample],
        windows: Windows,
        options: TaskSection = DEFAULTS,
        settings: ModelSettings = ModelSettings(),  # noqa: B008 (immutable)
    ) -> SpanTargets:
        """The targets of the windows of `examples`, each window of weight 1.

        Of several golds the first is learnt, or with `options.answers` "all" each that a window can
        express; golds of the same tokens are one.

        Raises:
            DataError: an example has no gold, or an answer that is not in its context.
        """
        for example in examples:
            if example.answers is None:
                raise DataError(
                    f"question {example.id!r} has no gold answers to learn from",
                    where=example.place,
                    expected='"answers": [{"text", "start"}], or [] for a question without answer',
                )
        golds = gold_spans(examples, first_only=options.answers == "first")
        tokens = find_gold_tokens(golds, windows)
        start, end = place_golds(golds, tokens, windows)
        held = np.zeros(len(examples), dtype=np.bool_)
        held[windows.example[(start >= 0).any(axis=1)]] = True
        is_held = held[golds.example]
        return SpanTargets(
            start=start,
            end=end,
            weight=np.ones(len(windows), np.float32),
            lost=tuple(np.unique(golds.example[~is_held]).tolist()),
            widened=tuple(np.unique(golds.example[is_held & ~tokens.exact]).tolist()),
        )

    def weigh(self, targets: SpanTargets, options: TaskSection) -> SpanTargets:
        """The targets with the weights that give null windows `options.null_share` of the loss.

        The mean weight is 1, so the learning rate keeps its meaning.

        Raises:
            DataError: all windows are of one kind, so that nothing can be balanced.
        """
        share = options.null_share
        if share is None:
            return targets
        is_null = targets.is_null
        n, n_null = len(targets), int(is_null.sum())
        if n_null in (0, n):
            raise DataError(
                f"task.null_share = {share} balances nothing",
                expected="windows with an answer and windows without one in the training part",
                found=f"{n - n_null:,} with an answer, {n_null:,} without",
                fix="--set data.synthetic_unanswerable=0.3, or leave task.null_share out",
            )
        weight = np.where(is_null, share * n / n_null, (1 - share) * n / (n - n_null))
        return replace(targets, weight=weight.astype(np.float32))

    def decode(
        self, logits: Logits, batch: Batch, windows: Windows, settings: DecodeSection
    ) -> WindowCandidates:
        """The k best spans and the null score of each window, found where the logits are.

        Raises:
            ModelError: the logits hold NaN or infinity.
        """
        k, limit = settings.n_best, settings.max_answer_tokens
        if isinstance(logits, np.ndarray):
            return decode_batch(logits, batch, windows, k=k, max_answer_tokens=limit)
        from spanfit.decode import spans_torch

        return spans_torch.decode_batch(logits, batch, windows, k=k, max_answer_tokens=limit)

    def merge(
        self,
        examples: Sequence[QuestionExample],
        candidates: Sequence[WindowCandidates],
        *,
        windows: Windows,
        settings: ModelSettings,
        calibration: Calibration,
    ) -> list[QuestionPrediction]:
        """The n-best of every example over its windows, in the order of the examples."""
        if not candidates:
            return []
        return merge_all(
            examples,
            concatenate(candidates),
            k=settings.decode.n_best,
            temperature=calibration.temperature,
            threshold=calibration.threshold,
            null_scale=calibration.null_scale,
        )

    def statistics(
        self, example: QuestionExample, prediction: QuestionPrediction, *, metric: str
    ) -> tuple[float, float]:
        """Exact match and F1, 0 to 1 each.

        Raises:
            RecipeError: an unknown metric.
        """
        known = find_question_metric(metric)
        answer = prediction.answer
        if answer is None and known.allows_null:
            return known.score_null(not example.is_answerable)
        golds = [gold.text for gold in example.answers or ()]
        return known.score(answer.text if answer else "", golds)


def _learns_null(training: Sequence[QuestionExample]) -> bool:
    """Whether a question without answer is learnt; without any a model always answers."""
    return _count_null(training) > 0


def _count_null(examples: Sequence[QuestionExample]) -> int:
    return sum(not example.is_answerable for example in examples)
