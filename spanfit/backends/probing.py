"""A network tried on a few words: is text all that it needs, does padding change what it says?

Cheaper than a message of somebody else after an hour: some architectures want an image (LXMERT) or
the places of words on a page, and some mix neighbouring tokens (ConvBERT, Funnel, FNet), so that
the logits of a window depend on how far it was filled up: those compute windows of one length.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from spanfit.backends.messages import first_line, quiet_transformers
from spanfit.backends.torch import TorchBackend
from spanfit.backends.trials import make_trial, not_numbers
from spanfit.batching import join
from spanfit.errors import ModelError
from spanfit.tokenizer import Tokenizer
from spanfit.windows import Windows

TOLERANCE = 1e-3
"""What the logits of a window may move by when it is filled up, as a share of the usual one.

Rounding moves them by less than 1e-5, a random convolution by 0.003 and more."""


def probe(
    network: Any,  # noqa: ANN401 (a transformers PreTrainedModel)
    tokenizer: Tokenizer,
    *,
    task: str,
    outputs: int,
    source: str,
) -> bool:
    """Whether padding changes what this network says; it is tried where it is, without dropout.

    Raises:
        ModelError: it cannot be computed from text alone, or does not give `outputs` finite
            numbers for each token.
    """
    windows = make_trial(tokenizer, task=task)
    backend = TorchBackend(network, tokenizer)
    with quiet_transformers(), torch.random.fork_rng(devices=[]):
        try:
            alone = _logits(backend, windows, rows=[0])
            padded = _logits(backend, windows, rows=[0, 1])
        except Exception as error:  # whatever the architecture raises
            raise _not_of_text(source, network, first_line(error)) from error
    shape = (int(windows.lengths[0]), outputs)
    if alone.shape != shape:
        raise _not_of_text(source, network, f"logits of the shape {alone.shape}, not {shape}")
    if not (np.isfinite(alone).all() and np.isfinite(padded).all()):
        raise not_numbers(source)
    return bool(np.abs(alone - padded).max() > TOLERANCE * np.median(np.abs(alone)))


def _logits(backend: TorchBackend, windows: Windows, *, rows: list[int]) -> np.ndarray[Any, Any]:
    """The logits of the tokens of the first window among `rows`, (T, outputs)."""
    batch = join(windows, np.array(rows))
    logits = backend.logits(batch).cpu().numpy()
    return logits[0][batch.attention_mask[0].astype(bool)]  # type: ignore[no-any-return]


def _not_of_text(source: str, network: Any, found: str) -> ModelError:  # noqa: ANN401
    return ModelError(
        "this architecture cannot be computed from a text alone",
        where=source,
        expected=f"logits of {type(network).__name__} for each token of a text",
        found=found,
        fix="another encoder, such as --set model.name=bert-base-cased (docs/encoders.md lists "
        "them)",
    )
