"""A network of 8 bits: made, measured, and made again where it costs much."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from spanfit.backends.formats import FORMATS, Format
from spanfit.data.checking import Checked
from spanfit.exports.folders import Target
from spanfit.exports.messages import converting
from spanfit.exports.parity import MAX_LOSS, Loss, score_side
from spanfit.exports.quantization import (
    RANGE_WINDOWS,
    list_narrowing,
    quantize_onnx,
    quantize_openvino,
)
from spanfit.exports.samples import draw_windows, find_run
from spanfit.loading import RUNTIMES
from spanfit.prediction import Predictor
from spanfit.progress import Progress
from spanfit.recipe import read_recipe


@dataclass(frozen=True, slots=True)
class Small:
    """A network of 8 bits in `folder`, of which `n_spared` layers kept 32, and what it costs.

    `notes` are those of the runtime that measured it.
    """

    folder: Path
    loss: Loss
    notes: tuple[str, ...]
    n_spared: int = 0

    def warnings(self, form: Format) -> tuple[str, ...]:
        """What its user should know."""
        found = (*self.notes, *self.loss.exported.fit.warnings)
        if not self.loss.is_large:
            return found
        return (
            *found,
            f"8 bits cost this model {self.loss.f1:.2f} points of F1, more than {MAX_LOSS}: "
            f"the network of 32 bits costs none (spanfit export … --to {form.runtime})",
        )


def make_small(
    torch: Predictor,
    checked: Checked,
    form: Format,
    target: Target,
    *,
    source: str | Path,
    metric: str | None,
    progress: Progress,
) -> Small:
    """The network of 8 bits; where it costs much, with its narrowing layers in 32, if less so.

    Raises:
        ModelError: it cannot be quantized, or says NaN.
    """
    progress.note(f"quantizing to {form.name}")
    score = partial(
        score_side,
        checked,
        before=torch.calibration,
        is_threshold_fixed=_has_fixed_threshold(source),
        metric=metric,
        progress=progress,
    )
    wanted, exact = score(torch), target.aside / FORMATS[form.runtime].file

    def measure(folder: Path, n_spared: int) -> Small:
        backend = RUNTIMES[form.runtime](folder, form)
        loss = Loss(wanted, score(replace(torch, backend=backend, max_tokens=None)))
        return Small(folder, loss, backend.notes, n_spared)

    with converting(str(source), "quantized"):
        if form.runtime == "onnx":
            quantize_onnx(exact, target.aside / form.file)
        else:
            windows = list(draw_windows(torch, checked.examples, n=RANGE_WINDOWS))
            quantize_openvino(exact, target.aside / form.file, windows)
    whole = measure(target.aside, 0)
    if form.runtime != "onnx" or not whole.loss.is_large:
        return whole
    spares, other = list_narrowing(exact), target.aside / "spared"
    if not spares:
        return whole
    progress.note(
        f"{whole.loss.f1:.2f} points of F1 are lost: again, with {len(spares)} layers in 32 bits"
    )
    (other / form.file).parent.mkdir(parents=True)
    with converting(str(source), "quantized"):
        quantize_onnx(exact, other / form.file, spares=spares)
    spared = measure(other, len(spares))
    return spared if spared.loss.f1 < whole.loss.f1 else whole


def _has_fixed_threshold(source: str | Path) -> bool:
    """Whether the recipe of the model's run names the threshold, so that none is fitted."""
    file = find_run(source) / "recipe.toml"
    return file.is_file() and read_recipe(file).selection.null_threshold is not None
