"""gunicorn's ASGI worker with the limits that it lacks: open connections, and clients that send or read nothing."""

import asyncio
from typing import Any

from gunicorn.asgi.protocol import ASGIProtocol
from gunicorn.workers import gasgi

from settlement.settings import settings


class LimitedProtocol(ASGIProtocol):  # type: ignore[misc] # gunicorn ships no types
    """One connection.

    gunicorn 27 limits the wait for a body and between requests, but neither the wait for a connection's first
    request, nor for a client that does not read its answer, nor the number of connections.
    """

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Take the connection, if there is room; its first request must follow soon."""
        if self.worker.nr_conns >= self.worker.worker_connections:
            self._conn_lost_handled = True  # it was never counted
            transport.abort()
            return
        super().connection_made(transport)
        self._start_deadline()

    def _on_headers_complete(self) -> bool:
        self._clear_deadline()
        return bool(super()._on_headers_complete())

    def pause_writing(self) -> None:
        """The client does not read; it may not keep that up for long."""
        super().pause_writing()
        self._start_deadline()

    def resume_writing(self) -> None:
        """The client reads again."""
        super().resume_writing()
        self._clear_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""
        self._clear_deadline()
        super().connection_lost(exc)

    def _start_deadline(self) -> None:
        self._deadline = self.worker.loop.call_later(settings().api_client_seconds_max, self.transport.abort)

    def _clear_deadline(self) -> None:
        if self._deadline:
            self._deadline.cancel()
            self._deadline = None


class LimitedWorker(gasgi.ASGIWorker):  # type: ignore[misc]
    """gunicorn's own ASGI worker, serving that protocol."""

    async def _serve(self) -> None:
        gasgi.ASGIProtocol = LimitedProtocol  # the worker offers no other way to choose it
        await super()._serve()
