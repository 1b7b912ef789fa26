"""Does a checkpoint fit: its tokenizer, its head, its positions? Asked before anything is computed.

Each of these would go unnoticed, or fail in the middle with a message of somebody else: ids beyond
the embeddings, a head of random weights, a tokenizer of which nothing but special tokens was found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from spanfit.backends.heads import Head
from spanfit.backends.inputs import count_types, takes_type_ids
from spanfit.backends.positions import position_padding
from spanfit.errors import ModelError
from spanfit.tokenizer import Tokenizer

_LISTED = 4  # names that a message shows


@dataclass(frozen=True)
class LoadReport:
    """What transformers could not take from a checkpoint, by the names of the weights.

    `missing` were not there, and `misshapen` have another shape in the checkpoint (as a text); both
    are random now. Those of the head and those of the encoder are kept apart.
    """

    missing_head: tuple[str, ...] = ()
    missing_encoder: tuple[str, ...] = ()
    misshapen_head: tuple[str, ...] = ()
    misshapen_encoder: tuple[str, ...] = ()

    @property
    def random(self) -> tuple[str, ...]:
        """Everything that is random now."""
        return (
            *self.missing_head,
            *self.misshapen_head,
            *self.missing_encoder,
            *self.misshapen_encoder,
        )


def read_report(info: dict[str, Any], network: Any) -> LoadReport:  # noqa: ANN401 (of transformers)
    """The `output_loading_info` of `from_pretrained` for this network."""
    prefix = f"{network.base_model_prefix}."
    shapes = {
        name: f"{name} {tuple(found)}, not {tuple(wanted)}"
        for name, found, wanted in sorted(info["mismatched_keys"])
    }
    missing = sorted(set(info["missing_keys"]) - set(shapes))
    return LoadReport(
        missing_head=tuple(name for name in missing if not name.startswith(prefix)),
        missing_encoder=tuple(name for name in missing if name.startswith(prefix)),
        misshapen_head=tuple(text for n, text in shapes.items() if not n.startswith(prefix)),
        misshapen_encoder=tuple(text for n, text in shapes.items() if n.startswith(prefix)),
    )


def check_encoder(report: LoadReport, network: Any, *, source: str) -> None:  # noqa: ANN401
    """Refuse a checkpoint whose encoder is not the one of its config.

    Raises:
        ModelError: weights of the encoder have another shape, or most of them are not there.
    """
    if report.misshapen_encoder:
        raise ModelError(
            "the weights of this checkpoint do not have the shapes of its config.json",
            where=source,
            expected="both from one model",
            found=_shorten(report.misshapen_encoder),
            fix=f"the config.json that the weights in {source} were saved with",
        )
    n_encoder = sum(1 for _ in network.base_model.parameters())
    if 2 * len(report.missing_encoder) > n_encoder:
        raise ModelError(
            "this checkpoint does not hold the encoder of its config.json",
            where=source,
            expected=f"the weights of {type(network.base_model).__name__}",
            found=f"{len(report.missing_encoder)} of {n_encoder} missing: "
            f"{_shorten(report.missing_encoder)}",
            fix=f"the weights that the config.json in {source} was saved with",
        )


def check_head(
    report: LoadReport,
    *,
    head: Head,
    outputs: Sequence[str],
    source: str,
    architectures: Sequence[str] | None,
) -> None:
    """Refuse to predict with weights that were never trained.

    `architectures` is what the checkpoint's config says that it is.

    Raises:
        ModelError: the head has another number of outputs, or it, or something else, is random.
    """
    kind = ", ".join(architectures or ()) or "an encoder without a head"
    fix = f"spanfit init DATA --model {source} > recipe.toml, to train it"
    if report.misshapen_head:
        raise ModelError(
            "the head of this checkpoint has another number of outputs",
            where=source,
            expected=f"{len(outputs)} outputs for each token: {_shorten(outputs)}",
            found=f"{_shorten(report.misshapen_head)} ({kind})",
            fix=fix,
        )
    if report.missing_head or report.missing_encoder:
        name = head.kind.removeprefix("For")
        raise ModelError(
            "this checkpoint was not trained for the task: its answers would be random",
            where=source,
            expected=f"the weights of a {name} head"
            + (f" with the outputs {' and '.join(outputs)}" if head.is_borrowed else "")
            + f": {_shorten(report.random)}",
            found=kind,
            fix=fix,
        )


def check_outputs(told: str, *, outputs: Sequence[str], source: str) -> None:
    """Refuse to take a head that was trained for `told` for one of `outputs`; "": it was not.

    Raises:
        ModelError: the outputs of the checkpoint have other names.
    """
    if told:
        raise ModelError(
            "this checkpoint was trained to say something else of each token",
            where=f"id2label in {source}/config.json",
            expected=f"the outputs {' and '.join(outputs)}",
            found=told,
            fix=f"spanfit init DATA --model {source} > recipe.toml, to train it",
        )


def describe_random(report: LoadReport) -> tuple[str, ...]:
    """What somebody who trains this should know of it."""
    if report.misshapen_head:
        return (f"its head has another shape and starts anew: {_shorten(report.misshapen_head)}",)
    return (f"newly initialised: {_shorten(report.random)}",) if report.random else ()


def check_tokenizer(tokenizer: Tokenizer, network: Any, *, source: str) -> None:  # noqa: ANN401
    """Refuse a tokenizer that cannot be the model's.

    Raises:
        ModelError: it has nothing but special tokens (no tokenizer file was found), ids beyond the
            embeddings, no pad token or another one than the model counts positions by, token types
            that the model has not, or it puts no special token around texts, so that nothing can
            stand for "no answer".
    """
    added = tokenizer.backend.get_added_tokens_decoder()
    n_pieces = tokenizer.backend.get_vocab_size(with_added_tokens=True)
    if n_pieces <= len(added):
        raise ModelError(
            "no tokenizer here",
            where=source,
            expected="tokenizer.json, or the vocabulary that it can be made of",
            found=f"nothing but the {n_pieces} special tokens of the model's kind",
            fix=f"cp ENCODER/tokenizer*.json {source}, from the encoder that it was trained from",
        )
    n_embeddings = _count_embeddings(network)
    if n_embeddings is not None and tokenizer.highest_id >= n_embeddings:
        raise ModelError(
            "the tokenizer does not belong to this model: it has more pieces than the model has "
            "embeddings",
            where=source,
            expected=f"ids up to {n_embeddings - 1:,}",
            found=f"{n_pieces:,} pieces with ids up to {tokenizer.highest_id:,}",
            fix="the tokenizer files of the model that the weights are from",
        )
    _check_padding(tokenizer, network, source=source)
    _check_types(tokenizer, network, source=source)
    if tokenizer.template.null is None:
        raise ModelError(
            "this tokenizer puts no special token around two texts, so none can say 'no answer'",
            where=source,
            expected='a template in tokenizer.json, such as "[CLS] question [SEP] text [SEP]"',
            found="none in what the tokenizer makes of two texts",
            fix="the tokenizer files of an encoder, such as bert-base-cased",
        )


def _count_embeddings(network: Any) -> int | None:  # noqa: ANN401
    """The rows of the embeddings; None where there is no such table (CANINE hashes characters)."""
    try:
        return len(network.get_input_embeddings().weight)
    except (NotImplementedError, AttributeError):
        return None


def describe_fit(tokenizer: Tokenizer, network: Any) -> tuple[str, ...]:  # noqa: ANN401
    """A tokenizer with far too few pieces is another model's too, though nothing will fail."""
    n_embeddings = _count_embeddings(network)
    n_pieces = tokenizer.backend.get_vocab_size(with_added_tokens=True)
    if n_embeddings is None or 2 * n_pieces >= n_embeddings:
        return ()
    return (
        f"the tokenizer has {n_pieces:,} pieces for {n_embeddings:,} embeddings: is it this "
        "model's?",
    )


