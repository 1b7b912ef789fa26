"""README.md of a model folder: what the model is, how good, what it cannot do, how to use it."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from spanfit.backends.heads import Head
from spanfit.card_metadata import make_front_matter, name_part
from spanfit.card_rows import FILE_NAME, PLACE, format_row, list_rows
from spanfit.metrics import AnyScores
from spanfit.metrics.bootstrap import Interval
from spanfit.preparation import Prepared
from spanfit.settings import ModelSettings
from spanfit.version import VERSION

TEMPLATE = """\
---
{front_matter}
---
# {title}

{what}, fine-tuned by SpanFit {version}.

{table}

## Scores

{scores}

## Data

{data}

## Limits

{limits}

## Use

```python
import spanfit

model = spanfit.load("{place}")
{usage}
```

```sh
spanfit {command}
```

{opening} Windows, decoding and what was fitted are in `spanfit.json`.
"""


@dataclass(frozen=True)
class Subject:
    """What the card of a task's models says."""

    pipeline_tag: str
    tag: str
    purpose: str
    what: str
    usage: str
    command: str
    list_limits: Callable[[ModelSettings], list[str]]


def _question_limits(settings: ModelSettings) -> list[str]:
    calibration = settings.calibration_of("torch")
    limits = [
        "An answer is a part of the text, word for word, in one piece, and at most "
        f"{settings.decode.max_answer_tokens} tokens long. It is neither reworded nor put together."
    ]
    if calibration.threshold is None:
        limits.append(
            "It never says that there is no answer: asked of a text without one, it points at "
            "something all the same."
        )
    fitted = (
        "Threshold and probabilities hold for questions like those that they were fitted on"
        if calibration.n_examples
        else "In the training nothing was fitted: no probability says how often it is right"
    )
    refit = "`spanfit evaluate MODEL DATA --refit PREDICTIONS` fits them to others"
    return [*limits, f"{fitted}; {refit}."]


def _tag_limits(settings: ModelSettings) -> list[str]:
    return [
        "It knows the labels above and no others; entities neither overlap, nor stand inside one "
        "another, nor have gaps.",
        "Probabilities are those of the model; nothing was fitted to make them say how often it is "
        "right.",
    ]


SUBJECTS = {
    "qa": Subject(
        pipeline_tag="question-answering",
        tag="extractive-question-answering",
        purpose="questions",
        what="An encoder that points at the answer to a question in a text",
        usage='print(model.ask("Who leads?", "Ada leads the harbour office.").answer)',
        command=f'ask "{PLACE}" --question "Who leads?" --context FILE',
        list_limits=_question_limits,
    ),
    "tagging": Subject(
        pipeline_tag="token-classification",
        tag="token-classification",
        purpose="tags",
        what="An encoder that says of each word or entity of a text what it is",
        usage='print(model.tag("Ada leads the harbour office.").entities)',
        command=f'tag "{PLACE}" "Ada leads the harbour office."',
        list_limits=_tag_limits,
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
    title = f"{encoder}, fine-tuned for {subject.purpose}"
    learnt = prepared.task.describe(prepared.parts.training)
    rows = {"encoder": f"`{encoder}`", "learnt from": learnt} | list_rows(settings)
    text = TEMPLATE.format(
        front_matter=make_front_matter(
            prepared,
            {name: entry.scores for name, entry in entries.items()},
            pipeline_tag=subject.pipeline_tag,
            tags=("spanfit", subject.tag),
            title=title,
        ),
        title=title,
        what=subject.what,
        version=VERSION,
        table=_make_table(["what", "value"], [[what, value] for what, value in rows.items()]),
        scores=_score_table(entries),
        data=_data_table(prepared),
        limits="\n".join(f"- {limit}" for limit in _list_limits(prepared, settings)),
        place=PLACE,
        usage=subject.usage,
        command=subject.command,
        opening=_describe_opening(prepared.pretrained.head, prepared.task.outputs(settings)),
    )
    (folder / FILE_NAME).write_text(text, encoding="utf-8")


def _describe_opening(head: Head, outputs: Sequence[str]) -> str:
    """How transformers opens the folder; what a head means that stands in for another, too."""
    text = f"`{head.auto_class}` of transformers opens this folder too"
    if head.is_borrowed:
        text += f": a `{head.name}`, whose outputs for each token are {' and '.join(outputs)}"
    return text + "."


def _score_table(entries: Mapping[str, CardEntry]) -> str:
    if not entries:
        return "It was not evaluated: there are no scores."
    names = list(next(iter(entries.values())).scores.headings)
    has_errors = any(entry.errors for entry in entries.values())
    columns = ["part", "examples", *names, *["calibration error"] * has_errors, "signature"]
    rows = []
    for part, entry in entries.items():
        scores = entry.scores
        cells = [part, f"{scores.signature.n:,}"]
        cells += [
            _format(scores.headline[name], scores.interval(figure))
            for name, figure in scores.headings.items()
        ]
        if has_errors:
            cells.append(" → ".join(f"{error:.3f}" for error in entry.errors or ()))
        rows.append([*cells, str(scores.signature)])
    return _make_table(columns, rows) + "\n\n" + LEGEND + (ERROR_LEGEND if has_errors else "")


def _data_table(prepared: Prepared) -> str:
    """What each part is made of, and the digest of its content."""
    parts, data = prepared.parts, prepared.recipe.data
    digests = parts.digests()
    rows = [
        [
            part,
            prepared.task.describe(parts.by_name[part]),
            name_part(part, data),
            f"`{digests[part]}`",
        ]
        for part in digests
    ]
    return _make_table(["part", "what", "from", "digest of its content"], rows)


def _list_limits(prepared: Prepared, settings: ModelSettings) -> list[str]:
    """What the model cannot do, and what was not tried."""
    windows = settings.windows
    texts = [prepared.task.texts(example).sliced for example in prepared.parts.training]
    limits = [
        f"It learnt from texts in these scripts: {describe_scripts(texts)}. Of others, and of "
        "other kinds of text, nothing is known.",
        *SUBJECTS[prepared.task.name].list_limits(settings),
        f"Longer texts are read {windows.max_length} tokens at a time: what is decided in a window "
        "knows nothing of what stands outside of it.",
    ]
    if settings.ceiling:
        figures = ", ".join(f"{name} {value:.2f}" for name, value in settings.ceiling.items())
        limits.append(
            f"The best score that tokenizer and windows allow on what was scored: {figures}."
        )
    return limits


def describe_scripts(texts: Sequence[str]) -> str:
    """The scripts of the letters in some texts, from a sample of them: "Latin 98 %, Greek 2 %"."""
    sample = "".join(text[:500] for text in texts[:: max(1, len(texts) // 200)])
    letters = [letter for letter in unicodedata.normalize("NFKC", sample) if letter.isalpha()]
    names = (re.split(r"\W", unicodedata.name(letter, "OTHER"))[0] for letter in letters)
    named = [
        f"{_SCRIPTS.get(name, name.capitalize())} {100 * count / len(letters):.0f} %"
        for name, count in Counter(names).most_common()
        if 100 * count >= len(letters)
    ]
    return ", ".join(named) or "none"


_SCRIPTS = {"CJK": "Han"}
"""Scripts whose letters have names that begin otherwise."""


def _make_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [format_row(*columns), "|---" * len(columns) + "|"]
    return "\n".join([*lines, *(format_row(*row) for row in rows)])


def _format(value: float, interval: Interval) -> str:
    return f"{value:.2f} ({interval.low:.2f} to {interval.high:.2f})"
