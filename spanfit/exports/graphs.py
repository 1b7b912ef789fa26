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

from spanfit.attention import NAME as PACKED
from spanfit.backends.openvino import import_openvino
from spanfit.backends.torch import head_logits
from spanfit.errors import ModelError, require

INPUTS = ("input_ids", "attention_mask", "token_type_ids")
"""What the runtimes can give a network."""

MAX_FILE_BYTES = 1_500_000_000
"""Weights beyond this lie in a file of their own: an ONNX file ends at 2 GB."""


def write_onnx(
    network: Any,  # noqa: ANN401 (a transformers PreTrainedModel)
    inputs: dict[str, torch.Tensor],
    file: Path,
    *,
    source: str,
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
    with _plain_attention(network), _one_output(network), torch.inference_mode(False):
        program = exporter.OnnxExporter().export(network, inputs, config=config).program
    is_large = sum(weight.nbytes for weight in network.state_dict().values()) > MAX_FILE_BYTES
    onnx_ir.save(program, str(file), external_data=f"{file.name}.data" if is_large else None)


def write_openvino(onnx_file: Path, file: Path) -> None:
    """Write the network of an ONNX file in OpenVINO's format: `file`, and its weights beside it."""
    openvino = import_openvino()
    model = openvino.convert_model(str(onnx_file))
    openvino.save_model(model, str(file), compress_to_fp16=False)


@contextmanager
def _plain_attention(network: Any) -> Iterator[None]:  # noqa: ANN401
    """Have a network that takes packs be traced with the attention that transformers ships."""
    before = network.config._attn_implementation
    if before != PACKED:
        yield
        return
    network.set_attn_implementation("sdpa")
    try:
        yield
    finally:
        network.set_attn_implementation(before)


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
