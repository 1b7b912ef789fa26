"""The real examples that an export is compared on, and windows of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from spanfit.backends.exported import Inputs, take_window
from spanfit.batching import Batch, join
from spanfit.data import read
from spanfit.data.checking import Checked
from spanfit.data.splitting import limit
from spanfit.errors import DataError
from spanfit.examples import Examples, Reading
from spanfit.prediction import Predictor, pass_kind
from spanfit.types import TextPair
from spanfit.windows import WindowSettings, make_windows

PARITY_WINDOWS = 64
"""How many real windows the logits are compared on."""

_PARITY_ROWS = 4  # windows of a batch there: of unequal lengths, so that torch pads


def find_examples(source: str | Path, data: str | Path | None) -> str | Path:
    """The file of real examples: as named, else the calibration part of the model's run.

    Raises:
        DataError: there is none.
    """
    if data is not None:
        return data
    file = find_run(source) / "data" / "calibration.jsonl"
    if file.is_file():
        return file
    if not Path(source).is_dir():
        raise DataError(
            "there is no such folder, and a model of the hub brings no examples to compare on",
            where=str(source),
            expected="a run folder; or a model, and examples such as it is for",
            fix=f"spanfit export {source} --to … --out DIR --data FILE, if it is one of the hub",
        )
    raise DataError(
        "there are no real examples to compare the exported network on",
        where=str(source),
        expected=f"the calibration part that a training held out, {file}",
        found="no such file",
        fix="--data FILE, of some hundred examples such as the model is for",
    )


def find_run(source: str | Path) -> Path:
    """The run folder that a model folder lies in, or is."""
    folder = Path(source)
    return folder.parent if folder.name == "model" else folder


def read_examples(
    file: str | Path, torch: Predictor, *, reading: Reading, has_gold: bool
) -> Checked:
    """The examples as the model reads them; with their gold put as it says it, where that counts.

    Raises:
        DataError: there is none, or none of the model's kind, or gold that is wrong.
    """
    examples = list(pass_kind(torch.task, read(file, reading=reading), name=str(file)))
    if not examples:
        raise DataError("there are no examples in it", where=str(file))
    if not has_gold:
        return Checked(examples)
    return torch.task.adapt(examples, torch.settings, reading=reading, name=str(file))


def draw_batches(torch: Predictor, examples: Examples) -> Iterator[Batch]:
    """Windows to compare logits on: from all over the data, its shortest and longest, a full one.

    Contexts that are asked later may be longer than those of the data.
    """
    drawn = limit(examples, min(PARITY_WINDOWS, len(examples)), seed=0)
    windows = torch.windows(list(torch.arrange(drawn)))
    ends = [windows.lengths.argmin(), windows.lengths.argmax()]
    rows = np.concatenate([ends, np.random.default_rng(0).permutation(len(windows))])
    for begin in range(0, PARITY_WINDOWS, _PARITY_ROWS):
        if len(chosen := rows[begin : min(begin + _PARITY_ROWS, PARITY_WINDOWS)]):
            yield join(windows, chosen)
    yield _fill_window(torch, drawn)


def _fill_window(torch: Predictor, examples: Examples) -> Batch:
    """One window as long as windows may be, of the texts one behind the other."""
    pairs = [torch.task.texts(example) for example in torch.arrange(examples)]
    text = " ".join(pair.sliced for pair in pairs)
    sizes = torch.settings.windows
    text = " ".join([text] * (1 + sizes.max_length * 16 // max(len(text), 1)))
    settings = WindowSettings(max_length=sizes.max_length, overlap=sizes.overlap)
    windows = make_windows([TextPair(pairs[0].fixed, text)], torch.tokenizer, settings)
    return join(windows, np.zeros(1, np.int64))


def draw_windows(torch: Predictor, examples: Examples, *, n: int) -> Iterator[Inputs]:
    """Up to `n` real windows as the network is given them, each alone."""
    backend: Any = torch.backend  # a TorchBackend
    windows = torch.windows(list(torch.arrange(limit(examples, min(n, len(examples)), seed=0))))
    for row in np.random.default_rng(0).permutation(len(windows))[:n]:
        batch = join(windows, np.array([row]))
        yield take_window(batch, 0, backend.inputs(batch))
