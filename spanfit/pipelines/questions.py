"""The forms in which transformers 4 let questions be asked, read as questions.

question="…", context="…"             one
question=["…", …], context="…"        several of one context
question=["…", …], context=["…", …]   pairs
{"question": …, "context": …}         one, or lists; a list of these several, any other iterable a
                                      stream
"question", "context"                 one
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from typing import Any

from spanfit.errors import ArgumentError
from spanfit.types import QuestionExample

FORMS = "question=…, context=…, both a text or a list; or dicts with these two keys"


def read_inputs(
    inputs: Sequence[Any], *, question: object, context: object
) -> list[QuestionExample] | Iterable[Any]:
    """The questions of a call: a list, or the iterable that was given, to be read one by one.

    `inputs` are its positional arguments.

    Raises:
        ArgumentError: they are in none of the forms, or one has no text.
    """
    if inputs:
        return _read_positional(inputs)
    if question is None and context is None:
        raise ArgumentError("nothing is asked", expected=FORMS)
    questions = list(question) if isinstance(question, list | tuple) else [question]
    if isinstance(context, list | tuple):
        if not isinstance(question, list | tuple):
            raise ArgumentError(
                "one question cannot be asked of several contexts here",
                expected=FORMS,
                fix="question=[question] * len(contexts) for an answer from each; "
                "spanfit.load(MODEL).ask(question, contexts) for the best of all",
            )
        if len(questions) != len(context):
            raise ArgumentError(
                "questions and contexts are not equally many",
                found=f"{len(questions)} and {len(context)}",
            )
        pairs = list(zip(questions, context, strict=True))
    else:
        pairs = [(one, context) for one in questions]
    return [_make_question(number, *pair) for number, pair in enumerate(pairs, 1)]


def read_stream(inputs: Iterable[Any]) -> Iterable[QuestionExample]:
    """Each question of a stream, when its turn comes.

    Raises:
        ArgumentError: it is in none of the forms, or has no text.
    """
    return map(_read_one, count(1), iter(inputs))


def _read_positional(inputs: Sequence[Any]) -> list[QuestionExample] | Iterable[Any]:
    if len(inputs) == 2 and all(isinstance(text, str) for text in inputs):
        return [_make_question(1, *inputs)]
    given = inputs[0] if len(inputs) == 1 else inputs
    if isinstance(given, Mapping) and isinstance(given.get("question"), list | tuple):
        return read_inputs((), question=given["question"], context=given.get("context"))
    if isinstance(given, str):
        raise ArgumentError("a question without a context", expected=FORMS, found=given[:60])
    if isinstance(given, list | tuple):
        return [_read_one(number, one) for number, one in enumerate(given, 1)]
    if isinstance(given, Mapping) or hasattr(given, "question_text") or _is_question(given):
        return [_read_one(1, given)]
    if isinstance(given, Iterable) or hasattr(given, "__getitem__"):
        return given
    raise ArgumentError("this is no question", expected=FORMS, found=repr(given)[:60])


def _is_question(given: object) -> bool:
    return isinstance(given, QuestionExample)


def _read_one(number: int, one: Any) -> QuestionExample:  # noqa: ANN401 (whatever was given)
    """A dict, a question of SpanFit's, or transformers' `SquadExample`."""
    if isinstance(one, Mapping):
        if missing := {"question", "context"} - {*one}:
            raise ArgumentError(
                f"question {number} has no {' and no '.join(sorted(missing))}", expected=FORMS
            )
        return _make_question(number, one["question"], one["context"])
    if isinstance(one, QuestionExample):
        return _make_question(number, one.question, one.context)
    if hasattr(one, "question_text") and hasattr(one, "context_text"):
        return _make_question(number, one.question_text, one.context_text)
    raise ArgumentError(f"no question at place {number}", expected=FORMS, found=repr(one)[:60])


def _make_question(number: int, question: object, context: object) -> QuestionExample:
    for name, text in (("question", question), ("context", context)):
        if not isinstance(text, str):
            raise ArgumentError(
                f"`{name}` must be a text", expected=FORMS, found=type(text).__name__
            )
        if not text:
            raise ArgumentError(
                f"`{name}` cannot be empty",
                where=f"question {number}",
                fix="leave it out, or ask a context that says something",
            )
    return QuestionExample(id=str(number), question=str(question), context=str(context))
