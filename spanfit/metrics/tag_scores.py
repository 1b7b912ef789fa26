"""The score of tagged texts: the figures, what they came from, and each text's part in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from spanfit.errors import RecipeError, did_you_mean
from spanfit.metrics.bootstrap import Floats, Interval, to_interval
from spanfit.metrics.confidence import Confidence
from spanfit.metrics.label_counts import Counts, Rates
from spanfit.metrics.signatures import Signature
from spanfit.metrics.spans import PartialCounts, count_partial
from spanfit.metrics.summed_figures import SummedFigures, sum_figures
from spanfit.metrics.tag_counting import Counted
from spanfit.metrics.tag_slices import TAG_SLICES, TagSlice, slice_counts, slice_labels, split_texts
from spanfit.tagged import Entity, TaggedExample
from spanfit.tags import Chunk

_ENTITY_HEADINGS = {"P": "precision", "R": "recall", "F1": "f1"}
_HEADINGS = {
    "accuracy": {"accuracy": "accuracy", "macro F1": "macro_f1"},
    "char_macro": {"char F1": "char_macro_f1", "macro F1": "macro_f1"},
}
"""By metric, where it is not as of entities."""


@dataclass(frozen=True, slots=True)
class TagCase:
    """One text of a score, with its gold and predicted entities; None where nothing is predicted.

    Where tags are scored and not entities, these are the units whose tag is wrong, with their tags.
    `n_wrong` counts the gold that was not found, and what was found beside the gold; a wrong tag
    counts once.
    """

    id: str
    text: str
    gold: tuple[Entity, ...]
    predicted: tuple[Entity, ...] | None
    n_wrong: int


@dataclass(frozen=True, eq=False)
class TagScores:
    """The figures of predicted tags against their gold, with what they were added up from.

    `figures` are 0 to 100, and counts. All else has length n, in the order of the gold: the
    `examples`, the tags that were `predicted` for them (of their own units; None where there is no
    prediction, and then all of the gold counts as not found), and arrays, made read-only:
    `example_wrong` (int64), what is wrong in each, and `example_exact` (float64), 1 where all is
    right. `counted` is what the figures come from. `notes` say what was done before to gold and
    predictions. `confidence` is that of predicted entities, where every prediction came with
    probabilities.
    """

    noun: ClassVar[str] = "texts"

    signature: Signature
    figures: dict[str, float]
    examples: tuple[TaggedExample, ...]
    predicted: tuple[tuple[str, ...] | None, ...]
    example_wrong: Counts
    example_exact: Floats
    counted: Counted
    confidence: Confidence | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for values in (self.examples, self.predicted, self.example_wrong, self.example_exact):
            if len(values) != self.signature.n:
                raise ValueError("examples, predicted and arrays need one entry a text")
        for array in (self.example_wrong, self.example_exact):
            array.setflags(write=False)

    @property
    def f1(self) -> float:
        """Micro-averaged F1, 0 to 100."""
        return self.figures["f1"]

    @property
    def exact(self) -> float:
        """The share of texts in which all is right, 0 to 100."""
        return self.figures["exact"]

    def value(self, name: str) -> float:
        """The figure that selection looks at: "f1" or "exact"."""
        return self.figures[name]

    @property
    def headings(self) -> dict[str, str]:
        """Short names of the figures that matter most."""
        return _HEADINGS.get(self.signature.metric, _ENTITY_HEADINGS)

    @property
    def headline(self) -> dict[str, float]:
        """The figures that matter most, by short names."""
        return {short: self.figures[name] for short, name in self.headings.items()}

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """The ids of the texts."""
        return tuple(example.id for example in self.examples)

    @property
    def missing(self) -> tuple[str, ...]:
        """The ids of the texts without a prediction."""
        pairs = zip(self.ids, self.predicted, strict=True)
        return tuple(id_ for id_, predicted in pairs if predicted is None)

    @property
    def labels(self) -> dict[str, Rates]:
        """The figures of each label; of each tag, where tags are scored."""
        return self.counted.counts.by_label

    @cached_property
    def partial(self) -> PartialCounts | None:
        """Credit for what is right in part (SemEval-2013), by characters; None without entities."""
        spans = self.counted.spans
        return None if spans is None else count_partial(*spans.list_chunks())

    def worst(self, n: int) -> tuple[str, ...]:
        """The n ids with most that is wrong; of equal ones the earlier in the gold."""
        order = np.lexsort((self.example_exact, -self.example_wrong))[:n]
        return tuple(self.ids[row] for row in order)

    def case(self, id_: str) -> TagCase:
        """One text with its gold and its prediction.

        Raises:
            KeyError: no text has this id.
        """
        row, spans = self._rows[id_], self.counted.spans
        gold, said = self._list_wrong_tags(row) if spans is None else spans.chunks_of(row)
        text = self.examples[row].text
        return TagCase(
            id=id_,
            text=text,
            gold=_to_entities(gold, text),
            predicted=None if self.predicted[row] is None else _to_entities(said, text),
            n_wrong=int(self.example_wrong[row]),
        )

    # Intervals and slices -------------------------------------------------------------------------

    @cached_property
    def summed(self) -> tuple[SummedFigures, ...]:
        """The figures that have intervals, in groups that are sampled together."""
        return sum_figures(
            self.counted.counts,
            tag_counts=self.counted.tag_counts,
            characters=self.counted.characters,
            exact=self.example_exact,
        )

    def interval(self, figure: str = "f1", *, level: float = 0.95) -> Interval:
        """How far a figure (0 to 100) would move among other texts, by the bootstrap.

        Precision, recall, F1, macro F1, accuracy, the share of texts that are all right, and the
        macro F1 of characters have one.

        Raises:
            RecipeError: the figure is not there, or has none.
            ValueError: the level is not between 0 and 1.
        """
        if (samples := self._samples.get(figure)) is None:
            raise RecipeError(
                f"there is no interval for {figure!r}", fix=did_you_mean(figure, self._samples)
            )
        return to_interval(samples, level=level)

    @cached_property
    def intervals(self) -> dict[str, Interval]:
        """The 95 % interval of every figure that has one."""
        return {
            name: to_interval(self._samples[name]) for name in self.figures if name in self._samples
        }

    @property
    def kinds(self) -> tuple[str, ...]:
        """The names of the slices that these scores have, see `metrics.tag_slices`."""
        has_entities = self.counted.spans is not None
        return tuple(kind for kind in TAG_SLICES if has_entities or kind != "has_entity")

    def by(self, kind: str) -> dict[str, TagSlice]:
        """The figures of each label, or of each kind of text.

        Raises:
            RecipeError: there are no slices of that name.
        """
        if kind not in self.kinds:
            raise RecipeError(
                f"tagged texts scored by {self.signature.metric} have no slices by {kind!r}",
                fix=did_you_mean(kind, self.kinds),
            )
        if kind == "label":
            return slice_labels(self.counted.counts)
        rows = self.counted.counts.by_example
        masks = split_texts(self.examples, kind, has_entity=rows[:, 2] > 0)
        return {name: slice_counts(rows, mask) for name, mask in masks.items()}

    def to_json(self) -> dict[str, Any]:
        """All figures in full precision, intervals, signature and missing ids, for a JSON file."""
        found = self.counted.counts.totals[:, 1].tolist()
        rates = zip(self.labels.items(), found, strict=True)
        return {
            "figures": dict(self.figures),
            "labels": {name: each.to_json() | {"n_predicted": n} for (name, each), n in rates},
            "partial": self.partial and self.partial.to_json(),
            "intervals": {name: interval.to_json() for name, interval in self.intervals.items()},
            "signature": asdict(self.signature),
            "missing": list(self.missing),
            "confidence": self.confidence and self.confidence.to_json(),
        }

    @cached_property
    def _samples(self) -> dict[str, Floats]:
        """Each figure that has an interval, resampled: (resamples,), 0 to 100."""
        return {name: column for group in self.summed for name, column in group.sample().items()}

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {id_: row for row, id_ in enumerate(self.ids)}

    def _list_wrong_tags(self, row: int) -> tuple[list[Chunk], list[Chunk]]:
        """The units of one text whose tag is wrong, as gold and as predicted, in characters."""
        example = self.examples[row]
        gold = example.tags or ()
        predicted = self.predicted[row] or ("",) * len(gold)
        wrong = [u for u, (a, b) in enumerate(zip(gold, predicted, strict=True)) if a != b]
        golds, others = (
            [Chunk(side[u], example.starts[u], example.ends[u]) for u in wrong]
            for side in (gold, predicted)
        )
        return golds, others


def _to_entities(chunks: Sequence[Chunk], text: str) -> tuple[Entity, ...]:
    return tuple(
        Entity(chunk.start, chunk.end, chunk.label, text=text[chunk.start : chunk.end])
        for chunk in chunks
    )
