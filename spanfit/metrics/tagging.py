"""Entities, chunks, tags and characters of tagged texts, counted from their tags.

    conlleval        chunks as conlleval.pl and seqeval's default read them, right or wrong tags
    seqeval_strict   a chunk that is not written as its scheme demands is none (seqeval 1.2.2)
    accuracy         units whose tag is right: parts of speech
    char_macro       KLUE's macro F1 over the tags of characters

`pair_tags` lays gold and predictions beside each other, once for all that is counted. Both go
through the same rule. Every gold unit counts: where nothing was predicted it is outside for
entities, and wrong for tags. The counting loops over distinct tags, never over units.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np

from spanfit.errors import DataError
from spanfit.metrics.chunk_arrays import Codes, EntityMetric, ParsedTags, find_chunks
from spanfit.metrics.found_spans import SpanPair
from spanfit.metrics.label_counts import Counts, LabelCounts, count_pairs, require_as_many
from spanfit.tags import OUTSIDE, Scheme, Tag, encode_tags

TagSequence = Sequence[str]
PredictedTags = Sequence[str | None] | None
"""The tags of one text; None for a unit, or in place of all, where there is no prediction."""

_LOST: Final = "\0"
"""Stands for a missing prediction: no file has such a tag."""


@dataclass(frozen=True, eq=False)
class TagPair:
    """Gold and predicted tags of n texts, end to end.

    `gold` and `predicted` (n_units,) point into `tags`, the distinct ones; `lengths` (n,) cut them.
    """

    tags: tuple[str, ...]
    gold: Codes
    predicted: Codes
    lengths: Counts

    def __post_init__(self) -> None:
        if not len(self.gold) == len(self.predicted) == self.lengths.sum():
            raise ValueError("gold, predictions and lengths need to have the same units")

    @property
    def example(self) -> Counts:
        """(n_units,): the text that each unit belongs to."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)

    def place(self, unit: int) -> str:
        """Where a unit stands, for messages."""
        row = int(np.searchsorted(np.cumsum(self.lengths), unit, side="right"))
        return f"{row}, unit {unit - int(self.lengths[:row].sum())}"


def pair_tags(gold: Sequence[TagSequence], predicted: Sequence[PredictedTags]) -> TagPair:
    """Gold and predictions in one coding.

    Raises:
        DataError: the lengths differ.
        ValueError: a gold tag is None.
    """
    require_as_many(gold, predicted)
    filled = [[None] * len(g) if p is None else p for g, p in zip(gold, predicted, strict=True)]
    coded = encode_tags([*gold, *filled], missing=_LOST)
    lengths, others = coded.lengths.reshape(2, len(gold))
    if (differs := lengths != others).any():
        row = int(np.argmax(differs))
        raise DataError(
            "there are not as many predicted tags as gold tags",
            where=f"sequence {row}",
            expected=f"{lengths[row]:,}",
            found=f"{others[row]:,}",
        )
    n_units = int(lengths.sum())
    pair = TagPair(coded.tags, coded.codes[:n_units], coded.codes[n_units:], lengths)
    if _LOST in pair.tags and (pair.gold == pair.tags.index(_LOST)).any():
        raise ValueError("a gold tag is None; only a prediction may be missing")
    return pair


def find_entities(pair: TagPair, *, scheme: Scheme, metric: EntityMetric = "conlleval") -> SpanPair:
    """Entities or chunks of both sides, in units.

    Raises:
        DataError: a tag is none of the scheme.
    """
    parsed = _parse(pair, scheme)
    gold, predicted = (
        find_chunks(codes, pair.lengths, parsed, scheme=scheme, metric=metric)
        for codes in (pair.gold, pair.predicted)
    )
    return SpanPair(parsed.labels, gold, predicted, n_examples=len(pair.lengths))


def find_lone_entities(
    gold: Sequence[TagSequence], predicted: Sequence[TagSequence], *, scheme: Scheme
) -> SpanPair:
    """The entities of both sides, each in its own units, as conlleval reads them.

    Raises:
        DataError: there are not as many predictions as texts, or a tag is none of the scheme.
    """
    require_as_many(gold, predicted)
    coded = encode_tags([*gold, *predicted])
    parsed = ParsedTags.of([scheme.parse(tag) for tag in coded.tags])
    n_units = int(coded.lengths[: len(gold)].sum())
    sides = np.split(coded.codes, [n_units]), np.split(coded.lengths, [len(gold)])
    golds, others = (
        find_chunks(codes, lengths, parsed, scheme=scheme, metric="conlleval")
        for codes, lengths in zip(*sides, strict=True)
    )
    return SpanPair(parsed.labels, golds, others, n_examples=len(gold))


