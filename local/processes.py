"""Every process of a stack, found by a mark in its environment: also those whose supervisor is gone."""

from collections.abc import Iterable
from typing import Final

import psutil

from local.home import Home

MARK: Final = "KIWI_STACK"
_TERM_SECONDS: Final = 20
_GONE_SECONDS: Final = 60


def processes_of(home: Home) -> list[psutil.Process]:
    """Return the processes that a stack's supervisor started, directly or not, and the supervisor."""
    return [process for process in psutil.process_iter() if _mark(process) == str(home.root)]


def end_processes(processes: Iterable[psutil.Process]) -> None:
    """Ask each to end, and kill those that do not within the limit."""
    left = list(processes)
    for process in left:
        _signal(process, "terminate")
    _, left = psutil.wait_procs(left, timeout=_TERM_SECONDS)
    for process in left:
        _signal(process, "kill")
    psutil.wait_procs(left, timeout=_TERM_SECONDS)


def await_gone(home: Home) -> None:
    """Wait until a stack that was told to stop has no process left, or the limit has passed."""
    psutil.wait_procs(processes_of(home), timeout=_GONE_SECONDS)


def tree_memory_bytes(pid: int) -> dict[str, int]:
    """Return the memory of a process and its descendants by program name; empty when it is gone.

    What several share, as forked workers do, counts once.
    """
    memory: dict[str, int] = {}
    try:
        root = psutil.Process(pid)
        for process in (root, *root.children(recursive=True)):
            name = process.name().partition(" ")[0].rstrip(":")  # the rest of a title says what it is doing
            memory[name] = memory.get(name, 0) + process.memory_full_info().pss
    except psutil.NoSuchProcess:
        pass
    return memory


def _mark(process: psutil.Process) -> str | None:
    try:
        return process.environ().get(MARK)
    except (psutil.Error, OSError):
        return None  # somebody else's process, or one that has just ended


def _signal(process: psutil.Process, name: str) -> None:
    try:
        getattr(process, name)()
    except psutil.NoSuchProcess:
        return
