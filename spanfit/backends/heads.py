"""Which class of transformers puts a task's outputs on an encoder, asked of its mappings.

Where an architecture has no class for questions (EuroBERT, NomicBERT, GTE), or one that runs a
decoder behind the encoder (T5), its token-classification class with two outputs, start and end, is
the network that others have for questions: one linear layer on what the encoder says of each token.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import transformers
from transformers import (
    MODEL_FOR_QUESTION_ANSWERING_MAPPING,
    MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING,
)

from spanfit.errors import ModelError, list_some
from spanfit.settings import SPAN_OUTPUTS

MAPPINGS: Mapping[str, Any] = {
    "AutoModelForQuestionAnswering": MODEL_FOR_QUESTION_ANSWERING_MAPPING,
    "AutoModelForTokenClassification": MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING,
}
"""The class of each configuration, by the name of the class that chooses it."""

HEADS = {
    "qa": ("AutoModelForQuestionAnswering", "AutoModelForTokenClassification"),
    "tagging": ("AutoModelForTokenClassification",),
}
"""By the task's name: its own class of heads, then what stands in for it."""

OUTPUTS = {"qa": SPAN_OUTPUTS}
"""What a head that stands in for a task's own calls its outputs, by the task's name."""


@dataclass(frozen=True)
class Head:
    """A class of transformers for a network with a head.

    `auto_class` is the name of the class that opens its checkpoints, `name` its own ("" where it
    comes with the checkpoint, as Python code). `is_borrowed`: it stands in for the task's own.
    """

    auto_class: str
    name: str
    runs_decoder: bool
    is_borrowed: bool

    @property
    def kind(self) -> str:
        """How the names of its classes end: "ForTokenClassification"."""
        return self.auto_class.removeprefix("AutoModel")

    def is_among(self, architectures: Sequence[str] | None) -> bool:
        """Whether a checkpoint's config names this class."""
        names = architectures or ()
        return self.name in names or any(name.endswith(self.kind) for name in names)

    def load(self, source: str, **options: Any) -> Any:  # noqa: ANN401 (of transformers)
        """What `from_pretrained` of the class returns."""
        return getattr(transformers, self.auto_class).from_pretrained(source, **options)


def find_head(config: Any, task: str, *, trained_as: Sequence[str] | None = None) -> Head | None:  # noqa: ANN401
    """The head of a task for a transformers config; None where transformers has none.

    The encoder alone is enough to point at tokens, so a class that runs a decoder too is taken only
    where there is no other, or where the checkpoint was `trained_as` just that class.
    """
    own = HEADS[task][0]
    heads = [
        Head(
            auto_class=auto,
            name=name,
            runs_decoder=_runs_decoder(config, auto),
            is_borrowed=auto != own,
        )
        for auto in HEADS[task]
        if (name := _class_name(config, auto)) is not None
    ]
    chosen = (head for head in heads if not head.runs_decoder or head.name in (trained_as or ()))
    return next(chosen, heads[0] if heads else None)


def require_head(
    config: Any,  # noqa: ANN401
    task: str,
    *,
    source: str,
    trained_as: Sequence[str] | None = None,
) -> Head:
    """The same, which must be there.

    Raises:
        ModelError: transformers has no such head for this architecture.
    """
    head = find_head(config, task, trained_as=trained_as)
    if head is None:
        raise ModelError(
            "transformers has no head of this task for this architecture",
            where=source,
            expected=f"an architecture that {' or '.join(HEADS[task])} knows",
            found=f"{type(config).__name__} ({config.model_type})",
            fix="another encoder, such as --set model.name=bert-base-cased (docs/encoders.md lists "
            "them)",
        )
    return head


def find_task(config: Any, *, default: str) -> str:  # noqa: ANN401
    """The task that a checkpoint's config was saved for; `default` where its class is of no task.

    Where a class serves two tasks, the names of the outputs decide: start and end are a question's.
    """
    named = {
        task: head
        for task in HEADS
        if (head := find_head(config, task, trained_as=config.architectures))
        and head.is_among(config.architectures)
    }
    outputs = read_outputs(config)
    borrowed = [t for t, head in named.items() if head.is_borrowed and OUTPUTS[t] == outputs]
    own = [task for task, head in named.items() if not head.is_borrowed]
    return next(iter([*borrowed, *own]), default)


def read_outputs(config: Any) -> tuple[str, ...]:  # noqa: ANN401
    """What a config calls its outputs, in their order."""
    names = config.id2label or {}
    return tuple(str(names[number]) for number in sorted(names))


def describe_outputs(head: Head, config: Any, outputs: Sequence[str]) -> str:  # noqa: ANN401
    """What a checkpoint's borrowed head was trained for, if for something else; "" if not.

    A checkpoint for two tags has the weights of one for start and end; only the names of the
    outputs tell. Those that transformers makes up (LABEL_0) tell nothing.
    """
    told = read_outputs(config)
    made_up = tuple(f"LABEL_{number}" for number in range(len(told)))
    if not head.is_borrowed or not head.is_among(config.architectures):
        return ""
    return "" if told in (tuple(outputs), made_up) else list_some(told)


def _class_name(config: Any, auto: str) -> str | None:  # noqa: ANN401
    """The class that would be opened; "" for Python code that comes with the checkpoint."""
    found = _find_class(config, auto)
    if found is not None:
        return str(found.__name__)
    return "" if auto in (getattr(config, "auto_map", None) or {}) else None


def _find_class(config: Any, auto: str) -> Any:  # noqa: ANN401
    return MAPPINGS[auto].get(type(config), None)


def _runs_decoder(config: Any, auto: str) -> bool:  # noqa: ANN401
    """Whether the class does, by its arguments.

    `is_encoder_decoder` would not tell: T5's encoder, saved with a head, says that it is none.
    """
    found = _find_class(config, auto)
    return found is not None and "decoder_input_ids" in inspect.signature(found.forward).parameters
