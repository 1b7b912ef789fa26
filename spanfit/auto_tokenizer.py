"""Tokenizers that transformers has to open, and what it lacks for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from spanfit.errors import MissingExtraError, ModelError, require

PACKAGES = {
    "fugashi": "pip install 'spanfit[ja]'",
    "unidic_lite": "pip install 'spanfit[ja]'",
    "rhoknp": "pip install 'spanfit[ja]'",
    "ipadic": "pip install ipadic",
    "unidic": "pip install unidic, then python -m unidic download",
    "sudachi": "pip install sudachitra",
    "sentencepiece": "pip install sentencepiece",
}
"""What installs the packages that Python tokenizers are known to need."""


def open_folder(folder: Path) -> Any:  # noqa: ANN401 - no transformers here, not even its types
    """The transformers tokenizer that a folder's tokenizer_config.json names.

    Raises:
        ModelError: it cannot be read.
        MissingExtraError: transformers, or a package that this tokenizer needs, is not installed.
    """
    transformers = require("transformers", extra="train")
    try:
        return transformers.AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False)
    except Exception as error:  # each class raises its own kind
        if (missing := explain_missing(error)) is not None:
            raise missing from error
        raise ModelError(
            "AutoTokenizer cannot read this tokenizer, and there is no tokenizer.json",
            where=str(folder),
            expected="the files that its class reads, beside tokenizer_config.json",
            found=str(error).strip().split("\n")[0],
            fix="the folder that save_pretrained of that tokenizer wrote",
        ) from error


def explain_missing(error: BaseException) -> MissingExtraError | None:
    """What to install where transformers says that a Python tokenizer lacks a package."""
    if not isinstance(error, ImportError):
        return None
    for package, words in PACKAGES.items():
        if package.replace("-", "_") in str(error).lower().replace("-", "_"):
            return MissingExtraError(
                f"this tokenizer needs {package}, which is not installed", fix=words
            )
    return None
