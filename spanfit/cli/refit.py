"""How `spanfit evaluate --refit` shows what it changed: each figure before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spanfit.cli import console

if TYPE_CHECKING:
    from spanfit.calibration import Refit
    from spanfit.metrics import Scores
    from spanfit.settings import Calibration

_LABELS = {
    "threshold": "threshold of the null odds",
    "temperature": "temperature",
    "exact_match": "exact",
    "exact": "exact",
    "f1": "F1",
    "HasAns_exact": "with an answer (HasAns): exact",
    "HasAns_f1": "with an answer (HasAns): F1",
    "NoAns_exact": "without an answer (NoAns): exact",
    "NoAns_f1": "without an answer (NoAns): F1",
    "calibration_error": "expected calibration error",
    "brier": "Brier score",
    "aurc": "area under risk-coverage (AURC)",
}
_PERCENT = ("exact", "f1")  # how the names of figures from 0 to 100 end, "exact_match" aside


def print_refit(refit: Refit, *, as_json: bool) -> None:
    """Print JSON, or a table on a terminal, or `name before after` lines in a pipe."""
    if as_json:
        console.print_json(_to_json(refit))
        return
    before = _list_figures(refit.before, refit.scores_before)
    after = _list_figures(refit.after, refit.scores_after)
    rows = [(name, _format(name, before[name]), _format(name, after[name])) for name in before]
    out = console.out()
    if not out.is_terminal:
        for row in [("figure", "before", "after"), *rows]:
            console.plain(" ".join(row))
        return
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(refit.scores_after.signature.metric)
    for heading in ("before", "after"):
        table.add_column(heading, justify="right")
    for name, *values in rows:
        table.add_row(_LABELS[name], *values)
    out.print(table)


def _list_figures(calibration: Calibration, scores: Scores) -> dict[str, float | None]:
    """What a refit can change, in the order of the table; without a threshold it is None."""
    found: dict[str, float | None] = {
        "threshold": calibration.threshold,
        "temperature": calibration.temperature,
        **scores.figures,
        **(scores.confidence.figures if scores.confidence else {}),
    }
    return {name: found[name] for name in _LABELS if name in found}


def _format(name: str, value: float | None) -> str:
    if value is None:
        return "none"
    is_percent = name == "exact_match" or name.endswith(_PERCENT)
    return f"{value:.2f}" if is_percent else f"{value:.4f}"


def _to_json(refit: Refit) -> dict[str, Any]:
    def side(calibration: Calibration, scores: Scores) -> dict[str, Any]:
        return {"calibration": calibration.model_dump(), "scores": scores.to_json()}

    return {
        "folder": str(refit.folder),
        "is_changed": refit.is_changed,
        "before": side(refit.before, refit.scores_before),
        "after": side(refit.after, refit.scores_after),
        "warnings": list(refit.warnings),
    }
