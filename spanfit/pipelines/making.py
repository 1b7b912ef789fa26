"""`spanfit.pipeline`: from a task and a model to a pipeline, as transformers 4 made it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from spanfit.errors import ArgumentError, ModelError, did_you_mean
from spanfit.model import Model
from spanfit.pipelines.arguments import (
    AnswerArguments,
    Arguments,
    Probability,
    TokenArguments,
    require_number,
    translate_grouping,
    translate_topk,
)
from spanfit.pipelines.opening import open_model
from spanfit.pipelines.question_answering import QuestionAnsweringPipeline
from spanfit.pipelines.token_classification import TokenClassificationPipeline

AnyPipeline = QuestionAnsweringPipeline | TokenClassificationPipeline

TASK_NAMES = {
    "question-answering": "qa",
    "token-classification": "tagging",
    "ner": "tagging",
}
"""What transformers calls SpanFit's tasks."""


def pipeline(
    task: str | None = None,
    model: Any = None,  # noqa: ANN401 (a name, a folder, a Model, or a network of transformers)
    *,
    tokenizer: Any = None,  # noqa: ANN401 (a name, or a tokenizer of transformers)
    device: object = None,
    backend: str | None = None,
    batch_size: int | None = None,
    trust_remote_code: bool | None = None,
    num_workers: int | None = None,
    framework: str | None = None,
    use_fast: bool | None = None,
    config: object = None,
    revision: str | None = None,
    token: object = None,
    device_map: object = None,
    dtype: object = None,
    torch_dtype: object = None,
    model_kwargs: object = None,
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
    aggregation_strategy: str | None = None,
    ignore_labels: Sequence[str] | None = None,
    stride: int | None = None,
    grouped_entities: bool | None = None,
    ignore_subwords: bool | None = None,
    is_split_into_words: bool | None = None,
    delimiter: str | None = None,
) -> Any:  # noqa: ANN401 (one of two classes, by the task)
    """A pipeline of transformers 4 on SpanFit's road, with its arguments and its results.

    `task` is "question-answering", "token-classification" or "ner"; None: what the model is for.
    `model` is a run folder, a model folder, a hub id, a `Model`, or a network of transformers with
    its `tokenizer`; of a hub id `revision` names the commit, tag or branch. `device` is -1 or
    "cpu", 0 or None for the best one here, or a name; `backend` what computes, as for
    `spanfit.load`. What calls take is given here for all of them (see
    `QuestionAnsweringPipeline.__call__` and `TokenClassificationPipeline.__call__`).
    `num_workers`, `use_fast`, `padding` and a `framework` of "pt" are accepted, and change nothing.

    Raises:
        ArgumentError: an argument is wrong, of another task, or cannot have its effect here.
        ModelError: the model cannot be loaded, or is for the other task.
        RecipeError: there is no such device.
    """
    wanted = _find_task(task)
    _refuse(
        ("framework", framework if framework != "pt" else None, "leave it out: PyTorch computes"),
        ("config", config, "a model folder with that config.json"),
        ("revision", revision if not isinstance(model, str) else None, "a hub id with it"),
        ("token", token, "hf auth login, or HF_TOKEN in the environment"),
        ("device_map", device_map, "device=0"),
        ("dtype", _unusual_precision(dtype), "leave it out: answers are computed in float32"),
        ("torch_dtype", _unusual_precision(torch_dtype), "leave it out: float32 it is"),
        ("model_kwargs", model_kwargs or None, "leave it out"),
    )
    if model is None:
        raise ArgumentError(
            "no model is named, and SpanFit has no default one",
            fix='pipeline("question-answering", '
            'model="distilbert/distilbert-base-cased-distilled-squad"), which was the default',
        )
    require_number("batch_size", batch_size, least=1)
    answering = AnswerArguments(
        top_k=translate_topk(top_k, topk),
        doc_stride=doc_stride,
        max_seq_len=max_seq_len,
        max_answer_len=max_answer_len,
        max_question_len=max_question_len,
        handle_impossible_answer=handle_impossible_answer,
        align_to_words=align_to_words,
        probability=probability,
    )
    tagging = TokenArguments(
        aggregation_strategy=translate_grouping(
            aggregation_strategy,
            grouped_entities=grouped_entities,
            ignore_subwords=ignore_subwords,
        ),
        ignore_labels=ignore_labels,
        stride=stride,
        is_split_into_words=is_split_into_words,
        delimiter=delimiter,
    )
    opened = open_model(
        model if revision is None else f"{model}@{revision}",
        tokenizer=tokenizer,
        task=wanted,
        device=device,
        backend=backend,
        trust_remote_code=bool(trust_remote_code),
    )
    found = opened.predictor.task.name
    if wanted is not None and wanted != found:
        names = [name for name, meant in TASK_NAMES.items() if meant == found]
        raise ModelError(
            f"this model is for {opened.predictor.task.example_type.kind}",
            expected=f"a model for {task}",
            fix=f'pipeline("{names[0]}", model=…)',
        )
    return MAKERS[found](opened, answering, tagging, batch_size)


def _find_task(task: str | None) -> str | None:
    """SpanFit's name of a task; None where none is said.

    Raises:
        ArgumentError: there is no such pipeline.
    """
    if task is not None and task not in TASK_NAMES:
        raise ArgumentError(
            f"there is no pipeline {task!r}",
            expected=did_you_mean(task, TASK_NAMES),
            fix="transformers.pipeline for tasks that do not point at text",
        )
    return None if task is None else TASK_NAMES[task]


def _refuse(*cases: tuple[str, object, str]) -> None:
    """Refuse what would have an effect in transformers and has none here: name, value, fix."""
    for name, value, fix in cases:
        if value is not None:
            raise ArgumentError(f"{name} is not taken here", found=repr(value)[:60], fix=fix)


def _unusual_precision(dtype: object) -> object:
    """None for what means float32 or nothing in particular."""
    return None if dtype is None or str(dtype) in {"auto", "float32", "torch.float32"} else dtype


def _answers(
    model: Model, answering: AnswerArguments, tagging: TokenArguments, batch_size: int | None
) -> AnyPipeline:
    _refuse_others(tagging, task="question-answering")
    return QuestionAnsweringPipeline(model, defaults=answering, batch_size=batch_size)


def _tags(
    model: Model, answering: AnswerArguments, tagging: TokenArguments, batch_size: int | None
) -> AnyPipeline:
    _refuse_others(answering, task="token-classification")
    return TokenClassificationPipeline(model, defaults=tagging, batch_size=batch_size)


def _refuse_others(arguments: Arguments, *, task: str) -> None:
    """Refuse arguments of the other task."""
    if given := arguments.given():
        raise ArgumentError(f"{', '.join(given)}: not an argument of {task}")


MAKERS: dict[str, Callable[[Model, AnswerArguments, TokenArguments, int | None], AnyPipeline]] = {
    "qa": _answers,
    "tagging": _tags,
}
"""The pipeline of each task, by the task's name."""
