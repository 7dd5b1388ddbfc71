"""Ctrl-C and SIGTERM as wishes: the first ends the sending, one more ends the waiting, and the report comes anyway."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class Interrupt:
    """Counts the wishes to stop."""

    def __init__(self) -> None:
        self._wishes = 0
        self._heeded = 0

    def wish(self, *_: Any) -> None:
        """Take note of one; the third in one stage ends the program on the spot."""
        self._wishes += 1
        if self._wishes - self._heeded > 2:
            raise KeyboardInterrupt

    def wished(self) -> bool:
        """Return whether there was a wish since the stage began."""
        return self._wishes > self._heeded

    def begin_stage(self) -> None:
        """Take the wishes so far as fulfilled."""
        self._heeded = self._wishes


@contextmanager
def interrupts() -> Iterator[Interrupt]:
    """Take the signals over, and give them back in the end."""
    interrupt = Interrupt()
    before = {number: signal.signal(number, interrupt.wish) for number in _SIGNALS}
    try:
        yield interrupt
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
