"""Where an export is written: beside the tokenizer and settings of its model; and its report."""

from __future__ import annotations

import json
import shlex
import shutil
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from spanfit.backends.formats import REPORT_NAME, Format, read_report
from spanfit.calibration import CALIBRATORS
from spanfit.errors import ModelError, require
from spanfit.exports.messages import silenced
from spanfit.exports.parity import Loss, Parity
from spanfit.prediction import Predictor
from spanfit.settings import FILE_NAME, ModelSettings, read_settings
from spanfit.tokenizer import Tokenizer, load_tokenizer

_PACKAGES = {
    "onnx": ("torch", "transformers", "onnx", "onnxscript", "onnxruntime"),
    "openvino": ("torch", "transformers", "onnx", "onnxscript", "openvino"),
}
_PACKAGES_OF_INT8 = {"onnx": (), "openvino": ("nncf",)}


@dataclass(frozen=True)
class Export:
    """What was exported: the network of format `form` in `folder`, and what was measured.

    `parity` is that of the network of 32 bits, of which one of 8 is made; `loss` that of 8 bits.
    `n_spared` layers of that kept 32 bits. `seconds` are those of all of it, `max_length` the
    tokens that the network has positions for.
    """

    folder: Path
    form: Format
    data: str
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
        return sum(file.stat().st_size for file in _files(self.file))

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
    for package in list_packages(form):
        with silenced():
            require(package, extra="export")


def prepare_folder(source: str, out: Path | None, torch: Predictor) -> Path:
    """The folder to write to, which holds tokenizer and settings of this very model.

    Raises:
        ModelError: the model's own folder lacks them; `out` holds those of another one.
    """
    folder = Path(source) if out is None else out
    if out is not None and not (out.is_dir() and any(out.iterdir())):
        out.mkdir(parents=True, exist_ok=True)
        torch.tokenizer.save(out)
        torch.backend.network.config.save_pretrained(out)  # type: ignore[attr-defined]
        torch.settings.save(out)
    stored = read_settings(folder) if folder.is_dir() else None
    if stored is None or not _is_same(stored, torch.settings):
        raise ModelError(
            "this folder does not hold the settings of this model",
            where=str(folder),
            expected=f"the {FILE_NAME} that the model was loaded with"
            if out is None
            else "a new or empty folder, or one with an export of the same model",
            found=f"another {FILE_NAME}" if stored else f"no {FILE_NAME}",
            fix=f"spanfit export {shlex.quote(source)} --out NEW_FOLDER",
        )
    found = load_tokenizer(folder).segmented(torch.tokenizer.segmenter)
    if not _reads_alike(found, torch.tokenizer):
        raise ModelError(
            "its tokenizer.json, read without transformers, is another one than the model's",
            where=str(folder),
            fix=f"spanfit export {shlex.quote(source)} --out NEW_FOLDER, which writes the model's",
        )
    return folder


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


def publish(done: Export, aside: Path, torch: Predictor, data_digest: str) -> None:
    """Put the files at their places: the network, what was measured, what was fitted."""
    folder, form = done.folder, done.form
    done.file.parent.mkdir(exist_ok=True)
    for file in reversed(_files(aside / form.file)):  # weights before what names them
        shutil.move(file, done.file.parent / file.name)
    report = done.file.parent / REPORT_NAME
    entries = json.loads(report.read_text(encoding="utf-8")) if report.is_file() else {}
    entries[form.name] = _describe(done, torch, data_digest)
    text = json.dumps(entries, ensure_ascii=False, indent=2) + "\n"
    (aside / REPORT_NAME).write_text(text, encoding="utf-8")
    (aside / REPORT_NAME).replace(report)
    settings = read_settings(folder) or torch.settings
    if done.loss is not None and CALIBRATORS[settings.task].can_refit:
        fitted = settings.calibration | {form.name: done.loss.exported.fit.calibration}
        settings.model_copy(update={"calibration": fitted}).save(folder)


def _files(file: Path) -> list[Path]:
    """The files of a network: itself, and its weights where they lie beside it."""
    beside = (file.with_suffix(".bin"), file.with_name(f"{file.name}.data"))
    return [file, *(path for path in beside if path.is_file())]


def _describe(done: Export, torch: Predictor, data_digest: str) -> dict[str, Any]:
    """The entry of a format in export.json."""
    form, loss = done.form, done.loss
    return {
        "file": done.file.name,
        "bytes": done.n_bytes,
        "max_length": done.max_length,
        "written": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "seconds": round(done.seconds, 1),
        "weights_digest": torch.backend.digest,
        "data": {"file": done.data, "digest": data_digest, "n_examples": done.n_examples},
        "logits": {
            "largest_difference": done.parity.difference,
            "relative_to": done.parity.scale,
            "n_windows": done.parity.n_windows,
        },
        "layers_in_32_bits": done.n_spared if form.is_int8 else None,
        "loss": None if loss is None else {"metric": loss.metric, "f1": loss.f1, **loss.figures},
        "software": {package: version(package) for package in list_packages(form)},
    }
