"""What a training needs to go on, beside the weights: written and read without pickle.

    step-000500/            a plain model folder, which `spanfit.load` opens
      training/
        state.json          step, losses not yet logged, random states, learning rates, best epoch
        state.safetensors   the optimizer's moments, torch's random states
        metrics.jsonl       as it was then
      manifest.json         the digest of every file, written last

The position in the data is the step alone: the order of an epoch's windows follows from seed and
epoch, so nothing has to be read again. Masks of dropout are seeded from torch's generator.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from spanfit.backends.checks import read_report
from spanfit.backends.messages import quiet_transformers
from spanfit.backends.weights import WEIGHTS
from spanfit.errors import RunError, list_some

FOLDER = "training"
FORMAT_VERSION = 1
MAX_SHARE = 0.05
"""Of the time that checkpoints may take; on a slow disk they are fewer."""


@dataclass(frozen=True)
class Standing:
    """How the epochs that were evaluated compare; `best` is the best one's figure, if any."""

    epochs: int = 0
    best: float | None = None
    best_checkpoint: str | None = None
    epochs_without_better: int = 0


@dataclass(frozen=True)
class Position:
    """How far a training is. `losses` are those of the steps since the last line of the log."""

    step: int
    seconds: float
    losses: tuple[float, ...]
    standing: Standing


@dataclass(frozen=True)
class Learner:
    """What learns: its parts change with every step. `scaler` is that of fp16."""

    network: Any  # a transformers PreTrainedModel
    optimizer: Any  # torch's, or Accelerate's around it
    scheduler: Any  # torch's
    scaler: Any  # torch's, or None


def name_of(step: int) -> str:
    """The folder of the checkpoint after a step."""
    return f"step-{step:06}"


