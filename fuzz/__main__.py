"""Fuzz all targets, or those that are named: python -m fuzz SECONDS [TARGET ...].

Each has a process of its own for that many seconds; one that dies is begun again for what is left
of them. Prints a line for each, and ends with 1 if anything was found.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from fuzz.targets import MODULES

ROOT = Path(__file__).resolve().parent
CORPUS, FOUND, REGRESSIONS = ROOT / "corpus", ROOT / "found", ROOT / "regressions"
LEAST_SECONDS = 5
"""A target that dies with less than this left is not begun again."""

_COVERAGE = re.compile(r"\bcov: (\d+) .*?corp: (\d+)")
_EXECUTIONS = re.compile(r"^#(\d+)\s", re.M)


@dataclass(frozen=True)
class Figures:
    """What came of one target; `coverage` counts the branches of the project that were taken."""

    name: str
    seconds: float
    executions: int
    coverage: int
    corpus: int
    found: tuple[Path, ...]

    def __str__(self) -> str:
        rate = self.executions / max(self.seconds, 1)
        return (
            f"{self.name:<12}{self.seconds:>8.0f} s{self.executions:>12,} executions "
            f"{rate:>7.0f}/s   coverage {self.coverage:>6,}   corpus {self.corpus:>5,}   "
            f"findings {len(self.found)}"
        )


def fuzz(name: str, seconds: int) -> Figures:
    """Run one target for so many seconds."""
    corpus = CORPUS / name
    corpus.mkdir(parents=True, exist_ok=True)
    FOUND.mkdir(parents=True, exist_ok=True)
    for old in _list_found(name):  # is tried again, first of all
        old.rename(corpus / old.name)
        old.with_name(f"{old.name}.txt").unlink(missing_ok=True)
    for known in (REGRESSIONS / name).glob("*"):
        (corpus / known.name).write_bytes(known.read_bytes())
    begin, executions, log = time.monotonic(), 0, ""
    while (left := seconds - (time.monotonic() - begin)) >= (LEAST_SECONDS if log else 0):
        text = _run(name, int(left) + 1, corpus)
        executions += max(map(int, _EXECUTIONS.findall(text)), default=0)
        log += text
    (FOUND / f"{name}.log").write_text(log, encoding="utf-8")
    figures = _COVERAGE.findall(log) or [("0", "0")]
    return Figures(
        name,
        seconds=time.monotonic() - begin,
        executions=executions,
        coverage=max(int(covered) for covered, _ in figures),
        corpus=int(figures[-1][1]),
        found=_list_found(name),
    )


def _run(name: str, seconds: int, corpus: Path) -> str:
    """What one process says, which ends after so many seconds or by a death of its own."""
    command = [sys.executable, "-m", "fuzz.runs", name, str(seconds), str(corpus), str(FOUND)]
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None  # files are small and many
    with tempfile.TemporaryDirectory(prefix="spanfit-fuzz-", dir=memory) as scratch:
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=ROOT.parent,
            env={**os.environ, "TMPDIR": scratch, "OMP_NUM_THREADS": "1"},
            check=False,
        )
    text = done.stdout.decode("utf-8", "replace")
    if not _EXECUTIONS.search(text):
        raise SystemExit(f"{name} did not begin:\n{text[-2_000:]}")
    return text


def _list_found(name: str) -> tuple[Path, ...]:
    """The inputs that were kept."""
    files = FOUND.glob(f"{name}-*")
    return tuple(sorted(file for file in files if file.suffix != ".txt"))


def main() -> int:
    """The command; 1 if anything was found."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("seconds", type=int, help="for each target")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(MODULES)}")
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.targets if name not in MODULES]:
        parser.error(f"no target {unknown[0]!r}; there are {', '.join(MODULES)}")
    if importlib.util.find_spec("atheris") is None:
        print("fuzzing needs atheris: pip install 'spanfit[fuzz]'", file=sys.stderr)
        return 2
    n_found = 0
    for name in arguments.targets or MODULES:
        figures = fuzz(name, arguments.seconds)
        print(figures, flush=True)
        for file in figures.found:
            print(f"  {file.relative_to(ROOT.parent)}", flush=True)
        n_found += len(figures.found)
    print(
        f"{n_found} findings; the traceback stands beside each (.txt)" if n_found else "no findings"
    )
    return 1 if n_found else 0


if __name__ == "__main__":
    sys.exit(main())
