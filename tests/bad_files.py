"""The corpus of broken files in tests/bad, and what a command has to say of one of them."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "bad"
LONGEST = 9_000  # characters of a message, however long what it tells of is
GOLD = {
    "id": "q1",
    "question": "When was the lamp lit?",
    "context": "The lamp of Pellan Head was lit in 1864.",
    "answers": [{"text": "1864", "start": 35}],
}
"""The question that broken predictions are of."""
TAGS = {"id": "t1", "words": ["Mira", "left", "."], "tags": ["B-PER", "O", "O"]}
"""The text that broken predictions of tags are of."""

_PARTS = re.compile(r"  (expected|found|try): +\S")
_ACTING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True)
class BadFile:
    """A file of the corpus; see the head of messages.toml."""

    path: Path
    at: str
    says: str
    hint: str
    fine: tuple[str, ...] = ()
    check: str = ""

    @property
    def name(self) -> str:
        """The name that pytest shows."""
        return self.path.relative_to(FOLDER).as_posix()


def list_bad(*folders: str) -> list[BadFile]:
    """The files in some folders of the corpus, all of which must be in the table."""
    table = tomllib.loads((FOLDER / "messages.toml").read_text(encoding="utf-8"))
    return [
        BadFile(
            file,
            row["at"],
            row["says"],
            row["try"],
            fine=tuple(row.get("fine", ())),
            check=row.get("check", ""),
        )
        for folder in folders
        for file in sorted((FOLDER / folder).iterdir())
        for row in [table[f"{folder}/{file.name}"]]
    ]


def require_message(err: str, *, at: str = "", says: str = "", hint: str = "") -> None:
    """Require that `err` is one message with its place and a hint, and nothing else."""
    first, *parts = err.rstrip("\n").split("\n")
    assert first.startswith("error: "), err
    assert all(map(_PARTS.match, parts)), err
    assert first.removeprefix("error: ").startswith(at), err
    assert says in err, err
    assert parts and parts[-1].startswith(f"  try:      {hint}"), err
    assert "Traceback" not in err and "--debug" not in err, err
    assert len(err) <= LONGEST and not _ACTING.search(err), err


def place_of(file: Path, at: str) -> str:
    """How a message begins of a file, and of a place in it."""
    return f"{file}, {at}" if at else f"{file}: "


def write_lines(file: Path, *records: object) -> Path:
    """Write JSON Lines."""
    file.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return file
