"""Encoders from a folder or the hub, with the head of a task, and their tokenizers."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import transformers
from transformers.utils import cached_file
from transformers.utils import logging as transformers_logging

from spanfit.backends.checks import (
    HEADS,
    LoadReport,
    check_encoder,
    check_head,
    check_tokenizer,
    describe_fit,
    describe_random,
    read_report,
)
from spanfit.backends.torch import check_length, describe_positions
from spanfit.errors import ModelError, SpanFitError
from spanfit.hub import use_cache_only
from spanfit.quickstart import encoder_folder
from spanfit.recipe import ModelSection
from spanfit.settings import FILE_NAME, ModelSettings, read_settings
from spanfit.tokenizer import Tokenizer, compare_readings, from_transformers

HIDDEN_DROPOUTS = ("hidden_dropout_prob", "hidden_dropout", "dropout", "dropout_rate")
ATTENTION_DROPOUTS = ("attention_probs_dropout_prob", "attention_dropout")


@dataclass(frozen=True)
class Pretrained:
    """A network with its tokenizer, and what its user should know about them.

    `use_cache` is what the checkpoint's config says, if it does; gradient checkpointing turns it
    off while it trains.
    """

    network: Any  # a transformers PreTrainedModel
    tokenizer: Tokenizer
    notes: tuple[str, ...] = ()
    use_cache: bool | None = None

    def save(self, folder: Path) -> None:
        """Write a plain Hugging Face checkpoint, with the frozen tokenizer."""
        with quiet_transformers(), self._config_restored():
            self.network.save_pretrained(folder)
        self.tokenizer.save(folder)

    @contextmanager
    def _config_restored(self) -> Iterator[None]:
        config = self.network.config
        now = getattr(config, "use_cache", None)
        if self.use_cache is None or now == self.use_cache:
            yield
            return
        config.use_cache = self.use_cache
        try:
            yield
        finally:
            config.use_cache = now


def load_encoder(
    model: ModelSection, *, task: str, outputs: Sequence[str], max_length: int
) -> Pretrained:
    """An encoder to fine-tune, with these outputs; a head that it lacks is newly initialised.

    Raises:
        ModelError: no such model, or one that does not fit the task, tokenizer or window length.
    """
    source = str(encoder_folder()) if model.name == "quickstart" else model.name
    options = _options(source, model.revision, trust_remote_code=model.trust_remote_code)
    with quiet_transformers(), _explained(source):
        config = transformers.AutoConfig.from_pretrained(source, **options)
        _set_dropout(config, HIDDEN_DROPOUTS, model.hidden_dropout)
        _set_dropout(config, ATTENTION_DROPOUTS, model.attention_dropout)
    loaded, report = _load(source, config=config, task=task, outputs=outputs, options=options)
    check_length(loaded.network, max_length)
    positions = describe_positions(loaded.network, max_length)
    return replace(loaded, notes=(*describe_random(report), *loaded.notes, *positions))


def load_trained(
    source: str, *, task: str, outputs: Sequence[str], trust_remote_code: bool = False
) -> Pretrained:
    """A fine-tuned model to predict with; its head, with these outputs, must be in the checkpoint.

    How long its windows may be is for the caller to check (`spanfit.backends.torch.max_positions`).

    Raises:
        ModelError: no such model, or one that does not fit the task or the tokenizer; its head is
            not in the checkpoint, or has another number of outputs.
    """
    options = _options(source, None, trust_remote_code=trust_remote_code)
    with quiet_transformers(), _explained(source):
        config = transformers.AutoConfig.from_pretrained(source, **options)
    architectures = config.architectures
    loaded, report = _load(source, config=config, task=task, outputs=outputs, options=options)
    check_head(report, task=task, outputs=outputs, source=source, architectures=architectures)
    return loaded


def _options(source: str, revision: str | None, *, trust_remote_code: bool) -> dict[str, Any]:
    """What every `from_pretrained` is told."""
    return {
        "revision": revision,
        "trust_remote_code": trust_remote_code,
        "local_files_only": use_cache_only(source),
    }


def _load(
    source: str,
    *,
    config: Any,  # noqa: ANN401 (a transformers PretrainedConfig)
    task: str,
    outputs: Sequence[str],
    options: dict[str, Any],
) -> tuple[Pretrained, LoadReport]:
    """Network and tokenizer, which fit each other, and what the checkpoint lacks.

    Weights of the wrong shape are random first and refused afterwards, with a message of ours.
    """
    config.id2label = dict(enumerate(outputs))
    config.label2id = {name: number for number, name in enumerate(outputs)}
    head = getattr(transformers, HEADS[task])
    with quiet_transformers(), _explained(source):
        network, info = head.from_pretrained(
            source,
            config=config,
            output_loading_info=True,
            ignore_mismatched_sizes=True,
            dtype="float32",
            **options,
        )
        tokenizer = from_transformers(transformers.AutoTokenizer.from_pretrained(source, **options))
    report = read_report(info, network)
    check_encoder(report, network, source=source)
    check_tokenizer(tokenizer, network, source=source)
    notes = describe_fit(tokenizer, network)
    use_cache = getattr(network.config, "use_cache", None)
    return Pretrained(network, tokenizer, notes=notes, use_cache=use_cache), report


@dataclass(frozen=True)
class Head:
    """What a checkpoint's config says of its head: classes of the network, names of the outputs."""

    architectures: tuple[str, ...]
    outputs: tuple[str, ...]


