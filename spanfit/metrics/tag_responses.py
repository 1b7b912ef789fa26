"""What was predicted for the texts of a gold: read, and laid beside the text that it belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from pathlib import Path

from spanfit.data.tag_predictions import TagResponse, TagResponses, read_tag_predictions
from spanfit.errors import DataError
from spanfit.metrics.responses import name_source, refuse_unknown
from spanfit.tagged import TaggedExample, TaggingPrediction

TagPredictions = str | Path | Iterable[TaggingPrediction]
Aligned = tuple[TagResponse | None, ...]
"""The response to each text, in the order of the gold; None where there is none."""


def align_responses(
    predictions: TagPredictions, examples: Sequence[TaggedExample], *, gold: str
) -> Aligned:
    """The responses by id, or in the order of the texts where a file of columns has them.

    `gold` is what messages call the examples.

    Raises:
        DataError: a malformed file, an id that the examples do not have, another text under an id,
            or columns with other words or other gold tags than the examples.
    """
    where = name_source(predictions, "predictions")
    found = _read(predictions)
    if not found.has_ids:
        return _align_by_order(found.responses, examples, where=where, gold=gold)
    by_id = {response.said.id: response for response in found.responses}
    refuse_unknown(by_id, examples, where=where, gold=gold)
    aligned = tuple(by_id.get(example.id) for example in examples)
    for example, response in zip(examples, aligned, strict=True):
        if response is not None and not _is_same_text(example, response):
            raise _other_text(example, response, where=where, gold=gold)
    return aligned


def has_same_units(example: TaggedExample, response: TagResponse) -> bool:
    """Whether the prediction tags the units of the gold: the same words in the same order."""
    said = response.said
    if example.text == said.text:
        return example.starts == said.starts and example.ends == said.ends
    return len(example.starts) == len(said.starts) and example.words == said.words


def _read(predictions: TagPredictions) -> TagResponses:
    if isinstance(predictions, str | Path):
        return read_tag_predictions(predictions)
    responses = tuple(map(TagResponse.of, predictions))
    if len({response.said.id for response in responses}) < len(responses):
        raise DataError("a text is there twice", where="predictions", expected="each id once")
    return TagResponses(responses, has_ids=True)


def _is_same_text(example: TaggedExample, response: TagResponse) -> bool:
    return example.text == response.said.text or has_same_units(example, response)


def _align_by_order(
    responses: Sequence[TagResponse], examples: Sequence[TaggedExample], *, where: str, gold: str
) -> Aligned:
    """Columns have no ids, and no texts without words."""
    rows = [row for row, example in enumerate(examples) if example.starts]
    aligned: list[TagResponse | None] = [None] * len(examples)
    for row, response in zip_longest(rows, responses):
        if row is None:
            raise DataError(
                f"there are more sentences than the {len(rows):,} of the gold",
                where=f"{where}, {response.said.place}",
                expected=f"the end: all sentences of {gold} came before",
                found=_show(response.said.words),
            )
        example = examples[row]
        if response is None:
            raise DataError(
                f"there are fewer sentences than the {len(rows):,} of the gold",
                where=where,
                expected=f"all of them, in their order; next {_show(example.words)}, as in {gold}"
                + _place_of(example, 0),
                found=f"the end of the file, after {len(responses):,}",
                fix="JSON Lines, which name the texts, may leave some out",
            )
        _check_words(example, response, where=where, gold=gold)
        aligned[row] = response
    return tuple(aligned)


def _check_words(example: TaggedExample, response: TagResponse, *, where: str, gold: str) -> None:
    """Refuse a sentence of columns that is not that of the gold, word by word."""
    said = response.said
    if not has_same_units(example, response):
        words, others = example.words, said.words
        unit = next(
            (u for u, (a, b) in enumerate(zip(words, others, strict=False)) if a != b),
            min(len(words), len(others)),
        )
        end = "a blank line, where the sentence ends"
        raise DataError(
            "the words are not those of the gold",
            where=f"{where}, line {said.first_line + unit}",
            expected=(repr(words[unit]) if unit < len(words) else end)
            + f", as in {gold}{_place_of(example, unit)}",
            found=repr(others[unit]) if unit < len(others) else end,
            fix="give the gold that this belongs to, with all of its sentences in their order",
        )
    if response.gold is not None and response.gold != example.tags:
        pairs = zip(example.tags or (), response.gold, strict=True)
        unit = next(u for u, (a, b) in enumerate(pairs) if a != b)
        raise DataError(
            "the last column but one is not the gold",
            where=f"{where}, line {said.first_line + unit}",
            expected=f"{(example.tags or ())[unit]!r}, as in {gold}{_place_of(example, unit)}",
            found=f"{response.gold[unit]!r} for {said.words[unit]!r}",
            fix="columns of the word, the gold tag and the predicted tag, or without the gold",
        )


def _other_text(
    example: TaggedExample, response: TagResponse, *, where: str, gold: str
) -> DataError:
    said = response.said
    pairs = zip(example.text, said.text, strict=False)
    place = next(
        (n for n, (a, b) in enumerate(pairs) if a != b), min(len(example.text), len(said.text))
    )
    excerpt = slice(max(0, place - 10), place + 20)
    return DataError(
        f"the prediction for {example.id!r} is of another text",
        where=f"{where}, {said.place}" if said.place else where,
        expected=f"{example.text[excerpt]!r} from character {excerpt.start}, as in {gold}",
        found=repr(said.text[excerpt]),
        fix="give the gold that this belongs to",
    )


def _place_of(example: TaggedExample, unit: int) -> str:
    if not example.place:
        return f", id {example.id!r}"
    return f", {example.place_of(min(unit, len(example.starts) - 1))}"


def _show(words: Sequence[str]) -> str:
    return repr(" ".join(words[:8]) + (" …" if len(words) > 8 else ""))
