"""A real HTTP server on loopback that does what a test wants: right answers, wrong ones, half ones, none."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Request:
    """A request as it arrived."""

    line: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Peer:
    """What a handler may do with a connection; `requests` are all that the server has seen."""

    writer: asyncio.StreamWriter
    requests: list[Request]

    async def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Send a whole answer; `_` in a header's name is `-`."""
        lines = [f"HTTP/1.1 {status} Any", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        await self.send("\r\n".join([*lines, "", ""]).encode() + body)

    async def send(self, data: bytes) -> None:
        """Send anything."""
        self.writer.write(data)
        await self.writer.drain()

    async def send_apart(self, pieces: Sequence[bytes]) -> None:
        """Send pieces in packets of their own: a moment lies between them."""
        for piece in pieces:
            await self.send(piece)
            await asyncio.sleep(0.01)

    def hang_up(self) -> None:
        """Close at once."""
        self.writer.transport.abort()


Handler = Callable[[Peer, Request], Awaitable[None]]


@dataclass
class LoopbackServer:
    """A running server."""

    url: str
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    vanish: Callable[[], None] = field(default=lambda: None)
    """Stop listening and close every connection at once."""


@asynccontextmanager
async def serving(handler: Handler, port: int = 0) -> AsyncIterator[LoopbackServer]:
    """Serve until the end of the block, each request by the handler."""
    server = LoopbackServer("")
    peers: list[Peer] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        peer = Peer(writer, server.requests)
        peers.append(peer)
        try:
            while not writer.is_closing():
                request = await _read(reader)
                server.requests.append(request)
                await handler(peer, request)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            peer.hang_up()

    listening = await asyncio.start_server(serve, "127.0.0.1", port)
    host, port = listening.sockets[0].getsockname()
    server.url = f"http://{host}:{port}"

    def vanish() -> None:
        listening.close()
        for peer in peers:
            peer.hang_up()

    server.vanish = vanish
    try:
        yield server
    finally:
        vanish()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition; the caller sets the limit."""
    while not condition():  # noqa: ASYNC110 - what it looks at has no event
        await asyncio.sleep(0.01)


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    return Request(head[0], headers, await reader.readexactly(int(headers.get("content-length", 0))))
