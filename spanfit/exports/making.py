"""`spanfit.export`: a model's network for ONNX Runtime or OpenVINO.

    network ─▶ model.onnx ─▶ model.xml        within 1e-4 of torch's logits, or refused
                   └────────────┴─▶ int8      its loss of F1 measured, its threshold fitted anew

Everything is written aside first: what is refused leaves nothing.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from spanfit.backends.formats import FORMATS, Format, name_format
from spanfit.batching import join
from spanfit.data import digest
from spanfit.data.splitting import limit
from spanfit.errors import ModelError
from spanfit.examples import AS_IT_IS, Examples, Reading
from spanfit.exports.folders import Export, Target, opened, publish, require_packages
from spanfit.exports.messages import converting
from spanfit.exports.parity import measure_parity
from spanfit.exports.samples import draw_batches, find_examples, read_examples
from spanfit.exports.small import make_small
from spanfit.loading import RUNTIMES, find_model, load
from spanfit.metrics import check_gold
from spanfit.model import Model
from spanfit.prediction import Predictor
from spanfit.progress import Progress


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
        metric: of the loss; None: the model's own, else the one that suits the gold.
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
    if out is None and not Path(source).is_dir():
        raise ModelError(
            "a model of the hub is exported to a folder of yours",
            where=str(source),
            fix=f"spanfit export {source} --to {to} --out DIR",
        )
    require_packages(form)
    file = find_examples(source, data)
    loaded = model or load(
        source, backend="torch", device="cpu", trust_remote_code=trust_remote_code
    )
    torch, place = loaded.predictor, find_model(source)
    metric = torch.settings.metric if metric is None else metric
    whole = read_examples(file, torch, reading=reading, has_gold=int8)
    checked = replace(whole, examples=limit(whole.examples, max_examples, seed=0))
    if int8:
        check_gold(checked.examples, metric=metric, reading=checked.reading)  # before the work
    for note in checked.notes:
        progress.warn(note)
    with opened(place, None if out is None else Path(out), torch, form) as target:
        exact = FORMATS[form.runtime]
        progress.note(f"exporting {place} to {exact.name}")
        _write(torch, checked.examples, exact, target, source=place)
        batches = list(draw_batches(torch, checked.examples))
        parity = measure_parity(torch.backend, RUNTIMES[to](target.aside, exact), batches)
        parity.require_small(source=place)
        small = None
        if int8:
            small = make_small(
                torch, checked, form, target, source=source, metric=metric, progress=progress
            )
        done = Export(
            folder=target.folder,
            form=form,
            data=str(file),
            data_digest=digest(whole.examples),
            n_examples=len(checked.examples),
            parity=parity,
            loss=small.loss if small else None,
            n_spared=small.n_spared if small else 0,
            seconds=time.monotonic() - started,
            max_length=loaded.max_length,
            warnings=small.warnings(form) if small else (),
        )
        publish(done, small.folder if small else target.aside, target, torch)
    return done


def _write(
    torch: Predictor, examples: Examples, form: Format, target: Target, *, source: str
) -> None:
    """Write the network of 32 bits, traced with two real windows of unequal lengths."""
    from spanfit.exports.graphs import write_onnx, write_openvino

    backend: Any = torch.backend  # a TorchBackend
    first = next(iter(torch.arrange(examples)))
    windows = torch.windows([first])
    batch = join(windows, np.array([0, len(windows) - 1]))  # the graph shall take more than one
    onnx_file = target.aside / FORMATS["onnx"].file
    onnx_file.parent.mkdir(parents=True)
    with converting(source, "exported"):
        write_onnx(backend, backend.inputs(batch), onnx_file, source=source)
        if form.runtime == "openvino":
            (target.aside / form.file).parent.mkdir(parents=True)
            write_openvino(onnx_file, target.aside / form.file)
