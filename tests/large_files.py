"""Large files with something wrong in them, each read by a command in a process of its own.

    python tests/large_files.py        all of them, by every command that needs no torch

A command must say one message, in bounded memory and time, however large the line, the cell or the
object is. tests/test_large_files.py does the same with some of them.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

MEGABYTE = 1 << 20
_N = 50 * MEGABYTE
_LINE = b'{"id": "q1", "question": "When?", "context": "'
_HEADER = b"id,question,context,answers\nq1,When?,"

_PROGRAM = """
import resource, sys
limit = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
report = sys.argv.pop(1)
from spanfit.cli import main
try:
    main()
finally:
    with open("/proc/self/status") as status, open(report, "w") as out:
        out.write(next(line for line in status if line.startswith("VmHWM")).split()[1])
"""


@dataclass(frozen=True)
class Outcome:
    """What a command did: exit code, output, highest memory in megabytes, seconds."""

    code: int
    out: str
    err: str
    megabytes: float
    seconds: float


def _repeat(start: bytes, part: bytes, end: bytes = b"") -> Callable[[Path], None]:
    """Writes a file of 50 MB out of one part that comes again and again."""

    def write(path: Path) -> None:
        path.write_bytes(start + part * (_N // len(part)) + end)

    return write


def _write_ids(path: Path) -> None:
    path.write_text(json.dumps({f"id{row:08}": "x" for row in range(300_000)}))


def _write_bomb(path: Path) -> None:
    """Ten gigabytes in ten megabytes, as gzip packs them: a small piece, a thousand times."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    piece = packer.compress(b"x" * (64 * MEGABYTE)) + packer.flush()
    path.write_bytes(piece * 160)


def _write_table_bomb(path: Path) -> None:
    """Ten million rows that are all the same, in a small table."""
    import numpy as np
    import pyarrow as pa
    from pyarrow import parquet

    rows = pa.array(np.zeros(10_000_000, np.int32))
    same = pa.DictionaryArray.from_arrays(rows, pa.array(["At sea."]))
    parquet.write_table(pa.table({"question": same, "context": same}), path)


LARGE: dict[str, Callable[[Path], None]] = {
    "one-line-that-is-cut.jsonl": _repeat(_LINE, b"x"),
    "one-cell-of-code.csv": _repeat(_HEADER + b'c,"array([', b"1,", b'])"\n'),
    "bomb.json.gz": _write_bomb,
    "bomb.parquet": _write_table_bomb,
    "one-line-of-words.conll": _repeat(b"", b"a b "),
    "300000-keys.json": _write_ids,
    "one-line-of-letters.json": _repeat(b"", b"a"),
    "one-cell-that-is-open.csv": _repeat(_HEADER + b'"', b"x"),
    "white-space.json": _repeat(b"", b" "),
    "brackets.json": _repeat(b"", b"["),
    "objects.json": _repeat(b"", b'{"a":'),
    "articles-that-are-cut.json": _repeat(b'{"data": [', b'{"title": "x", "paragraphs": []}, '),
    "nul-bytes.json": _repeat(b"", b"\0"),
    "digits.json": _repeat(b'{"data": ', b"1", b"}"),
    "quotes.csv": _repeat(_HEADER, b'"'),
    "short-lines.jsonl": _repeat(b"", b"x\n"),
    "tabs.conll": _repeat(b"", b"a\tb\t"),
    "latin1.txt": _repeat(b"", "Où était la lampe ? ".encode("latin1")),
}
"""Writers by the name of what they write; those of the quick suite first."""
N_QUICK = 4


def run(
    words: Iterable[object], *, folder: Path, limit: int = 2_000, seconds: int = 120
) -> Outcome:
    """Type a command in a new process, which gets `limit` megabytes of addresses.

    Raises:
        subprocess.TimeoutExpired: it took longer than `seconds`.
    """
    report, started = folder / "peak", time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(limit * MEGABYTE), str(report), *map(str, words)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    peak = float(report.read_text()) / 1024
    return Outcome(done.returncode, done.stdout, done.stderr, peak, time.monotonic() - started)


def main() -> None:
    """Every file and every command; the last line says how many, and the highest figures."""
    from bad_files import GOLD, require_message, write_lines
    from test_bad_files import TOKENIZER

    highest: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        gold = write_lines(folder / "gold.jsonl", GOLD)
        for large, write in LARGE.items():
            file = folder / large
            write(file)
            for words in (
                ["show", file],
                ["check", file],
                ["convert", file, folder / "out.jsonl"],
                ["init", file],
                ["windows", file, "--tokenizer", TOKENIZER],
                ["score", file, gold],
                ["score", gold, file],
            ):
                done = run(words, folder=folder)
                figures = f"{done.megabytes:6.0f} MB {done.seconds:5.1f} s"
                print(f"{words[0]:8} {large:28} {figures}")  # noqa: T201
                assert done.code == 1, done
                require_message(done.err, at=str(file))
                highest.append((done.megabytes, done.seconds))
            file.unlink()
    memory, seconds = (max(figures) for figures in zip(*highest, strict=True))
    print(f"{len(highest)} commands: at most {memory:.0f} MB and {seconds:.1f} s each")  # noqa: T201


if __name__ == "__main__":
    main()
