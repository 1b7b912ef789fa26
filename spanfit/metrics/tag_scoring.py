"""From tagged texts with gold, and predictions, to `TagScores`; see `tag_counting` for the metrics.

Gold and predictions are compared in the scheme of the gold; predictions that are written in another
one are put into it (see `tag_conversion`), and this is noted.
"""

from __future__ import annotations

from typing import cast

import numpy as np

from spanfit.data import digest
from spanfit.data.checking import check_examples
from spanfit.errors import DataError, list_some
from spanfit.examples import Reading
from spanfit.metrics.confidence import Confidence, measure_confidence
from spanfit.metrics.found_spans import SpanPair
from spanfit.metrics.responses import name_source
from spanfit.metrics.signatures import Signature
from spanfit.metrics.tag_conversion import convert_responses
from spanfit.metrics.tag_counting import (
    TagMetric,
    Texts,
    check_units,
    count_texts,
    find_metric,
    suit_metric,
)
from spanfit.metrics.tag_responses import Aligned, TagPredictions, align_responses
from spanfit.metrics.tag_scores import TagScores
from spanfit.tags import find_scheme
from spanfit.types import SelectedOn


def score_texts(
    examples: Texts,
    predictions: TagPredictions,
    *,
    metric: str | None,
    selected_on: SelectedOn,
    reading: Reading,
    name: str,
) -> TagScores:
    """Score the tags predicted for texts with gold; see `metrics.score`. Messages say `name`.

    Raises:
        DataError, RecipeError: as `metrics.score`.
    """
    check_gold_tags(examples, name=name)
    known = None if metric is None else find_metric(metric)
    aligned = align_responses(predictions, examples, gold=name)
    checked = check_examples(examples, reading=reading, name=name)
    texts = cast("Texts", checked.examples)
    scheme = find_scheme(checked.scheme or "")
    chosen = known or suit_metric(scheme)
    where = name_source(predictions, "the predictions")
    converted = convert_responses(aligned, scheme, metric=chosen, where=where)
    aligned = converted.aligned
    counted = count_texts(texts, aligned, scheme=scheme, metric=chosen)
    wrong = counted.count_wrong()
    is_there = np.array([response is not None for response in aligned], dtype=np.bool_)
    exact = ((wrong == 0) & is_there).astype(np.float64)
    figures = counted.figures | {"exact": 100 * float(exact.mean())}
    if scheme.has_prefixes:
        figures["invalid_tags"] = converted.n_violations
    return TagScores(
        signature=Signature(
            metric=chosen,
            normalisation="",
            language="",
            selected_on=selected_on,
            data_digest=digest(texts),
            n=len(texts),
            scheme=scheme.name,
            repair=reading.repair or "none",
        ),
        figures=figures,
        examples=tuple(texts),
        predicted=tuple(None if response is None else response.tags for response in aligned),
        example_wrong=wrong,
        example_exact=exact,
        counted=counted,
        confidence=_measure_confidence(texts, aligned, counted.spans),
        notes=(*checked.notes, *converted.notes),
    )


def check_gold_tags(examples: Texts, *, name: str) -> None:
    """Refuse texts that cannot be scored.

    Raises:
        DataError: one has no tags, none has a unit, or an id is there twice.
    """
    if without := [example.id for example in examples if example.tags is None]:
        raise DataError(
            f"{len(without):,} of {len(examples):,} texts have no gold",
            where=name,
            expected="'tags' or 'entities', an empty list for a text without entities",
            found=f"none for {list_some(without)}",
        )
    if not any(example.tags for example in examples):
        raise DataError("there is no unit to score", where=name)
    if len({example.id for example in examples}) < len(examples):
        raise DataError("an id is there twice", where=name, expected="each id once")


def choose_tag_metric(
    examples: Texts, metric: str | None, *, reading: Reading, name: str
) -> TagMetric:
    """The metric that is named, else the one that suits the scheme of the gold.

    Raises:
        DataError: the gold cannot be scored, its tags break their scheme, or its units are not
            those that the metric counts.
        RecipeError: tagged texts have no such metric.
    """
    check_gold_tags(examples, name=name)
    checked = check_examples(examples, reading=reading, name=name)
    if metric is None:
        return suit_metric(find_scheme(checked.scheme or ""))
    chosen = find_metric(metric)
    check_units(examples, chosen)
    return chosen


def _measure_confidence(
    texts: Texts, aligned: Aligned, spans: SpanPair | None
) -> Confidence | None:
    """How far the probabilities of predicted entities can be trusted; None where one has none."""
    if spans is None:
        return None
    gold = spans.gold
    places = zip(gold.example.tolist(), gold.start.tolist(), gold.end.tolist(), strict=True)
    names = np.array(spans.labels, dtype=object)[gold.label].tolist()
    golds = {(*place, label) for place, label in zip(places, names, strict=True)}
    said, is_right = [], []
    for row, (text, response) in enumerate(zip(texts, aligned, strict=True)):
        if response is None:
            continue
        if response.entities is None or response.said.text != text.text:
            return None
        for entity in response.entities:
            said.append(entity.probability)
            is_right.append((row, entity.start, entity.end, entity.label) in golds)
    return measure_confidence(said, is_right) if said else None
