"""A recipe that fits a file of tagged texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from spanfit.data.checking import Checked, check_examples
from spanfit.errors import DataError
from spanfit.recipe import (
    ColumnsSection,
    DataSection,
    Files,
    ModelSection,
    OptimizerSection,
    Recipe,
    RunSection,
    TaskSection,
    WindowsSection,
)
from spanfit.suggestion.texts import Suggestion, choose_course, choose_windows, find_script
from spanfit.tagged import TaggedExample
from spanfit.tags import detect_scheme

LONG_TEXTS = WindowsSection(max_length=256, overlap=64)


def suggest_for_tags(
    examples: Sequence[TaggedExample],
    *,
    train: Files,
    model: str | None = None,
    validation: Files | None = None,
    scored: Sequence[TaggedExample] = (),
    columns: ColumnsSection = ColumnsSection(),  # noqa: B008 (immutable)
) -> Suggestion:
    """The recipe for some training texts, from their number, script, lengths and tags.

    `train` and `validation` are the files that it will name, `columns` how they are read;
    what is `scored` changes nothing.

    Raises:
        DataError: there are no texts, none with gold, or their tags break their scheme and
            `columns` name no repair.
    """
    with_gold = [example for example in examples if example.tags]
    if not with_gold:
        raise DataError(
            "there is nothing to learn from: no text has tags",
            where=train if isinstance(train, str) else ", ".join(train),
            expected="a tag for each word, or entities",
        )
    name = train if isinstance(train, str) else ""  # of several files the places name each
    checked = check_examples(with_gold, reading=columns.reading(), name=name)
    texts = [example.text for example in with_gold]
    script = find_script(texts)
    epochs, learning_rate = choose_course(len(with_gold))
    encoder = model or script.model
    recipe = Recipe(
        task=TaskSection(name="tagging"),
        data=DataSection(train=train, validation=validation),
        columns=columns,
        model=ModelSection(name=encoder),
        windows=choose_windows([len(text) for text in texts], script, otherwise=LONG_TEXTS),
        optimizer=OptimizerSection(learning_rate=learning_rate),
        run=RunSection(epochs=epochs),
    )
    n_units = sum(len(example.starts) for example in with_gold)
    notes = [
        f"{len(with_gold):,} texts, {n_units:,} tags: {epochs} epochs at {learning_rate:g}",
        *checked.notes,
        f"tag scheme: {_describe_scheme(checked, named=columns.scheme)}",
        f"windows of {recipe.windows.max_length} tokens suit the length of the texts; longer ones "
        f"are cut into windows that share {recipe.windows.overlap}",
    ]
    if model is None:
        notes.append(f"{encoder} is a usual choice for this script; --model names another")
    if len({example.document for example in with_gold}) > 1:
        notes.append(
            "the file tells its documents apart: task.context_sentences = 2 in the recipe lets a "
            "sentence be read with its neighbours"
        )
    return Suggestion(recipe=recipe, notes=tuple(notes))


def _describe_scheme(checked: Checked, *, named: str | None) -> str:
    """The scheme of the tags, and how it is seen from them where nobody named it."""
    texts = cast("Sequence[TaggedExample]", checked.examples)
    if named is None and (found := detect_scheme([text.tags or () for text in texts])):
        return str(found) if found.scheme.name == checked.scheme else str(checked.scheme)
    return f"{checked.scheme}, as --columns says"
