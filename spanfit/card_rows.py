"""The rows of a model card that spanfit.json decides; written anew where a refit changes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from spanfit.settings import Calibration, ModelSettings
from spanfit.tags import find_scheme

FILE_NAME = "README.md"

PLACE = "PATH OF THIS FOLDER"
"""Stands for the model's name in the card, until a push puts the repository's there."""

CHANGED = "fitted anew"
"""The row that a refit adds: the scores of the card are from before it."""


def list_rows(settings: ModelSettings) -> dict[str, str]:
    """What the card says of a model of these settings, by what it is said of."""
    windows = settings.windows
    rows = {
        "windows": f"{windows.max_length} tokens, {windows.overlap} of them shared by neighbours"
    }
    return rows | ROWS[settings.task](settings)


def rewrite_rows(folder: Path, settings: ModelSettings) -> bool:
    """Put into the card of a model folder what these settings say now; whether it has such rows.

    A card that somebody else wrote stays as it is.

    Raises:
        OSError: it cannot be written.
    """
    file = folder / FILE_NAME
    if not file.is_file():
        return False
    rows = list_rows(settings)
    lines = file.read_text(encoding="utf-8").splitlines()
    keys = [line.strip("| ").partition(" | ")[0] if line.startswith("|") else "" for line in lines]
    if not set(rows) <= set(keys):
        return False
    n = settings.calibration_of("torch").n_examples
    rows[CHANGED] = f"threshold and probabilities, on {n:,} examples; the scores are from before"
    last = max(number for number, key in enumerate(keys) if key in rows)
    new = [
        format_row(key, rows[key]) if key in rows else line
        for key, line in zip(keys, lines, strict=True)
    ]
    if CHANGED not in keys:
        new.insert(last + 1, format_row(CHANGED, rows[CHANGED]))
    aside = file.with_name(FILE_NAME + ".tmp")
    aside.write_text("\n".join(new) + "\n", encoding="utf-8")
    aside.replace(file)
    return True


def format_row(*cells: str) -> str:
    """A row of a table in Markdown."""
    return f"| {' | '.join(cells)} |"


def _question_rows(settings: ModelSettings) -> dict[str, str]:
    calibration = settings.calibration_of("torch")
    null = (
        "never: it learnt from answerable questions only"
        if calibration.threshold is None
        else f"where the null odds are above {calibration.threshold:.3f}"
    )
    return {
        "longest answer": f"{settings.decode.max_answer_tokens} tokens",
        'says "no answer"': null,
        "probabilities": _describe_probabilities(calibration),
    }


def _describe_probabilities(calibration: Calibration) -> str:
    scale = calibration.null_scale
    found = f"temperature {calibration.temperature:.3f}"
    if calibration.threshold is not None:
        found += f", log-odds of no answer times {scale.slope:.3f} plus {scale.offset:.3f}"
    n = calibration.n_examples
    return f"{found}, fitted on {n:,} examples" if n else f"{found}: nothing was fitted"


def _tag_rows(settings: ModelSettings) -> dict[str, str]:
    tags = settings.tagging
    if tags is None:
        return {}
    scheme = find_scheme(tags.scheme)
    parsed = [scheme.parse(tag) for tag in tags.tags]
    labels = dict.fromkeys(tag.label for tag in parsed if tag.label)
    is_constrained = settings.decode.constrained
    return {
        "labels": " ".join(f"`{label}`" for label in labels),
        "tag scheme": tags.scheme,
        "tags": f"{tags.units}, by "
        + ("the best sequence that the scheme allows" if is_constrained else "each one's best tag"),
    }


ROWS: Mapping[str, Callable[[ModelSettings], dict[str, str]]] = {
    "qa": _question_rows,
    "tagging": _tag_rows,
}
"""By the task's name."""