class Interval:
    """When the next checkpoint is due, if one is written every so many minutes (0: every step)."""

    def __init__(self, minutes: float) -> None:
        self._seconds, self._took = 60 * minutes, 0.0
        self.begin()

    @property
    def is_over(self) -> bool:
        """Whether it is time; at most `MAX_SHARE` of the time goes into checkpoints."""
        least = self._took / MAX_SHARE if self._seconds else 0.0
        return time.monotonic() - self._began >= max(self._seconds, least)

    def begin(self) -> None:
        """Begin anew."""
        self._began = time.monotonic()

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Begin anew when the context ends, in which a checkpoint is written."""
        started = time.monotonic()
        yield
        self.begin()
        self._took = self._began - started


@contextmanager
def system_errors() -> Iterator[None]:
    """Turn what safetensors raises for a full disk into the error that it is."""
    try:
        yield
    except SafetensorError as error:
        raise OSError(str(error)) from error


def save_state(folder: Path, learner: Learner, position: Position, *, metrics: str) -> None:
    """Write everything but the weights into a folder that does not exist yet.

    Raises:
        OSError: it cannot be written.
    """
    optimizer = learner.optimizer.state_dict()
    content = {
        "format_version": FORMAT_VERSION,
        "position": asdict(position),
        "scheduler": learner.scheduler.state_dict(),
        "scaler": None if learner.scaler is None else learner.scaler.state_dict(),
        "optimizer_groups": optimizer["param_groups"],
        "random": _read_random(),
        "weights_are_plain": _are_plain(folder.parent / WEIGHTS, learner.network),
    }
    tensors = {f"random.{name}": state for name, state in _read_generators().items()}
    for number, values in optimizer["state"].items():
        tensors |= {f"optimizer.{number}.{name}": value for name, value in values.items()}
    folder.mkdir()
    with system_errors():
        save_file(
            {name: tensor.contiguous() for name, tensor in tensors.items()},
            folder / "state.safetensors",
        )
    (folder / "state.json").write_text(json.dumps(content) + "\n", encoding="utf-8")
    (folder / "metrics.jsonl").write_text(metrics, encoding="utf-8")


def restore(checkpoint: Path, learner: Learner) -> tuple[Position, str]:
    """Put a training back to where a checkpoint was written, random states included.

    Returns:
        How far it was, and its metrics.jsonl.

    Raises:
        RunError: this version of SpanFit or this network cannot go on from there.
    """
    folder = checkpoint / FOLDER
    content = json.loads((folder / "state.json").read_text(encoding="utf-8"))
    if content["format_version"] != FORMAT_VERSION:
        raise RunError(
            "this checkpoint is of another version of SpanFit",
            where=str(checkpoint),
            expected=f"format version {FORMAT_VERSION}",
            found=str(content["format_version"]),
        )
    are_plain = content.get("weights_are_plain", False)
    _restore_weights(checkpoint, learner.network, are_plain=are_plain)
    tensors = load_file(folder / "state.safetensors")
    learner.optimizer.load_state_dict(
        {"state": _group_by_weight(tensors), "param_groups": content["optimizer_groups"]}
    )
    learner.scheduler.load_state_dict(content["scheduler"])
    if learner.scaler is not None and content["scaler"] is not None:
        learner.scaler.load_state_dict(content["scaler"])
    position = content["position"]
    standing = Standing(**position.pop("standing"))
    losses = tuple(position.pop("losses"))
    _write_random(content["random"])
    prefix = "random."
    _write_generators(
        {name.removeprefix(prefix): tensors[name] for name in tensors if name.startswith(prefix)}
    )
    metrics = (folder / "metrics.jsonl").read_text(encoding="utf-8")
    return Position(**position, losses=losses, standing=standing), metrics


def _are_plain(file: Path, network: Any) -> bool:  # noqa: ANN401
    """Whether the weights were written by the names and with the values that the network has.

    transformers writes those of some architectures as they were first published.
    """
    if not file.is_file():  # several files
        return False
    state = network.state_dict()
    with safe_open(file, framework="pt") as saved:
        names = set(saved.keys())
        return _is_covered(state, names) and all(
            torch.equal(saved.get_tensor(name), state[name].cpu()) for name in names
        )


def _is_covered(state: Mapping[str, torch.Tensor], names: Set[str]) -> bool:
    """Whether all names are in the state, and all of it has a name or is tied to what has one."""
    if not names <= state.keys():
        return False
    places = {state[name].data_ptr() for name in names}
    return all(tensor.data_ptr() in places for tensor in state.values())


def _restore_weights(checkpoint: Path, network: Any, *, are_plain: bool) -> None:  # noqa: ANN401
    """Copy weights and buffers; those that are not plain as transformers reads them.

    Raises:
        RunError: some of them are not in there.
    """
    if are_plain:
        weights = load_file(checkpoint / WEIGHTS)
        if _is_covered(network.state_dict(), weights.keys()):  # transformers may be another one
            network.load_state_dict(weights, strict=False)  # tied ones have one name
            return
    with quiet_transformers():
        saved, info = type(network).from_pretrained(
            checkpoint,
            output_loading_info=True,
            local_files_only=True,
            use_safetensors=True,
            dtype="float32",
        )
    if random_ := read_report(info, saved).random:
        raise RunError(
            "this checkpoint does not hold all weights of its network",
            where=str(checkpoint),
            found=f"without {list_some(random_)}",
        )
    network.load_state_dict(saved.state_dict())


def _group_by_weight(tensors: dict[str, torch.Tensor]) -> dict[int, dict[str, torch.Tensor]]:
    """The optimizer's state as torch has it: by the number of the weight, then by name."""
    state: dict[int, dict[str, torch.Tensor]] = {}
    for name, tensor in tensors.items():
        kind, _, place = name.partition(".")
        if kind == "optimizer":
            number, _, what = place.partition(".")
            state.setdefault(int(number), {})[what] = tensor.clone()  # else the file is held open
    return state


def _read_random() -> dict[str, Any]:
    """The states of Python's and NumPy's global generators, as JSON takes them."""
    version, words, gauss = random.getstate()
    numpy: Any = np.random.get_state(legacy=False)  # noqa: NPY002 (it is what others draw from)
    key = numpy["state"]["key"].tolist()
    return {
        "python": [version, list(words), gauss],
        "numpy": numpy | {"state": numpy["state"] | {"key": key}},
    }


def _write_random(content: dict[str, Any]) -> None:
    version, words, gauss = content["python"]
    random.setstate((version, tuple(words), gauss))
    numpy = content["numpy"]
    key = np.array(numpy["state"]["key"], dtype=np.uint32)
    np.random.set_state(numpy | {"state": numpy["state"] | {"key": key}})  # noqa: NPY002


def _read_generators() -> dict[str, torch.Tensor]:
    """The states of torch's own generators, by device."""
    states = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        numbers = range(torch.cuda.device_count())
        states |= {f"cuda.{number}": torch.cuda.get_rng_state(number) for number in numbers}
    if torch.backends.mps.is_available():
        states["mps"] = torch.mps.get_rng_state()
    return states


def _write_generators(states: dict[str, torch.Tensor]) -> None:
    """The same back; a device that is not here any more is left out."""
    torch.set_rng_state(states["cpu"])
    if torch.cuda.is_available():
        for number in range(torch.cuda.device_count()):
            if (state := states.get(f"cuda.{number}")) is not None:
                torch.cuda.set_rng_state(state, number)
    if torch.backends.mps.is_available() and "mps" in states:
        torch.mps.set_rng_state(states["mps"])
