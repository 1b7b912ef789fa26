"""From a run folder, a model folder or a hub id to a `Model`: `spanfit.load`."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from spanfit.backends.formats import (
    Format,
    check_backend,
    choose_format,
    list_files,
    read_report,
)
from spanfit.backends.onnx import OnnxBackend
from spanfit.backends.openvino import OpenVinoBackend
from spanfit.backends.trials import try_out
from spanfit.errors import ModelError, RecipeError, require
from spanfit.hub import fetch_revision
from spanfit.model import Model
from spanfit.model_files import check_content, check_folder
from spanfit.prediction import Predictor
from spanfit.recipe import WindowsSection
from spanfit.settings import FILE_NAME, ITS_OWN, ModelSettings, read_settings
from spanfit.tasks import TASKS
from spanfit.tokenizer_opening import load_tokenizer

RUNTIMES: dict[str, type[OnnxBackend] | type[OpenVinoBackend]] = {
    "onnx": OnnxBackend,
    "openvino": OpenVinoBackend,
}
"""What runs an exported network, by the runtime's name."""


def load(
    source: str | Path,
    *,
    backend: str = "auto",
    device: str = "auto",
    max_tokens: int | None = None,
    threads: int | None = None,
    trust_remote_code: bool = False,
) -> Model:
    """A model from a run folder, a model folder, or the hub: "ORG/NAME", or "ORG/NAME@REVISION".

    `backend` is "torch", an exported network ("onnx", "openvino", or one of those with "-int8"), or
    "auto": torch where the weights and torch are there, else what was exported. `device` is "cpu",
    "cuda", "mps", or "auto" for the best that is here. `max_tokens` bounds the padded tokens of a
    batch, and so the memory that it takes; None: what suits the device, and a CPU computes several
    small ones at once where it can. `threads`: of the CPU; None: as OMP_NUM_THREADS says, else as
    the backend thinks best (torch has one number for the whole process). `trust_remote_code` runs
    Python code that comes with the model, for architectures that transformers does not have.

    Raises:
        ModelError: there is no such model or backend, or it was trained neither to answer nor to
            tag.
        RecipeError: there is no such device here, or `max_tokens` or `threads` is not above 0.
        MissingExtraError: torch and transformers, or what runs the exported network, are not
            installed.
    """
    if max_tokens is not None and max_tokens < 1:
        raise RecipeError("max_tokens must be at least 1", found=str(max_tokens))
    if threads is not None and threads < 1:
        raise RecipeError("threads must be at least 1", found=str(threads))
    check_backend(backend)
    where = find_model(source)
    if Path(where).is_dir():
        check_folder(where)
    if (form := choose_format(where, backend)) is not None:
        return _load_exported(where, form, device=device, max_tokens=max_tokens, threads=threads)
    torch = require("torch", extra="train")
    require("transformers", extra="train")
    from spanfit.backends.positions import max_positions
    from spanfit.backends.pretrained import (
        assume_settings,
        load_settings,
        load_trained,
        tokenizer_warnings,
    )
    from spanfit.backends.torch import TorchBackend, resolve_device

    if threads is not None:
        torch.set_num_threads(threads)
    place = resolve_device(device)
    stored = load_settings(where)
    assumed = stored or assume_settings(where, trust_remote_code=trust_remote_code)
    task = TASKS[assumed.task]
    loaded = load_trained(
        where,
        task=task.name,
        outputs=task.outputs(assumed),
        segmenter=assumed.segmenter,
        trust_remote_code=trust_remote_code,
    )
    limit = max_positions(loaded.network)
    if stored is None:
        settings = _shorten_windows(assumed, limit)
        explained = _explain_defaults(where, settings, is_short=settings != assumed)
        notes = [*loaded.notes, explained, *tokenizer_warnings(where)]
    else:
        settings, notes = stored, list(loaded.notes)
        _check_windows(stored, limit, where)
    network = loaded.network.to(place).eval()
    predictor = Predictor(
        task=task,
        tokenizer=loaded.tokenizer,
        settings=settings,
        backend=TorchBackend(
            network,
            loaded.tokenizer,
            packs=True,
            sees_padding=loaded.sees_padding,
            # Others' code may keep what it computes; and who bounds memory wants one at a time.
            side_by_side=not trust_remote_code and max_tokens is None,
        ),
        max_tokens=max_tokens,
    )
    return Model(predictor, notes=notes, max_length=limit)


