"""Scores of tagged texts, as a table of labels; and the texts with most that is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from spanfit.cli.marks import choose_brackets
from spanfit.cli.tables import format_figure, format_interval, in_one_line, make_table
from spanfit.metrics import TagCase, TagScores
from spanfit.metrics.spans import PARTIAL_SCHEMES
from spanfit.tagged import Entity

if TYPE_CHECKING:
    from rich.table import Table

_RATES = ("precision", "recall", "f1")
_SINGLE = ("[", "]")


class TagFigures:
    """How `TagScores` are printed."""

    missing_counts = "and their gold counts as not found"

    def table(self, scores: TagScores) -> Table:
        """One row a label, the most frequent first; then all labels, and the mean of the labels."""
        headings = ("precision", "recall", "F1", "95 %", "predicted", "gold")
        table = make_table(scores.signature.metric, *headings)
        counts = scores.counted.counts
        rows = zip(scores.labels.items(), counts.totals[:, 1].tolist(), strict=True)
        for (label, rates), found in sorted(rows, key=lambda row: -row[0][1].n_gold):
            cells = [f"{getattr(rates, rate):.2f}" for rate in _RATES]
            table.add_row(in_one_line(label), *cells, "", str(found), str(rates.n_gold))
        table.add_section()
        sizes = (str(counts.n_predicted), str(counts.n_gold))
        table.add_row("all (micro)", *self._cells(scores, ""), *sizes)
        table.add_row("mean (macro)", *self._cells(scores, "macro_"), "", "")
        return table

    def remarks(self, scores: TagScores) -> Iterator[str]:
        """What the table does not have room for."""
        figures = scores.figures
        if "char_macro_f1" in figures:
            yield (
                "mean of the tags of characters (char_macro): F1 "
                f"{self._with_interval(scores, 'char_macro_f1')}, without O "
                f"{self._with_interval(scores, 'char_macro_f1_without_o')}"
            )
        parts = [f"all right in {self._with_interval(scores, 'exact')} % of the texts"]
        if "accuracy" in figures:
            parts.insert(0, f"accuracy of tags {self._with_interval(scores, 'accuracy')}")
        if invalid := figures.get("invalid_tags", 0):
            parts.append(f"predicted tags that break their scheme: {invalid:,}")
        yield " · ".join(parts)
        if scores.partial is not None:
            partial = scores.partial
            rates = [f"{name} {partial.rates(name).f1:.2f}" for name in PARTIAL_SCHEMES]
            yield f"F1 with partial credit (SemEval-2013): {' · '.join(rates)}"

    def lines(self, scores: TagScores) -> Iterator[str]:
        """`name value` lines of each label."""
        found = scores.counted.counts.totals[:, 1].tolist()
        for (label, rates), n_predicted in zip(scores.labels.items(), found, strict=True):
            name = "labels." + "_".join(in_one_line(label).split())
            for rate in _RATES:
                yield f"{name}.{rate} {getattr(rates, rate):.2f}"
            yield f"{name}.n_predicted {n_predicted}"
            yield f"{name}.n_gold {rates.n_gold}"

    def case_values(self, case: TagCase) -> dict[str, str]:
        """How much is wrong."""
        return {"n_wrong": str(case.n_wrong)}

    def case_title(self, case: TagCase) -> str:
        """The same for a reader."""
        return f"{case.n_wrong} wrong"

    def case_texts(self, case: TagCase) -> dict[str, str]:
        """The text with its gold and its predicted entities in brackets, each on one line."""
        predicted = case.predicted
        return {
            "gold": _mark(case.text, case.gold),
            "prediction": "(no prediction)" if predicted is None else _mark(case.text, predicted),
        }

    def _cells(self, scores: TagScores, prefix: str) -> list[str]:
        """Precision, recall and F1, and the interval of the last."""
        names = [prefix + rate for rate in _RATES]
        values = [format_figure(name, scores.figures[name]) for name in names]
        return [*values, format_interval(scores.intervals.get(prefix + "f1"))]

    def _with_interval(self, scores: TagScores, name: str) -> str:
        interval = format_interval(scores.intervals.get(name))
        return f"{scores.figures[name]:.2f}" + f" ({interval})" * bool(interval)


def _mark(text: str, entities: Sequence[Entity]) -> str:
    """The text on one line, each entity in brackets with its label."""
    is_free = not any(bracket in text for bracket in _SINGLE)
    opening, closing = _SINGLE if is_free else choose_brackets(text)
    pieces, end = [], 0
    for entity in entities:
        inside = text[entity.start : entity.end]
        pieces += [text[end : entity.start], f"{opening}{inside} {entity.label}{closing}"]
        end = entity.end
    return in_one_line("".join([*pieces, text[end:]]))
