"""Processes that are killed for real: at a moment, or before they change the n-th file."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import time
from pathlib import Path


def start(work):
    """Run `work` in a child process; its number."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return child


def die_after(cpu_seconds):
    """End this process without a word, once it has computed for so long.

    Seconds of the clock would be other moments of the work on a machine that does other work.
    """
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_PROF, max(cpu_seconds, 0.001))  # 0 would be never


def get_cpu_seconds():
    """What the children that were waited for have computed."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def is_alive(child):
    """Whether a child has not ended yet; it is still to be waited for."""
    options = os.WEXITED | os.WNOHANG | os.WNOWAIT
    return os.waitid(os.P_PID, child, options) is None


def wait_for(child):
    """Whether a child ended by itself; it must have done its work then."""
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) in {signal.SIGKILL, signal.SIGPROF}
        return False
    assert os.WEXITSTATUS(status) == 0
    return True


def in_a_child(work, *, seconds=None):
    """Run `work` in a child process, killed after so many seconds; whether it ended by itself."""
    child = start(work)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    return wait_for(child)


def die_at(change):
    """Let this process be killed before its `change`th change of what is on the disk."""
    left = [change]

    def kill_before(function):
        def changed(*arguments, **options):
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1
            return function(*arguments, **options)

        return changed

    os.fsync = kill_before(os.fsync)
    for name in ("rmdir", "unlink"):  # inside of shutil.rmtree
        setattr(os, name, kill_before(getattr(os, name)))
    shutil.rmtree = kill_before(shutil.rmtree)
    for name in ("write_text", "mkdir", "replace", "rename", "unlink"):
        setattr(Path, name, kill_before(getattr(Path, name)))
