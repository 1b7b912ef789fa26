"""Networks of 8 bits: for ONNX Runtime by dynamic quantization, for OpenVINO by NNCF's.

ONNX Runtime measures activations while it computes, so nothing is needed beforehand. OpenVINO
computes with ranges that were measured on real windows.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from spanfit.backends.exported import Inputs
from spanfit.backends.openvino import import_openvino
from spanfit.errors import require

RANGE_WINDOWS = 300
"""How many real windows the ranges of activations are measured on."""


def quantize_onnx(file: Path, out: Path, *, spares: Sequence[str] = ()) -> None:
    """Write an ONNX network with weights of 8 bits, a scale for each channel.

    `spares` are the nodes that stay in 32 bits. One scale for a whole matrix cost MiniLM two points
    of F1, and 7 of the 8 bits, which some advise for CPUs without VNNI, one point there
    (benchmarks/RESULTS.md).
    """
    quantization = require("onnxruntime.quantization", extra="export")
    quantization.quantize_dynamic(
        str(file),
        str(out),
        per_channel=True,
        nodes_to_exclude=list(spares),
        use_external_data_format=file.with_name(f"{file.name}.data").is_file(),
    )


def list_narrowing(file: Path) -> tuple[str, ...]:
    """The nodes of an ONNX network that multiply by a matrix with fewer columns than rows.

    In an encoder these are the second half of each feed-forward layer, and the head. A few of their
    inputs are a hundred times as large as the others, and share one scale with them, so 8 bits cost
    most there.
    """
    onnx = require("onnx", extra="export")
    graph = onnx.load(str(file), load_external_data=False).graph
    shapes = {weight.name: tuple(weight.dims) for weight in graph.initializer}
    found = []
    for node in graph.node:
        shape = shapes.get(node.input[1], ()) if node.op_type in {"MatMul", "Gemm"} else ()
        if any(one.name == "transB" and one.i for one in node.attribute):
            shape = shape[::-1]
        if len(shape) == 2 and shape[1] < shape[0]:
            found.append(node.name)
    return tuple(found)


def quantize_openvino(file: Path, out: Path, windows: Sequence[Inputs]) -> None:
    """Write an OpenVINO network whose ranges fit these windows."""
    openvino = import_openvino()
    nncf = require("nncf", extra="export")
    model = nncf.quantize(
        openvino.Core().read_model(str(file)),
        nncf.Dataset(list(windows)),
        model_type=nncf.ModelType.TRANSFORMER,
        subset_size=len(windows),
    )
    openvino.save_model(model, str(out), compress_to_fp16=False)
