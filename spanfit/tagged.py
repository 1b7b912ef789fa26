"""The words of tagging, valid by construction: entities, tagged texts, and what is said of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import le, lt
from typing import Any, ClassVar


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

    `before` and `after` are what stands around the text where it is read by a model: a space, or
    its neighbours in the document. None: nobody has looked for any yet. They are never counted in
    units, ranges or scores.
    """

    id: str
    text: str
    starts: tuple[int, ...] = ()
    ends: tuple[int, ...] = ()
    tags: tuple[str, ...] | None = None
    entities: tuple[Entity, ...] | None = None
    document: str = ""
    before: str | None = None
    after: str | None = None
    place: str = field(default="", compare=False)
    first_line: int = field(default=0, compare=False)

    kind: ClassVar[str] = "tagged texts"
    noun: ClassVar[str] = "text"
    gold_form: ClassVar[str] = "a tag for each word, or entities"
    """What several of these are called, and one; and how their gold is written."""

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
    def has_gold(self) -> bool:
        """Whether the data says what is right."""
        return self.tags is not None

    @property
    def surrounded_text(self) -> str:
        """The text with what stands around it."""
        return f"{self.before or ''}{self.text}{self.after or ''}"

    @property
    def words(self) -> list[str]:
        """The characters of each unit."""
        return [self.text[start:end] for start, end in zip(self.starts, self.ends, strict=True)]

    def place_of(self, unit: int) -> str:
        """Where unit `unit` stands: its own line, or the place of all."""
        if not self.first_line:
            return self.place
        return self.place.removesuffix(str(self.first_line)) + str(self.first_line + unit)


@dataclass(frozen=True, slots=True)
class TaggedEntity(Entity):
    """An entity that a model found, with its probability."""

    probability: float = 1.0

    def to_json(self) -> dict[str, Any]:
        """Place, label, text and probability."""
        return {
            "start": self.start,
            "end": self.end,
            "label": self.label,
            "text": self.text,
            "probability": self.probability,
        }


@dataclass(frozen=True, slots=True)
class TaggingPrediction:
    """What a model says of one text: a tag for each unit, and the entities that the tags make.

    Unit u is ``text[starts[u]:ends[u]]``, as in `TaggedExample`. Where the tags have no prefixes
    (parts of speech) there are no entities.
    """

    id: str
    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    tags: tuple[str, ...]
    entities: tuple[TaggedEntity, ...] = ()

    def __post_init__(self) -> None:
        if not len(self.starts) == len(self.ends) == len(self.tags):
            raise ValueError("a prediction needs one tag a unit")

    def to_json(self) -> dict[str, Any]:
        """The line of a predictions file (see docs/files.md)."""
        return {
            "id": self.id,
            "text": self.text,
            "units": [list(unit) for unit in zip(self.starts, self.ends, strict=True)],
            "tags": list(self.tags),
            "entities": [entity.to_json() for entity in self.entities],
        }


def _require_order(starts: tuple[int, ...], ends: tuple[int, ...], text: str) -> None:
    """Ranges must hold a character each, follow one another, and lie within the text."""
    if not starts:
        return
    in_order = all(map(lt, starts, ends)) and all(map(le, ends, starts[1:]))
    if not (in_order and starts[0] >= 0 and ends[-1] <= len(text)):
        raise ValueError("ranges of characters must be not empty, in order, apart, and in the text")
