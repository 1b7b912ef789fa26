"""One target under atheris: python -m fuzz.runs NAME SECONDS CORPUS FOUND.

What a target raises is kept and fuzzing goes on, so that one run finds all there is: the first
input of each kind (exception and place) is written to FOUND, with the traceback beside it. What
ends the process (a crash, a hang, memory) libFuzzer itself writes there.
"""

from __future__ import annotations

import hashlib
import sys
import traceback
from pathlib import Path

TIMEOUT_SECONDS = 20
"""The longest that one input may take."""
MEMORY_MB = 3_000
LONGEST_INPUT = 2_048


class Recorder:
    """What a target raised: one file for each kind."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name
        self._seen: set[str] = set()

    def add(self, data: bytes, error: BaseException) -> None:
        """Keep an input if nothing was raised there before."""
        place = _place_of(error)
        kind = f"{type(error).__name__} at {place}"
        if kind in self._seen:
            return
        self._seen.add(kind)
        name = f"{self._name}-{hashlib.blake2b(kind.encode(), digest_size=4).hexdigest()}"
        (self._folder / name).write_bytes(data)
        text = "".join(traceback.format_exception(error))
        report = f"{kind}\n\n{text}\ninput: {data[:2_000]!r}\n"
        (self._folder / f"{name}.txt").write_text(report, encoding="utf-8", errors="replace")
        print(f"FOUND {kind}: {str(error)[:200]!r}", file=sys.stderr, flush=True)


def _place_of(error: BaseException) -> str:
    """The innermost line of the project that an error passed through, with that of the target."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if "/spanfit/" in f.filename or "/fuzz/" in f.filename]
    return " in ".join(
        f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(own[-2:])
    )


def _write_dictionary(words: tuple[bytes, ...], file: Path) -> None:
    """Words as libFuzzer reads them."""
    lines = ("".join(f"\\x{byte:02x}" for byte in word) for word in words if word)
    file.write_text("".join(f'"{line}"\n' for line in dict.fromkeys(lines)), encoding="utf-8")


def main(name: str, seconds: str, corpus: str, found: str) -> None:
    """Fuzz one target; the process ends with it."""
    import atheris

    with atheris.instrument_imports(include=["spanfit", "tomllib"]):
        from fuzz.targets import load_target

        target = load_target(name)
    recorder = Recorder(Path(found), name)
    for seed in target.seeds:
        (Path(corpus) / hashlib.blake2b(seed, digest_size=8).hexdigest()).write_bytes(seed)

    def run(data: bytes) -> None:
        try:
            target.run(data)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # a panic of Rust is no Exception
            recorder.add(data, error)

    options: dict[str, str | int] = {
        "max_total_time": seconds,
        "timeout": TIMEOUT_SECONDS,
        "rss_limit_mb": MEMORY_MB,
        "max_len": LONGEST_INPUT,
        "artifact_prefix": f"{found}/{name}-",
        "print_final_stats": 1,
    }
    if target.words:  # an empty file is an error to libFuzzer
        dictionary = Path(found) / f"{name}.dict"
        _write_dictionary(target.words, dictionary)
        options["dict"] = str(dictionary)
    atheris.Setup([name, corpus, *(f"-{key}={value}" for key, value in options.items())], run)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
