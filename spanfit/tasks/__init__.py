"""The tasks: what is read of an example, what is learnt, and what is said and counted in the end.

base        what every task does
questions   extractive question answering: the answer's start and end
labels      the rule behind every label: where characters lie among tokens
coverage    what windows and token borders lose of the gold
ceiling     the best score that is left
"""

from __future__ import annotations

from spanfit.tasks.base import Task
from spanfit.tasks.coverage import measure_coverage
from spanfit.tasks.questions import QuestionTask

__all__ = ["COVERAGES", "TASKS", "QuestionTask", "Task"]

TASKS = {"qa": QuestionTask()}
"""Each task by the name that recipes and spanfit.json use."""

COVERAGES = {"qa": measure_coverage}
"""What the windows of each task lose of the gold, by the task's name."""
