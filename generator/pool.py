"""The open connections of one process."""

import asyncio
import ssl
from typing import Final

from generator.connection import Answer, Connection, Endpoint

_IDLE_SECONDS_MAX: Final = 2.0  # servers close idle connections, at the worst while a request is under way
_CONNECT_SECONDS: Final = 5


class NotSentError(Exception):
    """No connection could be made: the server has seen nothing of the request."""


class ConnectionPool:
    """Open connections of one process; as many as there are exchanges at once, the latest used first."""

    def __init__(self, endpoint: Endpoint, seconds_max: float) -> None:
        self.endpoint = endpoint
        self._seconds_max = seconds_max
        self._idle: list[Connection] = []

    async def exchange(self, request: bytes) -> Answer:
        """Send a request on a free connection and return its answer.

        Raises:
            NotSentError: no connection could be made.
            NoAnswerError: the request was sent, and no whole answer came.
        """
        loop = asyncio.get_running_loop()
        connection = self._take(loop.time()) or await self._connect(loop)
        try:
            answer = await connection.exchange(request, self._seconds_max)
        except BaseException:
            connection.close()
            raise
        connection.idle_since = loop.time()
        self._idle.append(connection)
        return answer

    def close(self) -> None:
        """Close every idle connection."""
        while self._idle:
            self._idle.pop().close()

    def _take(self, now: float) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.usable and now - connection.idle_since < _IDLE_SECONDS_MAX:
                return connection
            connection.close()
        return None

    async def _connect(self, loop: asyncio.AbstractEventLoop) -> Connection:
        to = self.endpoint
        context = ssl.create_default_context() if to.secure else None
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                _, connection = await loop.create_connection(lambda: Connection(loop), to.host, to.port, ssl=context)
        except (OSError, TimeoutError) as error:
            raise NotSentError(f"{to.authority}: {error or 'no connection in time'}") from error
        return connection
