"""Scores, slices, worst examples, comparisons, refits: tables, `name value` lines, and JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, Protocol

from spanfit.cli.marks import visible
from spanfit.cli.question_figures import QuestionFigures
from spanfit.cli.tables import (
    CHOSEN_HERE,
    format_figure,
    format_interval,
    in_one_line,
    make_table,
)
from spanfit.cli.tag_figures import TagFigures
from spanfit.errors import RecipeError, did_you_mean
from spanfit.metrics import AnyScores, Scores, TagScores

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from spanfit.metrics import Comparison, Interval, Slice, TagSlice
    from spanfit.recalibration import Refit
    from spanfit.settings import Calibration

    AnySlice = Slice | TagSlice

ALL: Final = "all"
"""Stands for every kind of slice."""

_REFITTED = {
    "threshold": "threshold of the null odds",
    "temperature": "temperature",
    "null_slope": "slope of the null's log-odds",
    "null_offset": "offset of the null's log-odds",
    "exact_match": "exact",
    "exact": "exact",
    "EM": "exact",
    "f1": "F1",
    "F1": "F1",
    "AVERAGE": "mean of exact and F1",
    "HasAns_exact": "with an answer (HasAns): exact",
    "HasAns_f1": "with an answer (HasAns): F1",
    "NoAns_exact": "without an answer (NoAns): exact",
    "NoAns_f1": "without an answer (NoAns): F1",
    "calibration_error": "expected calibration error",
    "brier": "Brier score",
    "aurc": "area under risk-coverage (AURC)",
}
"""What a refit can change, and what its table calls it."""


class View(Protocol):
    """How the scores of one task are printed, where they are not as those of the others."""

    @property
    def missing_counts(self) -> str:
        """What becomes of examples without a prediction."""

    def table(self, scores: Any) -> Table:  # noqa: ANN401 (of the task, as in all that follows)
        """The main figures."""

    def remarks(self, scores: Any) -> Iterator[str]:  # noqa: ANN401
        """Lines below the table."""

    def lines(self, scores: Any) -> Iterator[str]:  # noqa: ANN401
        """`name value` lines beside the figures."""

    def case_values(self, case: Any) -> dict[str, str]:  # noqa: ANN401
        """How good one prediction is, by short names."""

    def case_title(self, case: Any) -> str:  # noqa: ANN401
        """The same for a reader."""

    def case_texts(self, case: Any) -> dict[str, str]:  # noqa: ANN401
        """What a reader compares, each on one line."""


_VIEWS: dict[type[AnyScores], View] = {Scores: QuestionFigures(), TagScores: TagFigures()}
_HEADINGS = {"f1": "F1", "n_gold": "gold"}
"""What a column is called, where it is not the name of the figure."""
_WITH_INTERVAL = ("exact", "f1")
"""The figures of slices whose interval a table of 80 columns has room for; JSON has all."""


def view_of(scores: AnyScores) -> View:
    """How these scores are printed."""
    return _VIEWS[type(scores)]


def list_kinds(scores: AnyScores, by: Sequence[str]) -> tuple[str, ...]:
    """The names of slices in `by`, each once; "all" stands for all that the scores have.

    Raises:
        RecipeError: they have none of that name.
    """
    names = [name for given in by for name in (scores.kinds if given == ALL else (given,))]
    for name in names:
        if name not in scores.kinds:
            raise RecipeError(
                f"{scores.noun} scored by {scores.signature.metric} have no slices by {name!r}",
                fix=did_you_mean(name, scores.kinds),
            )
    return tuple(dict.fromkeys(names))


def to_json(scores: AnyScores, *, by: Sequence[str] = (), worst: int = 0) -> dict[str, Any]:
    """The scores, and the slices and worst examples that were asked for."""
    content = scores.to_json()
    if by:
        content["slices"] = {
            kind: {label: part.to_json() for label, part in scores.by(kind).items()}
            for kind in list_kinds(scores, by)
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


def to_lines(scores: AnyScores, *, by: Sequence[str] = (), worst: int = 0) -> Iterator[str]:
    """`name value` lines under the official names; what the data itself chose is marked."""
    view = view_of(scores)
    for name, value in scores.figures.items():
        mark = f" # {CHOSEN_HERE}" if name.startswith("best_") else ""
        yield f"{name} {format_figure(name, value)}{mark}"
        yield from _interval_lines(name, scores.intervals.get(name))
    yield from view.lines(scores)
    if scores.confidence is not None:
        for name, value in scores.confidence.figures.items():
            yield f"{name} {format_figure(name, value)}"
    yield f"missing {len(scores.missing)}"
    for kind in list_kinds(scores, by):
        for label, part in scores.by(kind).items():
            yield from _slice_lines(f"{kind}.{'_'.join(visible(label).split())}", part)
    for rank, id_ in enumerate(scores.worst(worst), start=1):
        case = scores.case(id_)
        values = {"id": in_one_line(id_)} | view.case_values(case) | view.case_texts(case)
        for name, text in values.items():
            yield f"worst.{rank}.{name} {text}"


def signature_lines(scores: AnyScores) -> Iterator[str]:
    """`name value` lines of what the scores came from; what does not concern them is left out."""
    for name, value in asdict(scores.signature).items():
        if value != "":
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


def _slice_lines(name: str, part: AnySlice) -> Iterator[str]:
    for count, number in _count_slice(part).items():
        yield f"{name}.{count} {number}"
    for figure, value in part.figures.items():
        yield f"{name}.{figure} {value:.2f}"
        yield from _interval_lines(f"{name}.{figure}", part.intervals[figure])


# Tables for a terminal -------------------------------------------------------------------------


def score_table(scores: AnyScores) -> Table:
    """The main figures."""
    return view_of(scores).table(scores)


def remarks(scores: AnyScores) -> Iterator[str]:
    """What stands below the table."""
    yield from view_of(scores).remarks(scores)
    if (confidence := scores.confidence) is not None:
        yield (
            f"calibration error {confidence.calibration_error:.3f} · Brier {confidence.brier:.3f}"
            f" · area under risk-coverage {confidence.aurc:.3f}"
        )


def slice_table(kind: str, slices: Mapping[str, AnySlice], *, noun: str) -> Table:
    """One row a kind of example, of which the table counts `noun`."""
    from rich.text import Text

    some = next(iter(slices.values()))
    headings = []
    for name in some.figures:
        headings += [_HEADINGS.get(name, name), *["95 %"] * (name in _WITH_INTERVAL)]
    counts = [noun if name == "n" else _HEADINGS.get(name, name) for name in _count_slice(some)]
    table = make_table(kind.replace("_", " "), *headings, *reversed(counts))
    for label, part in slices.items():
        cells = []
        for name, value in part.figures.items():
            interval = [format_interval(part.intervals[name])] * (name in _WITH_INTERVAL)
            cells += [f"{value:.2f}", *interval]
        sizes = [str(number) for number in _count_slice(part).values()]
        table.add_row(Text(in_one_line(label)), *cells, *reversed(sizes))
    return table


def _count_slice(part: AnySlice) -> dict[str, int]:
    """What a slice counts, by name."""
    return {name: value for name, value in part.to_json().items() if isinstance(value, int)}


def comparison_table(comparison: Comparison) -> Table:
    """One row a figure: both systems, and how far b is from a."""
    metric = comparison.signature.metric
    table = make_table(metric, "A", "B", "B − A", "95 %", "p", "better", "worse")
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
    table = make_table(refit.scores_after.signature.metric, "before", "after")
    for name, before, after in _refit_rows(refit):
        table.add_row(_REFITTED[name], before, after)
    return table


def case_text(rank: int, scores: AnyScores, id_: str) -> Text:
    """An example with its gold and its prediction, in a few lines."""
    from rich.text import Text

    view, case = view_of(scores), scores.case(id_)
    text = Text().append(f"{rank}. {view.case_title(case)}", "bold")
    text.append(f"  {in_one_line(id_)}", "dim")
    for what, shown in view.case_texts(case).items():
        text.append(f"\n   {what + ':':<12}", "dim").append(shown)
    return text


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
