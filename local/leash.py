"""Ends a stack whose owner has ended without doing so: `python -m local.leash PID`, itself under the supervisor."""

import os
import signal
import sys
import time
from typing import Final

import psutil

_POLL_SECONDS: Final = 0.5


def main() -> None:
    """Wait until the owner is gone, then tell the supervisor, our parent, to stop everything."""
    try:
        owner = psutil.Process(int(sys.argv[1]))
        while owner.is_running() and owner.status() != psutil.STATUS_ZOMBIE:
            time.sleep(_POLL_SECONDS)
    except psutil.NoSuchProcess:
        pass
    os.kill(os.getppid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
