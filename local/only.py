"""Runs a supervised program as the only one of its name: `python -m local.only COMMAND...`.

A scheduler that is killed leaves its workers behind, which would hold memory, and tasks, for ever.
"""

import os
import sys
from contextlib import suppress
from typing import Final

import psutil

from local.processes import MARK

_GONE_SECONDS: Final = 10
_NAME: Final = "SUPERVISOR_PROCESS_NAME"  # given by supervisord to each process, and inherited


def main() -> None:
    """End what a predecessor left, then become the program."""
    left_over = _left_over()
    for process in left_over:
        with suppress(psutil.NoSuchProcess):
            process.kill()  # without their parent, workers do not heed a TERM
    psutil.wait_procs(left_over, timeout=_GONE_SECONDS)
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - the command comes from our own configuration


def _left_over() -> list[psutil.Process]:
    own = (os.environ.get(MARK), os.environ.get(_NAME))
    found = []
    for process in psutil.process_iter():
        try:
            environment = process.environ()
        except (psutil.Error, OSError):
            continue  # somebody else's process, or one that has just ended
        if (environment.get(MARK), environment.get(_NAME)) == own and process.pid != os.getpid():
            found.append(process)
    return found


if __name__ == "__main__":
    main()
