"""HTTP/1.1 connections at a fifth of the cost of aiohttp's client, on aiohttp's own response parser.

A request by aiohttp's client costs 100 to 130 us of a core, this way 22 us; on a machine that also carries the servers
the difference would be missing there. Only what a load generator needs is here: one request at a time per connection.
"""

import asyncio
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpProcessingError, HttpResponseParser

ANSWER_BYTES_MAX: Final = 64 * 1024 * 1024


class NoAnswerError(Exception):
    """The request was sent, and no whole answer came: what became of it is unknown."""


class Answer(NamedTuple):
    """An answer of the server."""

    status: int
    body: bytes
    retry_after: str | None


class Endpoint(NamedTuple):
    """Where the server is."""

    host: str
    port: int
    secure: bool
    authority: str
    prefix: str

    @classmethod
    def of(cls, url: str) -> "Endpoint":
        """Return the endpoint that an http(s) address names; raises ValueError if it names none."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is no address such as http://127.0.0.1:21000")
        secure = parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        return cls(parts.hostname, port, secure, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"))

    def request(self, method: str, path: str, headers: dict[str, str]) -> bytes:
        """Return the head of a request, without the lines that follow from its body."""
        lines = [f"{method} {self.prefix}{path} HTTP/1.1", f"Host: {self.authority}"]
        return "\r\n".join([*lines, *(f"{name}: {value}" for name, value in headers.items()), ""]).encode("ascii")


class Connection(asyncio.Protocol):
    """One connection; `exchange` may run once at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._parser: Any = HttpResponseParser(BaseProtocol(loop), loop, ANSWER_BYTES_MAX, read_until_eof=True)
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[Answer] | None = None
        self._message: Any = None
        self._payload: Any = None
        self.idle_since = 0.0

    @property
    def usable(self) -> bool:
        """Whether another request may be sent on it."""
        return self._transport is not None and not self._transport.is_closing()

    async def exchange(self, request: bytes, seconds_max: float) -> Answer:
        """Send a request and return its answer.

        Raises:
            NoAnswerError: the connection was lost, the answer is no HTTP, or it took too long.
        """
        if self._transport is None:
            raise NoAnswerError("the connection is lost")
        self._waiter = self._loop.create_future()
        timer = self._loop.call_later(seconds_max, self._fail, f"no answer within {seconds_max:g} s")
        try:
            self._transport.write(request)
            return await self._waiter
        finally:
            timer.cancel()
            self._waiter = None

    def close(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: Any) -> None:
        """Take the connection that was made."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take a piece of an answer."""
        try:
            messages, _, _ = self._parser.feed_data(data)
        except HttpProcessingError as error:
            self._fail(f"the answer is no HTTP: {error}")
            return
        if messages:
            self._message, self._payload = messages[-1]
        self._deliver()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended; that may be the end of an answer too."""
        self._transport = None
        try:
            self._parser.feed_eof()
        except HttpProcessingError:
            self._payload = None
        self._deliver()
        self._fail(f"the connection was lost: {exc or 'closed by the server'}")

    def _deliver(self) -> None:
        if self._payload is None or not self._payload.is_eof():
            return
        message, payload = self._message, self._payload
        self._message = self._payload = None
        if payload.exception() is not None:
            self._fail(f"the answer is damaged: {payload.exception()}")
        elif self._waiter is None or self._waiter.done():
            self.close()  # nobody asked for it
        else:
            if message.should_close and self._transport is not None:
                self._transport.close()
            body = payload.read_nowait(-1)
            self._waiter.set_result(Answer(message.code, body, message.headers.get("Retry-After")))

    def _fail(self, reason: str) -> None:
        self.close()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(NoAnswerError(reason))
