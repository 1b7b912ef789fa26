"""spanfit.json: what a model needs beside its weights, so that serving sees what training saw.

    {"format_version": 1, "task": "qa", "outputs": ["start", "end"],
     "windows": {"max_length": 384, "overlap": 128},
     "segmenter": "none", "decode": {"n_best": 20, "max_answer_tokens": 30},
     "calibration": {"torch": {"threshold": 0.31, "temperature": 1.0, ...}}, "ceiling": {...}}

A model without this file (from the hub) gets the defaults, and its user is told so.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from spanfit.data.fields import has_control
from spanfit.data.parsing import make_dict
from spanfit.errors import ModelError, RecipeError
from spanfit.model_files import describe, read_json
from spanfit.recipe import ColumnsSection, DecodeSection, Section, WindowsSection
from spanfit.storage import write_file
from spanfit.tags import find_scheme
from spanfit.types import NullScale, SegmenterName, SelectedOn

FILE_NAME = "spanfit.json"
FORMAT_VERSION: Literal[1] = 1

LARGEST_SCALE = 1e12
"""Of temperatures and null scales: with larger ones, or smaller ones, numbers would overflow."""

MOST_TOKENS = 2**31 - 1
"""Of a window or an answer: tokens are counted in 32 bits."""

ITS_OWN = "the one that the training wrote beside these weights; {} in it means all defaults"
"""What helps where the file is wrong."""

SPAN_OUTPUTS: tuple[Literal["start"], Literal["end"]] = ("start", "end")
"""What the two logits of a token say in a question model."""


class Calibration(Section):
    """Threshold and temperature of one backend, and what they were fitted on."""

    threshold: float | None = Field(
        0.0, description="null odds above which there is no answer; null: there always is one"
    )
    temperature: float = Field(
        1.0, ge=1 / LARGEST_SCALE, le=LARGEST_SCALE, description="logit sums are divided by it"
    )
    null_slope: float = Field(
        1.0, ge=0, le=LARGEST_SCALE, description="log-odds of 'no answer' are multiplied by it"
    )
    null_offset: float = Field(
        0.0, ge=-LARGEST_SCALE, le=LARGEST_SCALE, description="and this is added to them"
    )
    data_digest: str = Field("", description="content digest of what they were fitted on")
    n_examples: int = Field(0, ge=0, description="how many examples that were")

    @property
    def null_scale(self) -> NullScale:
        """Slope and offset together."""
        return NullScale(self.null_slope, self.null_offset)


class TagSettings(Section):
    """What the outputs of a tagging model are, and what they are said of."""

    tags: list[str] = Field(min_length=1, description="the tag of each output, in their order")
    scheme: str = Field("IOB2", description="the tag scheme, by name")
    units: Literal["words", "characters"] = Field(
        "words", description="what carries a tag; a raw text is divided into these"
    )
    joiner: str = Field(" ", description="what stands between two words")
    context_sentences: int = Field(0, ge=0, description="neighbours that are read on each side")
    columns: ColumnsSection = Field(
        default_factory=ColumnsSection, description="how the files of the training were read"
    )

    @field_validator("tags")
    @classmethod
    def _check_tags(cls, tags: list[str]) -> list[str]:
        if (problem := find_wrong_tag(tags)) is not None:
            raise ValueError(problem)
        return tags

    @field_validator("scheme")
    @classmethod
    def _check_scheme(cls, name: str) -> str:
        try:
            find_scheme(name)
        except RecipeError as error:
            raise ValueError(f"{error.problem}; {error.fix}") from None
        return name

    @model_validator(mode="after")
    def _check_fit(self) -> TagSettings:
        scheme = find_scheme(self.scheme)
        if all(scheme.find_tag(tag) is None for tag in self.tags):
            raise ValueError(f"none of the tags is one of the scheme {self.scheme}")
        return self


def find_wrong_tag(tags: Sequence[str]) -> str | None:
    """What is wrong with the names of outputs that are tags; None if nothing is."""
    if len({*tags}) < len(tags):
        return "two outputs have the same name"
    if any(map(has_control, tags)):
        return "an output whose name holds a line break, or another control character"
    return None


class ModelSettings(Section):
    """The content of spanfit.json."""

    format_version: Literal[1] = FORMAT_VERSION
    task: Literal["qa", "tagging"] = "qa"
    outputs: tuple[Literal["start"], Literal["end"]] | None = Field(
        None, strict=False, description="of a question model: what its two logits of a token say"
    )
    tagging: TagSettings | None = Field(None, description="of a tagging model")
    windows: WindowsSection = WindowsSection()
    segmenter: SegmenterName = Field("none", description="what cuts words before the tokenizer")
    decode: DecodeSection = DecodeSection()
    calibration: dict[str, Calibration] = Field(
        default_factory=dict, description="one entry a backend"
    )
    metric: str | None = Field(
        None, description="what scores go by where the recipe says it; null: what suits the gold"
    )
    selected_on: SelectedOn = Field("none", description="the part that chose the epoch")
    ceiling: dict[str, float] = Field(
        default_factory=dict,
        description="best score that tokenizer, windows and length limit allow, by metric",
    )

    @property
    def columns(self) -> ColumnsSection:
        """How the files of the training were read."""
        return ColumnsSection() if self.tagging is None else self.tagging.columns

    def calibration_of(self, backend: str) -> Calibration:
        """The calibration of a backend; the torch one's, else the default, where it has none."""
        return self.calibration.get(backend) or self.calibration.get("torch") or Calibration()

    def selected_on_for(self, data_digest: str, *, backend: str) -> SelectedOn:
        """What the scores of data with this digest are signed with.

        "validation" where threshold or temperature were fitted on these very data, whichever part
        they were at the time; else the part that chose the model.
        """
        if data_digest and data_digest == self.calibration_of(backend).data_digest:
            return "validation"
        return self.selected_on

    def save(self, folder: Path) -> None:
        """Write spanfit.json into a model folder; it is whole at any time (see `storage`).

        Raises:
            OSError: it cannot be written.
        """
        text = json.dumps(self.model_dump(), ensure_ascii=False, indent=2)
        write_file(folder / FILE_NAME, f"{text}\n".encode())


