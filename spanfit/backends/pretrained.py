"""Encoders from a folder or the hub, with the head of a task, and their tokenizers."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import transformers
from transformers.utils import cached_file
from transformers.utils import logging as transformers_logging

from spanfit.backends.torch import check_length
from spanfit.errors import ModelError
from spanfit.quickstart import encoder_folder
from spanfit.recipe import ModelSection
from spanfit.settings import FILE_NAME, ModelSettings, read_settings
from spanfit.tasks import TASKS
from spanfit.tokenizer import Tokenizer, compare_readings, from_transformers

HEADS = {"qa": "AutoModelForQuestionAnswering"}
"""The class of each task's head in transformers, by the task's name."""

HIDDEN_DROPOUTS = ("hidden_dropout_prob", "hidden_dropout", "dropout", "dropout_rate")
ATTENTION_DROPOUTS = ("attention_probs_dropout_prob", "attention_dropout")


@dataclass(frozen=True)
class Pretrained:
    """A network with its tokenizer, and what its user should know about them."""

    network: Any  # a transformers PreTrainedModel
    tokenizer: Tokenizer
    notes: tuple[str, ...] = ()

    def save(self, folder: Path) -> None:
        """Write a plain Hugging Face checkpoint, with the frozen tokenizer."""
        with quiet_transformers():
            self.network.save_pretrained(folder)
        self.tokenizer.save(folder)


def load_encoder(model: ModelSection, *, task: str, max_length: int) -> Pretrained:
    """An encoder to fine-tune; a head that the checkpoint lacks is newly initialised.

    Raises:
        ModelError: no such model, or one that does not fit the task, tokenizer or window length.
    """
    source = str(encoder_folder()) if model.name == "quickstart" else model.name
    options = {"revision": model.revision, "trust_remote_code": model.trust_remote_code}
    with quiet_transformers(), _explained(source):
        config = transformers.AutoConfig.from_pretrained(source, **options)
        _set_dropout(config, HIDDEN_DROPOUTS, model.hidden_dropout)
        _set_dropout(config, ATTENTION_DROPOUTS, model.attention_dropout)
    return _load(source, config=config, task=task, max_length=max_length, options=options)


def load_trained(
    source: str, *, task: str, max_length: int, revision: str | None = None
) -> Pretrained:
    """A fine-tuned model to predict with; its head must be in the checkpoint.

    Raises:
        ModelError: as `load_encoder`, and where the head would be newly initialised.
    """
    options = {"revision": revision, "trust_remote_code": False}
    with quiet_transformers(), _explained(source):
        config = transformers.AutoConfig.from_pretrained(source, **options)
    loaded = _load(source, config=config, task=task, max_length=max_length, options=options)
    if loaded.notes:
        raise ModelError(
            "this checkpoint was not trained for the task: " + "; ".join(loaded.notes),
            where=source,
            expected=f"the weights of {HEADS[task].removeprefix('AutoModelFor')}",
            fix="spanfit init DATA --model " + source,
        )
    return loaded


def _load(
    source: str,
    *,
    config: Any,  # noqa: ANN401 (a transformers PretrainedConfig)
    task: str,
    max_length: int,
    options: dict[str, Any],
) -> Pretrained:
    config.num_labels = TASKS[task].n_outputs
    head = getattr(transformers, HEADS[task])
    with quiet_transformers(), _explained(source):
        network, info = head.from_pretrained(
            source, config=config, output_loading_info=True, dtype="float32", **options
        )
        tokenizer = from_transformers(transformers.AutoTokenizer.from_pretrained(source, **options))
    check_length(network, max_length)
    _check_vocabulary(tokenizer, network, source)
    return Pretrained(network=network, tokenizer=tokenizer, notes=_new_weights(info))


def load_settings(source: str) -> ModelSettings | None:
    """The spanfit.json of a model folder, or of a hub id; None where it has none.

    Raises:
        ModelError: it is there, but is not what this version writes.
    """
    file = _find_file(source, FILE_NAME)
    return None if file is None else read_settings(file.parent)


def _find_file(source: str, name: str) -> Path | None:
    """A file of a folder, or of a hub id as far as it can be reached."""
    try:
        found = cached_file(
            source,
            name,
            _raise_exceptions_for_missing_entries=False,
            _raise_exceptions_for_connection_errors=False,
            _raise_exceptions_for_gated_repo=False,
        )
    except (OSError, ValueError):  # no such repository: loading the model will say so
        return None
    return None if found is None else Path(found)


def tokenizer_warnings(source: str) -> list[str]:
    """How the two readings of a foreign folder's tokenizer differ (transformers 5 rebuilds it)."""
    if source == "quickstart":
        source = str(encoder_folder())
    with quiet_transformers():
        file = _find_file(source, "tokenizer.json")
        return [] if file is None else list(compare_readings(file.parent))


def _new_weights(info: dict[str, Any]) -> tuple[str, ...]:
    missing = sorted(info["missing_keys"]) + sorted(str(key) for key in info["mismatched_keys"])
    return (f"newly initialised: {', '.join(missing)}",) if missing else ()


def _check_vocabulary(tokenizer: Tokenizer, network: Any, source: str) -> None:  # noqa: ANN401
    n_embeddings = network.get_input_embeddings().num_embeddings
    n_pieces = tokenizer.backend.get_vocab_size(with_added_tokens=True)
    if n_pieces > n_embeddings:
        raise ModelError(
            "the tokenizer does not belong to this model",
            where=source,
            expected=f"at most {n_embeddings:,} pieces, as the model has embeddings",
            found=f"{n_pieces:,} pieces",
        )


def _set_dropout(config: Any, names: tuple[str, ...], probability: float | None) -> None:  # noqa: ANN401
    if probability is None:
        return
    present = [name for name in names if hasattr(config, name)]
    if not present:
        raise ModelError(
            "this architecture has no such dropout",
            expected=f"one of {', '.join(names)} in its config",
            found=config.model_type,
        )
    for name in present:
        setattr(config, name, probability)


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Keep transformers' progress bars and load reports to itself: we say what matters."""
    level = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity(logging.ERROR)
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(level)
        transformers_logging.enable_progress_bar()


@contextmanager
def _explained(source: str) -> Iterator[None]:
    """Turn what transformers raises for a model that cannot be loaded into one message."""
    try:
        yield
    except Exception as error:  # transformers and safetensors raise a dozen kinds
        first_line = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise ModelError(
            f"this model cannot be loaded: {first_line}",
            where=source,
            expected="a folder with config.json, weights and tokenizer, or a hub id and a network",
            fix="spanfit quickstart, to see a model of its own without a network",
        ) from error
