"""Tagging: a tag for every unit of a text, and the entities, chunks or parts of speech they say.

units     what carries a tag: words, or the characters of a text with entities
arrange   `arrangement`: texts divided into units, with a space or neighbours around them
cells     `cells`: units that a tokenizer cannot tell apart are one, which has one window
targets   `tag_targets`: a tag for the pieces of each cell, in its window
merge     `tag_predictions`: the best tags of all cells of a text, read as chunks of units
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from spanfit.batching import Batch
from spanfit.data.checking import Checked, check_examples
from spanfit.errors import ModelError, list_some
from spanfit.examples import AS_IT_IS, Reading
from spanfit.metrics import score
from spanfit.recipe import Recipe, TaskSection
from spanfit.settings import ITS_OWN, Calibration, ModelSettings, TagSettings
from spanfit.tagged import TaggedExample, TaggingPrediction
from spanfit.tags import (
    find_scheme,
    make_table,
)
from spanfit.tasks.arrangement import arrange
from spanfit.tasks.base import Task
from spanfit.tasks.cells import find_cells
from spanfit.tasks.tag_logits import TagCandidates, keep_logits, stitch
from spanfit.tasks.tag_predictions import make_reader
from spanfit.tasks.tag_settings import assume_tags, list_tags, settle_tags
from spanfit.tasks.tag_targets import TagTargets, balance, make_targets
from spanfit.tokenizer import Tokenizer
from spanfit.types import TextPair
from spanfit.windows import Windows

if TYPE_CHECKING:
    from spanfit.recipe import DecodeSection
    from spanfit.tasks.base import Logits

DEFAULTS = TaskSection(name="tagging")
"""The options of a recipe that says nothing of them."""


class TaggingTask(
    Task[TaggedExample, TagTargets, TagCandidates, TaggingPrediction, tuple[int, int, int]]
):
    """Tags of units: as many logits a token as there are tags."""

    name = "tagging"
    example_type = TaggedExample

    def describe(self, examples: Sequence[TaggedExample]) -> str:
        """How many texts and units there are: "14,041 texts (203,621 units)"."""
        n_units = sum(len(example.starts) for example in examples)
        return f"{len(examples):,} texts ({n_units:,} units)"

    def advise(self, parts: Mapping[str, Sequence[TaggedExample]], recipe: Recipe) -> list[str]:
        """Tags that are scored and never learnt."""
        learnt = list_tags(parts.get("training", ()))
        return [
            f"the {name} part has tags that are never learnt: {list_some(sorted(unknown))}"
            for name, part in parts.items()
            if (unknown := list_tags(part) - learnt)
        ]

    def uncalibrated(self, training: Sequence[TaggedExample], recipe: Recipe) -> Calibration:
        """Temperature 1; there is no threshold."""
        return Calibration()

    def settle(
        self, examples: Sequence[TaggedExample], recipe: Recipe, *, scheme: str | None
    ) -> ModelSettings:
        """Tags, units and joiner as the gold of the examples has them; their scheme.

        Scheme and repair of the training file are not those of other files, so they are not kept
        with how these are read; the joiner is, where words were joined.
        """
        return settle_tags(examples, recipe, scheme=scheme)

    def assume(self, outputs: Sequence[str]) -> ModelSettings:
        """The scheme that the letters of the tags show; words joined by spaces.

        Raises:
            ModelError: two outputs have one name.
        """
        return assume_tags(outputs)

    def adapt(
        self,
        examples: Sequence[TaggedExample],
        settings: ModelSettings,
        *,
        reading: Reading = AS_IT_IS,
        name: str = "",
    ) -> Checked:
        """The examples with valid gold in the model's scheme.

        Raises:
            DataError: the gold is not valid, and `reading` does not allow to repair it.
        """
        scheme = _require(settings).scheme
        wanted = replace(reading, into=scheme)
        return check_examples(examples, reading=wanted, name=name, expected_scheme=scheme)

    def doubt(
        self,
        examples: Sequence[TaggedExample],
        settings: ModelSettings,
        calibration: Calibration,
    ) -> list[str]:
        """Gold tags that the model does not have; many, where the column is another."""
        unknown = list_tags(examples) - {*_require(settings).tags}
        if not unknown:
            return []
        n = sum(tag in unknown for example in examples for tag in example.tags or ())
        return [
            f"{n:,} gold tags are none that this model has: {list_some(sorted(unknown))}; another "
            "column is read with --columns tags=NAME"
        ]

    def explain(self, settings: ModelSettings) -> str:
        """The scheme."""
        return f"the tag scheme {_require(settings).scheme}"

    def outputs(self, settings: ModelSettings) -> tuple[str, ...]:
        """The tags."""
        return tuple(_require(settings).tags)

    def arrange(
        self, examples: Iterable[TaggedExample], tokenizer: Tokenizer, settings: ModelSettings
    ) -> Iterator[TaggedExample]:
        """The examples with units, and a space or neighbours around them (see `arrangement`)."""
        return arrange(examples, tokenizer, _require(settings))

    def texts(self, example: TaggedExample) -> TextPair:
        """The text with what stands around it."""
        return TextPair(fixed=None, sliced=example.surrounded_text)

    def identify(self, example: TaggedExample) -> tuple[str, ...]:
        """Its id, the text that is read, and the units of it that are tagged."""
        units = ",".join(map(str, (len(example.before or ""), *example.starts, *example.ends)))
        return (example.id, example.surrounded_text, units)

    def targets(
        self,
        examples: Sequence[TaggedExample],
        windows: Windows,
        options: TaskSection,
        settings: ModelSettings,
    ) -> TagTargets:
        """A tag for the pieces of every unit, each of weight 1.

        Raises:
            DataError: an example has no gold, or a tag that is none of the scheme.
        """
        tagging = _require(settings)
        table = make_table(find_scheme(tagging.scheme), tagging.tags)
        return make_targets(examples, windows, table, options)

    def weigh(self, targets: TagTargets, options: TaskSection) -> TagTargets:
        """The targets with the weights of `options.class_weights`; the mean weight is 1.

        Raises:
            DataError: there is no labelled piece to balance.
        """
        return balance(targets) if options.class_weights == "balanced" else targets

    def decode(
        self, logits: Logits, batch: Batch, windows: Windows, settings: DecodeSection
    ) -> TagCandidates:
        """The logits of the tokens of the texts, without special tokens and padding.

        Raises:
            ModelError: the logits hold NaN or infinity.
        """
        values = logits if isinstance(logits, np.ndarray) else logits.detach().float().cpu().numpy()
        return keep_logits(values, batch)

    def merge(
        self,
        examples: Sequence[TaggedExample],
        candidates: Sequence[TagCandidates],
        *,
        windows: Windows,
        settings: ModelSettings,
        calibration: Calibration,
    ) -> list[TaggingPrediction]:
        """The best tags of every example over its windows, in the order of the examples.

        `candidates` are of all `windows`, which are those of `examples`.
        """
        tagging = _require(settings)
        reader = make_reader(tagging, constrained=settings.decode.constrained)
        cells = find_cells(examples, windows)
        place = cells.first - windows.first[cells.window]
        scores = stitch(candidates, cells.window, place, n_windows=len(windows))
        return reader.read(
            examples,
            cells,
            scores.reshape(-1, len(tagging.tags)),
            temperature=calibration.temperature,
        )

    def statistics(
        self, example: TaggedExample, prediction: TaggingPrediction, *, metric: str
    ) -> tuple[int, int, int]:
        """How many were right, predicted and gold.

        Raises:
            RecipeError: an unknown metric.
            DataError: the example has no gold.
        """
        counted = score([example], [prediction], metric=metric).counted
        counts = counted.counts if counted.characters is None else counted.characters
        return counts.n_right, counts.n_predicted, counts.n_gold


def _require(settings: ModelSettings) -> TagSettings:
    if settings.tagging is None:
        raise ModelError(
            "the settings of this model do not say which tags its outputs are",
            where="spanfit.json",
            expected='"tagging": {"tags": […], "scheme": …}',
            fix=ITS_OWN,
        )
    return settings.tagging
