"""Tag schemes written out by hand for the labels x and y, and chunks read the slow way."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np

from spanfit.decode.segments import Pattern
from spanfit.tags import Transitions


class Table:
    """A scheme: which tags may follow which ("|" is the border of a text), and its chunks."""

    def __init__(self, follows: dict[str, str], chunks) -> None:
        self.tags = [tag for tag in follows if tag != "|"]
        self.follows = {tag: after.split() for tag, after in follows.items()}
        self.chunks = chunks
        self.transitions = Transitions(
            np.array([[b in self.follows[a] for b in self.tags] for a in self.tags]),
            start=np.array([tag in self.follows["|"] for tag in self.tags]),
            end=np.array(["|" in self.follows[tag] for tag in self.tags]),
        )

    def sequences(self, length: int):
        """All valid sequences, as tuples of tag numbers, lowest first."""
        for numbers in product(range(len(self.tags)), repeat=length):
            path = ["|", *(self.tags[number] for number in numbers), "|"]
            if all(b in self.follows[a] for a, b in pairwise(path)):
                yield numbers

    def mask(self, tags: str) -> np.ndarray:
        return np.array([tag in tags.split() for tag in self.tags])

    def pattern(self, single, first, inside, last, *, before=None, after=None) -> Pattern:
        everything = " ".join(self.tags)
        parts = [single, first, inside, last, before or everything, after or everything]
        return Pattern(*(self.mask(part) for part in parts))


def bio_chunks(tags):
    """(start, stop, label) of valid IOB1 and IOB2: O, B-x and the change of label are borders."""
    found = []
    for unit, tag in enumerate(tags):
        if tag == "O":
            continue
        before = tags[unit - 1] if unit else "O"
        if tag[0] == "B" or before[1:] != tag[1:]:
            found.append((unit, unit + 1, tag[2:]))
        else:
            found[-1] = (found[-1][0], unit + 1, tag[2:])
    return found


def bioes_chunks(tags):
    found = []
    for unit, tag in enumerate(tags):
        if tag[0] in "BS":
            start = unit
        if tag[0] in "ES":
            found.append((start, unit + 1, tag[2:]))
    return found


def plain_chunks(tags):
    return [(unit, unit + 1, tag) for unit, tag in enumerate(tags)]


IOB1 = Table(
    {
        "|": "| O I-x I-y",
        "O": "| O I-x I-y",
        "B-x": "| O B-x I-x I-y",
        "I-x": "| O B-x I-x I-y",
        "B-y": "| O B-y I-y I-x",
        "I-y": "| O B-y I-y I-x",
    },
    bio_chunks,
)
IOB2 = Table(
    {
        "|": "| O B-x B-y",
        "O": "| O B-x B-y",
        "B-x": "| O B-x B-y I-x",
        "I-x": "| O B-x B-y I-x",
        "B-y": "| O B-x B-y I-y",
        "I-y": "| O B-x B-y I-y",
    },
    bio_chunks,
)
BIOES = Table(
    {
        "|": "| O B-x S-x B-y S-y",
        "O": "| O B-x S-x B-y S-y",
        "B-x": "I-x E-x",
        "I-x": "I-x E-x",
        "E-x": "| O B-x S-x B-y S-y",
        "S-x": "| O B-x S-x B-y S-y",
        "B-y": "I-y E-y",
        "I-y": "I-y E-y",
        "E-y": "| O B-x S-x B-y S-y",
        "S-y": "| O B-x S-x B-y S-y",
    },
    bioes_chunks,
)
PLAIN = Table({tag: "| N V P" for tag in "|NVP"}, plain_chunks)

PATTERNS = {
    "iob1": {
        "x": [
            IOB1.pattern("I-x", "I-x", "I-x", "I-x", before="O B-y I-y", after="O B-x B-y I-y"),
            IOB1.pattern("B-x", "B-x", "I-x", "I-x", before="B-x I-x", after="O B-x B-y I-y"),
        ],
        "y": [
            IOB1.pattern("I-y", "I-y", "I-y", "I-y", before="O B-x I-x", after="O B-y B-x I-x"),
            IOB1.pattern("B-y", "B-y", "I-y", "I-y", before="B-y I-y", after="O B-y B-x I-x"),
        ],
    },
    "iob2": {
        "x": [IOB2.pattern("B-x", "B-x", "I-x", "I-x", after="O B-x B-y")],
        "y": [IOB2.pattern("B-y", "B-y", "I-y", "I-y", after="O B-x B-y")],
    },
    "bioes": {
        "x": [BIOES.pattern("S-x", "B-x", "I-x", "E-x")],
        "y": [BIOES.pattern("S-y", "B-y", "I-y", "E-y")],
    },
    "plain": {tag: [PLAIN.pattern(tag, "", "", "")] for tag in "NVP"},
}
TABLES = {"iob1": IOB1, "iob2": IOB2, "bioes": BIOES, "plain": PLAIN}
