"""State folders and ports for tests; several runs at once do not meet."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from local.home import PROJECT, LocalSettings
from local.stack import Stack

_PORTS_APART: Final = 10
_RUNS_AT_ONCE_MAX: Final = 8


@contextmanager
def free_home(name: str, port_base: int) -> Iterator[Stack]:
    """Take the first home of this name that no other run holds, emptied of what an earlier run left."""
    for number in range(_RUNS_AT_ONCE_MAX):
        home = Path(".kiwi") / (name if number == 0 else f"{name}-{number}")
        stack = Stack(LocalSettings(home=home, port_base=port_base + _PORTS_APART * number))
        stack.home.create()
        with (PROJECT / home / "run.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            stack.clean()  # not at the end: the logs may tell why a test failed
            stack.home.create()
            try:
                yield stack
            finally:
                stack.down()
            return
    pytest.exit(f"{_RUNS_AT_ONCE_MAX} test runs are under way already", returncode=2)
