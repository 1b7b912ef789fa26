"""How long a network's input may be, and by what its positions are counted: asked of its modules.

- a learned table (BERT): its rows;
- one that is counted from padding_idx + 1 (RoBERTa's kind): its rows without those up to there;
- one with rows to spare (BART: two): never more than max_position_embeddings;
- rotary and relative positions (T5, XLNet): no limit; what the config names is worth a note.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import Module

from spanfit.errors import ModelError

TABLES = {"position_embeddings", "char_position_embeddings", "wpe", "embed_positions"}
"""What transformers calls a table of positions, last part of the module's name."""


def max_positions(network: Module) -> int | None:
    """The longest input that the network's position embeddings allow; None without any.

    Families that count positions from padding_idx + 1 (RoBERTa) lose those places; others have
    rows to spare (BART, Nystromformer: two), which the config's number leaves out.
    """
    table = _find_table(network)
    if table is None:
        return None
    padding_idx = getattr(table, "padding_idx", None)
    unused = 0 if padding_idx is None else padding_idx + 1
    limit = len(table.get_parameter("weight")) - unused
    told = _told_positions(network)
    return limit if told is None else min(limit, told)


def position_padding(network: Module) -> int | None:
    """The id that positions are counted around (RoBERTa's kind), if there is one."""
    index: int | None = getattr(_find_table(network), "padding_idx", None)
    return index


def check_length(network: Module, max_length: int) -> None:
    """Refuse windows that are longer than the network's positions.

    Raises:
        ModelError: `max_length` tokens do not fit.
    """
    limit = max_positions(network)
    if limit is not None and max_length > limit:
        raise ModelError(
            "windows are longer than the encoder's positions",
            expected=f"windows.max_length of at most {limit} tokens",
            found=str(max_length),
            fix=f"--set windows.max_length={limit}",
        )


def describe_positions(network: Module, max_length: int) -> tuple[str, ...]:
    """What to know of windows longer than the network was made for, where nothing would fail.

    Rotary and relative positions have no table that ends, only a number in the config.
    """
    told = _told_positions(network)
    if max_positions(network) is not None or told is None or max_length <= told:
        return ()
    return (
        f"windows of {max_length:,} tokens are longer than the {told:,} that this encoder's config "
        "names; its kind of positions computes them, but hardly as well",
    )


def _find_table(network: Module) -> Module | None:
    """The first table of positions, (rows, width); the encoder's, where a decoder has one too."""
    for name, module in network.named_modules():
        weight = getattr(module, "weight", None)
        is_table = isinstance(weight, Tensor) and weight.dim() == 2
        if is_table and name.rsplit(".", 1)[-1] in TABLES:
            return module  # type: ignore[no-any-return]
    return None


def _told_positions(network: Module) -> int | None:
    """`max_position_embeddings` of the config; XLNet, which has no limit, says -1."""
    told = getattr(getattr(network, "config", None), "max_position_embeddings", None)
    return told if isinstance(told, int) and told > 0 else None
