"""Where an export is written: beside the tokenizer and settings of its model; and its report."""

from __future__ import annotations

import json
import shlex
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from spanfit.backends.formats import (
    REPORT_NAME,
    TORCH,
    Format,
    list_files,
    list_formats,
    read_report,
)
from spanfit.backends.openvino import import_openvino
from spanfit.calibration import CALIBRATORS
from spanfit.errors import ModelError, require
from spanfit.exports.messages import silenced
from spanfit.exports.parity import Loss, Parity
from spanfit.interruptions import uninterrupted
from spanfit.model_files import read_object
from spanfit.prediction import Predictor
from spanfit.settings import FILE_NAME, ModelSettings, read_settings
from spanfit.storage import write_file
from spanfit.tokenizer import Tokenizer
from spanfit.tokenizer_opening import load_tokenizer

_PACKAGES = {
    "onnx": ("torch", "transformers", "onnx", "onnxscript", "onnxruntime"),
    "openvino": ("torch", "transformers", "onnx", "onnxscript", "openvino"),
}
_PACKAGES_OF_INT8 = {"onnx": (), "openvino": ("nncf",)}


BASE = "base"
"""Aside, what a new folder needs besides a network."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where an export will lie, and where it is written before."""

    folder: Path
    aside: Path


@dataclass(frozen=True)
class Export:
    """What was exported: the network of format `form` in `folder`, and what was measured.

    `n_examples` of `data`, whose content has that digest, were used. `parity` is that of the
    network of 32 bits, of which one of 8 is made; `loss` that of 8 bits, of which `n_spared` layers
    kept 32. `seconds` are those of all of it, `max_length` the tokens that there are positions for.
    """

    folder: Path
    form: Format
    data: str
    data_digest: str
    n_examples: int
    parity: Parity
    loss: Loss | None
    seconds: float
    max_length: int | None
    n_spared: int = 0
    warnings: tuple[str, ...] = ()

    @property
    def file(self) -> Path:
        """The network; of some formats its weights lie beside it."""
        return self.folder / self.form.file

    @property
    def n_bytes(self) -> int:
        """How large its files are together."""
        return sum(file.stat().st_size for file in list_files(self.file))

    def to_json(self) -> dict[str, Any]:
        """What export.json says of it, with its folder."""
        report = read_report(self.folder, self.form)
        return {"folder": str(self.folder), "backend": self.form.name, **report}


def list_packages(form: Format) -> tuple[str, ...]:
    """What an export to this format needs."""
    return (*_PACKAGES[form.runtime], *(_PACKAGES_OF_INT8[form.runtime] if form.is_int8 else ()))


def require_packages(form: Format) -> None:
    """Refuse to start where something is missing that this format needs.

    Raises:
        MissingExtraError: a package is not installed.
    """
    with silenced():
        if form.runtime == "openvino":
            import_openvino()  # before the others, which would bring what it leaves out
        for package in list_packages(form):
            require(package, extra="export")


@contextmanager
def opened(source: str, out: Path | None, torch: Predictor, form: Format) -> Iterator[Target]:
    """Where an export to `form` is written: aside, in the folder where it will lie.

    That folder is the model's own, or `out`, which is made, or holds exports of this very model.
    Whatever happens inside, nothing is left but what was published.

    Raises:
        ModelError: the model's own folder lacks what an export needs; `out` holds another model,
            or the folder exports of other weights.
    """
    folder = Path(source) if out is None else out
    is_new = out is not None and not (out.is_dir() and any(out.iterdir()))
    if not is_new:
        _check_model(folder, source, torch, is_own=out is None)
        _check_weights(folder, torch, form)
    was_there = folder.is_dir()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".export-") as name:
            aside = Path(name)
            if is_new:
                base = aside / BASE
                torch.tokenizer.save(base)
                torch.backend.network.config.save_pretrained(base)  # type: ignore[attr-defined]
                torch.settings.save(base)
                _check_model(base, source, torch, is_own=True)
            yield Target(folder, aside)
    finally:
        if not was_there and not any(folder.iterdir()):
            folder.rmdir()


