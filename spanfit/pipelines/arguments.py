"""What callers of pipelines give, when they make one or when they call it; None: not given."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, Self

from spanfit.errors import ArgumentError, did_you_mean

Probability = Literal["transformers", "spanfit"]
"""What the scores of answers are: transformers' softmaxes of start and end, or SpanFit's own."""


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Some arguments, of which those that are None count as not given."""

    def given(self) -> dict[str, Any]:
        """Those that were given."""
        pairs = ((field.name, getattr(self, field.name)) for field in fields(self))
        return {name: value for name, value in pairs if value is not None}

    def over(self, earlier: Self) -> Self:
        """These, and where they say nothing the earlier ones."""
        return replace(earlier, **self.given())


@dataclass(frozen=True, kw_only=True)
class AnswerArguments(Arguments):
    """The arguments of question answering, by the names that transformers 4 gave them.

    `top_k`: answers a question. `doc_stride`: tokens that two windows share. `max_seq_len`: tokens
    of a window. `max_answer_len` and `max_question_len` in tokens. `handle_impossible_answer`: an
    empty answer may be given. `align_to_words`: answers are extended to whole words.
    `probability`: what their scores are.
    """

    top_k: int | None = None
    doc_stride: int | None = None
    max_seq_len: int | None = None
    max_answer_len: int | None = None
    max_question_len: int | None = None
    handle_impossible_answer: bool | None = None
    align_to_words: bool | None = None
    probability: Probability | None = None

    def __post_init__(self) -> None:
        for name in ("top_k", "max_seq_len", "max_answer_len", "max_question_len"):
            require_number(name, getattr(self, name), least=1)
        require_number("doc_stride", self.doc_stride, least=0)
        if self.probability not in (None, "transformers", "spanfit"):
            raise ArgumentError(
                f"there is no probability {self.probability!r}",
                expected='"transformers" or "spanfit"',
            )


@dataclass(frozen=True, kw_only=True)
class TokenArguments(Arguments):
    """The arguments of token classification, by the names that transformers gives them.

    `aggregation_strategy` is one of STRATEGIES. `ignore_labels` are those that are not reported.
    `stride`: tokens that two windows of a long text share. `is_split_into_words`: a text is a list
    of words, which `delimiter` joins.
    """

    aggregation_strategy: str | None = None
    ignore_labels: Sequence[str] | None = None
    stride: int | None = None
    is_split_into_words: bool | None = None
    delimiter: str | None = None

    def __post_init__(self) -> None:
        require_number("stride", self.stride, least=0)
        name = self.aggregation_strategy
        if name is not None and str(name) not in STRATEGIES:
            raise ArgumentError(
                f"there is no aggregation_strategy {name!r}",
                expected=did_you_mean(str(name), STRATEGIES),
            )


STRATEGIES = ("none", "simple", "first", "average", "max")
"""How tokens are put together (see `spanfit.pipelines.grouping`)."""


def require_number(name: str, value: object, *, least: int) -> None:
    """Refuse what is neither None nor a whole number of at least so many.

    Raises:
        ArgumentError: it is something else.
    """
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if value is not None and not (is_whole and value >= least):  # type: ignore[operator]
        raise ArgumentError(f"{name} must be a whole number of at least {least}", found=repr(value))


def translate_topk(top_k: int | None, topk: int | None) -> int | None:
    """`top_k`, or what its old name was given."""
    if topk is None:
        return top_k
    warnings.warn("topk is the old name of top_k", UserWarning, stacklevel=3)
    return topk if top_k is None else top_k


def translate_grouping(
    strategy: str | None, *, grouped_entities: bool | None, ignore_subwords: bool | None
) -> str | None:
    """The strategy, or what two arguments that it replaced stand for."""
    if grouped_entities is None and ignore_subwords is None:
        return None if strategy is None else str(getattr(strategy, "value", strategy)).lower()
    meant = ("first" if ignore_subwords else "simple") if grouped_entities else "none"
    warnings.warn(
        f"grouped_entities and ignore_subwords are old names: aggregation_strategy={meant!r}",
        UserWarning,
        stacklevel=3,
    )
    return meant
