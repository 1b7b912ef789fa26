"""The recipe of a training: a TOML file of nine parts, at most eight keys each, units in the names.

    [task] [data] [model] [windows] [optimizer] [batch] [run] [selection] [decode]

Unknown keys are refused with the closest known one. Every key carries its description, which
`spanfit init` writes beside it and docs/recipe.md lists.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, Literal

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from spanfit.errors import RecipeError, did_you_mean


class Section(BaseModel):
    """One part of a recipe: frozen, without unknown keys, and nothing read as another type."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, protected_namespaces=()
    )


class TaskSection(Section):
    """What is learnt."""

    name: Literal["qa"] = Field("qa", description="qa: point at the answer to a question")


class DataSection(Section):
    """The examples."""

    train: str = Field(
        "", description="file of training examples (SQuAD JSON or JSON Lines, .gz too)"
    )
    validation: str | None = Field(None, description="file that is only scored, never learnt from")
    calibration: str | None = Field(
        None, description="file for threshold and best epoch; else a share of train is held out"
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
    seed: int = Field(0, ge=0, description="seed of the held-out share and of max_examples")


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


class WindowsSection(Section):
    """How a long text is cut into model inputs."""

    max_length: int = Field(384, ge=8, description="tokens of a window, special tokens included")
    overlap: int = Field(128, ge=0, description="tokens that two neighbouring windows share")


class OptimizerSection(Section):
    """AdamW (no decay on biases and norms) and its schedule."""

    learning_rate: float = Field(3e-5, gt=0, description="highest learning rate, after the warm-up")
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
        None, ge=8, description="padded tokens of a batch without gradients; unset: as above"
    )


class RunSection(Section):
    """The course of the training."""

    epochs: int = Field(2, ge=1, description="passes over the training windows")
    max_steps: int | None = Field(None, ge=1, description="stop after so many optimizer steps")
    seed: int = Field(0, ge=0, description="seed of weights, order and dropout")
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


def read_recipe(path: str | Path, *, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe file and apply `section.key=value` overrides to it.

    Raises:
        RecipeError: no such file, not TOML, an unknown key, or a value out of its range.
    """
    file = Path(path)
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RecipeError(
            "no such recipe", where=str(file), fix=f"spanfit init DATA.json > {file}"
        ) from None
    except (IsADirectoryError, PermissionError, UnicodeDecodeError) as error:
        raise RecipeError(f"not a readable recipe: {error}", where=str(file)) from None
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(
            f"not TOML: {error}", where=str(file), fix="spanfit init DATA > recipe.toml writes one"
        ) from None
    return make_recipe(
        content, overrides=overrides, where=f"{file}{' with --set' if overrides else ''}"
    )


def make_recipe(
    content: dict[str, Any], *, overrides: Sequence[str] = (), where: str = "recipe"
) -> Recipe:
    """Validate the content of a recipe, `section.key=value` overrides applied.

    Raises:
        RecipeError: an unknown key, or a value of the wrong type or out of its range.
    """
    content = deepcopy(content)
    for override in overrides:
        _apply(override, content)
    try:
        recipe = Recipe.model_validate(content)
    except ValidationError as error:
        raise _explain(error, where=where) from None
    if recipe.windows.overlap >= recipe.windows.max_length - 3:
        raise RecipeError(
            "windows.overlap leaves no room to move on",
            where=where,
            expected=f"less than max_length {recipe.windows.max_length} minus special tokens",
            found=str(recipe.windows.overlap),
            fix=f"--set windows.overlap={recipe.windows.max_length // 3}",
        )
    return recipe


def _apply(override: str, content: dict[str, Any]) -> None:
    """Set `section.key=value` in `content`; the value is TOML, or else a plain string.

    A key that takes a text gets one, even where it looks like a number or a date (a file "2024").
    """
    path, equals, text = override.partition("=")
    section, dot, key = path.strip().partition(".")
    if not (equals and dot and section and key):
        raise RecipeError(
            "--set needs section.key=value",
            found=override,
            fix="--set optimizer.learning_rate=5e-5",
        )
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()
    if (section, key) in _text_keys() and not isinstance(value, str):
        value = text.strip()
    part = content.setdefault(section, {})
    if not isinstance(part, dict):
        raise RecipeError(f"[{section}] is not a part with keys", found=repr(part))
    part[key] = value


def _text_keys() -> set[tuple[str, str]]:
    return {
        (section, key)
        for section in Recipe.model_fields
        for key, field in _section_type(section).model_fields.items()
        if field.annotation in (str, str | None)
    }


def _explain(error: ValidationError, *, where: str) -> RecipeError:
    """The first thing that pydantic found, in our words, with a suggestion."""
    first = error.errors()[0]
    path = ".".join(str(step) for step in first["loc"])
    if first["type"] == "extra_forbidden":
        return RecipeError(f"unknown key {path}", where=where, expected=_suggest(first["loc"]))
    return RecipeError(
        f"{path}: {first['msg'][0].lower()}{first['msg'][1:]}",
        where=where,
        expected=_description(first["loc"]),
        found=repr(first["input"]),
    )


def _suggest(location: tuple[int | str, ...]) -> str:
    """What an unknown key may have meant: the same key elsewhere, or a like word at its place."""
    word = str(location[-1])
    for section, key, _, _ in describe_keys():
        if key == word:
            return f"{section}.{key}"
    owner: type[BaseModel] = Recipe
    for step in location[:-1]:
        owner = _section_type(str(step))
    return did_you_mean(word, owner.model_fields)


def _section_type(name: str) -> type[Section]:
    kind = Recipe.model_fields[name].annotation
    assert isinstance(kind, type) and issubclass(kind, Section)  # by the definition of Recipe
    return kind


def _description(location: tuple[int | str, ...]) -> str:
    if len(location) < 2:
        return ""
    return _section_type(str(location[0])).model_fields[str(location[1])].description or ""


def describe_keys() -> Iterator[tuple[str, str, str, str]]:
    """Every key of a recipe: section, key, default as TOML ("" where unset), description."""
    for section in Recipe.model_fields:
        for key, field in _section_type(section).model_fields.items():
            default = "" if field.default is None else _toml_value(field.default)
            yield section, key, default, field.description or ""


def annotate(recipe: Recipe) -> str:
    """The recipe as TOML with the description of each key beside it; unset keys are comments."""
    lines: list[str] = []
    values = recipe.model_dump()
    for section, key, _, description in describe_keys():
        if f"[{section}]" not in lines:
            lines += ["", f"[{section}]"]
        value = values[section][key]
        setting = f"# {key} =" if value is None else f"{key} = {_toml_value(value)}"
        lines.append(f"{setting:<38} # {description}")
    return "\n".join(lines[1:]) + "\n"


def _toml_value(value: Any) -> str:  # noqa: ANN401 (any TOML value)
    return tomli_w.dumps({"v": value}).removeprefix("v = ").strip()