def count_entities(
    pair: TagPair, *, scheme: Scheme, metric: EntityMetric = "conlleval"
) -> LabelCounts:
    """Entities or chunks by label: right where label and all borders are.

    Raises:
        DataError: a tag is none of the scheme.
    """
    return find_entities(pair, scheme=scheme, metric=metric).count()


def count_tags(pair: TagPair) -> LabelCounts:
    """Units by tag, whatever the scheme; O is a tag like the others.

    The recall of the micro average is the accuracy: the share of gold units whose tag is right.
    """
    example = pair.example
    is_right = pair.gold == pair.predicted
    said = example, pair.predicted
    if _LOST in pair.tags:
        is_there = pair.predicted != pair.tags.index(_LOST)
        said = example[is_there], pair.predicted[is_there]
    return count_pairs(
        (example[is_right], pair.gold[is_right]),
        said,
        (example, pair.gold),
        n_examples=len(pair.lengths),
        labels=pair.tags,
    )


def count_characters(pair: TagPair, *, characters: Sequence[Sequence[str]]) -> LabelCounts:
    """`count_tags` without the units that are a space, as KLUE-baseline has it.

    `characters` are the units of each text: the text itself, or a list of characters.

    Raises:
        DataError: they are not as many as the tags.
    """
    require_as_many(pair.lengths.tolist(), characters)
    for row, (n, units) in enumerate(zip(pair.lengths.tolist(), characters, strict=True)):
        if n != len(units):
            raise DataError(
                "there are not as many characters as gold tags",
                where=f"sequence {row}",
                expected=f"{n:,}",
                found=f"{len(units):,}",
            )
    every = (character != " " for character in chain.from_iterable(characters))
    kept = np.fromiter(every, dtype=np.bool_, count=len(pair.gold))
    lengths = np.bincount(pair.example[kept], minlength=len(pair.lengths))
    return count_tags(TagPair(pair.tags, pair.gold[kept], pair.predicted[kept], lengths))


def char_macro_figures(counts: LabelCounts, *, tags: Iterable[str] = ()) -> dict[str, float]:
    """KLUE's character macro F1, 0 to 100: the mean F1 of all tags, B- and I- apart.

    KLUE-baseline (metrics/functional.py, `klue_ner_char_macro_f1`, commit 8a03c94) calls sklearn's
    f1_score with the whole label list, so O is one of the 13 classes although its docstring says
    that it is not; `char_macro_f1` follows the code and `char_macro_f1_without_o` the docstring. A
    tag of the model that is neither gold nor predicted counts 100, as there (zero_division=True):
    give the model's `tags`. That program also counts [CLS] and [SEP] of every sentence as an O and
    cuts sentences at 128 tokens; here every character counts, and nothing else.
    """
    f1 = dict.fromkeys(tags, 100.0) | {tag: rates.f1 for tag, rates in counts.by_label.items()}
    inside = [value for tag, value in f1.items() if tag != OUTSIDE]
    return {
        "char_macro_f1": float(np.mean([*f1.values()])) if f1 else 0.0,
        "char_macro_f1_without_o": float(np.mean(inside)) if inside else 0.0,
    }


def _parse(pair: TagPair, scheme: Scheme) -> ParsedTags:
    """The distinct tags parsed; a missing prediction counts as O."""
    tags = []
    for code, text in enumerate(pair.tags):
        if (tag := Tag(OUTSIDE) if text == _LOST else scheme.find_tag(text)) is None:
            in_gold = bool((pair.gold == code).any())
            side = pair.gold if in_gold else pair.predicted
            place = pair.place(int(np.argmax(side == code)))
            raise DataError(
                f"{text!r} is no tag of the scheme {scheme.name}",
                where=f"{'gold' if in_gold else 'prediction'} {place}",
                expected=scheme.describe(),
            )
        tags.append(tag)
    return ParsedTags.of(tags)
