"""From tagged texts with gold, and predictions, to `TagScores`; see `tag_counting` for the metrics.

Gold and predictions are compared in the scheme of the gold; where the predictions are written in
another one, the gold is put into that, which loses nothing, and this is noted.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import cast

import numpy as np

from spanfit.data import digest
from spanfit.data.checking import Checked, check_examples
from spanfit.errors import DataError, list_some
from spanfit.examples import Reading
from spanfit.metrics.confidence import Confidence, measure_confidence
from spanfit.metrics.found_spans import SpanPair
from spanfit.metrics.responses import name_source
from spanfit.metrics.signatures import Signature
from spanfit.metrics.tag_counting import TagMetric, Texts, count_texts, find_metric, suit_metric
from spanfit.metrics.tag_responses import Aligned, TagPredictions, align_responses
from spanfit.metrics.tag_scores import TagScores
from spanfit.tags import SCHEMES, Scheme, encode_tags, find_scheme, find_violations
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
    checked = _settle_scheme(
        examples,
        aligned,
        reading=reading,
        name=name,
        where=name_source(predictions, "predictions"),
    )
    texts = cast("Texts", checked.examples)
    scheme = find_scheme(checked.scheme or "")
    chosen = known or suit_metric(scheme)
    counted = count_texts(texts, aligned, scheme=scheme, metric=chosen)
    wrong = counted.count_wrong()
    is_there = np.array([response is not None for response in aligned], dtype=np.bool_)
    exact = ((wrong == 0) & is_there).astype(np.float64)
    figures = counted.figures | {"exact": 100 * float(exact.mean())}
    said = [response.tags for response in aligned if response is not None]
    if scheme.has_prefixes:
        figures["invalid_tags"] = len(find_violations(encode_tags(said), scheme))
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
        notes=checked.notes,
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
        DataError: the gold cannot be scored, or its tags break their scheme.
        RecipeError: tagged texts have no such metric.
    """
    check_gold_tags(examples, name=name)
    checked = check_examples(examples, reading=reading, name=name)
    return suit_metric(find_scheme(checked.scheme or "")) if metric is None else find_metric(metric)


def _settle_scheme(
    examples: Texts, aligned: Aligned, *, reading: Reading, name: str, where: str
) -> Checked:
    """The gold checked, and in a scheme that has all of the predicted tags.

    Raises:
        DataError: the gold is wrong, or a predicted tag is none of any scheme that the others are.
    """
    checked = check_examples(examples, reading=reading, name=name)
    scheme = find_scheme(checked.scheme or "")
    tags = {*chain.from_iterable(response.tags for response in aligned if response is not None)}
    if all(scheme.find_tag(tag) for tag in tags):
        return checked
    fits = [s for s in SCHEMES.values() if s.has_prefixes and all(map(s.find_tag, tags))]
    if reading.into is not None or not fits:
        raise _foreign_tag(aligned, scheme, where)
    written = check_examples(examples, reading=replace(reading, into=fits[0].name), name=name)
    note = (
        f"the predictions are written in {fits[0].name} and the gold in {scheme.name}: "
        f"compared in {fits[0].name}"
    )
    return replace(written, notes=(*written.notes, note))


def _foreign_tag(aligned: Aligned, scheme: Scheme, where: str) -> DataError:
    response, unit = next(
        (response, unit)
        for response in aligned
        if response is not None
        for unit, tag in enumerate(response.tags)
        if scheme.find_tag(tag) is None
    )
    said = response.said
    place = said.place_of(unit) or f"the prediction for {said.id!r}"
    return DataError(
        f"the predicted tag {response.tags[unit]!r} is none of the scheme {scheme.name}",
        where=f"{where}, {place}",
        expected=scheme.describe(),
        found=f"{response.tags[unit]!r} for {said.words[unit]!r}",
        fix="--columns scheme=NAME, if the gold is in another scheme",
    )


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
