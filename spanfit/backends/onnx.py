"""ONNX Runtime: logits from an exported network, on the CPU; no torch, no transformers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spanfit.backends.exported import ExportedBackend, Inputs, unreadable
from spanfit.backends.formats import Format, list_files, resolve_threads
from spanfit.errors import require

_ERRORS_ONLY = 3


class OnnxBackend(ExportedBackend):
    """An ONNX file in a session of ONNX Runtime."""

    def __init__(self, folder: Path, form: Format, *, threads: int | None = None) -> None:
        """Read the network of a model folder.

        Raises:
            ModelError: it cannot be read.
            MissingExtraError: ONNX Runtime is not installed.
        """
        runtime = require(form.package, extra=form.runtime)
        file = folder / form.file
        options = runtime.SessionOptions()
        options.log_severity_level = _ERRORS_ONLY
        options.enable_mem_pattern = False  # one for each length: memory without use
        options.intra_op_num_threads = resolve_threads(threads) or 0
        try:
            self._session = runtime.InferenceSession(
                str(file), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # the C++ side raises a dozen kinds
            raise unreadable(file, form, error) from None
        names = tuple(given.name for given in self._session.get_inputs())
        super().__init__(form, names=names, files=tuple(list_files(file)))

    def run(self, inputs: Inputs) -> NDArray[np.float32]:
        """The logits of one window: (1, N, n_outputs)."""
        logits: NDArray[np.float32] = self._session.run(None, inputs)[0]
        return logits
