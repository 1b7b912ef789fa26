"""What the hub reads of a model card: the front matter, with results in the form of a model-index.

Results are those of the validation part. Where there is none, those of the calibration part, whose
name then says that it chose the model.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from spanfit.data.hub import is_hub_name, parse_name
from spanfit.metrics import AnyScores
from spanfit.preparation import Prepared
from spanfit.recipe import DataSection, Files

QUICKSTART_ENCODER = "sentence-transformers/all-MiniLM-L6-v2"
"""What the quickstart's encoder is called on the hub."""

HUB_METRICS = {"exact": "exact_match"}
"""What the hub calls a figure that it knows by another name."""


def make_front_matter(
    prepared: Prepared,
    scores: Mapping[str, AnyScores],
    *,
    pipeline_tag: str,
    tags: Sequence[str],
    title: str,
) -> str:
    """The front matter as YAML, without its dashes; `scores` by the part's name."""
    recipe = prepared.recipe
    results = _list_results(scores, recipe.data, pipeline_tag)
    metrics = sorted({result.metric_type for result in results})
    data = ModelCardData(
        library_name="transformers",
        pipeline_tag=pipeline_tag,
        tags=list(tags),
        base_model=find_base(recipe.model.name),
        datasets=_hub_names(recipe.data.train) or None,
        metrics=metrics or None,
        model_name=title if results else None,
        eval_results=results or None,
    )
    return str(data.to_yaml())


def find_base(name: str) -> str | None:
    """The hub id of the encoder; None for a folder."""
    if name == "quickstart":
        return QUICKSTART_ENCODER
    return None if Path(name).exists() else name


def name_files(files: Files | None) -> str:
    """The files of a part without their folders, which are nobody's business."""
    found = [files] if isinstance(files, str) else files or []
    return ", ".join(name if is_hub_name(name) else Path(name).name for name in found)


def name_part(part: str, data: DataSection) -> str:
    """What a part of the data is made of."""
    if part == "calibration" and data.calibration is None:
        return f"{data.calibration_share:.0%} of {name_files(data.train)}, held out"
    files = {"training": data.train, "calibration": data.calibration, "validation": data.validation}
    return name_files(files[part])


def _list_results(
    scores: Mapping[str, AnyScores], data: DataSection, pipeline_tag: str
) -> list[EvalResult]:
    part = next((name for name in ("validation", "calibration") if name in scores), None)
    if part is None:
        return []
    found = scores[part]
    name = name_part(part, data) + (" (chose the model)" if part == "calibration" else "")
    return [
        EvalResult(
            task_type=pipeline_tag,
            metric_type=HUB_METRICS.get(figure, figure),
            metric_name=f"{short} ({found.signature.metric})",
            metric_value=round(float(found.headline[short]), 2),
            **_describe_data(getattr(data, part) or data.train, name),
        )
        for short, figure in found.headings.items()
    ]


def _describe_data(files: Files, name: str) -> dict[str, Any]:
    """The keys of a result that say on what it was measured."""
    first = files if isinstance(files, str) else files[0]
    if not is_hub_name(first):
        kind = re.sub(r"[^a-z0-9]+", "-", Path(first).stem.lower()).strip("-")
        return {"dataset_type": kind or "file", "dataset_name": name}
    hub = parse_name(first)
    return {
        "dataset_type": hub.repository,
        "dataset_name": name,
        "dataset_split": hub.split,
        "dataset_config": hub.config,
        "dataset_revision": hub.revision,
    }


def _hub_names(files: Files) -> list[str]:
    found = [files] if isinstance(files, str) else files
    return sorted({parse_name(name).repository for name in found if is_hub_name(name)})
