"""From a network of transformers to a file of ONNX, and from there to OpenVINO's.

transformers' exporter rewrites, while it traces, what torch's own could not follow in an
architecture. OpenVINO's file is made of the ONNX file, so that both hold the same graph.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from transformers.modeling_outputs import TokenClassifierOutput

from spanfit.backends.openvino import import_openvino
from spanfit.backends.torch import TorchBackend, head_logits
from spanfit.errors import ModelError, require

INPUTS = ("input_ids", "attention_mask", "token_type_ids")
"""What the runtimes can give a network."""

MAX_FILE_BYTES = 1_500_000_000
"""Weights beyond this lie in a file of their own: an ONNX file ends at 2 GB."""


def write_onnx(
    backend: TorchBackend, inputs: dict[str, torch.Tensor], file: Path, *, source: str
) -> None:
    """Write a network as ONNX: one output, `logits` (B, T, n_outputs), of any batch and length.

    `inputs` are those of a batch of at least two windows, on the CPU.

    Raises:
        ModelError: the network takes inputs that the runtimes have not.
    """
    unknown = sorted(set(inputs) - set(INPUTS))
    if unknown:
        raise ModelError(
            "this architecture takes inputs that exported networks are not given",
            where=source,
            expected=", ".join(INPUTS),
            found=", ".join(unknown),
            fix="--backend torch, which gives them",
        )
    exporter = require("transformers.exporters.exporter_onnx", extra="export")
    onnx_ir = require("onnx_ir", extra="export")
    dynamic = torch.export.Dim.DYNAMIC
    config = exporter.OnnxConfig(
        dynamic=True, dynamic_shapes={name: {0: dynamic, 1: dynamic} for name in inputs}
    )
    network = backend.network
    with _own_attention(backend), _one_output(network), torch.inference_mode(False):
        program = exporter.OnnxExporter().export(network, inputs, config=config).program
    is_large = sum(weight.nbytes for weight in network.state_dict().values()) > MAX_FILE_BYTES
    onnx_ir.save(program, str(file), external_data=f"{file.name}.data" if is_large else None)


def write_openvino(onnx_file: Path, file: Path) -> None:
    """Write the network of an ONNX file in OpenVINO's format: `file`, and its weights beside it."""
    openvino = import_openvino()
    model = openvino.convert_model(str(onnx_file))
    openvino.save_model(model, str(file), compress_to_fp16=False)


@contextmanager
def _own_attention(backend: TorchBackend) -> Iterator[None]:
    """Have a network that takes packs be traced with the attention that it was loaded with."""
    network, packing = backend.network, backend.packing
    if packing is None:
        yield
        return
    taking_packs = network.config._attn_implementation
    network.set_attn_implementation(packing.replaced)
    try:
        yield
    finally:
        network.set_attn_implementation(taking_packs)


@contextmanager
def _one_output(network: Any) -> Iterator[None]:  # noqa: ANN401
    """Have the network return its logits as the backend for torch does, and nothing else."""
    forward = network.forward

    @functools.wraps(forward)
    def joined(**inputs: torch.Tensor) -> TokenClassifierOutput:
        return TokenClassifierOutput(logits=head_logits(forward(**inputs)))

    network.forward = joined
    try:
        yield
    finally:
        del network.forward
