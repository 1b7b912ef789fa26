"""README.md of a model folder: what the model is, how good, and how to ask it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from spanfit.backends.checks import HEADS
from spanfit.metrics import AnyScores
from spanfit.metrics.bootstrap import Interval
from spanfit.preparation import Prepared
from spanfit.settings import ModelSettings
from spanfit.tags import find_scheme
from spanfit.version import VERSION

TEMPLATE = """\
---
library_name: transformers
pipeline_tag: {pipeline_tag}
tags: [spanfit, {tag}]
---
# {title}

{what}, fine-tuned by SpanFit {version}.

| what | value |
|---|---|
| encoder | `{encoder}` |
| learnt from | {learnt} |
| windows | {max_length} tokens, {overlap} of them shared by neighbours |
{rows}

{scores}

```python
import spanfit

model = spanfit.load("PATH OF THIS FOLDER")
{usage}
```

`{head}` of transformers opens this folder too; windows, decoding and what was fitted are in
`spanfit.json`.
"""


@dataclass(frozen=True)
class Subject:
    """What the card of a task's models says; `list_rows` gives more rows of its table."""

    pipeline_tag: str
    tag: str
    purpose: str
    what: str
    usage: str
    list_rows: Callable[[ModelSettings], Mapping[str, str]]


def _question_rows(settings: ModelSettings) -> dict[str, str]:
    threshold = settings.calibration_of("torch").threshold
    null = (
        "never: it learnt from answerable questions only"
        if threshold is None
        else f"where the null odds are above {threshold:.3f}, as trained"
    )
    return {
        "longest answer": f"{settings.decode.max_answer_tokens} tokens",
        'says "no answer"': null,
    }


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


SUBJECTS = {
    "qa": Subject(
        pipeline_tag="question-answering",
        tag="extractive-question-answering",
        purpose="questions",
        what="An encoder that points at the answer to a question in a text",
        usage='print(model.ask("Who leads?", "Ada leads the harbour office.").answer)',
        list_rows=_question_rows,
    ),
    "tagging": Subject(
        pipeline_tag="token-classification",
        tag="token-classification",
        purpose="tags",
        what="An encoder that says of each word or entity of a text what it is",
        usage='print(model.tag("Ada leads the harbour office.").entities)',
        list_rows=_tag_rows,
    ),
}
"""By the task's name."""


LEGEND = "In brackets: 95 % intervals over examples."
ERROR_LEGEND = """ Calibration error: how far probabilities are from the
share of right answers, 0 to 1, at temperature 1 and at the fitted one."""


@dataclass(frozen=True)
class CardEntry:
    """What the card says of one part; calibration errors at temperature 1 and as fitted, if any."""

    scores: AnyScores
    errors: tuple[float, float] | None


def write_model_card(
    folder: Path, prepared: Prepared, settings: ModelSettings, entries: Mapping[str, CardEntry]
) -> None:
    """Write the model card of one folder."""
    recipe, subject = prepared.recipe, SUBJECTS[prepared.task.name]
    encoder = Path(recipe.model.name).name
    rows = subject.list_rows(settings).items()
    text = TEMPLATE.format(
        pipeline_tag=subject.pipeline_tag,
        tag=subject.tag,
        title=f"{encoder}, fine-tuned for {subject.purpose}",
        what=subject.what,
        version=VERSION,
        encoder=encoder,
        learnt=prepared.task.describe(prepared.parts.training),
        max_length=settings.windows.max_length,
        overlap=settings.windows.overlap,
        rows="\n".join(f"| {what} | {value} |" for what, value in rows),
        scores=_score_table(entries),
        usage=subject.usage,
        head=HEADS[prepared.task.name],
    )
    (folder / "README.md").write_text(text, encoding="utf-8")


def _score_table(entries: Mapping[str, CardEntry]) -> str:
    if not entries:
        return "It was not evaluated: there are no scores."
    names = list(next(iter(entries.values())).scores.headings)
    has_errors = any(entry.errors for entry in entries.values())
    columns = ["part", "examples", *names, *["calibration error"] * has_errors, "signature"]
    lines = [_row(columns), "|---" * len(columns) + "|"]
    for part, entry in entries.items():
        scores = entry.scores
        cells = [part, f"{scores.signature.n:,}"]
        cells += [
            _format(scores.headline[name], scores.interval(figure))
            for name, figure in scores.headings.items()
        ]
        if has_errors:
            cells.append(" → ".join(f"{error:.3f}" for error in entry.errors or ()))
        lines.append(_row([*cells, str(scores.signature)]))
    return "\n".join(lines) + "\n\n" + LEGEND + (ERROR_LEGEND if has_errors else "")


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _format(value: float, interval: Interval) -> str:
    return f"{value:.2f} ({interval.low:.2f} to {interval.high:.2f})"
