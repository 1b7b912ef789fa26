"""Tokens of many texts, kept on disk by their content, for the next training on the same data.

A file's name is the digest of everything that its content follows from: the tokenizer, the version
of the library that computes, and every text. So nothing in it can be stale, and windows of other
lengths share it. A file that cannot be read is made again, and where nothing can be written nothing
is kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tokenizers

from spanfit.tokenizer import Texts, Tokenizer

VARIABLE = "SPANFIT_CACHE"
"""The environment variable that names the folder; empty: nothing is kept."""
MIN_CHARACTERS = 1_000_000
"""Fewer are tokenised in a second, which is not worth a file."""
MAX_BYTES = 2_000_000_000
"""Of all files; the ones that were not read for longest go first."""
_FORMAT = 1
_PARTS = {"ids": np.int32, "starts": np.int32, "ends": np.int32, "splits": np.int64}


def find_folder() -> Path | None:
    """Where tokens are kept: as the variable says, else with the user's other caches."""
    named = os.environ.get(VARIABLE)
    if named is not None:
        return Path(named) if named else None
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    return (Path(base) if base else Path.home() / ".cache") / "spanfit" / "tokens"


class TokenCache:
    """Encodes as its tokenizer does; what takes long is kept in `folder` (None: nothing is)."""

    def __init__(self, tokenizer: Tokenizer, folder: Path | None) -> None:
        self._tokenizer = tokenizer
        self._folder = folder

    def encode(self, texts: Sequence[str]) -> Texts:
        """The tokens of each text, as `Tokenizer.encode` gives them.

        Raises:
            DataError: as there.
        """
        if self._folder is None or sum(map(len, texts)) < MIN_CHARACTERS:
            return self._tokenizer.encode(texts)
        file = self._folder / f"{self._digest(texts)}.npz"
        if (kept := _read(file, n=len(texts))) is not None:
            return kept
        encoded = self._tokenizer.encode(texts)
        with contextlib.suppress(OSError):
            _write(encoded, file)
            _make_room(self._folder, newest=file)
        return encoded

    def _digest(self, texts: Sequence[str]) -> str:
        hasher = hashlib.blake2b(digest_size=20)
        hasher.update(f"{_FORMAT} {tokenizers.__version__} {self._tokenizer.digest}".encode())
        for text in texts:
            # A text that is not characters is refused by the tokenizer, in words of its own.
            content = text.encode("utf-8", "surrogatepass")
            hasher.update(len(content).to_bytes(8, "little"))
            hasher.update(content)
        return hasher.hexdigest()


def _read(file: Path, *, n: int) -> Texts | None:
    """The tokens of n texts in a file, which then counts as just used; None: it holds no such."""
    try:
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as content:
            parts = {name: content[name] for name in _PARTS}
        os.utime(file)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    splits = parts["splits"]
    is_whole = all(part.dtype == _PARTS[name] for name, part in parts.items()) and (
        splits.shape == (n + 1,)
        and splits[0] == 0
        and all(parts[name].shape == (splits[-1],) for name in ("ids", "starts", "ends"))
    )
    return Texts(**parts) if is_whole else None


def _write(texts: Texts, file: Path) -> None:
    """Write a file beside its place and rename it: it is whole, or not there."""
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=file.parent, suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as out:
            np.savez(out, **{part: getattr(texts, part) for part in _PARTS})
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _make_room(folder: Path, *, newest: Path) -> None:
    """Remove the files that were not used for longest, until the rest takes `MAX_BYTES` or less."""
    found = [(entry.stat(), entry) for entry in folder.glob("*.npz") if entry != newest]
    room = MAX_BYTES - newest.stat().st_size
    for state, entry in sorted(found, key=lambda pair: -pair[0].st_mtime):
        room -= state.st_size
        if room < 0:
            entry.unlink(missing_ok=True)