def _load_exported(
    source: str, form: Format, *, device: str, max_tokens: int | None, threads: int | None
) -> Model:
    """A model whose exported network is run, without torch and transformers.

    Raises:
        RecipeError: the device is not the CPU.
        ModelError: there is no spanfit.json, no tokenizer.json, or the network cannot be read or
            does not fit them.
        MissingExtraError: its runtime is not installed.
    """
    if device not in {"auto", "cpu"}:
        raise RecipeError(
            f"the backend {form.name} computes on the CPU",
            found=device,
            fix="--device cpu; or --backend torch, where the model's weights are",
        )
    settings = read_settings(Path(source))
    if settings is None:
        raise ModelError(
            f"an exported network needs its {FILE_NAME}",
            where=source,
            fix=f"spanfit export MODEL --to {form.runtime} --out DIR, which writes it",
        )
    for file in list_files(Path(source) / form.file):
        check_content(file)
    limit = read_report(Path(source), form).get("max_length")
    _check_windows(settings, limit, source)
    tokenizer = load_tokenizer(source).segmented(settings.segmenter)
    runner = RUNTIMES[form.runtime](Path(source), form, threads=threads)
    task = TASKS[settings.task]
    outputs = len(task.outputs(settings))
    try_out(runner, tokenizer, task=task.name, outputs=outputs, source=source)
    predictor = Predictor(
        task=task,
        tokenizer=tokenizer,
        settings=settings,
        backend=runner,
        max_tokens=max_tokens,
    )
    return Model(predictor, notes=runner.notes, max_length=limit)


def find_model(source: str | Path) -> str:
    """The model folder of a run folder; any other source as it is.

    Raises:
        ModelError: the folder holds neither a model nor a run.
    """
    folder = Path(source)
    for candidate in (folder / "model", folder):
        if (candidate / "config.json").is_file():
            return str(candidate)
    if folder.is_dir():
        raise ModelError(
            "no model in this folder",
            where=str(folder),
            expected="a run folder (with model/) or a model folder (with config.json)",
            found=", ".join(sorted(path.name for path in folder.iterdir())[:6]) or "nothing",
            fix="spanfit train RECIPE, to make a run",
        )
    if not _can_be_hub_id(str(source), folder):
        near = sorted(path.name for path in folder.parent.glob("*") if path.is_dir())
        meant = get_close_matches(folder.name, near, n=1)
        raise ModelError(
            "no such folder",
            where=str(source),
            expected="a run folder, a model folder, or a hub id (ORGANISATION/NAME[@REVISION])",
            found=f"in {folder.parent}: {', '.join(near[-5:]) or 'no folder'}",
            fix=f"the same with {folder.parent / meant[0]}"
            if meant
            else "spanfit train RECIPE, to make a run",
        )
    return str(source) if "@" not in str(source) else str(fetch_revision(str(source)))


def _can_be_hub_id(source: str, folder: Path) -> bool:
    """Whether a name that is no folder may be one of the hub's: not where it is a path here."""
    parts = source.split("/")
    is_path = source.startswith((".", "/", "~")) or len(parts) > 2 or "" in parts
    return not is_path and (len(parts) == 1 or not folder.parent.is_dir())


def _shorten_windows(settings: ModelSettings, limit: int | None) -> ModelSettings:
    """The same with windows that fit an encoder with `limit` positions."""
    if limit is None or limit >= settings.windows.max_length:
        return settings
    shorter = WindowsSection(max_length=limit, overlap=limit // 3)
    return settings.model_copy(update={"windows": shorter})


def _check_windows(settings: ModelSettings, limit: int | None, source: str) -> None:
    """Refuse settings that this encoder cannot have been trained with.

    Raises:
        ModelError: the windows are longer than the encoder's positions.
    """
    if limit is not None and settings.windows.max_length > limit:
        raise ModelError(
            "the windows of this model are longer than its encoder's positions",
            where=f"{source}/{FILE_NAME}",
            expected=f"windows.max_length of at most {limit} tokens",
            found=str(settings.windows.max_length),
            fix=ITS_OWN,
        )


def _explain_defaults(source: str, settings: ModelSettings, *, is_short: bool) -> str:
    windows = settings.windows
    return (
        f"{source} has no {FILE_NAME}: windows of {windows.max_length} tokens"
        + (", all that its encoder has positions for," if is_short else "")
        + f" with {windows.overlap} of overlap, and {TASKS[settings.task].explain(settings)}, are "
        "assumed"
    )
