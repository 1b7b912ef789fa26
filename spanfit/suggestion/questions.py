"""A recipe that fits a file of questions."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from spanfit.errors import DataError
from spanfit.recipe import (
    ColumnsSection,
    DataSection,
    DecodeSection,
    Files,
    ModelSection,
    OptimizerSection,
    Recipe,
    RunSection,
    WindowsSection,
)
from spanfit.suggestion.texts import (
    Script,
    Suggestion,
    choose_course,
    choose_windows,
    find_script,
    quantile,
)
from spanfit.types import QuestionExample

MANY_UNANSWERABLE, FEW_UNANSWERABLE, FEW_TITLES = 0.2, 0.1, 0.2
"""Unanswerable questions are too few where they are at least the first share of what is scored, and
less than the second of what is learnt, or in less than the third of its titles."""

SYNTHETIC_SHARE = 0.3
"""What is suggested then."""


def suggest_for_questions(
    examples: Sequence[QuestionExample],
    *,
    train: Files,
    model: str | None = None,
    validation: Files | None = None,
    scored: Sequence[QuestionExample] = (),
    columns: ColumnsSection = ColumnsSection(),  # noqa: B008 (immutable)
) -> Suggestion:
    """The recipe for some training examples, from their number, script and lengths.

    `train` and `validation` are the files that it will name, `scored` the examples of the second.
    `columns` are of tagged texts alone.

    Raises:
        DataError: there are no examples, or none with gold.
    """
    with_gold = [example for example in examples if example.answers is not None]
    if not with_gold:
        raise DataError(
            "there is nothing to learn from: no question has gold answers",
            where=train if isinstance(train, str) else ", ".join(train),
            expected='"answers" for each question, [] where the context holds none',
        )
    script = find_script([example.context for example in with_gold])
    epochs, learning_rate = choose_course(len(with_gold))
    name = model or script.model
    max_answer_tokens = _choose_answer_limit(with_gold, script)
    recipe = Recipe(
        data=DataSection(train=train, validation=validation),
        model=ModelSection(name=name),
        windows=choose_windows(
            [len(example.context) + len(example.question) for example in with_gold],
            script,
            otherwise=WindowsSection(),
        ),
        optimizer=OptimizerSection(learning_rate=learning_rate),
        run=RunSection(epochs=epochs),
        decode=DecodeSection(max_answer_tokens=max_answer_tokens),
    )
    unanswerable = sum(not example.is_answerable for example in with_gold)
    notes = [
        f"{len(with_gold):,} questions, {unanswerable:,} of them unanswerable: "
        f"{epochs} epochs at {learning_rate:g}",
        f"windows of {recipe.windows.max_length} tokens suit the length of the contexts, and "
        f"{max_answer_tokens} tokens that of the answers",
    ]
    if model is None:
        notes.append(f"{name} is a usual choice for this script; --model names another")
    if unanswerable:
        notes.append(
            "the threshold for 'no answer' is fitted on the calibration part, where that holds 20 "
            "questions of either kind"
        )
    if lack := _find_lack(with_gold, scored):
        notes.append(
            f"{lack}: data.synthetic_unanswerable = {SYNTHETIC_SHARE} in the recipe asks so many "
            "of the answerable ones again of another paragraph of their title"
        )
    return Suggestion(recipe=recipe, notes=tuple(notes))


def _find_lack(
    examples: Sequence[QuestionExample], scored: Sequence[QuestionExample]
) -> str | None:
    """Why there are too few unanswerable questions for what is scored; None: there are not.

    None also where no title has a second paragraph, of which more of them could be made.
    """
    titles = {example.title for example in examples if example.title}
    paragraphs = {(example.title, example.context) for example in examples if example.title}
    wanted, share = _unanswerable_share(scored), _unanswerable_share(examples)
    if wanted < MANY_UNANSWERABLE or len(paragraphs) == len(titles):
        return None
    holding = {example.title for example in examples if example.answers == () and example.title}
    if share >= FEW_UNANSWERABLE and len(holding) >= FEW_TITLES * len(titles):
        return None
    return (
        f"{100 * wanted:.0f} % of the validation are unanswerable, but {100 * share:.0f} % of what "
        f"is learnt, in {len(holding):,} of {len(titles):,} titles"
    )


def _unanswerable_share(examples: Sequence[QuestionExample]) -> float:
    return sum(example.answers == () for example in examples) / max(1, len(examples))


def _choose_answer_limit(examples: Sequence[QuestionExample], script: Script) -> int:
    """30 tokens, as is usual, or as many as 99 % of the answers need."""
    lengths = [len(answer.text) for example in examples for answer in example.answers or ()]
    if not lengths:
        return DecodeSection().max_answer_tokens
    tokens = quantile(lengths, share=0.99) * script.tokens_per_character
    return max(DecodeSection().max_answer_tokens, 10 * ceil(tokens / 10))
