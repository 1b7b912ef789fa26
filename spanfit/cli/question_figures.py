"""Scores of questions, as a table; and the worst questions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from spanfit.cli.tables import (
    CHOSEN_HERE,
    format_figure,
    format_interval,
    in_one_line,
    make_table,
)
from spanfit.metrics import Case, Scores

if TYPE_CHECKING:
    from rich.table import Table

_ROWS = (
    ("all questions", "exact_match", "f1", "n"),
    ("all questions", "exact", "f1", "n"),
    ("all questions", "EM", "F1", "n"),
    ("  their mean", "AVERAGE", "AVERAGE", ""),
    ("with an answer (HasAns)", "HasAns_exact", "HasAns_f1", "HasAns_total"),
    ("without an answer (NoAns)", "NoAns_exact", "NoAns_f1", "NoAns_total"),
    (CHOSEN_HERE, "best_exact", "best_f1", ""),
    ("  that threshold", "best_exact_thresh", "best_f1_thresh", ""),
    ("precision-recall area", "pr_exact_ap", "pr_f1_ap", ""),
    ("  if every answer were right", "pr_oracle_ap", "pr_oracle_ap", ""),
)  # label, then the figures of the columns exact, F1 and questions


class QuestionFigures:
    """How `Scores` are printed."""

    missing_counts = "and count as 0"

    def table(self, scores: Scores) -> Table:
        """One row for all questions, one for each kind, then what a threshold could do."""
        table = make_table(scores.signature.metric, "exact", "95 %", "F1", "95 %", "questions")
        shown = {name: format_figure(name, value) for name, value in scores.figures.items()}
        shown["n"] = str(scores.signature.n)
        for label, exact, f1, count in _ROWS:
            if exact in shown:
                intervals = [format_interval(scores.intervals.get(name)) for name in (exact, f1)]
                row = (shown[exact], intervals[0], shown[f1], intervals[1])
                table.add_row(label, *row, shown.get(count, ""))
        return table

    def remarks(self, scores: Scores) -> Iterator[str]:
        """None: all is in the table."""
        del scores
        return iter(())

    def lines(self, scores: Scores) -> Iterator[str]:
        """None beside the figures."""
        del scores
        return iter(())

    def case_values(self, case: Case) -> dict[str, str]:
        """How good the prediction is, by short names."""
        return {"f1": f"{100 * case.f1:.2f}", "exact": f"{100 * case.exact:.0f}"}

    def case_title(self, case: Case) -> str:
        """The same for a reader."""
        return f"F1 {100 * case.f1:.2f}  exact {100 * case.exact:.0f}"

    def case_texts(self, case: Case) -> dict[str, str]:
        """What a reader compares, each on one line."""
        if case.predicted is None:
            prediction = "(no prediction)"
        else:
            prediction = in_one_line(case.predicted) or "no answer"
        golds = " | ".join(map(in_one_line, case.golds)) if case.golds else "no answer"
        return {"question": in_one_line(case.question), "gold": golds, "prediction": prediction}
