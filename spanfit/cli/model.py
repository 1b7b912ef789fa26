"""What the commands that run a model share: their arguments, and loading it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from spanfit.cli import console
from spanfit.errors import DataError

if TYPE_CHECKING:
    from spanfit.model import Model

ModelArgument = Annotated[
    str, typer.Argument(metavar="MODEL", help="A run folder, a model folder, or a hub id.")
]
BackendOption = Annotated[
    Literal["auto", "torch", "onnx", "onnx-int8", "openvino", "openvino-int8"],
    typer.Option(help="What computes: torch, or a network that was exported."),
]
TrustOption = Annotated[
    bool,
    typer.Option("--trust-remote-code", help="Run Python code that comes with the model."),
]
DeviceOption = Annotated[
    Literal["auto", "cpu", "cuda", "mps"],
    typer.Option(help="Where it is computed; auto: the best device that is here."),
]
MaxTokensOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        help="Padded tokens of a batch: fewer take less memory. Else what suits the device.",
    ),
]

ThreadsOption = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="Threads of the CPU; else what suits the backend."),
]


def load_model(
    source: str,
    backend: str,
    *,
    device: str = "auto",
    max_tokens: int | None = None,
    threads: int | None = None,
    trust_remote_code: bool = False,
) -> Model:
    """The model, with what its user should know of it as warnings."""
    from spanfit.loading import load

    loaded = load(
        source,
        backend=backend,
        device=device,
        max_tokens=max_tokens,
        threads=threads,
        trust_remote_code=trust_remote_code,
    )
    for note in loaded.notes:
        console.warning(note)
    return loaded


def check_free(*files: Path) -> None:
    """Refuse to overwrite, before hours of work; and make the folder for what will be written."""
    for file in files:
        if file.exists():
            raise DataError(
                "there is such a file already", where=str(file), fix="another name, or remove it"
            )
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(f"not a folder to write to: {error}", where=str(file.parent)) from None
