"""One blocking client behind one thread, with a limit on every wait."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_ANSWER_SECONDS: Final = 2.5


class AwayError(Exception):
    """A server cannot be asked now; the message says why, in words for the page."""


class Bounded:
    """Asks one question at a time; while one hangs, later ones are refused at once instead of queueing."""

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=f"live-page-{name}")
        self._asked_at: float | None = None

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return the function's result.

        Raises:
            AwayError: it did not come in time, or an earlier question hangs.
        """
        if self._asked_at is not None:
            raise AwayError(f"no answer for {time.monotonic() - self._asked_at:.0f} s")
        self._asked_at = time.monotonic()
        call = asyncio.wrap_future(self._executor.submit(function, *args, **kwargs))
        call.add_done_callback(self._ended)
        try:
            return await asyncio.wait_for(asyncio.shield(call), _ANSWER_SECONDS)
        except TimeoutError:
            raise AwayError(f"no answer within {_ANSWER_SECONDS:g} s") from None

    def _ended(self, call: "asyncio.Future[T]") -> None:
        self._asked_at = None
        if not call.cancelled():
            call.exception()  # taken here, so that one nobody waits for any more is not reported as lost
