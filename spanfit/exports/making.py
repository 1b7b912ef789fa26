"""`spanfit.export`: a model's network for ONNX Runtime or OpenVINO.

    network ─▶ model.onnx ─▶ model.xml        within 1e-4 of torch's logits, or refused
                   └────────────┴─▶ int8      its loss of F1 measured, its threshold fitted anew

Everything is written aside first: what is refused leaves nothing.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from spanfit.backends.exported import Inputs, take_window
from spanfit.backends.formats import FORMATS, Format, name_format
from spanfit.batching import Batch, join
from spanfit.data import digest, read
from spanfit.data.checking import Checked
from spanfit.data.splitting import limit
from spanfit.errors import DataError
from spanfit.examples import AS_IT_IS, Examples, Reading
from spanfit.exports.folders import Export, prepare_folder, publish, require_packages
from spanfit.exports.messages import converting
from spanfit.exports.parity import MAX_LOSS, Loss, measure_parity, score_side
from spanfit.exports.quantization import (
    RANGE_WINDOWS,
    list_narrowing,
    quantize_onnx,
    quantize_openvino,
)
from spanfit.loading import RUNTIMES, find_model, load
from spanfit.metrics import check_gold
from spanfit.model import Model
from spanfit.prediction import Predictor, pass_kind
from spanfit.progress import Progress

PARITY_WINDOWS = 64
"""How many real windows the logits are compared on."""

_PARITY_ROWS = 4  # windows of a batch there: of unequal lengths, so that torch pads


def export(
    source: str | Path,
    *,
    to: str,
    int8: bool = False,
    data: str | Path | None = None,
    out: str | Path | None = None,
    max_examples: int | None = None,
    metric: str | None = None,
    reading: Reading = AS_IT_IS,
    model: Model | None = None,
    trust_remote_code: bool = False,
    progress: Progress | None = None,
) -> Export:
    """Export a model, compare it with torch on real examples, and store what was measured.

    Args:
        source: a run folder, a model folder, or a hub id.
        to: "onnx" or "openvino".
        int8: weights of 8 bits. The loss that they cost is measured, and threshold and temperature
            are fitted to them, on the same examples.
        data: real examples, for `int8` with gold; None: the run's calibration part.
        out: a folder that shall hold all that is needed to run it; None: the model's own.
        max_examples: so many of them, drawn with a fixed seed; None: all.
        metric: of the loss; None: the one that suits the gold.
        reading: how the data is read.
        model: that of `source` on the CPU, if torch has it loaded already.
        trust_remote_code: run Python code that comes with the model.
        progress: where to show what is done.

    Raises:
        ModelError: no such model; its network cannot be exported, or differs from torch's.
        DataError: no data, none of the model's kind, or no gold for `int8`; `out` holds another
            model.
        RecipeError: no such format or metric.
        MissingExtraError: a package is missing.

    """
    started, progress = time.monotonic(), progress or Progress(quiet=True)
    form = name_format(to, int8=int8)
    require_packages(form)
    file = find_examples(source, data)
    loaded = model or load(
        source, backend="torch", device="cpu", trust_remote_code=trust_remote_code
    )
    torch = loaded.predictor
    found = list(pass_kind(torch.task, read(file, reading=reading), name=str(file)))
    checked = _check(limit(found, max_examples, seed=0), torch, form, reading, name=str(file))
    if int8:
        check_gold(checked.examples, metric=metric, reading=checked.reading)  # before the work
    for note in checked.notes:
        progress.warn(note)
    place = find_model(source)
    folder = prepare_folder(place, None if out is None else Path(out), torch)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".export-") as name:
        aside = Path(name)
        exact = FORMATS[form.runtime]
        progress.note(f"exporting {place} to {exact.name}")
        _write(torch, checked.examples, exact, aside, source=place)
        batches = list(_some_batches(torch, checked.examples))
        parity = measure_parity(torch.backend, RUNTIMES[to](aside, exact), batches)
        parity.require_small(source=place)
        small = None
        if int8:
            small = _make_small(
                torch, checked, form, aside, source=place, metric=metric, progress=progress
            )
        loss = small and small.loss
        done = Export(
            folder=folder,
            form=form,
            data=str(file),
            n_examples=len(checked.examples),
            parity=parity,
            loss=loss,
            n_spared=small.n_spared if small else 0,
            seconds=time.monotonic() - started,
            max_length=loaded.max_length,
            warnings=_warn(loss, form),
        )
        publish(done, small.folder if small else aside, torch, digest(checked.examples))
    return done


def find_examples(source: str | Path, data: str | Path | None) -> str | Path:
    """The file of real examples: as named, else the calibration part of the model's run.

    Raises:
        DataError: there is none.
    """
    if data is not None:
        return data
    folder = Path(source)
    run = folder.parent if folder.name == "model" else folder
    file = run / "data" / "calibration.jsonl"
    if file.is_file():
        return file
    raise DataError(
        "there are no real examples to compare the exported network on",
        where=str(source),
        expected=f"the calibration part that a training held out, {file}",
        found="no such file",
        fix="--data FILE, of some hundred examples such as the model is for",
    )


def _check(
    examples: Examples, torch: Predictor, form: Format, reading: Reading, *, name: str
) -> Checked:
    """The examples as the model reads them; with their gold put as it says it, where that counts.

    Raises:
        DataError: there is none, or gold that is wrong.
    """
    if not examples:
        raise DataError("there are no examples in it", where=name)
    if not form.is_int8:
        return Checked(examples)
    return torch.task.adapt(examples, torch.settings, reading=reading, name=name)


def _some_batches(
    torch: Predictor, examples: Examples, *, n: int = PARITY_WINDOWS, size: int = _PARITY_ROWS
) -> Iterator[Batch]:
    """Up to `n` windows of examples from all over the data, in batches of `size`."""
    drawn = limit(examples, n, seed=0)
    windows = torch.windows(list(torch.arrange(drawn)))
    rows = np.random.default_rng(0).permutation(len(windows))[:n]
    for begin in range(0, len(rows), size):
        yield join(windows, rows[begin : begin + size])


def _write(
    torch: Predictor, examples: Sequence[Any], form: Format, aside: Path, *, source: str
) -> None:
    """Write the network of 32 bits."""
    from spanfit.exports.graphs import write_onnx, write_openvino

    backend: Any = torch.backend  # a TorchBackend
    batch = next(_some_batches(torch, examples, size=2))
    if len(batch.rows) < 2:  # the graph shall take more than one
        batch = join(torch.windows(list(torch.arrange(examples[:1]))), np.zeros(2, np.int64))
    onnx_file = aside / FORMATS["onnx"].file
    onnx_file.parent.mkdir(parents=True)
    with converting(source, "exported"):
        write_onnx(backend.network, backend.inputs(batch), onnx_file, source=source)
        if form.runtime == "openvino":
            (aside / form.file).parent.mkdir(parents=True)
            write_openvino(onnx_file, aside / form.file)


@dataclass(frozen=True, slots=True)
class _Small:
    """A network of 8 bits in `folder`, of which `n_spared` layers kept 32, and what it costs."""

    folder: Path
    loss: Loss
    n_spared: int = 0


def _make_small(
    torch: Predictor,
    checked: Checked,
    form: Format,
    aside: Path,
    *,
    source: str,
    metric: str | None,
    progress: Progress,
) -> _Small:
    """The network of 8 bits; where it costs much, with its narrowing layers in 32, if less so."""
    progress.note(f"quantizing to {form.name}")
    score = partial(score_side, checked, before=torch.calibration, metric=metric, progress=progress)
    wanted, exact = score(torch), aside / FORMATS[form.runtime].file

    def measure(folder: Path) -> Loss:
        backend = RUNTIMES[form.runtime](folder, form)
        return Loss(wanted, score(replace(torch, backend=backend, max_tokens=None)))

    with converting(source, "quantized"):
        if form.runtime == "onnx":
            quantize_onnx(exact, aside / form.file)
        else:
            windows = list(_some_windows(torch, checked.examples))
            quantize_openvino(exact, aside / form.file, windows)
    small = _Small(aside, measure(aside))
    if form.runtime != "onnx" or not small.loss.is_large:
        return small
    spares, other = list_narrowing(exact), aside / "spared"
    progress.note(
        f"{small.loss.f1:.2f} points of F1 are lost: again, with {len(spares)} layers in 32 bits"
    )
    (other / form.file).parent.mkdir(parents=True)
    with converting(source, "quantized"):
        quantize_onnx(exact, other / form.file, spares=spares)
    spared = _Small(other, measure(other), n_spared=len(spares))
    return spared if spared.loss.f1 < small.loss.f1 else small


def _some_windows(torch: Predictor, examples: Examples) -> Iterator[Inputs]:
    """Real windows as the network is given them."""
    backend: Any = torch.backend  # a TorchBackend
    for batch in _some_batches(torch, examples, n=RANGE_WINDOWS, size=1):
        yield take_window(batch, 0, backend.inputs(batch))


def _warn(loss: Loss | None, form: Format) -> tuple[str, ...]:
    if loss is None:
        return ()
    fitted = loss.exported.fit.warnings
    if not loss.is_large:
        return fitted
    return (
        *fitted,
        f"8 bits cost this model {loss.f1:.2f} points of F1, more than {MAX_LOSS}: "
        f"the network of 32 bits costs none (spanfit export … --to {form.runtime})",
    )
