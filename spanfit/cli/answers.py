"""How predictions look on a terminal: answers marked in their surroundings, with their places."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from spanfit.cli import console
from spanfit.cli.marks import in_line, mark, mark_in_line, visible
from spanfit.types import Candidate, QuestionPrediction

if TYPE_CHECKING:
    from rich.text import Text

_INDENT = 9  # columns before an answer in a list: those of its probability


def print_answer(prediction: QuestionPrediction, *, question: str, context: str) -> None:
    """Print the question, its one context with the answer marked, and the answer's place."""
    _print_marked(prediction, question=question, context=context)
    if prediction.answer is None:
        _print_no_answer(prediction)
    else:
        _print_place(prediction.answer)


def print_answers(
    prediction: QuestionPrediction, *, question: str, contexts: Mapping[str, str], top_k: int = 1
) -> None:
    """Print the question, the answer in its surroundings, and the `top_k` best, each in a line.

    `contexts` are the texts by the names that candidates have as their source. "No answer" over
    several contexts stands for itself; of a single one its beginning is shown.
    """
    answer = prediction.answer
    if answer is None and len(contexts) > 1:
        _print_question(question)
        _print_no_answer(prediction, n_contexts=len(contexts))
    else:
        name = next(iter(contexts)) if answer is None else answer.source
        _print_marked(prediction, question=question, context=contexts[name])
        if answer is None:
            _print_no_answer(prediction)
        elif top_k == 1:
            _print_place(answer)
    if top_k > 1:
        for candidate in prediction.n_best[:top_k]:
            _print_candidate(candidate, contexts[candidate.source])


def _print_question(question: str) -> None:
    from rich.text import Text

    console.out().print()
    console.out().print(Text(visible(question), "bold"))


def _print_marked(prediction: QuestionPrediction, *, question: str, context: str) -> None:
    _print_question(question)
    out = console.out()
    spans = [] if prediction.answer is None else [prediction.answer.span]
    marked = mark(context, spans, brackets=out.color_system is None, shorten=True)
    out.print(marked, soft_wrap=not out.is_terminal)


def _print_no_answer(prediction: QuestionPrediction, *, n_contexts: int = 1) -> None:
    where = f" in {n_contexts:,} texts" if n_contexts > 1 else ""
    console.plain(f"no answer{where}  ({_percent(prediction.probability)})")


def _print_place(answer: Candidate) -> None:
    from rich.text import Text

    figures = f"  {_place(answer)}  {_percent(answer.probability)}"
    console.out().print(Text().append(in_line(answer.text), "green").append(figures, "dim"))


def _print_candidate(candidate: Candidate, context: str) -> None:
    """A line with probability, place and text, and one with the surroundings."""
    from rich.padding import Padding
    from rich.text import Text

    out = console.out()
    figures = f"{_percent(candidate.probability):>7}  {_place(candidate)}  "
    out.print(Text().append(figures, "dim").append(in_line(candidate.text)))
    marked = mark_in_line(context, candidate.span, brackets=out.color_system is None)
    if out.is_terminal:
        out.print(Padding(marked, (0, 0, 0, _INDENT), expand=False), soft_wrap=False)
    else:
        out.print(_indent(marked))


def _indent(text: Text) -> Text:
    from rich.text import Text

    return Text(" " * _INDENT).append_text(text)


def _place(candidate: Candidate) -> str:
    source = f"{visible(candidate.source)}:" if candidate.source else ""
    return f"{source}{candidate.start}–{candidate.end}"


def _percent(probability: float) -> str:
    return f"{100 * probability:.1f} %"
