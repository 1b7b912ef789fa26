"""README.md of a model folder: what the model is, how good, and how to ask it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from spanfit.metrics import Scores
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
| learnt from | {n_training:,} questions |
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


def write_model_card(
    folder: Path, prepared: Prepared, settings: ModelSettings, scores: Mapping[str, Scores]
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
        n_training=len(prepared.parts.training),
        max_length=settings.windows.max_length,
        overlap=settings.windows.overlap,
        max_answer_tokens=settings.decode.max_answer_tokens,
        null=null,
        scores=_score_table(scores),
    )
    (folder / "README.md").write_text(text, encoding="utf-8")


def _score_table(scores: Mapping[str, Scores]) -> str:
    if not scores:
        return "It was not evaluated: there are no scores."
    lines = ["| part | EM | F1 | signature |", "|---|---|---|---|"]
    for name, part in scores.items():
        lines.append(f"| {name} | {part.exact:.2f} | {part.f1:.2f} | {part.signature} |")
    return "\n".join(lines)
