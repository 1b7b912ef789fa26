"""The question-answering pipeline of transformers 4 in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from spanfit.types import QuestionExample


class OldPipeline:
    """Runs `transformers4_pipeline.py` with the interpreter of an environment that has it.

    It answers `at_once` questions in a call.
    """

    def __init__(
        self, python: str, model: str, *, impossible: bool = False, at_once: int = 1
    ) -> None:
        script = Path(__file__).with_name("transformers4_pipeline.py")
        kind = "impossible" if impossible else "possible"
        self._process = subprocess.Popen(
            [python, str(script), model, kind, str(at_once)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.version = str(self._read()["version"])

    def ask(self, examples: Sequence[QuestionExample]) -> tuple[list[Any], list[float]]:
        """An answer of each question, and the CPU seconds of each call."""
        asked = [{"question": one.question, "context": one.context} for one in examples]
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        said = self._read()
        return said["answers"], said["seconds"]

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            sys.exit("transformers 4 did not answer: see its message above")
        said: dict[str, Any] = json.loads(line)
        return said
