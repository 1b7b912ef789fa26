"""What learns, and how fast: frozen layers, learning rates by depth, AdamW and its schedule.

    embeddings ─▶ layer 1 ─▶ … ─▶ layer L ─▶ what stands above: pooler, last norm, head
    lr·d^(L+1)    lr·d^L          lr·d       lr               d = optimizer.layer_decay

Each part learns d times as fast as the one above it, which is the rule of ULMFiT (Howard and Ruder,
2018). ELECTRA's code leaves one more step below the head, so its encoder learns d times slower
than here. The layers are found by the network's structure, never by a model's name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import torch
from torch.nn import Embedding, Module, ModuleList, Parameter
from transformers import get_scheduler

from spanfit.errors import ModelError, RecipeError
from spanfit.recipe import ModelSection, OptimizerSection, Recipe

SCHEDULES = {"linear": "linear", "cosine": "cosine", "constant": "constant_with_warmup"}
"""The recipe's schedules by the names that transformers gives them."""


@dataclass(frozen=True, eq=False)
class Stack:
    """The weights of a network by their distance from the input; each weight stands once."""

    embeddings: tuple[Parameter, ...]
    layers: tuple[tuple[Parameter, ...], ...]
    """From the lowest, which reads the embeddings, to the highest."""
    above: tuple[Parameter, ...]

    @property
    def from_above(self) -> tuple[tuple[Parameter, ...], ...]:
        """L + 2 parts: what stands above the layers, the layers downwards, the embeddings."""
        return (self.above, *reversed(self.layers), self.embeddings)


def find_stack(network: Any, *, option: str) -> Stack:  # noqa: ANN401 (a PreTrainedModel)
    """The embeddings, layers and rest of a network; `option` is the recipe key that asks.

    The layers are the list of as many modules as the config counts layers; where several such
    lists stand side by side (XLM: attentions, norms, …), their i-th entries are one layer. The
    embeddings are all that the encoder registers before them, and embedding tables elsewhere
    (relative positions, which every layer reads).

    Raises:
        ModelError: there is no such list (ALBERT's layers share their weights), or there are
            several in different places (an encoder and a decoder).
    """
    layers = find_layers(network, option)
    depth: dict[int, int] = {}
    for number, modules in enumerate(layers):
        for module in modules:
            for weight in module.parameters():
                depth.setdefault(id(weight), number)
    base = network.base_model
    before = takewhile(lambda weight: id(weight) not in depth, base.parameters())
    tables = (module for module in base.modules() if isinstance(module, Embedding))
    embeddings = {id(weight) for weight in before}
    embeddings |= {
        id(w) for table in (*tables, network.get_input_embeddings()) for w in _own(table)
    }
    embeddings -= depth.keys()
    parts: list[list[Parameter]] = [[] for _ in range(len(layers) + 2)]
    for weight in network.parameters():
        is_embedding = id(weight) in embeddings
        parts[0 if is_embedding else depth.get(id(weight), len(layers)) + 1].append(weight)
    lowest, *middle, highest = (tuple(part) for part in parts)
    return Stack(embeddings=lowest, layers=tuple(middle), above=highest)


def find_layers(network: Any, option: str) -> list[tuple[Module, ...]]:  # noqa: ANN401
    """The modules of each layer, from the lowest; `option` is the recipe key that asks.

    Raises:
        ModelError: see `find_stack`.
    """
    n_layers = getattr(network.config, "num_hidden_layers", None)
    lists = {
        name: module
        for name, module in network.base_model.named_modules()
        if isinstance(module, ModuleList)
    }
    outer = {
        name: module
        for name, module in lists.items()
        if len(module) == n_layers and not any(name.startswith(f"{other}.") for other in lists)
    }
    if len({name.rpartition(".")[0] for name in outer}) == 1:
        return list(zip(*outer.values(), strict=True))
    found = ", ".join(f"{name} of {len(module)}" for name, module in lists.items())
    raise ModelError(
        f"{option} needs to know this network's layers, and they cannot be told from each other",
        where=network.config.model_type,
        expected=f"one list of {n_layers} modules, as the config counts layers",
        found=found or "no list of modules",
        fix=f"leave out {option}",
    )


def _own(module: Module) -> Iterator[Parameter]:
    return module.parameters(recurse=False)