def find_settings(source: str | Path) -> tuple[Path, ModelSettings]:
    """The folder of a run's model, or of a model, whose spanfit.json is there; and its settings.

    Raises:
        ModelError: no folder of that name, or none with such a file; or the file is wrong.
    """
    folder = Path(source)
    for candidate in (folder / "model", folder):
        if (settings := read_settings(candidate)) is not None:
            return candidate, settings
    for candidate in (folder / "model", folder):
        if (candidate / "config.json").is_file():  # a model that SpanFit did not train
            raise ModelError(
                f"this model has no {FILE_NAME} to keep a calibration in",
                where=str(candidate),
                fix=f"echo '{{}}' > {shlex.quote(str(candidate / FILE_NAME))}  (the defaults)",
            )
    raise ModelError(
        f"there is no {FILE_NAME} to keep a calibration in",
        where=str(source),
        expected="a run folder or a model folder on this machine; a hub id is neither",
        found=_describe_folder(folder),
        fix="save a model of the hub to a folder first, and give that",
    )


def _describe_folder(folder: Path) -> str:
    if not folder.is_dir():
        return "a file" if folder.exists() else "no such folder"
    return ", ".join(sorted(path.name for path in folder.iterdir())[:6]) or "an empty folder"


def read_settings(folder: Path) -> ModelSettings | None:
    """The settings of a model folder, or None where it has none.

    Raises:
        ModelError: spanfit.json is there but is not what this version writes.
    """
    file = folder / FILE_NAME
    if not file.is_file():
        return None
    content = read_json(file, fix=ITS_OWN, make_object=make_dict)
    try:
        settings = ModelSettings.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(_print_key, first["loc"])) or "all of it"
        message = first["msg"].removeprefix("Value error, ")
        raise ModelError(
            f"{key}: {message[0].lower()}{message[1:]}",
            where=str(file),
            expected=f"the settings of format version {FORMAT_VERSION}",
            found=describe(first["input"]),
            fix=ITS_OWN,
        ) from None
    _check_lengths(settings, file)
    return settings


def _check_lengths(settings: ModelSettings, file: Path) -> None:
    """Refuse windows that no training has, and lengths that 32 bits do not hold.

    Raises:
        ModelError: see above.
    """
    windows, answer = settings.windows, settings.decode.max_answer_tokens
    if windows.overlap < windows.max_length <= MOST_TOKENS and answer <= MOST_TOKENS:
        return
    raise ModelError(
        "no training has windows, or answers, of these lengths",
        where=str(file),
        expected=f"windows.overlap below windows.max_length, and at most {MOST_TOKENS:,} tokens",
        found=f"max_length {windows.max_length}, overlap {windows.overlap}, "
        f"max_answer_tokens {answer}",
        fix=ITS_OWN,
    )


def _print_key(step: str | int) -> str:
    """A key as it can be shown, whatever is in it."""
    return "".join(c if c.isprintable() else "\ufffd" for c in str(step)[:80])
