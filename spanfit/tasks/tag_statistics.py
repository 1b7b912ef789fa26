"""What the metrics of tagging count of one text: right, predicted, gold."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from spanfit.errors import DataError, RecipeError, did_you_mean
from spanfit.metrics.label_counts import LabelCounts
from spanfit.metrics.spans import count_spans
from spanfit.metrics.tagging import (
    TagPair,
    count_characters,
    count_entities,
    count_tags,
    pair_tags,
)
from spanfit.tagged import Entity, TaggedExample, TaggingPrediction
from spanfit.tags import PLAIN, SCHEMES, Scheme, encode_tags, find_violations, read_chunks


def count_example(
    example: TaggedExample, prediction: TaggingPrediction, *, metric: str
) -> tuple[int, int, int]:
    """How many were right, predicted and gold in one text, as the named metric counts them.

    Raises:
        RecipeError: an unknown metric.
        DataError: the text has no gold.
    """
    if metric not in _COUNTS:
        raise RecipeError(f"there is no metric {metric!r}", expected=did_you_mean(metric, _COUNTS))
    if example.tags is None:
        raise DataError(f"text {example.id!r} has no gold tags", where=example.place)
    counts = _COUNTS[metric](example, prediction)
    return counts.n_right, counts.n_predicted, counts.n_gold


def _pair(example: TaggedExample, prediction: TaggingPrediction) -> TagPair:
    return pair_tags([example.tags or ()], [prediction.tags])


def _find_scheme(gold: Sequence[str], predicted: Sequence[str]) -> Scheme:
    """The first scheme in which the gold is valid, and which has the predicted tags too."""
    coded = encode_tags([gold])
    for scheme in SCHEMES.values():
        fits = all(map(scheme.find_tag, {*gold, *predicted}))
        if fits and not len(find_violations(coded, scheme)):
            return scheme
    return PLAIN


def _count_entities(example: TaggedExample, prediction: TaggingPrediction) -> LabelCounts:
    scheme = _find_scheme(example.tags or (), prediction.tags)
    return count_entities(_pair(example, prediction), scheme=scheme)


def _count_strictly(example: TaggedExample, prediction: TaggingPrediction) -> LabelCounts:
    scheme = _find_scheme(example.tags or (), prediction.tags)
    return count_entities(_pair(example, prediction), scheme=scheme, metric="seqeval_strict")


def _count_spans(example: TaggedExample, prediction: TaggingPrediction) -> LabelCounts:
    gold: Sequence[Entity] | None = example.entities
    if gold is None:
        scheme = _find_scheme(example.tags or (), prediction.tags)
        chunks = read_chunks(example.tags or (), scheme)
        ranges = [(example.starts[c.start], example.ends[c.end - 1], c.label) for c in chunks]
        gold = [Entity(*values) for values in ranges]
    return count_spans([gold], [prediction.entities])


def _count_tags(example: TaggedExample, prediction: TaggingPrediction) -> LabelCounts:
    return count_tags(_pair(example, prediction))


def _count_characters(example: TaggedExample, prediction: TaggingPrediction) -> LabelCounts:
    return count_characters(_pair(example, prediction), characters=[example.words])


_COUNTS: dict[str, Callable[[TaggedExample, TaggingPrediction], LabelCounts]] = {
    "conlleval": _count_entities,
    "seqeval_strict": _count_strictly,
    "spans": _count_spans,
    "accuracy": _count_tags,
    "char_macro": _count_characters,
}