def _check_padding(tokenizer: Tokenizer, network: Any, *, source: str) -> None:  # noqa: ANN401
    """Shorter windows of a batch are filled up, and RoBERTa's kind counts positions by what fills.

    Raises:
        ModelError: there is no pad token, or not the model's.
    """
    name = dict(tokenizer.config.names).get("pad_token")
    if name is None:
        raise ModelError(
            "the tokenizer has no pad token to fill up shorter windows with",
            where=source,
            expected='"pad_token" in tokenizer_config.json',
            found=", ".join(role for role, _ in tokenizer.config.names) or "no special token named",
            fix=f'add "pad_token": "[PAD]", or what is its name, to {source}/tokenizer_config.json',
        )
    padding_idx = position_padding(network)
    if padding_idx is not None and tokenizer.pad_id != padding_idx:
        raise ModelError(
            "the tokenizer does not belong to this model: it pads with another token",
            where=source,
            expected=f"the id {padding_idx}, by which the model counts positions",
            found=f"{name!r}, id {tokenizer.pad_id}",
            fix="the tokenizer files of the model that the weights are from",
        )


def _check_types(tokenizer: Tokenizer, network: Any, *, source: str) -> None:  # noqa: ANN401
    """A type beyond the model's types would fail in the middle of its embeddings.

    Raises:
        ModelError: the tokenizer's template gives such a type, and the network would see it.
    """
    n_types = count_types(network)
    highest = tokenizer.template.highest_type
    if not (tokenizer.has_type_ids and takes_type_ids(network)) or n_types is None:
        return
    if highest >= n_types:
        raise ModelError(
            "the tokenizer does not belong to this model: it has more token types",
            where=source,
            expected=f"token types up to {n_types - 1} (type_vocab_size in config.json)",
            found=f"{highest}, in the template of two texts",
            fix="the tokenizer files of the model that the weights are from",
        )


def _shorten(names: Sequence[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more
