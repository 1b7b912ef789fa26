"""Tagged texts of a file as `spanfit show` prints them: words over their tags."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spanfit.cli import console
from spanfit.cli.console import Rows
from spanfit.cli.reading import quote_data
from spanfit.data.gold import find_chunks
from spanfit.data.joiner import find_joiner
from spanfit.errors import DataError
from spanfit.tagged import Entity, TaggedExample
from spanfit.tags import (
    IOB2,
    OUTSIDE,
    Scheme,
    Violation,
    detect_scheme,
    find_scheme,
    list_violations,
    nearest_scheme,
    read_chunks_leniently,
)

if TYPE_CHECKING:
    from rich.text import Text

_COLOURS = ("green", "yellow", "cyan", "magenta", "blue", "bright_red", "bright_green", "orange3")
_LISTED = 12  # labels that the summary names
_SHOWN_UNITS = 150  # units of a long text that are shown


@dataclass(frozen=True)
class TextsView:
    """The tagged texts of a file, and how they are shown.

    `named_scheme` is the one that the user names for the tags of the file; else it is detected.
    `columns` are the choices that were typed, which the next commands need as well.
    """

    examples: Sequence[TaggedExample]
    data: Path
    named_scheme: str | None = None
    columns: Sequence[str] = ()

    @cached_property
    def given(self) -> list[tuple[str, ...]]:
        """The tags that the file has; those that are made of ranges are IOB2 anyway."""
        return [example.tags or () for example in self.examples if _has_given(example)]

    @cached_property
    def scheme(self) -> Scheme:
        """The scheme of the tags, or the one that they break least."""
        if self.named_scheme is not None:
            return find_scheme(self.named_scheme)
        return nearest_scheme(self.given) if self.given else IOB2

    @cached_property
    def invalid(self) -> Mapping[str, Mapping[int, Violation]]:
        """What breaks the scheme, by the id of the example and the number of the unit."""
        found: dict[str, dict[int, Violation]] = {}
        ids = [example.id for example in self.examples if _has_given(example)]
        for violation in list_violations(self.given, self.scheme):
            found.setdefault(ids[violation.sequence], {})[violation.unit] = violation
        return found

    @cached_property
    def labels(self) -> dict[str, int]:
        """How many entities have each label, or units each tag, most frequent first."""
        counts = Counter(entity.label for item in self.examples for entity in item.entities or ())
        counts.update(find_chunks(self.given, self.scheme).count_labels())
        return dict(counts.most_common())

    @cached_property
    def unit_name(self) -> str:
        """What carries a tag: words, or characters, of which each has one and touches the next."""
        lengths = (sum(item.ends) - sum(item.starts) - len(item.starts) for item in self.examples)
        is_words = any(lengths) or find_joiner(self.examples) != ""
        return "words" if is_words else "characters"

    def counts(self) -> dict[str, Any]:
        """What the file holds in all."""
        examples = self.examples
        n_chunks = sum(self.labels.values())
        has_gold = any(example.tags for example in examples)
        return {
            "texts": len(examples),
            "documents": len({item.document for item in examples if item.document}),
            "units": sum(len(example.starts) for example in examples),
            "without_gold": sum(example.tags is None for example in examples),
            "scheme": self.scheme.name if has_gold else None,
            "entities": n_chunks if self.scheme.has_prefixes else 0,
            "labels": self.labels,
            "invalid_tags": sum(map(len, self.invalid.values())),
        }

    def summarise(self) -> str:
        """The same in some lines."""
        counts = self.counts()
        without = counts["without_gold"]
        line = f"{self.data}: texts {counts['texts']:,}"
        line += f" in {counts['documents']:,} documents" if counts["documents"] else ""
        line += f", {without:,} without gold" if without else ""
        line += f", {self.unit_name} {counts['units']:,}" if counts["units"] else ""
        if counts["scheme"] is None:
            return line
        lines = [line, f"tag scheme {self._describe_scheme()}"]
        if self.labels:
            names = [f"{label} {n:,}" for label, n in [*self.labels.items()][:_LISTED]]
            more = len(self.labels) - len(names)
            kind = "entities" if self.scheme.has_prefixes else "tags other than O"
            lines.append(
                f"{kind} {sum(self.labels.values()):,}: {', '.join(names)}"
                + (f" and {more} more labels" if more > 0 else "")
            )
        if bad := counts["invalid_tags"]:
            lines.append(
                f"tags that break the scheme {self.scheme.name}: {bad:,}; {self._remedy()}"
            )
        return "\n".join(lines)

    def _remedy(self) -> str:
        """What has to be done before anything is learnt from tags that break their scheme."""
        found = (item for of_text in self.invalid.values() for item in of_text.values())
        if foreign := next((v.found for v in found if self.scheme.find_tag(v.found) is None), None):
            return f"{foreign!r} is no tag of it at all, and has to be corrected in the file"
        return (
            "commands that learn from them or score need --columns repair=conlleval or "
            "repair=discard"
        )

    def _describe_scheme(self) -> str:
        if self.named_scheme is not None:
            return f"{self.scheme.name}, as --columns says"
        if not self.given:
            return "IOB2, made of the ranges of the entities"
        try:
            return str(detect_scheme(self.given))
        except DataError:
            return f"none that all tags follow; {self.scheme.name} is the nearest"

    def to_rows(self, example: TaggedExample, *, full: bool) -> Rows:
        """What is printed of one text; of a long one the beginning, unless `full`."""
        from rich.text import Text

        from spanfit.cli.marks import mark, visible

        rows = [("id", Text(visible(example.id), "bold"))]
        if example.document:
            rows.append(("document", Text(visible(example.document))))
        if not example.tags:
            rows.append(("text", mark(example.text, [], shorten=not full)))
            said = "not given" if example.tags is None else "none: the text is empty"
            return [*rows, ("tags", Text(said))]
        rows += self._to_lines(example, full=full)
        if entities := self.entities_of(example):
            parts = Text("; ").join(self._to_part(entity) for entity in entities)
            rows.append(("entities", parts))
        return rows + [
            ("INVALID", Text(_explain(violation, example), "red"))
            for violation in self.invalid.get(example.id, {}).values()
        ]

    def _to_lines(self, example: TaggedExample, *, full: bool) -> Rows:
        """The words and their tags, wrapped where a terminal shows them."""
        from rich.text import Text

        from spanfit.cli.marks import visible
        from spanfit.cli.tagged_words import INVALID, TaggedWord, lay_out, show_word

        out = console.out()
        invalid = self.invalid.get(example.id, {})
        shown = len(example.starts) if full else _SHOWN_UNITS
        tags = (example.tags or ())[:shown]
        words = []
        for unit, (word, tag) in enumerate(zip(example.words[:shown], tags, strict=True)):
            styles = ("bold red", "bold red") if unit in invalid else self._styles_of(tag)
            text = visible(INVALID + tag if unit in invalid else tag)
            words.append(TaggedWord(show_word(word), text, *styles))
        width = out.width - console.LABEL_WIDTH if out.is_terminal else None
        is_words = self.unit_name == "words"
        rows: Rows = []
        for above, below in lay_out(words, gap=2 if is_words else 1, width=width):
            rows += [("", Text())] * bool(rows)
            rows += [("words" if is_words else "text", above), ("tags", below)]
        if more := len(example.starts) - len(words):
            rows.append(("", Text(f"… and {more:,} more {self.unit_name}: --full", "dim")))
        return rows

    def _styles_of(self, tag: str) -> tuple[str, str]:
        """Of a word and of its tag: entities have a colour for each label."""
        if not self.scheme.has_prefixes:
            return "", "dim" if tag == OUTSIDE else "cyan"
        parsed = self.scheme.find_tag(tag)
        if parsed is None or parsed.label not in self._colours:
            return "", "dim"
        colour = self._colours[parsed.label]
        return f"bold {colour}", colour

    @cached_property
    def _colours(self) -> dict[str, str]:
        return dict(zip(sorted(self.labels), cycle(_COLOURS), strict=False))

    def _to_part(self, entity: Entity) -> Text:
        from rich.text import Text

        from spanfit.cli.marks import in_line

        part = Text(in_line(entity.text), self._colours.get(entity.label, ""))
        return part.append(in_line(f" {entity.label} {entity.start}–{entity.end}"), "dim")

    def entities_of(self, example: TaggedExample) -> tuple[Entity, ...]:
        """The gold entities: as the file has them, or as conlleval reads them from the tags."""
        if example.entities is not None or not self.scheme.has_prefixes:
            return example.entities or ()
        tags = [
            tag if self.scheme.find_tag(tag) is not None else OUTSIDE for tag in example.tags or ()
        ]
        places = (
            (example.starts[chunk.start], example.ends[chunk.end - 1], chunk.label or "(no label)")
            for chunk in read_chunks_leniently(tags, self.scheme)
        )
        return tuple(
            Entity(start, end, label, text=example.text[start:end]) for start, end, label in places
        )

    def to_json(self, example: TaggedExample) -> dict[str, Any]:
        """The text with its gold, for programs."""
        return {
            "id": example.id,
            "document": example.document,
            "text": example.text,
            "units": [list(unit) for unit in zip(example.starts, example.ends, strict=True)],
            "tags": None if example.tags is None else list(example.tags),
            "entities": [asdict(entity) for entity in self.entities_of(example)],
            "invalid": [
                {"unit": unit, "found": item.found, "allowed": list(item.allowed)}
                for unit, item in self.invalid.get(example.id, {}).items()
            ],
        }

    def say_next(self) -> None:
        """Say what may be typed next."""
        needed = ["repair=conlleval"] if self.invalid else []
        file = quote_data(self.data, [*self.columns, *needed])
        if any(example.tags for example in self.examples):
            console.next_step(f"spanfit windows {file} --tokenizer quickstart")
            console.next_step(f"spanfit init {file} > recipe.toml")
        else:
            console.next_step(f"spanfit predict MODEL {file} --out predictions.jsonl")


def _has_given(example: TaggedExample) -> bool:
    """Whether there are tags, and the file has them as such."""
    return bool(example.tags) and example.entities is None


def _explain(violation: Violation, example: TaggedExample) -> str:
    """A tag that breaks the scheme, its place, and what may stand there."""
    from spanfit.cli.marks import in_line

    unit = violation.unit
    word = example.text[example.starts[unit] : example.ends[unit]]
    after = f"after {violation.previous}" if violation.previous else "at the start"
    return in_line(
        f"{violation.found} of {word!r} ({example.place_of(unit)}) {after}; allowed there: "
        + ", ".join(violation.allowed)
    )
