"""How a prediction looks on a terminal: the answer marked in its surroundings."""

from __future__ import annotations

from spanfit.cli import console
from spanfit.types import QuestionPrediction


def print_answer(
    prediction: QuestionPrediction, *, question: str, context: str, top_k: int = 1
) -> None:
    """Print the question, the context with the answer marked, and the k best with offsets."""
    from rich.table import Table
    from rich.text import Text

    from spanfit.cli.marks import mark, visible

    out = console.out()
    answer = prediction.answer
    spans = [] if answer is None else [answer.span]
    out.print()
    out.print(Text(visible(question), "bold"))
    marked = mark(context, spans, brackets=out.color_system is None, shorten=True)
    out.print(marked, soft_wrap=not out.is_terminal)
    if answer is None:
        out.print(f"no answer  ({_percent(prediction.probability)})", markup=False)
    if answer is not None and top_k == 1:
        line = Text().append(visible(answer.text), "green")
        out.print(
            line.append(f"  {answer.start}–{answer.end}  {_percent(answer.probability)}", "dim")
        )
    if top_k > 1:
        table = Table.grid(padding=(0, 2, 0, 0))
        for candidate in prediction.n_best[:top_k]:
            table.add_row(
                _percent(candidate.probability),
                f"{candidate.start}–{candidate.end}",
                Text(visible(candidate.text)),
            )
        out.print(table)


def _percent(probability: float) -> str:
    return f"{100 * probability:.1f} %"
