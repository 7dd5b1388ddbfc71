"""One command at a time changes a stack."""

import contextlib
import fcntl
from collections.abc import Iterator

from local.home import Home, SetupError


@contextlib.contextmanager
def alone(home: Home) -> Iterator[None]:
    """Hold the home's lock.

    Raises:
        SetupError: another command holds it.
    """
    with (home.root / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SetupError(f"another `up`, `launch` or `suspend` is at work on {home.root}; wait for it") from error
        yield
