"""README.md of a model folder: what the model is, how good, and how to ask it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from spanfit.metrics import Scores
from spanfit.metrics.bootstrap import Interval
from spanfit.preparation import Prepared
from spanfit.settings import ModelSettings
from spanfit.version import VERSION

TEMPLATE = """\
---
library_name: transformers
pipeline_tag: question-answering
tags: [spanfit, extractive-question-answering]
---
# {title}

An encoder that points at the answer to a question in a text, fine-tuned by SpanFit {version}.

| what | value |
|---|---|
| encoder | `{encoder}` |
| learnt from | {learnt} |
| windows | {max_length} tokens, {overlap} of them shared by neighbours |
| longest answer | {max_answer_tokens} tokens |
| says "no answer" | {null} |

{scores}

```python
import spanfit

model = spanfit.load("PATH OF THIS FOLDER")
print(model.ask("Who leads?", "Ada leads the harbour office.").answer)
```

`AutoModelForQuestionAnswering` of transformers opens this folder too; windows, decoding, threshold
and temperature are in `spanfit.json`.
"""


LEGEND = """\
In brackets: 95 % intervals over questions. Calibration error: how far probabilities are from the
share of right answers, 0 to 1, at temperature 1 and at the fitted one."""


@dataclass(frozen=True)
class CardEntry:
    """What the card says of one part; calibration errors at temperature 1 and as fitted."""

    scores: Scores
    error_before: float
    error: float


def write_model_card(
    folder: Path, prepared: Prepared, settings: ModelSettings, entries: Mapping[str, CardEntry]
) -> None:
    """Write the model card of one folder."""
    recipe = prepared.recipe
    calibration = settings.calibration_of("torch")
    null = (
        "never: it learnt from answerable questions only"
        if calibration.threshold is None
        else f"where the null odds are above {calibration.threshold:.3f}, as trained"
    )
    text = TEMPLATE.format(
        title=f"{Path(recipe.model.name).name}, fine-tuned for questions",
        version=VERSION,
        encoder=Path(recipe.model.name).name,
        learnt=_describe_training(prepared),
        max_length=settings.windows.max_length,
        overlap=settings.windows.overlap,
        max_answer_tokens=settings.decode.max_answer_tokens,
        null=null,
        scores=_score_table(entries),
    )
    (folder / "README.md").write_text(text, encoding="utf-8")


def _describe_training(prepared: Prepared) -> str:
    """How many questions, and how many of them nobody asked."""
    counts = prepared.parts.counts()["training"]
    asked = f"{counts['all'] - counts['synthetic']:,} questions"
    if not counts["synthetic"]:
        return asked
    return f"{asked}, and {counts['synthetic']:,} synthetic ones made of them, without an answer"


def _score_table(entries: Mapping[str, CardEntry]) -> str:
    if not entries:
        return "It was not evaluated: there are no scores."
    lines = [
        "| part | questions | EM | F1 | calibration error | signature |",
        "|---|---|---|---|---|---|",
    ]
    for name, entry in entries.items():
        scores = entry.scores
        exact = _format(scores.exact, scores.interval("exact"))
        f1 = _format(scores.f1, scores.interval("f1"))
        error = f"{entry.error_before:.3f} → {entry.error:.3f}"
        n = f"{scores.signature.n:,}"
        lines.append(f"| {name} | {n} | {exact} | {f1} | {error} | {scores.signature} |")
    return "\n".join(lines) + "\n\n" + LEGEND


def _format(value: float, interval: Interval) -> str:
    return f"{value:.2f} ({interval.low:.2f} to {interval.high:.2f})"
