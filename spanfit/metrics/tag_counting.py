"""What each metric of tagged texts counts.

conlleval        entities; tags that break their scheme are read as conlleval.pl reads them
seqeval_strict   entities; what is not written as the scheme demands is none
spans            entities as ranges of characters, also where the units are others
char_macro       KLUE: macro F1 over the tags of characters, beside its strict entities
accuracy         tags, unit by unit
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

from spanfit.errors import DataError, RecipeError, did_you_mean
from spanfit.metrics.found_spans import SpanPair, to_characters
from spanfit.metrics.label_counts import Counts, LabelCounts
from spanfit.metrics.tag_responses import Aligned, has_same_units
from spanfit.metrics.tagging import (
    TagPair,
    char_macro_figures,
    count_characters,
    count_tags,
    find_entities,
    find_lone_entities,
    pair_tags,
)
from spanfit.tagged import TaggedExample
from spanfit.tags import Scheme

TagMetric = Literal["conlleval", "seqeval_strict", "spans", "char_macro", "accuracy"]
TAG_METRICS: Final[tuple[TagMetric, ...]] = get_args(TagMetric)
Texts = Sequence[TaggedExample]

_LONGEST_MEAN = 1.5
"""Units of more characters than this, on average, are no characters."""


@dataclass(frozen=True, eq=False)
class Counted:
    """What a metric finds in n texts, and its figures.

    `counts` are of entities by label, or of tags. `tag_counts` are of tags, None where the units of
    the two sides may differ; `characters` are those that KLUE counts, None for other metrics.
    `spans` are the entities in characters, None where only tags count.
    """

    counts: LabelCounts
    figures: dict[str, float]
    tag_counts: LabelCounts | None = None
    characters: LabelCounts | None = None
    spans: SpanPair | None = None

    def count_wrong(self) -> Counts:
        """(n,): gold that was not found, and what was found beside it; a wrong tag counts once."""
        right, predicted, gold = self.counts.by_example.T
        wrong: Counts = gold - right if self.spans is None else gold + predicted - 2 * right
        return wrong


def find_metric(metric: str) -> TagMetric:
    """The metric of that name.

    Raises:
        RecipeError: tagged texts have none.
    """
    for known in TAG_METRICS:
        if metric == known:
            return known
    raise RecipeError(
        f"tagged texts have no metric {metric!r}", fix=did_you_mean(metric, TAG_METRICS)
    )


def suit_metric(scheme: Scheme) -> TagMetric:
    """The metric that is chosen where none is named."""
    return "conlleval" if scheme.has_prefixes else "accuracy"


def check_units(texts: Texts, metric: TagMetric) -> None:
    """Refuse gold of other units than the metric counts.

    Raises:
        DataError: characters are counted, and these are words.
    """
    if metric == "char_macro":
        _require_characters(texts)


def count_texts(texts: Texts, aligned: Aligned, *, scheme: Scheme, metric: TagMetric) -> Counted:
    """Count what is right, predicted and gold in each text.

    Raises:
        DataError: the predictions are of other units than the gold, or the units are not those
            that the metric counts.
    """
    check_units(texts, metric)
    return _COUNTERS[metric](texts, aligned, scheme)


def _count_leniently(texts: Texts, aligned: Aligned, scheme: Scheme) -> Counted:
    pair = _pair(texts, aligned)
    found = find_entities(pair, scheme=scheme, metric="conlleval")
    return _count_entities(pair, found, texts)


def _count_strictly(texts: Texts, aligned: Aligned, scheme: Scheme) -> Counted:
    pair = _pair(texts, aligned)
    found = find_entities(pair, scheme=scheme, metric="seqeval_strict")
    return _count_entities(pair, found, texts)


def _count_entities(pair: TagPair, found: SpanPair, texts: Texts) -> Counted:
    """Entities in the units of the gold, with the accuracy of their tags beside."""
    units = [(text.starts, text.ends) for text in texts]
    spans = replace(
        found,
        gold=to_characters(found.gold, units),
        predicted=to_characters(found.predicted, units),
    )
    counts, tags = spans.count(), count_tags(pair)
    figures = counts.figures() | {"accuracy": tags.micro.recall, "units": tags.n_gold}
    return Counted(counts, figures, tag_counts=tags, spans=spans)


def _count_characters(texts: Texts, aligned: Aligned, scheme: Scheme) -> Counted:
    """Both of KLUE's figures: characters, and strict entities."""
    entities = _count_strictly(texts, aligned, scheme)
    pair = _pair(texts, aligned)
    characters = count_characters(pair, characters=[text.words for text in texts])
    figures = char_macro_figures(characters) | entities.figures
    return replace(entities, characters=characters, figures=figures)


def _count_spans(texts: Texts, aligned: Aligned, scheme: Scheme) -> Counted:
    """Entities by their characters, whatever the units of either side are."""
    said = [() if response is None else response.tags for response in aligned]
    found = find_lone_entities([text.tags or () for text in texts], said, scheme=scheme)
    units = [(text.starts, text.ends) for text in texts]
    others = [
        own
        if response is None or has_same_units(text, response)
        else (response.said.starts, response.said.ends)
        for text, own, response in zip(texts, units, aligned, strict=True)
    ]
    spans = replace(
        found,
        gold=to_characters(found.gold, units),
        predicted=to_characters(found.predicted, others),
    )
    counts = spans.count()
    return Counted(counts, counts.figures(), spans=spans)


def _count_tags(texts: Texts, aligned: Aligned, scheme: Scheme) -> Counted:
    del scheme  # a tag is right or wrong in any
    counts = count_tags(_pair(texts, aligned))
    figures = {"accuracy": counts.micro.recall, **counts.figures()}
    return Counted(counts, figures, tag_counts=counts)


_COUNTERS: Final[dict[TagMetric, Callable[[Texts, Aligned, Scheme], Counted]]] = {
    "conlleval": _count_leniently,
    "seqeval_strict": _count_strictly,
    "spans": _count_spans,
    "char_macro": _count_characters,
    "accuracy": _count_tags,
}


def _pair(texts: Texts, aligned: Aligned) -> TagPair:
    """Gold and predicted tags, which must be those of the same units."""
    others = [
        (text, response)
        for text, response in zip(texts, aligned, strict=True)
        if response is not None and not has_same_units(text, response)
    ]
    if others:
        text, response = others[0]
        raise DataError(
            f"{len(others):,} of {len(texts):,} predictions divide their text otherwise than the "
            "gold does, so their tags cannot be compared one by one",
            where=f"prediction for {text.id!r}",
            expected=f"{_describe_units(text)}, as in the gold",
            found=_describe_units(response.said),
            fix="--metric spans, which compares entities by their characters",
        )
    said = [None if response is None else response.tags for response in aligned]
    return pair_tags([text.tags or () for text in texts], said)


def _describe_units(text: TaggedExample) -> str:
    words = text.words
    return f"{len(words):,} units, {' '.join(map(repr, words[:4]))}{' …' * (len(words) > 4)}"


def _require_characters(texts: Texts) -> None:
    n_units = sum(len(text.starts) for text in texts)
    n_characters = sum(map(sum, (text.ends for text in texts))) - sum(
        map(sum, (text.starts for text in texts))
    )
    if n_characters > _LONGEST_MEAN * n_units:
        longest = max((word for text in texts for word in text.words), key=len)
        raise DataError(
            "char_macro compares the tags of characters, and these are of words",
            expected="a tag for each character",
            found=f"one for {longest!r}",
            fix="--metric conlleval, or seqeval_strict",
        )
