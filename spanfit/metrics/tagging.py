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
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from spanfit.errors import DataError
from spanfit.metrics.label_counts import Counts, LabelCounts, count_pairs, require_as_many
from spanfit.tags import IOB1, IOB2, OUTSIDE, PLAIN, PREFIXES, Scheme, Tag, encode_tags

EntityMetric = Literal["conlleval", "seqeval_strict"]
TagSequence = Sequence[str]
PredictedTags = Sequence[str | None] | None
"""The tags of one text; None for a unit, or in place of all, where there is no prediction."""
Codes = NDArray[np.int32]
Flags = NDArray[np.bool_]

_LOST: Final = "\0"
"""Stands for a missing prediction: no file has such a tag."""
_O, _B, _I, _E, _S = range(len(PREFIXES))


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


def count_entities(
    pair: TagPair, *, scheme: Scheme, metric: EntityMetric = "conlleval"
) -> LabelCounts:
    """Entities or chunks by label: right where label and all borders are.

    Raises:
        DataError: a tag is none of the scheme.
    """
    prefix, label, labels = _parse(pair, scheme)
    is_first = np.zeros(len(pair.gold), dtype=np.bool_)
    is_first[(np.cumsum(pair.lengths) - pair.lengths)[pair.lengths > 0]] = True
    sides = []
    for codes in (pair.gold, pair.predicted):
        p, l = prefix[codes], label[codes]  # noqa: E741
        start, end = _find_chunks(p, l, is_first)
        if metric == "seqeval_strict":
            start, end = _keep_strict(p, l, is_first, start=start, end=end, scheme=scheme)
        sides.append((start, end, l[start]))
    (gold_start, gold_end, gold_label), (start, end, said) = sides
    gold_at = np.zeros(len(pair.gold), dtype=np.int64)  # by its start: end and label in one number
    gold_at[gold_start] = gold_end * len(labels) + gold_label
    right = gold_at[start] == end * len(labels) + said
    example = pair.example
    return count_pairs(
        (example[start[right]], said[right]),
        (example[start], said),
        (example[gold_start], gold_label),
        n_examples=len(pair.lengths),
        labels=labels,
    )


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


def _parse(pair: TagPair, scheme: Scheme) -> tuple[NDArray[np.int8], Codes, tuple[str, ...]]:
    """Of each distinct tag the number of its prefix and label, (n_tags,); and the labels, sorted.

    O has label -1, and so has a missing prediction.
    """
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
    labels = sorted({tag.label for tag in tags if tag.prefix != OUTSIDE})
    codes = {label: code for code, label in enumerate(labels)}
    return (
        np.array([PREFIXES.index(tag.prefix) for tag in tags], dtype=np.int8),
        np.array([-1 if t.prefix == OUTSIDE else codes[t.label] for t in tags], dtype=np.int32),
        tuple(labels),
    )


def _find_chunks(prefix: NDArray[np.int8], label: Codes, is_first: Flags) -> tuple[Counts, Counts]:
    """Starts and ends of the chunks by conlleval's rule, as `tags.read_chunks_leniently` has it.

    Of arrays (n_units,); `is_first` where a text begins, so that no chunk crosses its border.
    """
    may_go_on = (prefix == _B) | (prefix == _I)
    goes_on = ((prefix == _I) | (prefix == _E)) & ~is_first
    goes_on[1:] &= may_go_on[:-1] & (label[:-1] == label[1:])
    inside = prefix != _O
    starts = np.flatnonzero(inside & ~goes_on)
    inside[:-1] &= ~goes_on[1:]
    return starts, np.flatnonzero(inside) + 1


def _keep_strict(
    prefix: NDArray[np.int8],
    label: Codes,
    is_first: Flags,
    *,
    start: Counts,
    end: Counts,
    scheme: Scheme,
) -> tuple[Counts, Counts]:
    """The chunks of `_find_chunks` that seqeval 1.2.2 finds in strict mode (seqeval/scheme.py)."""
    first, last = prefix[start], prefix[end - 1]
    if scheme == PLAIN:
        return start, end
    if scheme == IOB1:
        # A B that follows no chunk of its label begins none there, but the I behind it does; and a
        # chunk whose last tag is B is not closed by a B of another label.
        same = ~is_first & (label == np.roll(label, 1))
        follows, other = same[start], np.append(~same & ~is_first & (prefix == _B), False)[end]
        start = start + ((first == _B) & ~follows)
        keep = (start < end) & ~((last == _B) & other)
    elif scheme == IOB2:
        keep = first == _B
    else:
        keep = (first == _S) | ((first == _B) & (last == _E))
    return start[keep], end[keep]
