"""What the shared road carries, whichever the task: examples, predictions, how to read files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from spanfit.tagged import TaggedExample, TaggingPrediction
from spanfit.types import QuestionExample, QuestionPrediction

Example = QuestionExample | TaggedExample
Examples = Sequence[Example]
"""Of one kind: a file never holds both."""
Prediction = QuestionPrediction | TaggingPrediction


@dataclass(frozen=True, slots=True)
class Reading:
    """How a file is read where it leaves a choice, and which repairs of its gold are allowed.

    Of tagged texts: `words` and `tags` are columns, by number (from 1, or from -1 at the right end)
    or by name; `tags` also is the key of a JSON record, None reads no gold. `names` are those of
    all columns, or what integers stand for in JSON and on the hub, unless `numbers` says it; empty:
    as the file says. `remembered` has those of these three that nobody chose for this file: they
    are those of a model's training, and another file may have others. `separator` None is seen from
    the file. `joiner` is what stands between words that come without their text, None: decided
    from the words. `scheme` names the tag scheme of the gold, None: detected. `repair` None refuses
    tags that break it. `into` names the scheme that the tags are wanted in, None: their own.

    Of questions: `bad_answers` None refuses answers that are not at their offset.
    """

    words: int | str = 1
    tags: int | str | None = -1
    names: tuple[str, ...] = ()
    numbers: tuple[str, ...] | None = None
    remembered: frozenset[Literal["words", "tags", "names"]] = frozenset()
    separator: str | None = None
    joiner: str | None = None
    scheme: str | None = None
    repair: Literal["conlleval", "discard"] | None = None
    into: str | None = None
    bad_answers: Literal["drop", "relocate"] | None = None


AS_IT_IS = Reading()
"""Nothing is chosen: as the file says, and nothing repaired."""
