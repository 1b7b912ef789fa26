"""The tasks: what is read of an example, what is learnt, and what is said and counted in the end.

base             what every task does
labels           the rule behind every label: where characters lie among tokens

questions        extractive question answering: the answer's start and end
span_targets     where answers stand among tokens and windows
coverage         what windows and token borders lose of the gold answers
ceiling          the best score that is left
ranges           what may be predicted; word_ranges, unit_ranges: where the best of it may be

tagging          tags of units: entities, chunks, parts of speech
arrangement      texts divided into units, with what stands around them
cells            units as a tokenizer can tell them apart, and the window of each
cell_tags        the gold of cells, and what that loses
tag_targets      what is learnt in each window
tag_logits       the logits of a text, kept of batches and put together over windows
tag_predictions  from the scores of cells to tags of units, and to entities
tag_coverage     what windows and token borders lose of the gold tags
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from spanfit.settings import ModelSettings
from spanfit.tasks.base import AnyTask, Coverage, Task
from spanfit.tasks.coverage import measure_coverage
from spanfit.tasks.questions import QuestionTask
from spanfit.tasks.tag_coverage import measure_tag_coverage
from spanfit.tasks.tagging import TaggingTask
from spanfit.windows import Windows

__all__ = ["COVERAGES", "TASKS", "QuestionTask", "TaggingTask", "Task", "find_task"]

TASKS: dict[str, AnyTask] = {"qa": QuestionTask(), "tagging": TaggingTask()}
"""Each task by the name that recipes and spanfit.json use."""


class Measure(Protocol):
    """How the windows of a task are measured."""

    def __call__(
        self,
        examples: Sequence[Any],
        windows: Windows,
        settings: ModelSettings,
        *,
        metric: str | None = None,
    ) -> Coverage:
        """What the windows lose of the gold; the ceiling by a metric, or by the one that suits."""


COVERAGES: dict[str, Measure] = {
    "qa": measure_coverage,
    "tagging": measure_tag_coverage,
}
"""What the windows of each task lose of the gold, by the task's name."""


def find_task(example: object) -> AnyTask:
    """The task whose examples are of this kind.

    Raises:
        ValueError: it is no example.
    """
    for task in TASKS.values():
        if isinstance(example, task.example_type):
            return task
    raise ValueError(f"no task has examples like {type(example).__name__}")
