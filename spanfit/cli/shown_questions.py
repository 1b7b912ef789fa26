"""Questions of a file as `spanfit show` prints them: with their answers marked in the context."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spanfit.cli import console
from spanfit.cli.console import Rows
from spanfit.types import Answer, QuestionExample, Span

if TYPE_CHECKING:
    from rich.text import Text


@dataclass(frozen=True)
class QuestionsView:
    """The questions of a file, and how they are shown."""

    examples: Sequence[QuestionExample]
    data: Path

    def counts(self) -> dict[str, int]:
        """What the file holds in all."""
        from spanfit.data.answers import is_good

        examples = self.examples
        return {
            "questions": len(examples),
            "contexts": len({example.context for example in examples}),
            "titles": len({example.title for example in examples if example.title}),
            "answerable": sum(bool(example.answers) for example in examples),
            "unanswerable": sum(example.answers == () for example in examples),
            "without_gold": sum(example.answers is None for example in examples),
            "synthetic": sum(bool(example.synthetic) for example in examples),
            "misplaced_answers": sum(
                not is_good(answer, example.context)
                for example in examples
                for answer in example.answers or ()
            ),
        }

    def summarise(self) -> str:
        """The same in a line, and what is wrong in another one."""
        counts = self.counts()
        kinds = {
            "with an answer": counts["answerable"],
            "without one": counts["unanswerable"],
            "whose gold is not given": counts["without_gold"],
        }
        listed = ", ".join(f"{number:,} {kind}" for kind, number in kinds.items() if number)
        made = f"; {counts['synthetic']:,} synthetic" if counts["synthetic"] else ""
        line = (
            f"{self.data}: questions {counts['questions']:,} ({listed}{made}), "
            f"contexts {counts['contexts']:,}, titles {counts['titles']:,}"
        )
        if bad := counts["misplaced_answers"]:
            line += (
                f"\ngold answers that do not stand where the file says: {bad:,}; "
                "commands that use their places need --bad-answers drop or relocate"
            )
        return line

    def to_rows(self, example: QuestionExample, *, full: bool) -> Rows:
        """What is printed of one question, which is shortened unless `full`."""
        return _to_rows(example, brackets=console.out().color_system is None, full=full)

    def to_json(self, example: QuestionExample) -> dict[str, Any]:
        """The question with its gold, for programs."""
        answers = None if example.answers is None else [asdict(gold) for gold in example.answers]
        return {
            "id": example.id,
            "title": example.title,
            "question": example.question,
            "context": example.context,
            "answers": answers,
            "synthetic": example.synthetic,
        }

    def say_next(self) -> None:
        """Say what may be typed next."""
        file = shlex.quote(str(self.data))
        if any(example.answers is not None for example in self.examples):
            console.next_step(f"spanfit windows {file} --tokenizer quickstart")
            console.next_step(f"spanfit init {file} > recipe.toml")
        else:
            console.next_step(f"spanfit predict MODEL {file} --out predictions.jsonl")


def _to_rows(example: QuestionExample, *, brackets: bool, full: bool) -> Rows:
    from rich.text import Text

    from spanfit.cli.marks import mark, visible
    from spanfit.data.answers import is_good

    golds = [gold for gold in example.answers or () if is_good(gold, example.context)]
    spans = [Span(gold.start, gold.start + len(gold.text)) for gold in golds]
    rows = [("id", Text(visible(example.id), "bold"))]
    if example.title:
        rows.append(("title", Text(visible(example.title))))
    if example.synthetic:
        rows.append(("synthetic", Text(visible(example.synthetic), "bold yellow")))
    rows.append(("question", Text(visible(example.question), "bold")))
    rows.append(("context", mark(example.context, spans, brackets=brackets, shorten=not full)))
    if not example.answers:
        rows.append(("answer", Text("not given" if example.answers is None else "no answer")))
    counted = Counter(example.answers or ())
    return rows + [("answer", _to_line(gold, example, n)) for gold, n in counted.items()]


def _to_line(gold: Answer, example: QuestionExample, n: int) -> Text:
    from rich.text import Text

    from spanfit.cli.marks import visible
    from spanfit.data.answers import BadAnswer, is_good

    times = f" ({n} times)" if n > 1 else ""
    if is_good(gold, example.context):
        line = Text().append(visible(gold.text), "green")
        return line.append(f"  {gold.start}–{gold.start + len(gold.text)}{times}", "dim")
    line = Text().append("MISPLACED ", "bold red").append(visible(gold.text), "red")
    why = BadAnswer(example, gold).explain()
    return line.append(visible(f"  at {gold.start}: {why}{times}"), "dim")
