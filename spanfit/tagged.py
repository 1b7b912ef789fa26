"""The words of tagging, valid by construction: entities, and texts whose units carry tags."""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import le, lt


@dataclass(frozen=True, slots=True)
class Entity:
    """A named piece of a text: the characters ``[start, end)`` and what they are.

    `text` is what stands there, or empty where nobody needs it.
    """

    start: int
    end: int
    label: str
    text: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(f"an entity needs 0 <= start < end, found [{self.start}, {self.end})")
        if not self.label:
            raise ValueError("an entity needs a label")


@dataclass(frozen=True, slots=True)
class TaggedExample:
    """One text in units, each of which carries a tag.

    Unit u is ``text[starts[u]:ends[u]]``: at least one character, in the order of the text, no two
    on the same one. No units at all: the text is not divided yet. `tags` has one tag a unit, just
    as the file has it, or is None where there is no gold. `entities` is the gold once more where
    the file gave ranges of characters; the units are then the characters.

    `document` names what the text is a part of: a neighbour of the same name may serve as its
    context; empty where that is not known. `place` is for messages only. `first_line` is the line
    of the first unit where each unit has a line of its own, else 0; `place` then ends with it.
    """

    id: str
    text: str
    starts: tuple[int, ...] = ()
    ends: tuple[int, ...] = ()
    tags: tuple[str, ...] | None = None
    entities: tuple[Entity, ...] | None = None
    document: str = ""
    place: str = field(default="", compare=False)
    first_line: int = field(default=0, compare=False)

    def __post_init__(self) -> None:
        if len(self.starts) != len(self.ends):
            raise ValueError(f"{len(self.starts)} units begin, but {len(self.ends)} end")
        _require_order(self.starts, self.ends, self.text)
        if self.tags is not None and len(self.tags) != len(self.starts):
            raise ValueError(f"{len(self.starts)} units need as many tags, found {len(self.tags)}")
        for entity in self.entities or ():
            if entity.text and self.text[entity.start : entity.end] != entity.text:
                raise ValueError(f"{entity.text!r} does not stand at {entity.start}")
        starts = tuple(entity.start for entity in self.entities or ())
        _require_order(starts, tuple(entity.end for entity in self.entities or ()), self.text)
        if self.first_line and not self.place.endswith(f"line {self.first_line}"):
            raise ValueError(f"the place must end with line {self.first_line}, is {self.place!r}")

    @property
    def words(self) -> list[str]:
        """The characters of each unit."""
        return [self.text[start:end] for start, end in zip(self.starts, self.ends, strict=True)]

    def place_of(self, unit: int) -> str:
        """Where unit `unit` stands: its own line, or the place of all."""
        if not self.first_line:
            return self.place
        return self.place.removesuffix(str(self.first_line)) + str(self.first_line + unit)


def _require_order(starts: tuple[int, ...], ends: tuple[int, ...], text: str) -> None:
    """Ranges must hold a character each, follow one another, and lie within the text."""
    if not starts:
        return
    in_order = all(map(lt, starts, ends)) and all(map(le, ends, starts[1:]))
    if not (in_order and starts[0] >= 0 and ends[-1] <= len(text)):
        raise ValueError("ranges of characters must be not empty, in order, apart, and in the text")
