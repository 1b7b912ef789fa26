"""What the sections of a recipe have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from pydantic.config import JsonDict

QA: JsonDict = {"task": "qa"}
TAGGING: JsonDict = {"task": "tagging"}
"""Marks a key that only one task knows."""

Files = str | list[str]
"""One data file or several."""
MAX_SEED = 2**32 - 1  # NumPy's


class Section(BaseModel):
    """One part of a recipe: frozen, without unknown keys, and nothing read as another type."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        protected_namespaces=(),
        defer_build=True,  # 60 ms of importing, for commands that read no recipe
    )