def set_up_learning(network: Any, recipe: Recipe) -> None:  # noqa: ANN401 (a PreTrainedModel)
    """Freeze and checkpoint what the recipe says, and refuse what this network cannot do.

    Raises:
        ModelError: its layers cannot be found, or it has no gradient checkpointing.
        RecipeError: it has fewer layers than are to be frozen.
    """
    if recipe.model.frozen_layers is not None:
        freeze(network, recipe.model.frozen_layers)
    if recipe.model.gradient_checkpointing:
        checkpoint_gradients(network)
    if recipe.optimizer.layer_decay < 1:
        find_stack(network, option="optimizer.layer_decay")  # before the data become windows


def freeze(network: Any, n_layers: int) -> None:  # noqa: ANN401 (a PreTrainedModel)
    """Exempt the embeddings and the lowest `n_layers` layers from learning.

    Raises:
        ModelError: the layers cannot be found.
        RecipeError: there are fewer.
    """
    stack = find_stack(network, option="model.frozen_layers")
    if n_layers > len(stack.layers):
        raise RecipeError(
            "model.frozen_layers is more than this encoder has",
            expected=f"0 (the embeddings alone) to {len(stack.layers)}",
            found=str(n_layers),
            fix=f"--set model.frozen_layers={len(stack.layers) // 2}",
        )
    for part in (stack.embeddings, *stack.layers[:n_layers]):
        for weight in part:
            weight.requires_grad_(False)


def checkpoint_gradients(network: Any) -> None:  # noqa: ANN401 (a PreTrainedModel)
    """Keep only each layer's input for the backward pass, and compute the rest again there.

    Raises:
        ModelError: transformers cannot do that for this architecture.
    """
    if not network.supports_gradient_checkpointing:
        raise ModelError(
            "this architecture has no gradient checkpointing in transformers",
            where=network.config.model_type,
            fix="--set model.gradient_checkpointing=false, and a smaller batch.max_tokens",
        )
    newest = getattr(network, "activation_checkpointing_enable", None)
    enable = newest or network.gradient_checkpointing_enable  # its name in earlier versions
    enable({"use_reentrant": False})
    if getattr(network.config, "use_cache", False):
        network.config.use_cache = False  # for generating; transformers would warn and do the same
    # transformers makes the embeddings' output ask for a gradient, which only the re-entrant kind
    # needs; with frozen layers it would send the gradient all the way down for nothing.
    network.disable_input_require_grads()


def describe_learning(network: Any, model: ModelSection) -> str:  # noqa: ANN401
    """One line: how many parameters learn, and which do not."""
    every = sum(weight.numel() for weight in network.parameters())
    learning = sum(weight.numel() for weight in network.parameters() if weight.requires_grad)
    line = f"parameters: {learning:,} of {every:,} learn"
    if model.frozen_layers is not None:
        n_layers = network.config.num_hidden_layers
        line += f"; frozen: the embeddings and {model.frozen_layers} of {n_layers} layers"
    return line + (", gradients are checkpointed" if model.gradient_checkpointing else "")


def make_optimizer(network: Module, settings: OptimizerSection) -> torch.optim.AdamW:
    """Fused AdamW; weight decay on matrices only, not on biases and norms (vectors).

    The groups begin with the highest learning rate, that of the head.

    Raises:
        ModelError: a layer decay is wanted and the layers cannot be found.
    """
    parts: tuple[tuple[Parameter, ...], ...] = (tuple(network.parameters()),)
    if settings.layer_decay < 1:
        parts = find_stack(network, option="optimizer.layer_decay").from_above
    groups: list[dict[str, Any]] = []
    for steps_down, part in enumerate(parts):
        rate = settings.learning_rate * settings.layer_decay**steps_down
        learning = [weight for weight in part if weight.requires_grad]
        matrices = [weight for weight in learning if weight.ndim >= 2]
        vectors = [weight for weight in learning if weight.ndim < 2]
        for weights, decay in ((matrices, settings.weight_decay), (vectors, 0.0)):
            if weights:
                groups.append({"params": weights, "lr": rate, "weight_decay": decay})
    return torch.optim.AdamW(groups, lr=settings.learning_rate, fused=True)


def make_schedule(
    optimizer: torch.optim.Optimizer, settings: OptimizerSection, *, steps: int, warmup_steps: int
) -> torch.optim.lr_scheduler.LRScheduler:
    """The course of every group's learning rate: a warm-up from 0, then as the recipe says."""
    schedule: torch.optim.lr_scheduler.LRScheduler = get_scheduler(
        SCHEDULES[settings.schedule],
        optimizer,
        num_warmup_steps=warmup_steps,
        num_training_steps=steps,
    )
    return schedule
