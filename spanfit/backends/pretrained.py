"""Encoders from a folder or the hub, with the head of a task, and their tokenizers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import transformers
from transformers.utils import cached_file

from spanfit.backends.checks import (
    LoadReport,
    check_encoder,
    check_head,
    check_outputs,
    check_tokenizer,
    describe_fit,
    describe_random,
    read_report,
)
from spanfit.backends.heads import (
    Head,
    describe_outputs,
    find_task,
    read_outputs,
    require_head,
)
from spanfit.backends.messages import explained, quiet_transformers
from spanfit.backends.positions import check_length, describe_positions
from spanfit.backends.probing import probe
from spanfit.backends.weights import WEIGHTS, Held, bounded, check_finite, read_held
from spanfit.errors import ModelError
from spanfit.hub import use_cache_only
from spanfit.model_files import CONFIG, check_folder
from spanfit.model_requests import check_config, check_tokenizer_files
from spanfit.quickstart import encoder_folder
from spanfit.recipe import ModelSection
from spanfit.settings import FILE_NAME, ModelSettings, read_settings
from spanfit.tasks import TASKS
from spanfit.tokenizer import Tokenizer
from spanfit.tokenizer_comparison import compare_readings
from spanfit.tokenizer_opening import from_transformers

HIDDEN_DROPOUTS = (
    "hidden_dropout_prob",
    "hidden_dropout",
    "dropout",
    "dropout_rate",
    "embedding_dropout",
    "mlp_dropout",
)
ATTENTION_DROPOUTS = ("attention_probs_dropout_prob", "attention_dropout")


@dataclass(frozen=True)
class Pretrained:
    """A network with its head's class and its tokenizer, and what its user should know of them.

    `use_cache` is what the checkpoint's config says, if it does; gradient checkpointing turns it
    off while it trains. `sees_padding`: what it says of a window depends on how far that is filled
    up.
    """

    network: Any  # a transformers PreTrainedModel
    head: Head
    tokenizer: Tokenizer
    notes: tuple[str, ...] = ()
    use_cache: bool | None = None
    sees_padding: bool = False

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
    config, of_config = _open_config(source, options)
    _set_dropout(config, HIDDEN_DROPOUTS, model.hidden_dropout)
    _set_dropout(config, ATTENTION_DROPOUTS, model.attention_dropout)
    head = require_head(config, task, source=source)
    told = describe_outputs(head, config, outputs)
    loaded, report = _load(
        source, config=config, head=head, task=task, outputs=outputs, options=options
    )
    loaded = replace(loaded, tokenizer=loaded.tokenizer.segmented(model.segmenter))
    check_length(loaded.network, max_length)
    positions = describe_positions(loaded.network, max_length)
    random = describe_random(report)
    other = (f"its head begins with weights that were trained for {told}",) if told else ()
    notes = (*of_config, *(random or other), *loaded.notes, *positions)
    return replace(loaded, notes=notes)


def load_trained(
    source: str,
    *,
    task: str,
    outputs: Sequence[str],
    segmenter: str = "none",
    trust_remote_code: bool = False,
) -> Pretrained:
    """A fine-tuned model to predict with; its head, with these outputs, must be in the checkpoint.

    `segmenter` names what cuts words before its tokenizer, as spanfit.json says. How long its
    windows may be is for the caller to check (`spanfit.backends.positions.max_positions`).

    Raises:
        ModelError: no such model, or one that does not fit the task or the tokenizer; its head is
            not in the checkpoint, or has other outputs.
    """
    options = _options(source, None, trust_remote_code=trust_remote_code)
    config, of_config = _open_config(source, options)
    architectures = config.architectures
    head = require_head(config, task, source=source, trained_as=architectures)
    told = describe_outputs(head, config, outputs)
    loaded, report = _load(
        source, config=config, head=head, task=task, outputs=outputs, options=options
    )
    check_head(report, head=head, outputs=outputs, source=source, architectures=architectures)
    check_outputs(told, outputs=outputs, source=source)
    tokenizer = loaded.tokenizer.segmented(segmenter)
    return replace(loaded, tokenizer=tokenizer, notes=(*of_config, *loaded.notes))


def _open_config(source: str, options: dict[str, Any]) -> tuple[Any, tuple[str, ...]]:
    """The config of a model whose files look like one's, and notes on what it asks for.

    Raises:
        ModelError: no such model, or its files or its config cannot be a model's.
    """
    notes: tuple[str, ...] = ()
    if (file := _find_file(source, CONFIG, revision=options["revision"])) is not None:
        check_folder(file.parent)
        notes = check_config(file.parent, trust_remote_code=options["trust_remote_code"])
    with quiet_transformers(), explained(source):
        return transformers.AutoConfig.from_pretrained(source, **options), notes


def _read_held(source: str, *, revision: str | None) -> Held | None:
    """What the weights of a model hold; None where they are of the hub and in several files.

    Raises:
        ModelError: there are none that can be read.
    """
    if Path(source).is_dir():
        return read_held(Path(source))
    file = _find_file(source, WEIGHTS, revision=revision)
    return None if file is None else read_held(file.parent)


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
    head: Head,
    task: str,
    outputs: Sequence[str],
    options: dict[str, Any],
) -> tuple[Pretrained, LoadReport]:
    """Network and tokenizer, which fit each other, and what the checkpoint lacks.

    Weights of the wrong shape are random first and refused afterwards, with a message of ours.
    """
    config.id2label = dict(enumerate(outputs))
    config.label2id = {name: number for number, name in enumerate(outputs)}
    held = _read_held(source, revision=options["revision"])
    limit = nullcontext() if held is None else bounded(held, source=source)
    with quiet_transformers(), explained(source), limit:
        network, info = head.load(
            source,
            config=config,
            output_loading_info=True,
            ignore_mismatched_sizes=True,
            use_safetensors=True,
            dtype="float32",
            **options,
        )
    check_finite(network, source=source)
    tokenizer = _open_tokenizer(source, options)
    head = replace(head, name=type(network).__name__)  # of Python code of its own, too
    report = read_report(info, network)
    check_encoder(report, network, source=source)
    check_tokenizer(tokenizer, network, source=source)
    sees_padding = probe(network, tokenizer, task=task, outputs=len(outputs), source=source)
    notes = describe_fit(tokenizer, network)
    use_cache = getattr(network.config, "use_cache", None)
    loaded = Pretrained(
        network, head, tokenizer, notes=notes, use_cache=use_cache, sees_padding=sees_padding
    )
    return loaded, report


def _open_tokenizer(source: str, options: dict[str, Any]) -> Tokenizer:
    """The tokenizer of a model, as transformers reads its folder.

    Raises:
        ModelError: its files cannot be a tokenizer's, or it cannot be opened.
    """
    if (file := _find_file(source, "tokenizer.json", revision=options["revision"])) is not None:
        check_folder(file.parent)  # of the hub: fetched by now
    if Path(source).is_dir():
        check_tokenizer_files(source, trust_remote_code=options["trust_remote_code"])
    with quiet_transformers(), explained(source):
        return from_transformers(transformers.AutoTokenizer.from_pretrained(source, **options))


def assume_settings(source: str, *, trust_remote_code: bool = False) -> ModelSettings:
    """What is assumed of a model without spanfit.json, from what its config says of its head.

    Raises:
        ModelError: no such model.
    """
    options = _options(source, None, trust_remote_code=trust_remote_code)
    config, _ = _open_config(source, options)
    task = TASKS[find_task(config, default=ModelSettings().task)]
    return task.assume(read_outputs(config))


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
