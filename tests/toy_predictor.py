"""A predictor without torch: a toy tokenizer, and logits that are a sum of sines.

Each logit depends, in its last digits, on the row's padded length too, as a network's do. So a
file that was predicted in other chunks has other bytes.

    python toy_predictor.py INPUT OUT        a process to kill; sleeps a little in every batch
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass

import numpy as np
from toy_tokenizers import load

from spanfit.backends.base import compute_in_turn
from spanfit.batching import split_by_length
from spanfit.prediction import Predictor, predict_file
from spanfit.settings import ModelSettings
from spanfit.tasks.questions import QuestionTask


@dataclass
class ToyBackend:
    """Logits by arithmetic; `digest` stands for weights."""

    digest: str = "toy"
    name: str = "toy"
    max_tokens: int = 2048
    seconds: float = 0.0

    def split(self, lengths, *, max_tokens):
        limit = max_tokens or self.max_tokens
        return split_by_length(lengths, max_tokens=limit, overhead_tokens=64)

    compute_batches = compute_in_turn

    def logits(self, batch):
        time.sleep(self.seconds)
        ids = batch.input_ids.astype(np.float64)
        place = np.arange(ids.shape[1]) + 1e-4 * ids.shape[1]
        return np.stack([np.sin(ids + place), np.cos(ids * place)], axis=-1).astype(np.float32)


def make_predictor(**backend):
    settings = ModelSettings.model_validate({"windows": {"max_length": 64, "overlap": 16}})
    return Predictor(QuestionTask(), load("wordpiece"), settings, ToyBackend(**backend))


def interrupt(data, out, *, batches=12, **options):
    """Predict a file until somebody presses Ctrl-C after so many batches."""
    import pytest  # not in the process that is killed, which begins often

    predictor = make_predictor()
    compute, left = predictor.backend.logits, [batches]

    def logits(batch):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return compute(batch)

    predictor.backend.logits = logits
    with pytest.raises(KeyboardInterrupt):
        predict_file(predictor, data, out, **options)


if __name__ == "__main__":
    predict_file(make_predictor(seconds=0.03), sys.argv[1], sys.argv[2])
