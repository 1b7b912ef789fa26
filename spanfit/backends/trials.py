"""A few words on which a network is tried before it answers anything; without torch.

An exported network is asked what else would fail in the middle of a file, with a message of its
runtime: does it take these inputs, is its vocabulary the tokenizer's, does it give finite numbers?
"""

from __future__ import annotations

import shlex
from dataclasses import replace

import numpy as np

from spanfit.backends.exported import ExportedBackend
from spanfit.batching import join
from spanfit.errors import ModelError
from spanfit.model_files import AGAIN
from spanfit.tokenizer import Tokenizer
from spanfit.types import TextPair
from spanfit.windows import Windows, WindowSettings, make_windows

TEXTS = {
    "qa": (TextPair("Who?", "Ada."), TextPair("Who leads?", "Ada leads the harbour office.")),
    "tagging": (TextPair(None, "Ada."), TextPair(None, "Ada leads the harbour office.")),
}
"""A short window of each task and a longer one, by the task's name."""


def make_trial(tokenizer: Tokenizer, *, task: str) -> Windows:
    """The two windows."""
    return make_windows(TEXTS[task], tokenizer, WindowSettings(max_length=64, overlap=0))


def try_out(
    backend: ExportedBackend, tokenizer: Tokenizer, *, task: str, outputs: int, source: str
) -> None:
    """Refuse an exported network that does not compute `outputs` finite numbers for each token.

    It is tried on the two windows, and on their lengths of the tokenizer's highest id.

    Raises:
        ModelError: see above.
    """
    batch = join(make_trial(tokenizer, task=task), np.arange(2))
    ids = np.where(batch.attention_mask > 0, tokenizer.highest_id, batch.input_ids)
    try:
        logits = [backend.logits(tried) for tried in (batch, replace(batch, input_ids=ids))]
    except Exception as error:  # the C++ side raises a dozen kinds
        raise _unusable(backend, source, str(error).strip().split("\n")[0]) from None
    shape = (*batch.input_ids.shape, outputs)
    if logits[0].shape != shape:
        found = f"logits of the shape {logits[0].shape}, not {shape}"
        raise _unusable(backend, source, found)
    if not all(np.isfinite(one).all() for one in logits):
        raise not_numbers(source)


def not_numbers(source: str) -> ModelError:
    """The error of a network that gives NaN or infinity for a plain text."""
    return ModelError(
        "what this network computes of a plain text is no numbers: NaN or infinite",
        where=source,
        expected="finite logits for every token",
        fix=AGAIN,
    )


def _unusable(backend: ExportedBackend, source: str, found: str) -> ModelError:
    runtime, _, int8 = backend.name.partition("-")
    return ModelError(
        f"this {backend.name} network does not fit the tokenizer and the settings beside it",
        where=source,
        expected="a network that was exported of this very model",
        found=found,
        fix=f"spanfit export {shlex.quote(source)} --to {runtime}{' --int8' * bool(int8)}, where "
        "its weights are",
    )