def _check_model(folder: Path, source: str, torch: Predictor, *, is_own: bool) -> None:
    """Refuse a folder that does not hold settings and tokenizer of this very model.

    Raises:
        ModelError: see above.
    """
    stored = read_settings(folder) if folder.is_dir() else None
    if stored is None or not _is_same(stored, torch.settings):
        raise ModelError(
            "this folder does not hold the settings of this model",
            where=str(folder),
            expected=f"the {FILE_NAME} that the model was loaded with"
            if is_own
            else "a new or empty folder, or one with an export of the same model",
            found=f"another {FILE_NAME}" if stored else f"no {FILE_NAME}",
            fix=f"spanfit export {shlex.quote(source)} --to … --out NEW_FOLDER",
        )
    found = load_tokenizer(folder).segmented(torch.tokenizer.segmenter)
    if not _reads_alike(found, torch.tokenizer):
        raise ModelError(
            "its tokenizer, read without the checkpoint, is another one than the model's",
            where=str(folder),
            fix=f"spanfit export {shlex.quote(source)} --to … --out NEW_FOLDER",
        )


def _check_weights(folder: Path, torch: Predictor, form: Format) -> None:
    """Refuse to put a network beside those of other weights; its own predecessor is replaced.

    Raises:
        ModelError: there are such networks.
    """
    stale = [
        other.file
        for other in list_formats(folder)
        if other != form
        and read_report(folder, other).get("weights_digest", torch.backend.digest)
        != torch.backend.digest
    ]
    if stale:
        raise ModelError(
            "this folder holds exports of other weights: of another training, or an earlier one",
            where=str(folder),
            expected="exports of one model",
            found=", ".join(stale),
            fix=f"rm -r {' '.join(sorted({str(folder / file.split('/')[0]) for file in stale}))}, "
            "or another --out",
        )


def _is_same(one: ModelSettings, other: ModelSettings) -> bool:
    """Whether they are of one model: all but what was fitted to a backend."""
    return one.model_copy(update={"calibration": other.calibration}) == other


def _reads_alike(one: Tokenizer, other: Tokenizer) -> bool:
    """Whether two tokenizers make the same inputs."""
    first, second = (
        (t.digest, t.pad_id, t.padding_side, t.has_type_ids, t.template.tokens)
        for t in (one, other)
    )
    return first == second


def publish(done: Export, written: Path, target: Target, torch: Predictor) -> None:
    """Put the files at their places: the network, what was measured, what was fitted.

    `written` is the folder in which the network was written, by the names of its format.
    """
    folder, form = done.folder, done.form
    report = (folder / form.file).with_name(REPORT_NAME)
    with uninterrupted():
        base = target.aside / BASE
        for file in list(base.iterdir()) if base.is_dir() else ():
            shutil.move(file, folder / file.name)
        done.file.parent.mkdir(exist_ok=True)
        for file in reversed(list_files(written / form.file)):  # weights before what names them
            shutil.move(file, done.file.parent / file.name)
        entries = read_object(report) if report.is_file() else {}
        entries[form.name] = _describe(done, torch)
        text = json.dumps(entries, ensure_ascii=False, indent=2) + "\n"
        write_file(report, text.encode())
        settings = read_settings(folder) or torch.settings
        # Networks of 32 bits decide as torch does, also where that was fitted anew since.
        told = {k: v for k, v in torch.settings.calibration.items() if k == TORCH}
        if done.loss is not None and CALIBRATORS[settings.task].can_refit:
            fitted = done.loss.exported.fit.calibration
            if fitted.data_digest:
                fitted = fitted.model_copy(update={"data_digest": done.data_digest})
            told[form.name] = fitted
        both = settings.calibration | told
        if both != settings.calibration:
            settings.model_copy(update={"calibration": both}).save(folder)


def _describe(done: Export, torch: Predictor) -> dict[str, Any]:
    """The entry of a format in export.json."""
    form, loss = done.form, done.loss
    return {
        "file": done.file.name,
        "bytes": done.n_bytes,
        "max_length": done.max_length,
        "written": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "seconds": round(done.seconds, 1),
        "weights_digest": torch.backend.digest,
        "data": {"file": done.data, "digest": done.data_digest, "n_examples": done.n_examples},
        "logits": {
            "largest_difference": done.parity.difference,
            "relative_to": done.parity.scale,
            "n_windows": done.parity.n_windows,
            "longest_window": done.parity.longest,
        },
        "layers_in_32_bits": done.n_spared if form.is_int8 else None,
        "loss": None if loss is None else {"metric": loss.metric, "f1": loss.f1, **loss.figures},
        "software": {package: version(package) for package in list_packages(form)},
    }
