"""OpenVINO: logits from an exported network, on the CPU; no torch, no transformers."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from spanfit.backends.exported import ExportedBackend, Inputs, unreadable
from spanfit.backends.formats import FORMATS, Format, list_files, resolve_threads
from spanfit.errors import require

BYTE_PRODUCTS = {"avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm"}
"""What Linux calls the instructions."""


class OpenVinoBackend(ExportedBackend):
    """A network in OpenVINO's own format, compiled for this CPU."""

    def __init__(self, folder: Path, form: Format, *, threads: int | None = None) -> None:
        """Read and compile the network of a model folder.

        Raises:
            ModelError: it cannot be read.
            MissingExtraError: OpenVINO is not installed.
        """
        openvino = import_openvino()
        file = folder / form.file
        # Else it computes in 16 bits where the CPU can, and answers depend on the machine.
        options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
        notes = []
        if form.is_int8 and not has_byte_products():
            options["LP_TRANSFORMS_MODE"] = "NO"
            notes.append(
                "this CPU has no instructions for products of 8 bits (VNNI): "
                f"{form.name} is computed in 32 bits here, no quicker than openvino"
            )
        if (n_threads := resolve_threads(threads)) is not None:
            options["INFERENCE_NUM_THREADS"] = str(n_threads)
        try:
            compiled = openvino.Core().compile_model(str(file), "CPU", options)
        except Exception as error:  # the C++ side raises a dozen kinds
            raise unreadable(file, form, error) from None
        self._request = compiled.create_infer_request()
        self._lock = threading.Lock()  # a request computes one window at a time
        names = tuple(given.any_name for given in compiled.inputs)
        files = tuple(list_files(file))
        super().__init__(form, names=names, files=files, notes=tuple(notes))

    def run(self, inputs: Inputs) -> NDArray[np.float32]:
        """The logits of one window: (1, N, n_outputs)."""
        with self._lock:
            logits: NDArray[np.float32] = self._request.infer(inputs)[0]
        return logits


def has_byte_products() -> bool:
    """Whether this CPU sums products of 8 bits into 32 (VNNI, AMX; dot products of Arm).

    Without, OpenVINO 2026.4 computes in 8 bits nevertheless, and wrong: on an AVX2 machine a
    network that found half of the answers found none, with weights of 7 bits too
    (benchmarks/RESULTS.md). Where nobody tells what the CPU has, it is taken to have them.
    """
    told = Path("/proc/cpuinfo")
    if not told.is_file():
        return True
    lines = told.read_text(encoding="utf-8", errors="replace").splitlines()
    flags = {flag for line in lines for flag in line.partition(":")[2].split()}
    return not flags or not BYTE_PRODUCTS.isdisjoint(flags)


def import_openvino() -> ModuleType:
    """OpenVINO without the package through which it would tell its makers that it is used.

    Raises:
        MissingExtraError: it is not installed.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    form = FORMATS["openvino"]
    return require(form.package, extra=form.runtime)
