"""What windows and token borders lose of gold tags, and the best score that is left.

Losses are the entities that are not learnt as they are; why, is told by `cell_tags`. For the
ceiling everything that training would learn is given to the decoder as if a model had said it: the
score of what comes back. Where tags have no prefixes, every unit with a tag is what is learnt or
not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain, pairwise
from typing import Any, Final

import numpy as np

from spanfit.data.tag_predictions import TagResponse
from spanfit.errors import list_some
from spanfit.metrics.tag_counting import TagMetric, count_texts, find_metric, suit_metric
from spanfit.recipe import TaskSection
from spanfit.settings import ModelSettings, TagSettings
from spanfit.tagged import Entity, TaggedExample
from spanfit.tags import OUTSIDE, Scheme, find_scheme, make_table
from spanfit.tasks.cell_tags import (
    BLANK,
    EXACT,
    INSIDE,
    NO_PIECE,
    UNHELD,
    UNKNOWN,
    CellTags,
    tag_cells,
)
from spanfit.tasks.cells import Cells, find_cells
from spanfit.tasks.tag_predictions import UNNAMED, make_reader
from spanfit.windows import Windows

REASONS: Final = {
    INSIDE: "border inside a token",
    BLANK: "border on a unit without a piece",
    NO_PIECE: "no piece",
    UNHELD: "in no window",
    UNKNOWN: "unknown tag",
}
"""Why an entity is not learnt as it is, in the order in which losses are told."""

_MAIN_FIGURES: Final = {"accuracy": "accuracy", "char_macro": "char_macro_f1"}
"""The figure that a metric is named after, where that is not its micro F1."""


@dataclass(frozen=True, slots=True)
class TagLoss:
    """An entity of the text `id` that is not learnt as it is, or a unit with its tag, and why."""

    id: str
    entity: Entity
    reason: str


@dataclass(frozen=True, slots=True)
class TagCeiling:
    """The highest figure (0 to 100) that can be reached on `n` texts.

    Which figure of the metric that is, `name` tells: "conlleval f1", "accuracy".
    """

    metric: str
    figure: float
    n: int

    @property
    def name(self) -> str:
        """Metric and figure."""
        return self.metric if self.metric in _MAIN_FIGURES else f"{self.metric} f1"


@dataclass(frozen=True, slots=True)
class TagCoverage:
    """What can be said of tagged texts through their windows.

    `n_without_gold` are texts to tag; they have no part in entities and ceiling. `n_entities` are
    the gold's entities or chunks; of tags without prefixes, the units with one. `n_exact` of them
    are learnt as they are. `units_without_piece` are the ids of texts with such units that are no
    white space, each as often as it has them; `unknown_tags` counts gold tags that the model does
    not have. `ceiling` is None where no text has gold.
    """

    scheme: str
    n_texts: int
    n_without_gold: int
    n_units: int
    n_entities: int
    n_exact: int
    losses: tuple[TagLoss, ...]
    units_without_piece: tuple[str, ...]
    unknown_tags: dict[str, int]
    ceiling: TagCeiling | None

    @property
    def losses_by_reason(self) -> dict[str, tuple[TagLoss, ...]]:
        """The losses of each reason that there is, in the order of REASONS."""
        return {
            reason: found
            for reason in REASONS.values()
            if (found := tuple(loss for loss in self.losses if loss.reason == reason))
        }

    def describe(self, options: TaskSection) -> list[str]:
        """What training loses, a line each, with the first ids; nothing where nothing is lost."""
        lines = [
            f"gold entities that are not learnt as they are ({reason}): {len(losses):,}"
            f" ({list_some([*dict.fromkeys(loss.id for loss in losses)])})"
            for reason, losses in self.losses_by_reason.items()
        ]
        if self.unknown_tags:
            tags = [f"{tag} {n:,}" for tag, n in self.unknown_tags.items()]
            lines.append(f"tags that the model does not have: {list_some(tags)}")
        return lines

    def to_json(self) -> dict[str, Any]:
        """All figures, and the losses by reason with the ids of their texts."""
        return {
            "scheme": self.scheme,
            "texts": self.n_texts,
            "without_gold": self.n_without_gold,
            "units": self.n_units,
            "units_without_piece": list(self.units_without_piece),
            "entities": self.n_entities,
            "exact": self.n_exact,
            "lost": len(self.losses),
            "losses": {
                reason: [{"id": loss.id, **asdict(loss.entity)} for loss in losses]
                for reason, losses in self.losses_by_reason.items()
            },
            "unknown_tags": self.unknown_tags,
            "ceiling": asdict(self.ceiling) if self.ceiling else None,
        }

    @property
    def figures(self) -> dict[str, float]:
        """The ceiling by the name of its metric and figure; empty without gold."""
        if self.ceiling is None:
            return {}
        return {self.ceiling.name: self.ceiling.figure}


def measure_tag_coverage(
    examples: Sequence[TaggedExample],
    windows: Windows,
    settings: ModelSettings,
    *,
    metric: str | None = None,
) -> TagCoverage:
    """Count what `windows`, those of `examples`, lose, and find the ceiling.

    The metric of the ceiling is the named one, else the one that suits the scheme.

    Raises:
        RecipeError: there is no metric of that name.
        ValueError: the settings are not those of a tagging model.
        DataError: a gold tag is none of the model's scheme, or the units are not those that the
            metric counts.
    """
    tagging = settings.tagging
    if tagging is None:
        raise ValueError("these settings are not those of a tagging model")
    model = make_table(find_scheme(tagging.scheme), tagging.tags)
    chosen = suit_metric(model.scheme) if metric is None else find_metric(metric)
    cells = find_cells(examples, windows)
    # Texts without gold have no entity, and no part in the ceiling.
    filled = [example if example.tags is not None else _fill(example) for example in examples]
    gold = tag_cells(filled, cells, model)
    losses = tuple(_list_losses(examples, cells, gold))
    with_gold = [row for row, example in enumerate(examples) if example.tags is not None]
    tags = round_trip(cells, gold, settings)
    return TagCoverage(
        scheme=model.scheme.name,
        n_texts=len(examples),
        n_without_gold=len(examples) - len(with_gold),
        n_units=len(cells.cell),
        n_entities=len(gold.chunks),
        n_exact=len(gold.chunks) - len(losses),
        losses=losses,
        units_without_piece=tuple(_list_pieceless(examples, cells)),
        unknown_tags=_count_unknown(examples, tagging),
        ceiling=_find_ceiling(
            [examples[row] for row in with_gold],
            [tags[row] for row in with_gold],
            scheme=model.scheme,
            metric=chosen,
        ),
    )


def round_trip(cells: Cells, gold: CellTags, settings: ModelSettings) -> list[tuple[str, ...]]:
    """The tags of each text that come back where a model says every target of the gold right.

    Cells that have no target score 0 for every tag.
    """
    tagging = settings.tagging
    if tagging is None:
        raise ValueError("these settings are not those of a tagging model")
    scores = np.zeros((len(cells), len(tagging.tags)), np.float32)
    learnt = np.flatnonzero(cells.is_held & (gold.codes >= 0))
    scores[learnt, gold.codes[learnt]] = 1
    reader = make_reader(tagging, constrained=settings.decode.constrained)
    tags = reader.name_tags(reader.find_tags(cells, scores).units)
    return [tuple(tags[start:end]) for start, end in pairwise(cells.unit_splits.tolist())]


def _fill(example: TaggedExample) -> TaggedExample:
    return replace(example, tags=(OUTSIDE,) * len(example.starts))


def _list_losses(
    examples: Sequence[TaggedExample], cells: Cells, gold: CellTags
) -> Iterator[TagLoss]:
    chunks = gold.chunks
    for chunk in np.flatnonzero(gold.fit != EXACT).tolist():
        first, end = int(chunks.start[chunk]), int(chunks.end[chunk])
        row = int(np.searchsorted(cells.unit_splits, first, side="right")) - 1
        example, base = examples[row], int(cells.unit_splits[row])
        start, stop = example.starts[first - base], example.ends[end - base - 1]
        label = gold.table.labels[int(chunks.label[chunk])] or UNNAMED
        entity = Entity(start, stop, label, example.text[start:stop])
        yield TagLoss(example.id, entity, REASONS[int(gold.fit[chunk])])


def _list_pieceless(examples: Sequence[TaggedExample], cells: Cells) -> Iterator[str]:
    """The id of its text for each unit without a piece, but for white space, which has none."""
    units = np.flatnonzero(cells.cell < 0)
    rows = cells.unit_example[units]
    numbers = units - cells.unit_splits[rows]
    for row, number in zip(rows.tolist(), numbers.tolist(), strict=True):
        example = examples[row]
        if not example.text[example.starts[number] : example.ends[number]].isspace():
            yield example.id


def _count_unknown(examples: Sequence[TaggedExample], tagging: TagSettings) -> dict[str, int]:
    counts = Counter(chain.from_iterable(example.tags or () for example in examples))
    return {tag: counts[tag] for tag in sorted(counts.keys() - {*tagging.tags})}


def _find_ceiling(
    texts: Sequence[TaggedExample],
    tags: Sequence[tuple[str, ...]],
    *,
    scheme: Scheme,
    metric: TagMetric,
) -> TagCeiling | None:
    """The score of these tags of the texts with gold; None where there is none."""
    if not texts:
        return None
    said = tuple(
        TagResponse(replace(text, tags=own)) for text, own in zip(texts, tags, strict=True)
    )
    figures = count_texts(texts, said, scheme=scheme, metric=metric).figures
    return TagCeiling(metric, figures[_MAIN_FIGURES.get(metric, "f1")], n=len(texts))
