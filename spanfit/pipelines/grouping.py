"""Tokens put together as the aggregation strategies of transformers say, in any tag scheme.

    none      each token by itself, with its tag
    simple    tokens that go on with each other; each has its own tag
    first     words, each with the tag of its first token; then as above
    average   words, each with the tag that is best on the mean of its tokens' probabilities
    max       words, each with the tag of the token that is surest of its own

What goes on with what, the model's scheme says: in IOB2 an I with the same label before it; in
BILOU an I or L behind a B or I. In a scheme without prefixes (parts of speech) nothing goes on with
another word. Tokens of one word that say the same label belong together whatever their letters
(SpanFit learns B I, and S E, for the pieces of a word), unless one is B.

Words are those of the model's settings: characters, or words as the tokenizer finds them, in
scripts without spaces characters; units that share a token are one. The tokens of a word are read
in the window that shows most on both of its sides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spanfit.settings import Calibration, ModelSettings
from spanfit.tagged import TaggedExample, TaggingPrediction
from spanfit.tags import OUTSIDE, PREFIXES
from spanfit.tasks import TaggingTask
from spanfit.tasks.cells import Cells, find_cells, find_windows
from spanfit.tasks.tag_logits import TagCandidates, stitch
from spanfit.tasks.tag_predictions import UNNAMED, TagReader, make_reader
from spanfit.windows import Windows

Ints = NDArray[np.int64]
Doubles = NDArray[np.float64]

_B, _E, _S = (PREFIXES.index(prefix) for prefix in ("B", "E", "S"))


@dataclass(frozen=True, slots=True)
class Group:
    """Some tokens of a text, with what they are.

    `start` and `end` are characters of the text, `label` a tag for a token by itself, else a label
    without prefix. `score` is the mean of the probabilities of the tags. `index` is the place of
    the first token in the whole input, `token_id` its id.
    """

    start: int
    end: int
    label: str
    score: float
    index: int
    token_id: int


@dataclass(frozen=True, slots=True)
class GroupedPrediction(TaggingPrediction):
    """A prediction whose units nobody asked for: only `groups`."""

    groups: tuple[Group, ...] = ()


@dataclass(frozen=True, eq=False)
class Pieces:
    """The P tokens of E texts that are in a word, in order; (P,) each.

    `word` counts cells, `number` tokens of the text. `start` and `end` are characters of the text,
    `probability` (P, outputs).
    """

    word: Ints
    number: Ints
    token_id: Ints
    start: Ints
    end: Ints
    probability: Doubles


@dataclass(frozen=True, eq=False)
class Items:
    """What is tagged: N tokens or words, in order; `piece` is the first token of each."""

    piece: Ints
    word: Ints
    start: Ints
    end: Ints
    probability: Doubles


@dataclass(frozen=True)
class GroupingTask(TaggingTask):
    """Tagging whose predictions are groups by one of the strategies, of labels not in `ignored`."""

    strategy: str
    ignored: frozenset[str]

    def merge(
        self,
        examples: Sequence[TaggedExample],
        candidates: Sequence[TagCandidates],
        *,
        windows: Windows,
        settings: ModelSettings,
        calibration: Calibration,
    ) -> list[TaggingPrediction]:
        """The groups of every example, each in a `GroupedPrediction`."""
        if settings.tagging is None:
            raise ValueError("a tagger has tags")
        reader = make_reader(settings.tagging, constrained=False)
        cells = find_cells(examples, windows)
        pieces = _find_pieces(examples, candidates, windows, cells)
        groups: list[Group] = []
        example = np.empty(0, np.int64)
        if len(pieces.word):  # else none of these texts has a word
            items = ITEMS[self.strategy](pieces, cells, examples)
            groups, example = self._group(items, pieces, cells, reader, windows)
        splits = np.searchsorted(example, np.arange(len(examples) + 1))
        return [
            GroupedPrediction(
                id=given.id,
                text=given.text,
                starts=(),
                ends=(),
                tags=(),
                groups=tuple(
                    group for group in groups[low:high] if group.label not in self.ignored
                ),
            )
            for given, low, high in zip(examples, splits[:-1], splits[1:], strict=True)
        ]

    def _group(
        self, items: Items, pieces: Pieces, cells: Cells, reader: TagReader, windows: Windows
    ) -> tuple[list[Group], Ints]:
        """All groups, and the example of each."""
        tag = items.probability[:, reader.outputs].argmax(axis=1)
        score = np.take_along_axis(items.probability, reader.outputs[tag][:, None], axis=1)[:, 0]
        example = cells.example[items.word]
        is_alone = self.strategy == "none"
        begins = (
            np.ones(len(tag), np.bool_) if is_alone else _find_begins(items, example, tag, reader)
        )
        first = np.flatnonzero(begins)
        last = np.append(first[1:], len(tag))[: len(first)] - 1
        mean = np.add.reduceat(score, first) / (last - first + 1) if len(first) else score
        names = np.array(reader.model.tags if is_alone else _name_labels(reader), dtype=object)[
            tag[first]
        ]
        lead = len(windows.template.prefix.ids)
        columns = (
            items.start[first],
            items.end[last],
            names,
            mean,
            pieces.number[items.piece[first]] + lead,
            pieces.token_id[items.piece[first]],
        )
        groups = [Group(*row) for row in zip(*(part.tolist() for part in columns), strict=True)]
        return groups, example[first]


def _find_begins(items: Items, example: Ints, tag: Ints, reader: TagReader) -> NDArray[np.bool_]:
    """Which items begin a group, (N,)."""
    prefix, label = reader.model.prefix[tag], reader.model.label[tag]
    begins = np.ones(len(tag), np.bool_)
    same_word = items.word[1:] == items.word[:-1]
    begins[1:] = (example[1:] != example[:-1]) | (label[1:] != label[:-1])
    if not reader.model.scheme.has_prefixes:
        begins[1:] |= ~same_word
        return begins
    begins |= prefix == _B
    begins[1:] |= (prefix[1:] == _S) & ~same_word
    begins[1:] |= np.isin(prefix[:-1], (_E, _S)) & ~same_word
    return begins


def _name_labels(reader: TagReader) -> list[str]:
    """What a group of each tag is called: its label, or O."""
    labels = reader.model.labels
    return [
        OUTSIDE if number < 0 else labels[number] or UNNAMED
        for number in reader.model.label.tolist()
    ]


def _find_pieces(
    examples: Sequence[TaggedExample],
    candidates: Sequence[TagCandidates],
    windows: Windows,
    cells: Cells,
) -> Pieces:
    """The tokens of all cells, with their probabilities in the windows of the cells."""
    sizes = cells.last - cells.first + 1
    word = np.repeat(np.arange(len(cells)), sizes)
    number = cells.first[word] + np.arange(len(word)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    example = cells.example[word]
    window = cells.window[word]
    lost = ~cells.is_held[word]  # of a word that is longer than a window, each token has its own
    if lost.any():
        window[lost], _ = find_windows(windows, example[lost], number[lost], number[lost])
    logits = stitch(candidates, window, number - windows.first[window], n_windows=len(windows))
    text = np.zeros(len(examples), np.int64)
    text[windows.example] = windows.sliced
    token = windows.texts.splits[text[example]] + number
    lengths = (len(one.before or "") for one in examples)
    before = np.fromiter(lengths, np.int64, len(examples))[example]
    size = np.fromiter((len(one.text) for one in examples), np.int64, len(examples))[example]
    return Pieces(
        word=word,
        number=number,
        token_id=windows.texts.ids[token].astype(np.int64),
        start=np.clip(windows.texts.starts[token] - before, 0, size),
        end=np.clip(windows.texts.ends[token] - before, 0, size),
        probability=_softmax(logits.astype(np.float64)),
    )


def _softmax(logits: Doubles) -> Doubles:
    if not logits.size:
        return logits.reshape(0, 1)
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    result: Doubles = shares / shares.sum(axis=1, keepdims=True)
    return result


def _keep_tokens(pieces: Pieces, cells: Cells, examples: Sequence[TaggedExample]) -> Items:
    return Items(
        piece=np.arange(len(pieces.word)),
        word=pieces.word,
        start=pieces.start,
        end=pieces.end,
        probability=pieces.probability,
    )


def _join_words(
    probability: Doubles, pieces: Pieces, cells: Cells, examples: Sequence[TaggedExample]
) -> Items:
    """Each cell as one item, with these probabilities (C, outputs)."""
    n = int(cells.unit_splits[-1])
    starts = np.fromiter((place for one in examples for place in one.starts), np.int64, n)
    ends = np.fromiter((place for one in examples for place in one.ends), np.int64, n)
    return Items(
        piece=_first_pieces(pieces),
        word=np.arange(len(cells)),
        start=starts[cells.first_unit],
        end=ends[cells.last_unit],
        probability=probability,
    )


def _first_pieces(pieces: Pieces) -> Ints:
    """The first token of each cell, (C,)."""
    is_first = np.ones(len(pieces.word), np.bool_)
    is_first[1:] = pieces.word[1:] != pieces.word[:-1]
    return np.flatnonzero(is_first)


def _take_first(pieces: Pieces, cells: Cells, examples: Sequence[TaggedExample]) -> Items:
    return _join_words(pieces.probability[_first_pieces(pieces)], pieces, cells, examples)


def _take_mean(pieces: Pieces, cells: Cells, examples: Sequence[TaggedExample]) -> Items:
    if not len(cells):
        return _take_first(pieces, cells, examples)
    sums = np.add.reduceat(pieces.probability, _first_pieces(pieces), axis=0)
    sizes = np.bincount(pieces.word)[:, None]
    return _join_words(sums / sizes, pieces, cells, examples)


def _take_surest(pieces: Pieces, cells: Cells, examples: Sequence[TaggedExample]) -> Items:
    best = pieces.probability.max(axis=1)
    order = np.lexsort((np.arange(len(best)), -best, pieces.word))
    chosen = order[_first_pieces(pieces)]  # sorted by word, so a word's best stands at its first
    return _join_words(pieces.probability[chosen], pieces, cells, examples)


ITEMS: dict[str, Callable[[Pieces, Cells, Sequence[TaggedExample]], Items]] = {
    "none": _keep_tokens,
    "simple": _keep_tokens,
    "first": _take_first,
    "average": _take_mean,
    "max": _take_surest,
}
"""What is tagged, by the strategy."""