def read_head(source: str, *, trust_remote_code: bool = False) -> Head:
    """The head that a checkpoint's config names.

    Raises:
        ModelError: no such model.
    """
    options = _options(source, None, trust_remote_code=trust_remote_code)
    with quiet_transformers(), _explained(source):
        config = transformers.AutoConfig.from_pretrained(source, **options)
    names = config.id2label or {}
    return Head(
        architectures=tuple(config.architectures or ()),
        outputs=tuple(str(names[number]) for number in sorted(names)),
    )


def load_settings(source: str) -> ModelSettings | None:
    """The spanfit.json of a model folder, or of a hub id; None where it has none.

    Raises:
        ModelError: it is there, but is not what this version writes.
    """
    file = _find_file(source, FILE_NAME)
    return None if file is None else read_settings(file.parent)


def _find_file(source: str, name: str, *, revision: str | None = None) -> Path | None:
    """A file of a folder, or of a hub id as far as it can be reached."""
    try:
        found = cached_file(
            source,
            name,
            revision=revision,
            local_files_only=use_cache_only(source),
            _raise_exceptions_for_missing_entries=False,
            _raise_exceptions_for_connection_errors=False,
            _raise_exceptions_for_gated_repo=False,
        )
    except (OSError, ValueError):  # no such repository: loading the model will say so
        return None
    return None if found is None else Path(found)


def tokenizer_warnings(source: str, *, revision: str | None = None) -> list[str]:
    """How the two readings of a foreign folder's tokenizer differ (transformers 5 rebuilds it)."""
    if source == "quickstart":
        source = str(encoder_folder())
    with quiet_transformers():
        file = _find_file(source, "tokenizer.json", revision=revision)
        return [] if file is None else list(compare_readings(file.parent))


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
    except SpanFitError:
        raise
    except Exception as error:  # transformers and safetensors raise a dozen kinds
        if "trust_remote_code=True" in str(error):
            raise _untrusted(source) from error
        if use_cache_only(source):
            raise _nowhere(source) from error
        first_line = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise ModelError(
            f"this model cannot be loaded: {first_line}",
            where=source,
            expected="a folder with config.json, weights and tokenizer, or a hub id",
            fix="spanfit quickstart, to see a model of its own without a network",
        ) from error


def _untrusted(source: str) -> ModelError:
    """The model comes with Python code, which nobody has allowed to run."""
    return ModelError(
        "this model is computed by Python code of its own, which runs only where you say so",
        where=source,
        expected="an architecture that transformers has, or your trust in that code: read it first",
        fix="--trust-remote-code; in a recipe model.trust_remote_code = true, in Python "
        "spanfit.load(…, trust_remote_code=True)",
    )


def _nowhere(source: str) -> ModelError:
    """Neither a folder nor in the cache, and the hub cannot be asked."""
    folder = Path(source).parent
    folder = folder if folder.is_dir() else Path()
    near = sorted(path.name for path in folder.glob("*") if path.is_dir())
    close = difflib.get_close_matches(Path(source).name, near, n=1)
    return ModelError(
        "this model cannot be loaded: there is no such folder, and the hub cannot be reached",
        where=source,
        expected="a run folder or a model folder, or a hub id with a network (or in the hub's "
        "cache; HF_HUB_OFFLINE must not be set to reach the hub)",
        found=f"in {folder.resolve()}: {', '.join(near[-5:]) or 'no folder'}",
        fix=str(folder / close[0])
        if close
        else "spanfit quickstart, to see a model of its own without a network",
    )
