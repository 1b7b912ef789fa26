"""The run of a training in several processes: the first of them writes it, the others read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from spanfit.errors import RunError
from spanfit.preparation import Prepared
from spanfit.processes import Processes
from spanfit.runs import RunFolder, resume_command


class ReadRunFolder(RunFolder):
    """The folder of a run that another process writes: whatever is to be written is left out."""

    @contextmanager
    def locked(self) -> Iterator[None]:
        """The process that writes keeps others out."""
        yield

    def write_text(self, name: str, text: str) -> None:
        """Write nothing."""

    def append_metrics(self, line: dict[str, Any]) -> None:
        """Write nothing."""

    def write_folder(self, name: str, fill: Callable[[Path], None]) -> Path:
        """Write nothing, and do not call `fill`."""
        return self.folder / name

    def keep_checkpoints(self, *, max_checkpoints: int, best: str | None) -> None:
        """Delete nothing."""


@contextmanager
def held(place: Path, processes: Processes) -> Iterator[RunFolder]:
    """The folder of a run, out of which other trainings are kept.

    Raises:
        RunError: another training is in there, or nothing can be written there.
    """
    folder = RunFolder(place) if processes.is_first else ReadRunFolder(place)
    with ExitStack() as lock:
        with processes.together():
            lock.enter_context(folder.locked())
        yield folder


def begin_alike(prepared: Prepared, run: Path, processes: Processes) -> None:
    """Give all processes the weights of the first, if they have the same data.

    Raises:
        RunError: they have not.
    """
    read = prepared.parts.digests()
    if any(other != read for other in processes.gather(read)):
        raise processes.shared(
            RunError(
                "the processes of this training have read different data",
                where=str(run),
                fix=f"{processes.command(resume_command(run))}, with files that nobody changes",
            )
        )
    processes.unite(prepared.pretrained.network)
