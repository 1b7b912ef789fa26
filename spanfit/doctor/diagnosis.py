"""All that is wrong with some files: found by `check`, mended by `Diagnosis.fix`."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from spanfit.data.hub import is_hub_name
from spanfit.doctor.answers import check_answers
from spanfit.doctor.copies import check_copies
from spanfit.doctor.coverage import WindowShape, measure_file
from spanfit.doctor.files import OpenedFile, open_file
from spanfit.doctor.findings import Finding, sort_findings
from spanfit.doctor.kinds import KINDS, LEVELS, Level, check_kinds
from spanfit.doctor.labels import TaggedGold, check_tags, mend_tags
from spanfit.doctor.questions import check_plausible, check_questions
from spanfit.doctor.repairs import Change, Mending, keep_contexts
from spanfit.doctor.texts import check_characters, needs_composing
from spanfit.doctor.writing import RepairedFile, write_repaired
from spanfit.errors import DataError
from spanfit.examples import AS_IT_IS, Example, Reading
from spanfit.tagged import TaggedExample
from spanfit.tokenizer import Tokenizer
from spanfit.types import QuestionExample


@dataclass(frozen=True)
class Diagnosis:
    """What was found: errors first, then by kind, the worst first.

    `ceilings` has the ceiling of each file that was measured with a tokenizer, by its name: figures
    by metric. `ignored` are the kinds that were left out.
    """

    files: tuple[OpenedFile, ...]
    findings: tuple[Finding, ...]
    reading: Reading = AS_IT_IS
    ceilings: dict[str, dict[str, float]] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()

    def count_levels(self) -> dict[Level, int]:
        """How many findings each level has."""
        counts = Counter(finding.level for finding in self.findings)
        return {level: counts[level] for level in LEVELS}

    def count_kinds(self) -> dict[str, int]:
        """How many findings each kind has that there is, in the order of the findings."""
        return dict(Counter(finding.kind for finding in self.findings))

    @property
    def n_errors(self) -> int:
        """How many errors there are."""
        return self.count_levels()["error"]

    def of(self, kind: str) -> list[Finding]:
        """The findings of a kind, the worst first."""
        return [finding for finding in self.findings if finding.kind == kind]

    def to_json(self) -> dict[str, Any]:
        """Everything, for programs."""
        return {
            "files": [
                {
                    "file": file.name,
                    "kind": file.examples[0].kind,
                    "examples": len(file.examples),
                    **({"ceiling": c} if (c := self.ceilings.get(file.name)) else {}),
                }
                for file in self.files
            ],
            "levels": self.count_levels(),
            "kinds": self.count_kinds(),
            "ignored": sorted(self.ignored),
            "findings": [finding.to_json() for finding in self.findings],
        }

    def fix(self, out: str | Path, *, drop: Collection[str] = ()) -> RepairedFile:
        """Write the first file repaired, and a log of old → new beside it (`out`.log.jsonl).

        What each repair is, `KINDS` tells. Examples with findings of the kinds in `drop` are left
        out; of what is wrong with a context, all of its questions. Nothing else changes, and the
        file itself never does.

        Raises:
            DataError: `out` or its log is there already or cannot be written; nothing would be
                left; characters would be lost, because nobody knows their encoding.
            RecipeError: a name in `drop` is no kind of findings about examples; `out` is no name
                of a format in which a table can be written.
        """
        dropped = self._choose_dropped(drop)
        file = self.files[0]
        _require_encoding(file)
        kinds = frozenset(KINDS) - self.ignored
        if not needs_composing(file.examples):
            kinds -= {"normal_form"}
        mending = Mending(kinds, kept=keep_contexts(file, kinds), tags=self._mend_tags(file))
        changes = list(_list_file_changes(file, kinds))
        mended: list[Example | None] = []
        for row, example in enumerate(file.examples):
            if row in dropped:
                kind = dropped[row]
                changes.append(
                    Change(kind, example.place, example.id, "example", _say(example), None)
                )
                mended.append(None)
                continue
            new, done = mending.mend(row, example)
            mended.append(new)
            changes += done
        changes = list(_tell_once(changes))
        if not any(mended):
            raise DataError("nothing would be left", where=file.name, fix="drop fewer kinds")
        return write_repaired(file, mended, changes, Path(out), kinds=kinds, reading=self.reading)

    def _choose_dropped(self, drop: Collection[str]) -> dict[int, str]:
        """The rows of the first file that are left out, and why."""
        names = check_kinds(drop, "--drop", drops=True)
        first = self.files[0].name
        rows: dict[int, str] = {}
        for finding in self.findings:
            if finding.kind in names and finding.file == first and finding.row >= 0:
                for row in (finding.row, *finding.also):
                    rows.setdefault(row, finding.kind)
        return rows

    def _mend_tags(self, file: OpenedFile) -> dict[int, tuple[str, ...]]:
        return mend_tags(TaggedGold.of(file, self.reading), self.reading.repair or "conlleval")


def check(
    *paths: str | Path,
    reading: Reading = AS_IT_IS,
    tokenizer: Tokenizer | None = None,
    shape: WindowShape = WindowShape(),  # noqa: B008 (immutable)
    ignore: Iterable[str] = (),
    advance: Callable[[str], object] = lambda _: None,
) -> Diagnosis:
    """Find what is wrong with files of questions or of tagged texts.

    Each file is checked by itself, and compared with those after it: a text that two have is found
    in the earlier one. So name first what is learnt from. `reading` says how tagged texts are read
    where their files leave a choice. With a `tokenizer` it is also found what its windows (of
    `shape`) cannot say. Kinds in `ignore` are left out. `advance` hears what is done next.

    Raises:
        DataError: a file is missing or named twice, nothing can be read of it, or they are of
            different tasks.
        MissingExtraError: it takes pyarrow or datasets, which is not installed.
        RecipeError: a name in `ignore` is no kind; the windows have no room.
        ModelError: the tokenizer does not fit to the examples.
    """
    ignored = check_kinds(ignore, "--ignore")
    _require_distinct(paths)
    advance("reading")
    files = tuple(open_file(path, reading) for path in paths)
    _require_one_kind(files)
    found = [finding for file in files for finding in file.findings]
    ceilings: dict[str, dict[str, float]] = {}
    advance("gold")
    found += _CHECKS[type(files[0].examples[0])](files, reading)
    advance("characters")
    for file in files:
        found += check_characters(file.examples, file.report)
    advance("copies")
    found += check_copies(files)
    if tokenizer is not None:
        advance("windows")
        broken = {(finding.file, finding.row) for finding in found if finding.kind == "foreign_tag"}
        doubted = {finding.file for finding in found if finding.kind == "many_tags"}
        for file in files:
            if file.name in doubted:
                continue
            rows = frozenset(row for name, row in broken if name == file.name)
            measured = measure_file(file, tokenizer, shape, reading, broken=rows)
            found += measured.findings
            if measured.ceiling is not None:
                ceilings[file.name] = measured.ceiling
    kept = [finding for finding in found if finding.kind not in ignored]
    return Diagnosis(files, sort_findings(kept), reading, ceilings, ignored)


def _require_distinct(paths: Sequence[str | Path]) -> None:
    """Refuse a file that is named twice: all of it would be found in itself."""
    names: dict[str, str | Path] = {}
    for path in paths:
        key = str(path) if is_hub_name(str(path)) else os.path.realpath(path)
        if (first := names.get(key)) is not None:
            raise DataError(
                "a file that is named twice",
                where=str(path),
                expected=f"another file than {first}",
                fix="name what is learnt from, then what is scored with",
            )
        names[key] = path


def _require_one_kind(files: Sequence[OpenedFile]) -> None:
    first = files[0]
    for file in files:
        if file.examples[0].kind != first.examples[0].kind:
            raise DataError(
                f"{file.examples[0].kind} beside {first.examples[0].kind}",
                where=file.name,
                expected=f"{first.examples[0].kind}, as in {first.name}",
                fix="check each by itself",
            )


def _check_questions(files: Sequence[OpenedFile], reading: Reading) -> Iterator[Finding]:
    del reading
    for file in files:
        examples = cast("Sequence[QuestionExample]", file.examples)
        yield from check_answers(examples, file.report)
        yield from check_questions(examples, file.report)
        yield from check_plausible(examples, file.content, file.report)


def _check_texts(files: Sequence[OpenedFile], reading: Reading) -> Iterator[Finding]:
    yield from check_tags([TaggedGold.of(file, reading) for file in files], files)


_CHECKS: dict[type[Example], Callable[[Sequence[OpenedFile], Reading], Iterator[Finding]]] = {
    QuestionExample: _check_questions,
    TaggedExample: _check_texts,
}
"""The findings of the gold, by the type of the examples."""


def _require_encoding(file: OpenedFile) -> None:
    decoded = file.decoded
    if decoded is None or decoded.is_whole:
        return
    finding = next(item for item in file.findings if item.kind == "encoding" and not item.is_mended)
    raise DataError(
        "characters would be lost: they are not UTF-8, and in no encoding that can be told",
        where=f"{file.name}, {finding.place}",
        found=finding.problem,
        fix=f"iconv -f ENCODING -t utf-8 {file.name}",
    )


def _list_file_changes(file: OpenedFile, kinds: frozenset[str]) -> Iterator[Change]:
    """What becomes of the file as a whole by being written in UTF-8 without a mark."""
    decoded = file.decoded
    if decoded is None:
        return
    if decoded.has_mark and "byte_order_mark" in kinds:
        yield Change("byte_order_mark", "byte 1", "", "file", "\ufeff", "")
    if decoded.encoding not in ("utf-8", ""):
        yield Change("encoding", "the file", "", "file", decoded.encoding, "utf-8")
    for bad in decoded.bad_lines:
        yield Change("encoding", f"line {bad.line}", "", "file", bad.encoding or None, "utf-8")


def _tell_once(changes: Iterable[Change]) -> Iterator[Change]:
    """The changes without those of a context that were told with another of its questions."""
    told: set[tuple[str, ...]] = set()
    for change in changes:
        key = change.place, change.what, str(change.old)
        if not change.what.startswith("context"):
            yield change
        elif key not in told:
            told.add(key)
            yield change


def _say(example: Example) -> str:
    """What a log says of an example that is left out."""
    return example.question if isinstance(example, QuestionExample) else example.text
