"""Falcon's request, and how a body is read: whole, within a size and a time limit."""

import asyncio
import time
from typing import Any, Final

from falcon.asgi import Request

from api.problems import ApiProblem, Kind

_DISCARD_SECONDS: Final = 2
_DISCARD_BYTES_MAX: Final = 16 * 1024 * 1024


class TimedRequest(Request):
    """A request that knows when it began, and reads its body from the server's own events.

    Falcon's stream cannot tell a body that ended from one whose sender vanished; the events can.
    """

    __slots__ = ("_events", "_first", "started")

    def __init__(self, scope: Any, receive: Any, first_event: Any = None, options: Any = None) -> None:
        super().__init__(scope, receive, first_event, options)
        self.started = time.perf_counter()
        self._first = first_event
        self._events = receive

    async def read_body(self, bytes_max: int, seconds_max: float) -> bytes:
        """Return the whole body.

        Raises:
            ApiProblem: larger than `bytes_max`, or not complete after `seconds_max`, or its sender vanished.
        """
        event = self._first or await self._events()
        body: bytes = event.get("body", b"")
        if event.get("more_body") or len(body) > bytes_max:
            try:
                async with asyncio.timeout(seconds_max):
                    body = await self._read_rest(event, bytes_max)
            except TimeoutError:
                raise ApiProblem(Kind.SLOW_CLIENT, f"the body was not complete after {seconds_max:g} s") from None
        return body

    async def _read_rest(self, event: Any, bytes_max: int) -> bytes:
        chunks, size = [event.get("body", b"")], len(event.get("body", b""))
        while size <= bytes_max and event.get("more_body"):
            event = await self._events()
            if event["type"] == "http.disconnect":
                raise ApiProblem(Kind.SLOW_CLIENT, "the connection ended in the middle of the body")
            chunks.append(event.get("body", b""))
            size += len(chunks[-1])
        if size > bytes_max:
            await self.discard_body(event)
            raise ApiProblem(Kind.TOO_LARGE, f"at most {bytes_max} bytes are taken here")
        return b"".join(chunks)

    async def discard_body(self, event: Any = None) -> None:
        """Take in some of what is still coming, or most clients would never see the answer: they read it last."""
        event, bytes_left = event or self._first or {}, _DISCARD_BYTES_MAX
        try:
            async with asyncio.timeout(_DISCARD_SECONDS):
                while event.get("more_body") and bytes_left > 0:
                    event = await self._events()
                    bytes_left -= len(event.get("body", b""))
        except TimeoutError:
            return
