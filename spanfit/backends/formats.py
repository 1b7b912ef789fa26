"""Exported networks: where they lie in a model folder, and which one is run.

    MODEL/onnx/model.onnx           MODEL/openvino/model.xml, model.bin
    MODEL/onnx/model-int8.onnx      MODEL/openvino/model-int8.xml, model-int8.bin
    MODEL/onnx/export.json          MODEL/openvino/export.json: what was measured of them

Beside them lie tokenizer.json, config.json and spanfit.json, and the weights for torch or not. What
runs them needs neither torch nor transformers.
"""

from __future__ import annotations

import hashlib
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from spanfit.errors import ModelError, RecipeError, list_some
from spanfit.model_files import describe, read_object

TORCH = "torch"
AUTO = "auto"
REPORT_NAME = "export.json"


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of exported network.

    `name` is that of its backend, in --backend and spanfit.json; `runtime` what runs it, which is
    also its folder and the extra that brings `package`; `file` its place in a model folder.
    """

    name: str
    runtime: str
    package: str
    file: str

    @property
    def is_int8(self) -> bool:
        """Whether its weights are of 8 bits."""
        return self.name.endswith("-int8")

    @property
    def is_installed(self) -> bool:
        """Whether its runtime is there."""
        return find_spec(self.package) is not None


FORMATS: Mapping[str, Format] = {
    form.name: form
    for form in (
        Format("openvino", "openvino", "openvino", "openvino/model.xml"),
        Format("onnx", "onnx", "onnxruntime", "onnx/model.onnx"),
        Format("openvino-int8", "openvino", "openvino", "openvino/model-int8.xml"),
        Format("onnx-int8", "onnx", "onnxruntime", "onnx/model-int8.onnx"),
    )
}
"""By name; what comes first is taken first: exact before int8."""

BACKENDS = (AUTO, TORCH, *FORMATS)
"""What --backend takes."""

RUNTIMES = tuple(dict.fromkeys(form.runtime for form in FORMATS.values()))
"""What --to takes."""


def name_format(runtime: str, *, int8: bool) -> Format:
    """The format of a runtime and a precision.

    Raises:
        RecipeError: there is no such runtime.
    """
    if runtime not in RUNTIMES:
        raise RecipeError(
            f"there is no format {runtime!r}", expected=" or ".join(RUNTIMES), found=runtime
        )
    return FORMATS[f"{runtime}-int8" if int8 else runtime]


def list_formats(folder: Path) -> list[Format]:
    """The exported networks of a model folder, those first that are taken first."""
    return [form for form in FORMATS.values() if (folder / form.file).is_file()]


def list_files(network: Path) -> list[Path]:
    """The files of an exported network: itself, and its weights where they lie beside it."""
    beside = (network.with_suffix(".bin"), network.with_name(f"{network.name}.data"))
    return [network, *(path for path in beside if path.is_file())]


def read_report(folder: Path, form: Format) -> dict[str, Any]:
    """What was measured of an exported network when it was made; empty where nobody wrote it.

    Raises:
        ModelError: it is not what an export writes.
    """
    file = (folder / form.file).with_name(REPORT_NAME)
    if not file.is_file():
        return {}
    found = read_object(file).get(form.name, {})
    limit = found.get("max_length") if isinstance(found, dict) else ""
    if limit is not None and (type(limit) is not int or limit < 1):
        raise ModelError(
            "this is not what spanfit export writes",
            where=f"{form.name} in {file}",
            expected='{"max_length": TOKENS or null, …}',
            found=describe(found),
            fix=f"spanfit export MODEL --to {form.runtime}, to write it anew",
        )
    return found  # type: ignore[no-any-return]


def has_weights(folder: Path) -> bool:
    """Whether the weights for torch are there; pickled ones are not read."""
    return next(folder.glob("*.safetensors"), None) is not None


def check_backend(name: str) -> None:
    """Refuse what --backend does not take.

    Raises:
        ModelError: there is no backend of this name.
    """
    if name not in BACKENDS:
        raise ModelError(f"there is no backend {name!r}", expected=f"one of: {', '.join(BACKENDS)}")


def choose_format(source: str, wanted: str) -> Format | None:
    """The exported network that runs a model, None: torch does.

    "auto" is torch wherever it can be, so that an export changes nothing until it is asked for by
    name; else the first network whose runtime is installed. "onnx" and "openvino" are the network
    of 32 bits, or that of 8 where it is the only one.

    Raises:
        ModelError: there is no backend of this name, or the model has no such network.
    """
    check_backend(wanted)
    folder = Path(source)
    found = list_formats(folder)
    if wanted == TORCH or (wanted == AUTO and not found):
        return None
    if wanted == AUTO:
        if has_weights(folder) and all(map(find_spec, ("torch", "transformers"))):
            return None
        return next((form for form in found if form.is_installed), found[0])
    suiting = [form for form in found if form.name == wanted or form.runtime == wanted]
    if not suiting:
        raise ModelError(
            f"this model was not exported for the backend {wanted}",
            where=source,
            expected=" or ".join(
                form.file for form in FORMATS.values() if wanted in (form.name, form.runtime)
            ),
            found=list_some([form.file for form in found], limit=4) or "no exported network",
            fix=_explain_export(source, FORMATS[wanted]),
        )
    return suiting[0]


def name_backend(folder: Path, wanted: str) -> str:
    """The backend whose calibration is meant; its runtime need not be installed.

    "auto" is torch wherever its weights are, else the network that would be taken first.

    Raises:
        ModelError: as `choose_format`.
    """
    check_backend(wanted)
    found = list_formats(folder)
    if wanted == AUTO:
        return TORCH if has_weights(folder) or not found else found[0].name
    form = choose_format(str(folder), wanted)
    return TORCH if form is None else form.name


def _explain_export(source: str, form: Format) -> str:
    int8 = " --int8" if form.is_int8 else ""
    if not has_weights(Path(source)):
        return f"the folder of its training: spanfit export RUN --to {form.runtime}{int8}"
    return f"spanfit export {shlex.quote(source)} --to {form.runtime}{int8}"


def resolve_threads(wanted: int | None) -> int | None:
    """How many threads a runtime uses: as wanted, else OMP_NUM_THREADS; None: it decides.

    torch obeys that variable, and its users will expect it of the others.

    Raises:
        RecipeError: fewer than one.
    """
    if wanted is not None and wanted < 1:
        raise RecipeError("threads must be at least 1", found=str(wanted))
    told = os.environ.get("OMP_NUM_THREADS", "")
    return wanted or (int(told) if told.isdecimal() and int(told) > 0 else None)


def digest_files(*files: Path) -> str:
    """BLAKE2b of what the files hold, 32 hexadecimal digits."""
    hasher = hashlib.blake2b(digest_size=16)
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                hasher.update(block)
    return hasher.hexdigest()
