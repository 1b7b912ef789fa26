"""Extractive question answering with the interface of transformers 4."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, cast

from spanfit.errors import ArgumentError, list_some
from spanfit.model import Model
from spanfit.pipelines.answer_task import AnswerTask, ScoredPrediction
from spanfit.pipelines.arguments import (
    AnswerArguments,
    Probability,
    require_number,
    translate_topk,
)
from spanfit.pipelines.questions import read_inputs, read_stream
from spanfit.prediction import Predictor
from spanfit.types import QuestionExample

Answer = dict[str, Any]
"""`score`, `start`, `end`, `answer`."""

MAX_SEQ_LEN = 384
DOC_STRIDE = 128
MAX_ANSWER_LEN = 15
MAX_QUESTION_LEN = 64
"""What transformers 4 took where nothing was said; a shorter model takes less."""


@dataclass(frozen=True, kw_only=True)
class AnswerOptions:
    """How questions are answered, all that was not said filled in; see `AnswerArguments`."""

    top_k: int
    doc_stride: int
    max_seq_len: int
    max_answer_len: int
    max_question_len: int
    handle_impossible_answer: bool
    align_to_words: bool
    probability: Probability


class QuestionAnsweringPipeline:
    """Answers questions about contexts; made by `spanfit.pipeline("question-answering", …)`.

    `model` is the `spanfit.Model` behind it, `defaults` what calls take where they say nothing.
    """

    task = "question-answering"

    def __init__(
        self,
        model: Model,
        *,
        defaults: AnswerArguments | None = None,
        batch_size: int | None = None,
    ) -> None:
        self.model = model
        self.defaults = defaults or AnswerArguments()
        self.batch_size = batch_size
        self.options(self.defaults)  # what is wrong is told when the pipeline is made

    def __call__(
        self,
        *inputs: Any,  # noqa: ANN401 (dicts, lists, streams: `questions` has the forms)
        question: str | list[str] | None = None,
        context: str | list[str] | None = None,
        top_k: int | None = None,
        topk: int | None = None,
        doc_stride: int | None = None,
        max_answer_len: int | None = None,
        max_seq_len: int | None = None,
        max_question_len: int | None = None,
        handle_impossible_answer: bool | None = None,
        align_to_words: bool | None = None,
        probability: Probability | None = None,
        padding: str | bool | None = None,
        batch_size: int | None = None,
        num_workers: int | None = None,
    ) -> Any:  # noqa: ANN401 (one result or several, as what was asked)
        """The best answers to one question or to each of several.

        One question gives a dict, or with `top_k` above 1 a list of them, best first; several give
        a list of such results, except that a list of one gives its result itself, as in
        transformers; a stream gives an iterator. A dict has `score`, `start`, `end`, `answer`, with
        ``context[start:end] == answer``; "" at 0 is "no answer".

        Args:
            inputs: a dict with `question` and `context`, or a list or any iterable of these.
            question: a text or a list of them.
            context: a text for all questions, or a list with one for each.
            top_k: answers to each question.
            topk: the old name of `top_k`.
            doc_stride: tokens that neighbouring windows share; 128, or half of `max_seq_len`.
            max_answer_len: tokens of the longest answer; 15.
            max_seq_len: tokens of a window; 384, or what the model takes if less.
            max_question_len: tokens of a question that are read; 64.
            handle_impossible_answer: whether "" takes part as an answer.
            align_to_words: whether answers are extended to whole words.
            probability: what `score` is: "transformers" (softmax of start times softmax of end) or
                "spanfit" (the calibrated share among the n best).
            padding: of no effect; padding never changes an answer here.
            batch_size: windows of the longest kind computed together; None: what suits the device.
            num_workers: of no effect; nothing here waits for another process.

        Raises:
            ArgumentError: an argument is wrong, an empty context for example; a ValueError too.
        """
        arguments = AnswerArguments(
            top_k=translate_topk(top_k, topk),
            doc_stride=doc_stride,
            max_seq_len=max_seq_len,
            max_answer_len=max_answer_len,
            max_question_len=max_question_len,
            handle_impossible_answer=handle_impossible_answer,
            align_to_words=align_to_words,
            probability=probability,
        )
        options = self.options(arguments.over(self.defaults))
        require_number("batch_size", batch_size, least=1)
        size = batch_size or self.batch_size
        examples = read_inputs(inputs, question=question, context=context)
        if not isinstance(examples, list):
            return self._answer(read_stream(examples), options, size)
        results = list(self._answer(examples, options, size))
        return results[0] if len(results) == 1 else results

    def options(self, arguments: AnswerArguments) -> AnswerOptions:
        """What these arguments come to with this model.

        Raises:
            ArgumentError: windows are longer than the model takes, or share too much.
        """
        lengths = (self.model.max_length, self.model.predictor.tokenizer.max_length)
        known = [length for length in lengths if length is not None]
        max_seq_len = arguments.max_seq_len or min([MAX_SEQ_LEN, *known])
        doc_stride = arguments.doc_stride
        if doc_stride is None:
            doc_stride = min(max_seq_len // 2, DOC_STRIDE)
        self._check_windows(max_seq_len, doc_stride)
        aligns = arguments.align_to_words
        return AnswerOptions(
            top_k=arguments.top_k or 1,
            doc_stride=doc_stride,
            max_seq_len=max_seq_len,
            max_answer_len=arguments.max_answer_len or MAX_ANSWER_LEN,
            max_question_len=arguments.max_question_len or MAX_QUESTION_LEN,
            handle_impossible_answer=arguments.handle_impossible_answer or False,
            align_to_words=True if aligns is None else aligns,
            probability=arguments.probability or "transformers",
        )

    def _check_windows(self, max_seq_len: int, doc_stride: int) -> None:
        limit = self.model.max_length
        if limit is not None and max_seq_len > limit:
            raise ArgumentError(
                "max_seq_len is longer than the encoder's positions",
                expected=f"at most {limit} tokens",
                found=str(max_seq_len),
            )
        room = max_seq_len - self.model.predictor.tokenizer.template.n_specials
        if doc_stride >= room:
            raise ArgumentError(
                "doc_stride leaves no room for anything new in a window",
                expected=f"fewer than {room} tokens, with max_seq_len={max_seq_len}",
                found=str(doc_stride),
                fix=f"doc_stride={max(0, min(max_seq_len // 2, DOC_STRIDE, room - 1))}",
            )

    def _answer(
        self, examples: Iterable[QuestionExample], options: AnswerOptions, batch_size: int | None
    ) -> Iterator[Answer | list[Answer]]:
        """The result for each example, in their order; in the end a warning of cut questions."""
        cut = []
        for prediction in self._predict(examples, options, batch_size):
            if prediction.is_cut:
                cut.append(prediction.id)
            answers = _list_answers(prediction, options)
            yield answers[0] if options.top_k == 1 else answers
        if cut:
            warnings.warn(
                f"longer than {options.max_question_len} tokens (max_question_len), or than the "
                f"window allows, so that only the first tokens were read: {len(cut):,} of the "
                f"questions, by number {list_some(cut)}",
                UserWarning,
                stacklevel=3,
            )

    def _predict(
        self, examples: Iterable[QuestionExample], options: AnswerOptions, batch_size: int | None
    ) -> Iterator[ScoredPrediction]:
        asked: deque[QuestionExample] = deque()

        def remember(example: QuestionExample) -> QuestionExample:
            asked.append(example)
            return example

        predictor = self.predictor(options, batch_size=batch_size)
        for prediction in predictor.predict(map(remember, examples)):
            example, factor = asked.popleft(), 1
            found = cast("ScoredPrediction", prediction)
            while not found.is_complete:  # rare: many candidates came to the same words
                factor *= 4
                wider = self.predictor(options, batch_size=batch_size, factor=factor)
                found = cast("ScoredPrediction", next(wider.predict([example])))
            yield found

    def predictor(
        self, options: AnswerOptions, *, batch_size: int | None = None, factor: int = 1
    ) -> Predictor:
        """The model's predictor with the windows and the decoding that are wanted.

        `factor`: so many times the candidates of a window that are enough nearly always.
        """
        predictor = self.model.predictor
        n_answers, n_candidates = _count_candidates(options, predictor.settings.decode.n_best)
        windows = {"max_length": options.max_seq_len, "overlap": options.doc_stride}
        decode = {"n_best": factor * n_candidates, "max_answer_tokens": options.max_answer_len}
        settings = predictor.settings.model_copy(
            update={
                "windows": predictor.settings.windows.model_copy(update=windows),
                "decode": predictor.settings.decode.model_copy(update=decode),
            }
        )
        return replace(
            predictor,
            task=AnswerTask(n_answers=n_answers, align_to_words=options.align_to_words),
            settings=settings,
            max_tokens=batch_size * options.max_seq_len if batch_size else predictor.max_tokens,
            max_question_tokens=options.max_question_len,
        )


def _count_candidates(options: AnswerOptions, n_best: int) -> tuple[int, int]:
    """How many answers a question needs, and how many candidates a window.

    SpanFit's own probability is one among the n best, however many of them are reported.
    """
    n_answers = (
        options.top_k if options.probability == "transformers" else max(options.top_k, n_best)
    )
    is_spare = options.align_to_words and n_answers > 1
    return n_answers, 2 * n_answers + 10 if is_spare else n_answers


def _list_answers(prediction: ScoredPrediction, options: AnswerOptions) -> list[Answer]:
    """The answers that are reported of a prediction, best first; at least one."""
    is_ours = options.probability == "spanfit"
    answers: list[Answer] = [
        {
            "score": candidate.probability if is_ours else prediction.share(candidate.score),
            "start": candidate.start,
            "end": candidate.end,
            "answer": candidate.text,
        }
        for candidate in prediction.n_best
    ]
    null = {"start": 0, "end": 0, "answer": ""}
    if options.handle_impossible_answer:
        share = prediction.null_probability if is_ours else prediction.null_share
        place = sum(answer["score"] >= share for answer in answers)
        if is_ours and answers:  # the threshold decides whether there is an answer
            place = 0 if prediction.answer is None else max(place, 1)
        answers.insert(place, {"score": share, **null})
    return answers[: options.top_k] or [{"score": 0.0, **null}]
