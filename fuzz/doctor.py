"""The data doctor: any file is diagnosed or refused, and what is repaired can be read."""

from __future__ import annotations

import json
from collections.abc import Callable

from fuzz import columns, csv_files, json_files
from fuzz.draws import Draws
from fuzz.reading import READINGS
from fuzz.target import Target, read_or_refuse, scratch
from spanfit.doctor import KINDS, Diagnosis, check, log_of
from spanfit.examples import Reading

_MAKERS: tuple[Callable[[Draws], bytes], ...] = (
    json_files.draw_content,
    columns.draw_content,
    csv_files.draw_content,
)
_ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "cp1252", "shift_jis", "gb18030")


def _check_repair(diagnosis: Diagnosis, reading: Reading) -> None:
    """A repaired file is read again, and a second repair finds nothing to do."""
    once, twice = (scratch() / f"fixed-{n}.jsonl" for n in (1, 2))
    for out in (once, twice):
        out.unlink(missing_ok=True)
        log_of(out).unlink(missing_ok=True)
    done = read_or_refuse(lambda: diagnosis.fix(once))
    if done is None:
        assert not once.exists() and not log_of(once).exists(), "half a repair"
        return
    for line in log_of(once).read_text(encoding="utf-8").split("\n")[:-1]:
        json.loads(line)
    again = check(once, reading=reading)
    assert len(again.files[0].examples) == len(diagnosis.files[0].examples), "examples are lost"
    again.fix(twice)


def check_bytes(data: bytes) -> None:
    """Bytes as a file, or a file made of them, in some encoding."""
    draws = Draws(data)
    reading = draws.choose(READINGS) if draws.flag() else READINGS[0]
    if draws.flag():
        text = draws.choose(_MAKERS)(draws).decode("utf-8", "replace")
        content = text.encode(draws.choose(_ENCODINGS), "replace")
    else:
        content = draws.rest()
    path = scratch() / "data.jsonl"
    path.write_bytes(content)
    diagnosis = read_or_refuse(lambda: check(path, reading=reading))
    if diagnosis is None:
        return
    json.dumps(diagnosis.to_json()).encode()
    assert all(finding.kind in KINDS for finding in diagnosis.findings)
    _check_repair(diagnosis, reading)


TARGET = Target(
    "doctor",
    check_bytes,
    seeds=(
        *json_files.TARGET.seeds[:6],
        *(b"\0\0" + seed[2:] for seed in columns.TARGET.seeds[:4]),
        *(b"\0\0" + seed[1:] for seed in csv_files.TARGET.seeds[:2]),
        *(bytes([0, 1, maker, kind]) for maker in range(3) for kind in range(5)),
    ),
    words=(*json_files.TARGET.words, "Ã©".encode(), "\u200b".encode(), b"B-x", b"I-x"),
)
