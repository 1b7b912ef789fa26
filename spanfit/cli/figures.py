"""Scores, slices, worst questions, comparisons, refits: tables, `name value` lines, and JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from spanfit.cli.marks import visible

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from spanfit.calibration import Refit
    from spanfit.metrics import Case, Comparison, Interval, Scores, Slice
    from spanfit.settings import Calibration

CHOSEN_HERE = "threshold chosen on this data"
"""What is said beside every best-threshold score."""

_PERCENT = ("exact", "exact_match", "f1", "_ap")  # how the names of figures from 0 to 100 end
_ROWS = (
    ("all questions", "exact_match", "f1", "n"),
    ("all questions", "exact", "f1", "total"),
    ("with an answer (HasAns)", "HasAns_exact", "HasAns_f1", "HasAns_total"),
    ("without an answer (NoAns)", "NoAns_exact", "NoAns_f1", "NoAns_total"),
    (CHOSEN_HERE, "best_exact", "best_f1", ""),
    ("  that threshold", "best_exact_thresh", "best_f1_thresh", ""),
    ("precision-recall area", "pr_exact_ap", "pr_f1_ap", ""),
    ("  if every answer were right", "pr_oracle_ap", "pr_oracle_ap", ""),
)  # label, then the figures of the columns exact, F1 and questions
_REFITTED = {
    "threshold": "threshold of the null odds",
    "temperature": "temperature",
    "null_slope": "slope of the null's log-odds",
    "null_offset": "offset of the null's log-odds",
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
"""What a refit can change, and what its table calls it."""


def format_figure(name: str, value: float | None) -> str:
    """Counts in full, 0 to 100 with two decimals, all else with four; "-" where there is none."""
    if value is None:
        return "-"
    if isinstance(value, int):
        return str(value)
    return f"{value:.2f}" if name.endswith(_PERCENT) else f"{value:.4f}"


def to_json(scores: Scores, *, by: Sequence[str] = (), worst: int = 0) -> dict[str, Any]:
    """The scores, and the slices and worst questions that were asked for."""
    content = scores.to_json()
    if by:
        content["slices"] = {
            kind: {label: part.to_json() for label, part in scores.by(kind).items()} for kind in by
        }
    if worst:
        content["worst"] = [asdict(scores.case(id_)) for id_ in scores.worst(worst)]
    return content


def refit_to_json(refit: Refit) -> dict[str, Any]:
    """Calibration and scores before and after, and what was not fitted."""

    def side(calibration: Calibration, scores: Scores) -> dict[str, Any]:
        return {"calibration": calibration.model_dump(), "scores": scores.to_json()}

    return {
        "folder": str(refit.folder),
        "is_changed": refit.is_changed,
        "before": side(refit.before, refit.scores_before),
        "after": side(refit.after, refit.scores_after),
        "warnings": list(refit.warnings),
    }


# Lines for a pipe ------------------------------------------------------------------------------


def to_lines(scores: Scores, *, by: Sequence[str] = (), worst: int = 0) -> Iterator[str]:
    """`name value` lines under the official names; what the data itself chose is marked."""
    for name, value in scores.figures.items():
        mark = f" # {CHOSEN_HERE}" if name.startswith("best_") else ""
        yield f"{name} {format_figure(name, value)}{mark}"
        yield from _interval_lines(name, scores.intervals.get(name))
    if scores.confidence is not None:
        for name, value in scores.confidence.figures.items():
            yield f"{name} {format_figure(name, value)}"
    yield f"missing {len(scores.missing)}"
    for kind in by:
        for label, part in scores.by(kind).items():
            yield from _slice_lines(f"{kind}.{'_'.join(visible(label).split())}", part)
    for rank, id_ in enumerate(scores.worst(worst), start=1):
        yield from _case_lines(f"worst.{rank}", scores.case(id_))


def signature_lines(scores: Scores) -> Iterator[str]:
    """`name value` lines of what the scores came from."""
    for name, value in asdict(scores.signature).items():
        yield f"{name} {value}"


def comparison_lines(comparison: Comparison) -> Iterator[str]:
    """`name value` lines of how b differs from a."""
    for figure, difference in comparison.differences.items():
        name = f"difference.{figure}"
        yield f"{name} {difference.difference:.2f}"
        yield from _interval_lines(name, difference.interval)
        yield f"{name}_p {difference.p_value:.4f}"
        for count in ("wins", "losses", "ties"):
            yield f"{name}_{count} {getattr(difference, count)}"


def refit_lines(refit: Refit) -> Iterator[str]:
    """`name before after` lines of what a refit can change."""
    for name, before, after in _refit_rows(refit):
        yield f"{name} {before} {after}"


def _interval_lines(name: str, interval: Interval | None) -> Iterator[str]:
    if interval is not None:
        yield f"{name}_low {interval.low:.2f}"
        yield f"{name}_high {interval.high:.2f}"


def _slice_lines(name: str, part: Slice) -> Iterator[str]:
    yield f"{name}.n {part.n}"
    yield f"{name}.exact {part.exact:.2f}"
    yield from _interval_lines(f"{name}.exact", part.exact_interval)
    yield f"{name}.f1 {part.f1:.2f}"
    yield from _interval_lines(f"{name}.f1", part.f1_interval)


def _case_lines(name: str, case: Case) -> Iterator[str]:
    yield f"{name}.id {_one_line(case.id)}"
    yield f"{name}.f1 {100 * case.f1:.2f}"
    yield f"{name}.exact {100 * case.exact:.0f}"
    for what, text in _texts(case).items():
        yield f"{name}.{what} {text}"


# Tables for a terminal -------------------------------------------------------------------------


def score_table(scores: Scores) -> Table:
    """One row for all questions, one for each kind, then what a threshold could do."""
    table = _table(scores.signature.metric, "exact", "95 %", "F1", "95 %", "questions")
    shown = {name: format_figure(name, value) for name, value in scores.figures.items()}
    shown["n"] = str(scores.signature.n)
    for label, exact, f1, count in _ROWS:
        if exact in shown:
            intervals = [_span(scores.intervals.get(name)) for name in (exact, f1)]
            row = (shown[exact], intervals[0], shown[f1], intervals[1])
            table.add_row(label, *row, shown.get(count, ""))
    return table


def slice_table(kind: str, slices: Mapping[str, Slice]) -> Table:
    """One row a kind of question."""
    from rich.text import Text

    table = _table(kind.replace("_", " "), "exact", "95 %", "F1", "95 %", "questions")
    for label, part in slices.items():
        table.add_row(
            Text(_one_line(label)),
            f"{part.exact:.2f}",
            _span(part.exact_interval),
            f"{part.f1:.2f}",
            _span(part.f1_interval),
            str(part.n),
        )
    return table


def comparison_table(comparison: Comparison) -> Table:
    """One row a figure: both systems, and how far b is from a."""
    metric = comparison.signature.metric
    table = _table(metric, "A", "B", "B − A", "95 %", "p", "better", "worse")
    for figure, difference in comparison.differences.items():
        table.add_row(
            figure.replace("_", " "),
            f"{difference.a:.2f}",
            f"{difference.b:.2f}",
            f"{difference.difference:+.2f}",
            f"{difference.interval.low:+.2f} to {difference.interval.high:+.2f}",
            f"{difference.p_value:.4f}",
            str(difference.wins),
            str(difference.losses),
        )
    return table


def refit_table(refit: Refit) -> Table:
    """One row a figure that a refit can change."""
    table = _table(refit.scores_after.signature.metric, "before", "after")
    for name, before, after in _refit_rows(refit):
        table.add_row(_REFITTED[name], before, after)
    return table


def case_text(rank: int, case: Case) -> Text:
    """A question with its gold and its prediction, in a few lines."""
    from rich.text import Text

    text = Text().append(f"{rank}. F1 {100 * case.f1:.2f}  exact {100 * case.exact:.0f}", "bold")
    text.append(f"  {_one_line(case.id)}", "dim")
    for what, shown in _texts(case).items():
        text.append(f"\n   {what + ':':<12}", "dim").append(shown)
    return text


def _table(title: str, *headings: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(title)
    for heading in headings:
        style = "dim" if heading == "95 %" else ""
        table.add_column(heading, justify="right", style=style, no_wrap=True)
    return table


def _texts(case: Case) -> dict[str, str]:
    """What a reader compares, each on one line."""
    if case.predicted is None:
        prediction = "(no prediction)"
    else:
        prediction = _one_line(case.predicted) or "no answer"
    golds = " | ".join(_one_line(gold) for gold in case.golds) if case.golds else "no answer"
    return {"question": _one_line(case.question), "gold": golds, "prediction": prediction}


def _one_line(text: str) -> str:
    return " ".join(visible(text).split())


def _refit_rows(refit: Refit) -> Iterator[tuple[str, str, str]]:
    """Name, before and after of each figure, in the order of the table."""
    before = _list_figures(refit.before, refit.scores_before)
    after = _list_figures(refit.after, refit.scores_after)
    for name in _REFITTED:
        if name in before:
            yield name, format_figure(name, before[name]), format_figure(name, after[name])


def _list_figures(calibration: Calibration, scores: Scores) -> dict[str, float | None]:
    return {
        "threshold": calibration.threshold,
        "temperature": calibration.temperature,
        "null_slope": calibration.null_slope,
        "null_offset": calibration.null_offset,
        **scores.figures,
        **(scores.confidence.figures if scores.confidence else {}),
    }


def _span(interval: Interval | None) -> str:
    return f"{interval.low:.1f}–{interval.high:.1f}" if interval else ""
