"""What a recipe may say: its nine parts, each key with its default, its range and its meaning.

Every key carries its description, which `spanfit init` writes beside it and docs/recipe.md lists.
"""

from __future__ import annotations

from typing import Literal

import tomli_w
from pydantic import BaseModel, ConfigDict, Field

Files = str | list[str]
"""One data file or several."""
MAX_SEED = 2**32 - 1  # NumPy's


class Section(BaseModel):
    """One part of a recipe: frozen, without unknown keys, and nothing read as another type."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, protected_namespaces=()
    )


class TaskSection(Section):
    """What is learnt, and by which loss."""

    name: Literal["qa"] = Field("qa", description="qa: point at the answer to a question")
    answers: Literal["first", "all"] = Field(
        "first", description="golds learnt of a question: the first, or all (marginal likelihood)"
    )
    label_smoothing: float = Field(
        0.0, ge=0, lt=1, description="share of the target spread evenly over context and null"
    )
    null_share: float | None = Field(
        None, gt=0, lt=1, description="share of the weight of windows without answer; unset: as is"
    )


class DataSection(Section):
    """The examples."""

    train: Files = Field(
        "", description='what is learnt from: a file, hub:ORG/NAME:SPLIT, or a list: ["a", "b"]'
    )
    validation: Files | None = Field(
        None, description="file or files that are only scored, never learnt from"
    )
    calibration: Files | None = Field(
        None, description="the same for threshold and best epoch; else a share of train is held out"
    )
    calibration_share: float = Field(
        0.1, ge=0, lt=1, description="share of train (by title, else by context) held out for that"
    )
    bad_answers: Literal["fail", "drop", "relocate"] = Field(
        "fail", description="answers that are not at their offset: fail, drop, or relocate"
    )
    max_examples: int | None = Field(
        None, ge=1, description="at most so many examples of train, before the share is held out"
    )
    synthetic_unanswerable: float = Field(
        0.0,
        ge=0,
        le=1,
        description="share of answerable questions asked again of another paragraph of the title",
    )
    seed: int = Field(0, ge=0, le=MAX_SEED, description="seed of whatever is drawn from the data")


class ModelSection(Section):
    """The encoder."""

    name: str = Field(
        "quickstart", description="folder, hub id, or quickstart (the encoder of that extra)"
    )
    revision: str | None = Field(None, description="branch, tag or commit of a hub id")
    trust_remote_code: bool = Field(False, description="run Python code that comes with a hub id")
    hidden_dropout: float | None = Field(
        None, ge=0, lt=1, description="probability; unset: as the checkpoint has it"
    )
    attention_dropout: float | None = Field(
        None, ge=0, lt=1, description="probability; unset: as the checkpoint has it"
    )
    frozen_layers: int | None = Field(
        None,
        ge=0,
        description="embeddings and so many of the lowest layers do not learn; unset: all do",
    )
    gradient_checkpointing: bool = Field(
        False, description="less memory, more time: activations are computed again for gradients"
    )


class WindowsSection(Section):
    """How a long text is cut into model inputs."""

    max_length: int = Field(384, ge=8, description="tokens of a window, special tokens included")
    overlap: int = Field(128, ge=0, description="tokens that two neighbouring windows share")


class OptimizerSection(Section):
    """AdamW (no decay on biases and norms) and its schedule."""

    learning_rate: float = Field(3e-5, gt=0, description="highest learning rate, after the warm-up")
    layer_decay: float = Field(
        1.0,
        gt=0,
        le=1,
        description="learning rate of each layer over that of what stands above it; 1: the same",
    )
    weight_decay: float = Field(0.01, ge=0, description="decoupled weight decay")
    schedule: Literal["linear", "cosine", "constant"] = Field(
        "linear", description="course of the learning rate after the warm-up"
    )
    warmup_ratio: float = Field(0.1, ge=0, lt=1, description="share of all steps that warm up")
    max_gradient_norm: float = Field(1.0, gt=0, description="gradients are clipped to this norm")


class BatchSection(Section):
    """How much is computed at once."""

    windows_per_step: int = Field(
        32, ge=1, description="windows of one optimizer step, over all devices (effective batch)"
    )
    max_tokens: int | None = Field(
        None,
        ge=8,
        description="padded tokens of a micro-batch, of which a step accumulates several; unset: "
        "what suits the device",
    )
    max_prediction_tokens: int | None = Field(
        None,
        ge=8,
        description="padded tokens of a batch without gradients; unset: what suits the device",
    )


class RunSection(Section):
    """The course of the training."""

    epochs: int = Field(2, ge=1, description="passes over the training windows")
    max_steps: int | None = Field(None, ge=1, description="stop after so many optimizer steps")
    seed: int = Field(0, ge=0, le=MAX_SEED, description="seed of weights, order and dropout")
    device: Literal["auto", "cpu", "cuda", "mps"] = Field("auto", description="where it runs")
    precision: Literal["auto", "fp32", "bf16", "fp16"] = Field(
        "auto", description="auto: bf16 on a GPU that has it, else fp32"
    )
    threads: int | None = Field(None, ge=1, description="CPU threads; unset: one per physical core")
    log_every_steps: int = Field(10, ge=1, description="steps between two lines of metrics.jsonl")
    max_checkpoints: int = Field(2, ge=1, description="checkpoints kept: the newest, and the best")


class SelectionSection(Section):
    """Which epoch becomes the model."""

    metric: Literal["f1", "exact", "eval_loss"] = Field(
        "f1", description="what makes an epoch best"
    )
    on: Literal["calibration", "validation"] = Field(
        "calibration", description="the part it is measured on; validation marks every score"
    )
    patience_epochs: int | None = Field(
        None, ge=1, description="stop after so many epochs without a better one; unset: never"
    )
    null_threshold: float | None = Field(
        None, description="null odds above which there is no answer; unset: fitted on calibration"
    )


class DecodeSection(Section):
    """How answers are read from the logits."""

    n_best: int = Field(
        20, ge=1, le=1000, description="candidates kept per window and per question"
    )
    max_answer_tokens: int = Field(30, ge=1, description="tokens of the longest answer")


class Recipe(Section):
    """Everything that decides what a training does."""

    task: TaskSection = TaskSection()
    data: DataSection = DataSection()
    model: ModelSection = ModelSection()
    windows: WindowsSection = WindowsSection()
    optimizer: OptimizerSection = OptimizerSection()
    batch: BatchSection = BatchSection()
    run: RunSection = RunSection()
    selection: SelectionSection = SelectionSection()
    decode: DecodeSection = DecodeSection()

    def to_toml(self) -> str:
        """The recipe as TOML, every key with its value; unset keys are left out."""
        return tomli_w.dumps(self.model_dump(exclude_none=True))
