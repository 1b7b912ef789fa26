"""What is stored with a tagging model: found in its training data, or assumed from its outputs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from spanfit.data.joiner import find_joiner, find_word_joiner
from spanfit.errors import ModelError, list_some
from spanfit.recipe import Recipe, make_recipe
from spanfit.settings import ModelSettings, TagSettings, find_wrong_tag
from spanfit.tagged import TaggedExample
from spanfit.tags import (
    BILOU,
    BIOES,
    BMES,
    IOB1,
    IOB2,
    OUTSIDE,
    PLAIN,
    Scheme,
    find_scheme,
    known_tags,
)

MOST_HELPERS = 0.4
"""The largest share of a model's outputs that may be no tags of its scheme."""


def settle_tags(
    examples: Sequence[TaggedExample], recipe: Recipe, *, scheme: str | None
) -> ModelSettings:
    """Tags, units and joiner as the gold of the examples has them, in this scheme.

    Scheme and repair of the training file are not those of other files, so they are not kept with
    how these are read; the joiner is, where words were joined.

    Raises:
        RecipeError: there is no such scheme.
    """
    known = find_scheme(scheme) if scheme else IOB2
    joiner = find_joiner(examples)
    kept = {"scheme": None, "repair": None, "joiner": recipe.columns.joiner}
    if kept["joiner"] is None:
        kept["joiner"] = find_word_joiner(examples)
    return ModelSettings(
        task="tagging",
        windows=recipe.windows,
        segmenter=recipe.model.segmenter,
        decode=recipe.decode,
        metric=recipe.task.metric,
        tagging=TagSettings(
            tags=_complete(list_tags(examples), known),
            scheme=known.name,
            units="characters" if not joiner and _are_characters(examples) else "words",
            joiner=joiner,
            context_sentences=recipe.task.context_sentences,
            columns=recipe.columns.model_copy(update=kept),
        ),
    )


def assume_tags(outputs: Sequence[str]) -> ModelSettings:
    """What is assumed of a model from elsewhere: the scheme that the letters of its tags show.

    Raises:
        ModelError: two outputs have one name, or a name is none.
    """
    if (problem := find_wrong_tag(outputs)) is not None:
        raise ModelError(
            problem,
            where="id2label in config.json",
            expected="a tag of its own for each output",
            found=list_some([*map(repr, outputs)]),
            fix="the config.json that the weights were saved with",
        )
    recipe = make_recipe({"task": {"name": "tagging"}})
    tagging = TagSettings(tags=list(outputs), scheme=_guess_scheme(outputs).name)
    return ModelSettings(
        task="tagging", windows=recipe.windows, decode=recipe.decode, tagging=tagging
    )


def list_tags(examples: Iterable[TaggedExample]) -> set[str]:
    """The distinct tags of the gold."""
    return {tag for example in examples for tag in set(example.tags or ())}


def _complete(tags: set[str], scheme: Scheme) -> list[str]:
    """All tags of the scheme over the labels of these, O first; without prefixes only these."""
    if scheme.has_prefixes or not tags:
        return list(known_tags(tags, scheme))
    return sorted(tags, key=lambda tag: (tag != OUTSIDE, tag))


def _are_characters(examples: Sequence[TaggedExample]) -> bool:
    """Whether there are units, and every one is one character."""
    has_units = any(example.starts for example in examples)
    return has_units and all(
        sum(example.ends) - sum(example.starts) == len(example.starts) for example in examples
    )


def _guess_scheme(tags: Sequence[str]) -> Scheme:
    """The scheme of a model's tags: the one with prefixes that has most of them, else plain.

    Some models have an output or two for helpers ("X", "[CLS]"), which are never chosen. The tags
    of IOB1 are those of IOB2, where a label that is never marked with B is not among them.
    """

    def list_known(scheme: Scheme) -> list[str]:
        return [tag for tag in tags if tag != OUTSIDE and scheme.find_tag(tag)]

    scheme = max((IOB2, BIOES, BILOU, BMES), key=lambda scheme: len(list_known(scheme)))
    known = list_known(scheme)
    if not known or len(tags) - len(known) - (OUTSIDE in tags) > MOST_HELPERS * len(tags):
        return PLAIN
    unmarked = any(f"B{tag[1:]}" not in tags for tag in known)
    return IOB1 if scheme is IOB2 and unmarked else scheme
