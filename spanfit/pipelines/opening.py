"""From what callers name as the model to a `Model`: a name, a folder, objects of transformers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from spanfit.backends.formats import TORCH
from spanfit.errors import ArgumentError, require
from spanfit.loading import load
from spanfit.model import Model
from spanfit.model_files import check_folder
from spanfit.model_requests import check_tokenizer_files
from spanfit.prediction import Predictor
from spanfit.settings import ModelSettings
from spanfit.tasks import TASKS
from spanfit.tokenizer import Tokenizer
from spanfit.tokenizer_opening import from_transformers


def open_model(
    model: Any,  # noqa: ANN401 (a name, a folder, a Model, or a network of transformers)
    *,
    tokenizer: Any,  # noqa: ANN401 (a name, or a tokenizer of transformers)
    task: str | None,
    device: object,
    backend: str | None,
    trust_remote_code: bool,
) -> Model:
    """The model behind a pipeline; `task` is wanted of a network whose outputs do not tell.

    Raises:
        ArgumentError: nothing of this kind is a model; a network without its tokenizer.
        ModelError: the model, or the tokenizer, cannot be loaded or does not fit.
        RecipeError: there is no such device here.
    """
    if isinstance(model, Model):
        if tokenizer is not None or device is not None or backend is not None:
            raise ArgumentError(
                "a loaded model has its tokenizer, its device and its backend",
                fix="spanfit.load(MODEL, device=…), or pipeline(model=MODEL, device=…)",
            )
        return model
    place = name_device(device)
    if isinstance(model, str | Path):
        loaded = load(
            model, backend=backend or "auto", device=place, trust_remote_code=trust_remote_code
        )
        if tokenizer is None or str(tokenizer) == str(model):
            return loaded
        chosen = _open_tokenizer(tokenizer, trust_remote_code=trust_remote_code)
        return _exchange_tokenizer(loaded, chosen)
    if not hasattr(model, "state_dict") or not hasattr(model, "config"):
        raise ArgumentError(
            "this is no model",
            expected="a run folder, a model folder, a hub id, or a network of transformers",
            found=repr(model)[:60],
        )
    if backend not in {None, "auto", "torch"}:
        raise ArgumentError(
            "a network of transformers is computed by torch",
            found=f"backend={backend!r}",
            fix="spanfit export MODEL --to onnx, then pipeline(model=MODEL, backend=…)",
        )
    if tokenizer is None:
        raise ArgumentError("a network comes with its tokenizer", fix="pipeline(…, tokenizer=…)")
    chosen = _open_tokenizer(tokenizer, trust_remote_code=trust_remote_code)
    return _wrap(model, chosen, task=task, device=place)


def name_device(device: object) -> str:
    """A device as SpanFit names it: transformers counts GPUs from 0, and -1 is the CPU.

    Where there is no GPU, 0 was the best other device there, so it is "auto" here, like None.
    """
    if device is None or (device == 0 and not isinstance(device, bool)):
        return "auto"
    if isinstance(device, bool) or (isinstance(device, int) and device < -1):
        raise ArgumentError(
            "there is no such device",
            expected='-1 (the CPU), 0, 1 …, "cuda", "mps"',
            found=repr(device),
        )
    if isinstance(device, int):
        return "cpu" if device < 0 else f"cuda:{device}"
    return str(device)


def _open_tokenizer(tokenizer: Any, *, trust_remote_code: bool) -> Tokenizer:  # noqa: ANN401
    if isinstance(tokenizer, Tokenizer):
        return tokenizer
    if isinstance(tokenizer, str | Path):
        transformers = require("transformers", extra="train")
        from spanfit.backends.messages import explained
        from spanfit.hub import use_cache_only

        source = str(tokenizer)
        if Path(source).is_dir():
            check_folder(source)
            check_tokenizer_files(source, trust_remote_code=trust_remote_code)
        with explained(source):
            tokenizer = transformers.AutoTokenizer.from_pretrained(
                source,
                trust_remote_code=trust_remote_code,
                local_files_only=use_cache_only(source),
            )
    return from_transformers(tokenizer)


def _exchange_tokenizer(model: Model, tokenizer: Tokenizer) -> Model:
    """The model with another tokenizer, which has to fit its network.

    Raises:
        ModelError: it does not.
    """
    if model.predictor.backend.name != TORCH:
        raise ArgumentError(
            "an exported network has its tokenizer beside it",
            fix='pipeline(…, backend="torch"), or leave the tokenizer out',
        )
    from spanfit.backends.checks import check_tokenizer
    from spanfit.backends.torch import TorchBackend

    network = model.predictor.backend.network  # type: ignore[attr-defined] # torch's has one
    check_tokenizer(tokenizer, network, source=tokenizer.source)
    sees_padding = model.predictor.backend.sees_padding  # type: ignore[attr-defined]
    backend = TorchBackend(network, tokenizer, packs=True, sees_padding=sees_padding)
    predictor = replace(model.predictor, tokenizer=tokenizer, backend=backend)
    return Model(predictor, notes=model.notes, max_length=model.max_length)


def _wrap(network: Any, tokenizer: Tokenizer, *, task: str | None, device: str) -> Model:  # noqa: ANN401
    """A network of transformers as a model: what is assumed of one without spanfit.json."""
    from spanfit.backends.checks import check_tokenizer
    from spanfit.backends.positions import max_positions
    from spanfit.backends.probing import probe
    from spanfit.backends.torch import TorchBackend, resolve_device

    check_tokenizer(tokenizer, network, source=tokenizer.source)
    if task is None:
        raise ArgumentError(
            "what a network is for has to be said",
            fix='pipeline("question-answering", …) or pipeline("token-classification", …)',
        )
    settings = TASKS[task].assume(_name_outputs(network.config.id2label))
    network = network.to(resolve_device(device)).eval()
    outputs = len(TASKS[task].outputs(settings))
    sees_padding = probe(network, tokenizer, task=task, outputs=outputs, source=tokenizer.source)
    predictor = Predictor(
        task=TASKS[task],
        tokenizer=tokenizer,
        settings=_fit(settings, max_positions(network)),
        # Not packed: it is the caller's, and its attention stays as it is.
        backend=TorchBackend(network, tokenizer, sees_padding=sees_padding),
    )
    return Model(predictor, max_length=max_positions(network))


def _name_outputs(names: Mapping[int, str]) -> tuple[str, ...]:
    return tuple(str(names[number]) for number in sorted(names))


def _fit(settings: ModelSettings, limit: int | None) -> ModelSettings:
    """The settings with windows that the network has positions for."""
    if limit is None or limit >= settings.windows.max_length:
        return settings
    windows = settings.windows.model_copy(update={"max_length": limit, "overlap": limit // 3})
    return settings.model_copy(update={"windows": windows})
