"""How a prediction looks on a terminal: the answer marked in its surroundings."""

from __future__ import annotations

from spanfit.cli import console
from spanfit.types import QuestionPrediction


def print_answer(
    prediction: QuestionPrediction, *, question: str, context: str, top_k: int = 1
) -> None:
    """Print the question, the context with the answer marked, and the k best with offsets."""
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
        for candidate in prediction.n_best[:top_k]:
            figures = f"{_percent(candidate.probability):>7}  {candidate.start}–{candidate.end}"
            out.print(Text().append(f"{figures:<22}", "dim").append(visible(candidate.text)))


def _percent(probability: float) -> str:
    return f"{100 * probability:.1f} %"
