"""What a recipe may say: its ten parts, each key with its default, its range and its meaning.

Every key carries its description, which `spanfit init` writes beside it and docs/recipe.md lists.
"""

from __future__ import annotations

from typing import Any, Literal

import tomli_w
from pydantic import Field

from spanfit.examples import Reading
from spanfit.recipe.section import MAX_SEED, QA, TAGGING, Files, Section
from spanfit.types import SegmenterName

TASK_DEFAULTS: dict[str, dict[str, dict[str, Any]]] = {
    "tagging": {"windows": {"max_length": 256, "overlap": 64}, "run": {"epochs": 3}}
}
"""What is another default where a task suits it better, by the task's name."""


class TaskSection(Section):
    """What is learnt, and by which loss."""

    name: Literal["qa", "tagging"] = Field(
        "qa", description="qa: point at the answer to a question; tagging: name each word or entity"
    )
    metric: str | None = Field(
        None,
        description="official metric of scores, threshold and ceiling, by name; unset: what suits "
        "the gold",
    )
    label_smoothing: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="share of the target spread evenly (over context and null, or over the tags)",
    )
    answers: Literal["first", "all"] = Field(
        "first",
        description="golds learnt of a question: the first, or all (marginal likelihood)",
        json_schema_extra=QA,
    )
    null_share: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="share of the weight of windows without answer; unset: as is",
        json_schema_extra=QA,
    )
    pieces: Literal["all", "first"] = Field(
        "all",
        description="pieces of a word that are learnt: all (B- becomes I- behind the first), first",
        json_schema_extra=TAGGING,
    )
    class_weights: Literal["none", "balanced"] = Field(
        "none",
        description="balanced: a tag counts the more in the loss the rarer it is",
        json_schema_extra=TAGGING,
    )
    context_sentences: int = Field(
        0,
        ge=0,
        description="neighbours on each side that are read with a sentence, of the same document",
        json_schema_extra=TAGGING,
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
        0.1,
        ge=0,
        lt=1,
        description="share of train (by title or document, else by text) held out for that",
    )
    bad_answers: Literal["fail", "drop", "relocate"] = Field(
        "fail",
        description="answers that are not at their offset: fail, drop, or relocate",
        json_schema_extra=QA,
    )
    max_examples: int | None = Field(
        None, ge=1, description="at most so many examples of train, before the share is held out"
    )
    synthetic_unanswerable: float = Field(
        0.0,
        ge=0,
        le=1,
        description="share of answerable questions asked again of another paragraph of the title",
        json_schema_extra=QA,
    )
    seed: int = Field(0, ge=0, le=MAX_SEED, description="seed of whatever is drawn from the data")


class ColumnsSection(Section):
    """How tagged texts are read, where their files leave a choice."""

    words: int | str = Field(
        1,
        description="column of the words, by number (-1: the last) or name",
        json_schema_extra=TAGGING,
    )
    tags: int | str = Field(
        -1,
        description="column of the tags, by number (-1: the last) or name; or key of a JSON "
        'record; "": there is no gold',
        json_schema_extra=TAGGING,
    )
    names: list[str] = Field(
        [],
        description="of all columns, or of what numbers stand for; empty: as the file says",
        json_schema_extra=TAGGING,
    )
    separator: str | None = Field(
        None,
        description="of columns; unset: tabs if there are any, else spaces",
        json_schema_extra=TAGGING,
    )
    joiner: str | None = Field(
        None,
        description="what stands between words; unset: a space, or nothing for single characters",
        json_schema_extra=TAGGING,
    )
    scheme: str | None = Field(
        None,
        description="IOB2, IOB1, BIOES, BILOU, BMES or plain; unset: seen from the training tags",
        json_schema_extra=TAGGING,
    )
    repair: Literal["conlleval", "discard"] | None = Field(
        None,
        description="what is done to tags that break their scheme; unset: they are refused",
        json_schema_extra=TAGGING,
    )

    def reading(self, *, bad_answers: Literal["fail", "drop", "relocate"] = "fail") -> Reading:
        """The same for the readers of files."""
        tags = None if self.tags == "" else self.tags
        values = self.model_dump() | {"tags": tags, "names": tuple(self.names)}
        return Reading(**values, bad_answers=None if bad_answers == "fail" else bad_answers)


class ModelSection(Section):
    """The encoder."""

    name: str = Field(
        "quickstart", description="folder, hub id, or quickstart (the encoder of that extra)"
    )
    revision: str | None = Field(None, description="branch, tag or commit of a hub id")
    trust_remote_code: bool = Field(False, description="run Python code that comes with a hub id")
    segmenter: SegmenterName = Field(
        "none", description="cuts words before the tokenizer: none, mecab or jumanpp"
    )
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
    packed: bool = Field(
        True,
        description="windows go into one row without padding, where the encoder allows it",
    )
    compiled: bool = Field(
        False,
        description="layers go through torch.compile, a minute or more at the start; meant for a "
        "GPU, no gain on a CPU",
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
        None,
        description="null odds above which there is no answer; unset: fitted on calibration",
        json_schema_extra=QA,
    )


class DecodeSection(Section):
    """How answers and tags are read from the logits."""

    n_best: int = Field(
        20,
        ge=1,
        le=1000,
        description="candidates kept per window and per question",
        json_schema_extra=QA,
    )
    max_answer_tokens: int = Field(
        30, ge=1, description="tokens of the longest answer", json_schema_extra=QA
    )
    constrained: bool = Field(
        True,
        description="the best sequence of tags that the scheme allows; false: each tag by itself",
        json_schema_extra=TAGGING,
    )


class Recipe(Section):
    """Everything that decides what a training does."""

    task: TaskSection = TaskSection()
    data: DataSection = DataSection()
    columns: ColumnsSection = ColumnsSection()
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
