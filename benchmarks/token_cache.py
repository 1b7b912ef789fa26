"""Windows of a training file: made, and made again from the tokens that were kept on disk.

    python benchmarks/token_cache.py train-v1.1.json [--tokenizer quickstart] [--rounds 5]

What a training waits for between its data and its first step: the first column with an empty
cache, the second with the one that the first left. Processes of their own, so nothing is warm in
memory; importing and reading the file are not counted, writing the cache is.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def main() -> None:
    """Run each twice, several times, and print medians."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("data")
    parser.add_argument("--tokenizer", default="quickstart")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--once", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.once:
        print(*make_once(options.data, options.tokenizer))
        return
    words = [sys.executable, __file__, options.data, "--tokenizer", options.tokenizer, "--once"]
    seen: list[list[float]] = [[], []]
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory() as folder:
            for times in seen:
                done = subprocess.run(
                    words,
                    env={**os.environ, "SPANFIT_CACHE": folder},
                    stdout=subprocess.PIPE,
                    text=True,
                    check=True,
                )
                n, seconds = done.stdout.split()
                times.append(float(seconds))
            size = sum(file.stat().st_size for file in Path(folder).iterdir())
    first, second = (statistics.median(times) for times in seen)
    print(f"{int(n):,} windows: {first:.2f} s, then {second:.3f} s; {size / 1e6:.1f} MB on disk")


def make_once(data: str, source: str) -> tuple[int, float]:
    """How many windows there are, and the seconds that making them took."""
    import spanfit
    from spanfit.cache import TokenCache, find_folder
    from spanfit.quickstart import encoder_folder
    from spanfit.recipe import WindowsSection
    from spanfit.tasks import find_task
    from spanfit.tokenizer_opening import load_tokenizer
    from spanfit.windows import WindowSettings, make_windows

    examples = spanfit.read(data)
    tokenizer = load_tokenizer(encoder_folder() if source == "quickstart" else source)
    task, sizes = find_task(examples[0]), WindowsSection()
    started = time.perf_counter()
    windows = make_windows(
        [task.texts(example) for example in examples],
        tokenizer,
        WindowSettings(max_length=sizes.max_length, overlap=sizes.overlap),
        memory=TokenCache(tokenizer, find_folder()),
    )
    return len(windows), time.perf_counter() - started


if __name__ == "__main__":
    main()
