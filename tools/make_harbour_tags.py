"""Write the training part of the tagging quickstart: reports from the harbour of Merrowhaven.

Sentences are put together from `harbour_tag_patterns.toml`, which says how, and from the names in
`harbour_patterns.json`. A document has a cast of its own, so that ships, berths and people come
back in it. The validation part was written by hand and does not pass through this program.

What is tagged, there and here: VESSEL, the name of a ship without its kind; BERTH, the name or
number of a place to moor; CARGO, goods that are carried, without their packing (and not what
somebody eats); DATE, a day, a month, a year or a feast, but no hour and no "last week"; PERSON, a
human's name without the title. "The" before a name is never a part of it.

    python tools/make_harbour_tags.py            write harbour-tags-training.conll
    python tools/make_harbour_tags.py --check    exit with 1 if it is not what would be written
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
TARGET = HERE.parent / "spanfit" / "quickstart" / "harbour-tags-training.conll"
SEED = 1874
SENTENCES = 1000
SENTENCES_OF_A_DOCUMENT = range(4, 9)
CAST = {"vessel": 3, "person": 3, "berth": 3}  # names of a kind that come back in a document
LABELS = {
    "vessel": "VESSEL",
    "berth": "BERTH",
    "cargo": "CARGO",
    **dict.fromkeys(("date", "day", "season", "feast"), "DATE"),
    **dict.fromkeys(("person", "surname"), "PERSON"),
}
SLOT = re.compile(r"\{([a-z_]+)(\d*)(?: as (\w+))?\}")
CHOICE = re.compile(r"\(([^()]*\|[^()]*)\)")
RANGE = re.compile(r"<(\d+)-(\d+)>")
WORD = re.compile(
    r"'s\b"
    r"|\b(?:no|No|St|Jan|Feb|Aug|Sept|Oct|Nov|Dec|[A-Z])\.(?= )"  # the point belongs to the word
    r"|[^\W_]+(?:(?:[-:]|'(?!s\b))[^\W_]+)*"
    r"|[^\w\s]"
)
"""Words as CoNLL-2003 splits them: punctuation and the possessive stand apart."""


@dataclass(frozen=True)
class Piece:
    """A part of a sentence; `label` is empty outside of entities."""

    text: str
    label: str = ""


Tagged = tuple[tuple[str, str], ...]
"""A sentence: each word with its tag."""


def tag_words(pieces: Sequence[Piece]) -> Tagged:
    """Split the pieces into words and tag them (IOB2)."""
    tagged: list[tuple[str, str]] = []
    for piece in pieces:
        words = WORD.findall(piece.text)
        first = int(words[:1] in (["the"], ["The"]))
        for number, word in enumerate(words):
            inside = piece.label and number >= first
            prefix = "B" if number == first else "I"
            tagged.append((word, f"{prefix}-{piece.label}" if inside else "O"))
    return tuple(tagged)


class Writer:
    """Writes documents; no sentence twice, and all patterns about equally often."""

    def __init__(
        self, names: dict[str, list[str]], patterns: Sequence[str], *, rng: random.Random
    ) -> None:
        self.names, self.patterns, self.rng = names, patterns, rng
        self.deck: list[str] = []
        self.written: set[Tagged] = set()

    def documents(self, n_sentences: int) -> Iterator[list[Tagged]]:
        """Yield documents until they hold `n_sentences`."""
        while (missing := n_sentences - len(self.written)) > 0:
            cast = {kind: self._draw(kind, n) for kind, n in CAST.items()}
            wanted = min(self.rng.choice(SENTENCES_OF_A_DOCUMENT), missing)
            yield [self._sentence(cast) for _ in range(wanted)]

    def _sentence(self, cast: dict[str, list[str]]) -> Tagged:
        while True:
            if not self.deck:
                self.deck = self.rng.sample(self.patterns, len(self.patterns))
            values = {kind: self.rng.sample(names, len(names)) for kind, names in cast.items()}
            tagged = tag_words(self._fill(self.deck.pop(), values))
            if tagged not in self.written:
                self.written.add(tagged)
                return tagged

    def _draw(self, kind: str, count: int) -> list[str]:
        """Return `count` different values of a kind."""
        values: dict[str, None] = {}
        while len(values) < count:
            values[self._value(kind)] = None
        return list(values)

    def _value(self, kind: str) -> str:
        """Return a value of a kind; the slots of a value are filled as well."""
        value = self._choose(self.rng.choice(self.names[kind]))
        return SLOT.sub(lambda match: self._value(match[1]), value)

    def _choose(self, pattern: str) -> str:
        """Decide what a pattern leaves open, but for its slots."""
        while CHOICE.search(pattern):
            pattern = CHOICE.sub(lambda match: self.rng.choice(match[1].split("|")), pattern)
        return RANGE.sub(lambda m: str(self.rng.randint(int(m[1]), int(m[2]))), pattern)

    def _fill(self, pattern: str, values: dict[str, list[str]]) -> list[Piece]:
        """Put values in the slots, the same where a slot comes back; the sentence in pieces."""
        pattern, at = self._choose(pattern), 0
        pieces = []
        for match in SLOT.finditer(pattern):
            pieces.append(Piece(pattern[at : match.start()]))
            kind, number, other = match.groups()
            value = self._take(kind, int(number or 1), values)
            pieces.append(Piece(value, LABELS.get(other or kind, "")))
            at = match.end()
        pieces.append(Piece(pattern[at:]))
        first = next(number for number, piece in enumerate(pieces) if piece.text)
        text = pieces[first].text
        pieces[first] = replace(pieces[first], text=text[0].upper() + text[1:])
        return pieces

    def _take(self, kind: str, number: int, values: dict[str, list[str]]) -> str:
        """Return the `number`-th value of a kind in this sentence."""
        if kind == "surname":
            return self._take("person", number, values).split()[-1]
        drawn = values.setdefault(kind, [])
        while len(drawn) < number:
            value = self._value(kind)
            if value not in drawn:
                drawn.append(value)
        return drawn[number - 1]


def build() -> str:
    """Return the whole file."""
    source = tomllib.loads((HERE / "harbour_tag_patterns.toml").read_text(encoding="utf-8"))
    shared = json.loads((HERE / "harbour_patterns.json").read_text(encoding="utf-8"))["names"]
    patterns = [
        line for lines in source["sentences"].values() for line in lines.splitlines() if line
    ]
    writer = Writer(shared | source["names"], patterns, rng=random.Random(SEED))
    blocks = []
    for document in writer.documents(SENTENCES):
        blocks.append("-DOCSTART-\tO\n")
        blocks += ["".join(f"{word}\t{tag}\n" for word, tag in tagged) for tagged in document]
    return "\n".join(blocks)


def main() -> int:
    """Write the file, or compare it with what is on disk."""
    parser = argparse.ArgumentParser(description="Write the tagging quickstart's training data.")
    parser.add_argument("--check", action="store_true", help="compare, do not write")
    content = build()
    if parser.parse_args().check:
        same = TARGET.is_file() and TARGET.read_text(encoding="utf-8") == content
        print(f"{TARGET}: {'up to date' if same else 'not what this program writes'}")
        return 0 if same else 1
    TARGET.write_text(content, encoding="utf-8")
    print(f"{TARGET}: {len(content.encode()):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
