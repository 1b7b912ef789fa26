"""What may be wrong with data, in three levels, and what `--fix` does about it.

    error    a command refuses it, reads something else than was meant, or a score would be untrue
    warning  most likely a mistake; look at it
    note     worth knowing, and often meant

Only errors decide the exit status. `repair` says what `--fix` does by itself; kinds without it lose
or invent something when they are repaired, so a user decides: `--drop KIND`, or an editor.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from spanfit.errors import RecipeError, did_you_mean

Level = Literal["error", "warning", "note"]
LEVELS: Final[tuple[Level, ...]] = ("error", "warning", "note")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of findings: its name, its level, what several of them are, and the repair of `--fix`.

    `drops`: an example with it can be left out of what `--fix` writes.
    """

    name: str
    level: Level
    title: str
    repair: str = ""
    drops: bool = True


KINDS: Final = {
    kind.name: kind
    for kind in (
        # the file
        Kind("encoding", "error", "text that is not UTF-8", "written in UTF-8", drops=False),
        Kind("unreadable", "error", "lines, rows and records that cannot be read", drops=False),
        Kind("byte_order_mark", "note", "byte order marks", "taken off", drops=False),
        Kind("repeated_id", "error", "ids that come a second time"),
        # gold answers
        Kind(
            "misplaced_answer",
            "error",
            "answers that stand in one other place than the file says",
            "moved to the only place where the text occurs",
        ),
        Kind("ambiguous_answer", "error", "answers not where the file says, but in several places"),
        Kind("absent_answer", "error", "answers that stand nowhere in their context"),
        Kind(
            "padded_answer",
            "warning",
            "answers with outer white space",
            "cut to what is within it",
        ),
        Kind("cut_word", "warning", "answers that begin or end inside a word"),
        Kind("empty_answer", "warning", "answers of which the metric leaves nothing"),
        Kind("disagreeing_golds", "note", "golds that share nothing with the others"),
        Kind("missing_plausible", "note", "unanswerable questions without a plausible answer"),
        # questions
        Kind("empty_question", "error", "empty questions"),
        Kind("empty_context", "warning", "empty contexts"),
        Kind("contradicting_question", "warning", "questions asked again with other answers"),
        Kind("repeated_question", "warning", "questions asked again of the same context"),
        # the same text in several places
        Kind("leaked_question", "error", "questions of another file, with their context"),
        Kind("leaked_text", "warning", "texts that another file has too"),
        Kind("leaked_near_text", "warning", "texts that another file has nearly the same"),
        Kind("shared_id", "warning", "ids that another file has with another text"),
        Kind("contradicting_text", "warning", "equal texts that are tagged differently"),
        Kind("repeated_text", "note", "texts that come again"),
        Kind("near_text", "note", "texts that come again nearly the same"),
        # characters
        Kind("mojibake", "warning", "characters that were decoded wrongly", "decoded rightly"),
        Kind("replacement_character", "warning", "replacement characters, for what was lost"),
        Kind("control_character", "warning", "control characters", "taken out"),
        Kind("invisible_character", "warning", "characters without width", "taken out"),
        Kind(
            "normal_form",
            "warning",
            "characters in another normal form than elsewhere",
            "composed (NFC)",
        ),
        # tags
        Kind("many_tags", "error", "columns of tags that look like words", drops=False),
        Kind("foreign_tag", "error", "tags that are none of the scheme"),
        Kind(
            "invalid_tag",
            "error",
            "tags that their scheme does not allow there",
            "written for the chunks that conlleval reads",
        ),
        Kind("unseen_label", "warning", "labels that the first file does not have"),
        Kind("inconsistent_label", "note", "words tagged otherwise than nearly always"),
        Kind("rare_label", "note", "labels that hardly occur"),
        # with a tokenizer
        Kind("lost_answer", "warning", "answers that no window and no tokens can say"),
        Kind("widened_answer", "note", "answers that tokens say with more around them"),
        Kind("cut_question", "warning", "questions too long for a window"),
        Kind("lost_entity", "warning", "entities that no tokens can say as they are"),
        Kind("no_piece", "warning", "words of which the tokenizer makes nothing"),
        Kind("long_text", "note", "texts longer than a window"),
    )
}
"""Every kind by its name, in the order in which they are told within a level."""


def check_kinds(names: Iterable[str], option: str, *, drops: bool = False) -> frozenset[str]:
    """The names, if all of them are kinds; with `drops`, of examples that can be left out.

    Raises:
        RecipeError: one is none; `option` is where it was named.
    """
    known = [name for name, kind in KINDS.items() if kind.drops or not drops]
    for name in (chosen := frozenset(names)):
        if name not in known:
            problem = "is of no single example" if name in KINDS else "is no kind of findings"
            raise RecipeError(f"{option}: {name!r} {problem}", fix=did_you_mean(name, known))
    return chosen
