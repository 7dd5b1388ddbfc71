"""Becomes a command that ends when its task's process is gone: `python leash.py PARENT COMMAND...`.

A worker that is killed cannot end what it started; Linux does, by a signal agreed upon here.
"""

import ctypes
import os
import signal
import sys
from typing import Final

_PR_SET_PDEATHSIG: Final = 1


def main() -> None:
    """Ask for the signal, and become the command."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(sys.argv[1]):
        sys.exit("the task ended before its command began")
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 - no shell, on purpose


if __name__ == "__main__":
    main()
