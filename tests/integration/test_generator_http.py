"""The generator's sender against a real HTTP server on loopback that answers well, badly, late, or not at all."""

import asyncio
import json
import socket
import time
from collections import Counter
from collections.abc import Coroutine, Sequence
from typing import Any

import pytest

from generator.connection import Endpoint
from generator.orders import Draft, Kind
from generator.pool import ConnectionPool
from generator.sender import Sender
from generator.tally import Counts, Tally
from tests.integration.http_server import Handler, LoopbackServer, Peer, Request, serving, until

ORDER = b'{"user_id":7,"initiator":"CNY","time":1,"items":[{"id":1,"number":2}]}'
PLAIN = Draft(Kind.PLAIN, ORDER)
KEYED = Draft(Kind.PLAIN, ORDER, b"key-1")
BAD = Draft(Kind.BAD, b"{}")
UNKNOWN = b'{"type":"urn:kiwi:problem:outcome-unknown"}'
TIMES = {"request_seconds_max": 5.0, "retry_seconds_max": 5.0}


def run(test: Coroutine[Any, Any, None]) -> None:
    """Run a test's coroutine, with a limit."""
    asyncio.run(asyncio.wait_for(test, 180))


def sender_to(url: str, tally: Tally, bulk: bool = False, **times: float) -> Sender:
    """Return a sender to this address."""
    limits = TIMES | times
    pool = ConnectionPool(Endpoint.of(url), limits["request_seconds_max"])
    return Sender(pool, tally, asyncio.Event(), bulk=bulk, retry_seconds_max=limits["retry_seconds_max"])


async def accept(peer: Peer, request: Request) -> None:
    """Accept every order; ids count the requests."""
    if request.line.startswith("POST /orders "):
        outcomes = [{"status": 202, "id": index} for index, _ in enumerate(request.body.splitlines())]
        await peer.answer(202, json.dumps(outcomes).encode())
    else:
        await peer.answer(202, json.dumps({"id": len(peer.requests), "status": "accepted"}).encode())


def script(*steps: Handler) -> Handler:
    """Return a handler that takes these steps one after another and then accepts everything."""
    left = list(steps)

    async def handle(peer: Peer, request: Request) -> None:
        await (left.pop(0) if left else accept)(peer, request)

    return handle


def answering(status: int, body: bytes = b"", **headers: str) -> Handler:
    """Return a step that gives this answer."""

    async def handle(peer: Peer, _: Request) -> None:
        await peer.answer(status, body, **headers)

    return handle


def sending(*pieces: bytes, hang_up: bool = False) -> Handler:
    """Return a step that sends pieces as they are, each in a packet of its own."""

    async def handle(peer: Peer, _: Request) -> None:
        await peer.send_apart(pieces)
        if hang_up:
            peer.hang_up()

    return handle


async def exchange(
    drafts: Sequence[Draft], *steps: Handler, bulk: bool = False, **times: float
) -> tuple[Counts, list[int], LoopbackServer]:
    """Send one request through these steps; return the counts, the accepted ids and the server."""
    tally = Tally(0.0)
    async with serving(script(*steps)) as server:
        await sender_to(server.url, tally, bulk, **times).send(drafts, time.monotonic())
    news = tally.news()
    return news.counts, news.accepted.ids.tolist(), server


def test_one_order_is_posted_as_the_api_wants_it() -> None:
    """`POST /` with the order as body, its key as header, and the id of the answer is kept with its times."""

    async def test() -> None:
        tally, due = Tally(1_000.0), time.monotonic()
        async with serving(accept) as server:
            await sender_to(server.url + "/", tally).send([KEYED], due)
            await sender_to(server.url + "/kiwi", tally).send([PLAIN], due)
        first, second = server.requests
        assert first.line == "POST / HTTP/1.1"
        assert second.line == "POST /kiwi/ HTTP/1.1"
        assert first.body == ORDER
        assert first.headers["host"] == server.url.removeprefix("http://")
        assert first.headers["content-type"] == "application/json"
        assert first.headers["idempotency-key"] == "key-1"
        assert "idempotency-key" not in second.headers
        accepted = tally.news().accepted
        assert accepted.ids.tolist() == [1, 2]
        assert accepted.due == pytest.approx((due + 1_000) * 1e6, abs=2)
        assert (accepted.due <= accepted.sent).all()
        assert (accepted.sent < accepted.acknowledged).all()

    run(test())


def test_several_orders_are_one_request_of_lines() -> None:
    """`POST /orders` as NDJSON with keys inside; each order has the outcome at its place."""
    outcomes = b'[{"status":202,"id":11},{"status":422,"errors":[]},{"status":202,"id":12},{"status":400,"errors":[]}]'

    async def test() -> None:
        drafts = [PLAIN, BAD, KEYED, PLAIN]
        counts, ids, server = await exchange(drafts, answering(207, outcomes), bulk=True)
        (request,) = server.requests
        assert request.line == "POST /orders HTTP/1.1"
        assert request.headers["content-type"] == "application/x-ndjson"
        lines = [json.loads(line) for line in request.body.splitlines()]
        assert [line.get("idempotency_key") for line in lines] == [None, None, "key-1", None]
        assert ids == [11, 12]
        assert (counts.sent, counts.bad_rejected, counts.good_rejected) == (4, 1, 1)
        assert counts.statuses == Counter({422: 1, 400: 1})

    run(test())


def test_a_connection_serves_many_requests() -> None:
    """A hundred orders one after another need one connection."""

    async def test() -> None:
        tally = Tally(0.0)
        async with serving(accept) as server:
            sender = sender_to(server.url, tally)
            for _ in range(100):
                await sender.send([PLAIN], time.monotonic())
        assert server.connections == 1
        assert len(tally.news().accepted) == 100

    run(test())


@pytest.mark.parametrize("media", ["application/json", "application/problem+json"])
def test_busy_means_the_same_order_later(media: str) -> None:
    """503 with Retry-After takes nothing: even an order without a key is sent again, after the time asked for."""

    async def test() -> None:
        began = time.monotonic()
        busy = answering(503, b'{"type":"urn:kiwi:problem:overloaded"}', Retry_After="1", Content_Type=media)
        counts, ids, server = await exchange([PLAIN], busy)
        assert time.monotonic() - began >= 1
        assert (ids, counts.retries, counts.outcome_unknown) == ([2], 1, 0)
        assert server.requests[0].body == server.requests[1].body

    run(test())


@pytest.mark.parametrize(
    "fault",
    [
        answering(503, UNKNOWN, Retry_After="0"),
        answering(503),
        answering(500, b"oops"),
        answering(202, b"no json"),
        sending(b"HTTP/1.1 202 Accepted\r\nContent-Le", hang_up=True),
        sending(b"HTTP/1.1 202 Accepted\r\nContent-Length: 50\r\n\r\n{", hang_up=True),
        sending(hang_up=True),
        sending(b"this is no HTTP at all\r\n\r\n"),
    ],
    ids=["said", "bare 503", "500", "body", "half a head", "half a body", "hung up", "no HTTP"],
)
def test_an_unknown_outcome_is_repeated_only_under_a_key(fault: Handler) -> None:
    """With its key an order is sent again and accepted; without one it is sent once and counted as unknown."""

    async def test() -> None:
        counts, ids, server = await exchange([KEYED], fault)
        assert (ids, counts.outcome_unknown, counts.retries) == ([2], 0, 1)
        assert [request.headers["idempotency-key"] for request in server.requests] == ["key-1", "key-1"]
        counts, ids, server = await exchange([PLAIN], fault)
        assert (ids, counts.outcome_unknown, counts.retries) == ([], 1, 0)
        assert len(server.requests) == 1

    run(test())


def test_of_a_bulk_request_only_what_may_be_repeated_is() -> None:
    """Outcomes at their places: the accepted stay, the unknown with a key goes again, the one without does not."""
    outcomes = b'[{"status":202,"id":5},{"status":503,"errors":[]},{"status":503,"errors":[]}]'

    async def test() -> None:
        counts, ids, server = await exchange([PLAIN, KEYED, PLAIN], answering(207, outcomes), bulk=True)
        assert (ids, counts.outcome_unknown, counts.retries) == ([5, 0], 1, 1)
        assert server.requests[1].body == KEYED.line

    run(test())


def test_an_answer_of_the_wrong_length_settles_nothing() -> None:
    """Two outcomes for three orders say of none what became of it."""

    async def test() -> None:
        counts, ids, _ = await exchange([PLAIN] * 3, answering(202, b'[{"status":202,"id":1}]'), bulk=True)
        assert (ids, counts.outcome_unknown) == ([], 3)

    run(test())


def test_a_late_answer_is_not_waited_for() -> None:
    """After the limit the outcome is unknown, and the connection is not used again."""

    async def silent(peer: Peer, _: Request) -> None:
        await asyncio.Event().wait()

    async def test() -> None:
        counts, ids, server = await exchange([KEYED], silent, request_seconds_max=0.2)
        assert (ids, counts.retries, server.connections) == ([2], 1, 2)

    run(test())


def test_an_answer_in_pieces_is_one_answer() -> None:
    """Split anywhere, or in chunks, or without a length until the connection ends: the same id."""
    whole = b'HTTP/1.1 202 Accepted\r\nContent-Length: 9\r\n\r\n{"id":77}'
    chunked = b'HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{"id\r\n5\r\n":77}\r\n0\r\n\r\n'

    async def until_the_end(peer: Peer, _: Request) -> None:
        await peer.send(b'HTTP/1.1 202 Accepted\r\nConnection: close\r\n\r\n{"id":77}')
        peer.writer.close()

    async def test() -> None:
        cuts = [sending(text[:cut], text[cut:]) for text in (whole, chunked) for cut in range(5, len(text), 9)]
        for step in [*cuts, until_the_end]:
            _, ids, _ = await exchange([PLAIN], step)
            assert ids == [77]

    run(test())


def test_a_server_that_is_not_there_yet_is_tried_again() -> None:
    """No connection means that nothing was sent: even an order without a key waits for the server."""

    async def test() -> None:
        with socket.create_server(("127.0.0.1", 0)) as reserved:
            port = reserved.getsockname()[1]
        tally = Tally(0.0)
        sender = sender_to(f"http://127.0.0.1:{port}", tally, retry_seconds_max=30)
        attempt = asyncio.create_task(sender.send([PLAIN], time.monotonic()))
        await until(lambda: bool(tally.counts.faults))
        async with serving(accept, port):
            await attempt
        news = tally.news()
        assert len(news.accepted) == 1
        assert news.counts.retries >= 1
        assert not sender.api_is_away

    run(test())


def test_a_server_that_never_comes_is_given_up() -> None:
    """After the limit the order counts as not taken, and the sender knows that the API is away."""

    async def test() -> None:
        tally = Tally(0.0)
        sender = sender_to("http://127.0.0.1:1", tally, retry_seconds_max=0.3)
        await sender.send([PLAIN], time.monotonic())
        assert (tally.counts.gave_up, tally.counts.outcome_unknown) == (1, 0)
        assert sender.api_is_away

    run(test())


def test_a_connection_closed_while_idle_is_replaced() -> None:
    """A server that closes after each answer costs a connection each, and no order."""

    async def once(peer: Peer, request: Request) -> None:
        await accept(peer, request)
        peer.writer.close()
        await peer.writer.wait_closed()

    async def test() -> None:
        tally = Tally(0.0)
        async with serving(once) as server:
            sender = sender_to(server.url, tally)
            for _ in range(5):
                await sender.send([PLAIN], time.monotonic())
                await until(lambda: not sender._pool._idle[-1].usable)
        assert tally.counts.outcome_unknown == 0
        assert len(tally.news().accepted) == server.connections == 5

    run(test())


@pytest.mark.parametrize("url", ["127.0.0.1:21000", "ftp://127.0.0.1", "http://", ""])
def test_what_is_no_address_is_refused(url: str) -> None:
    """Only http and https with a host will do."""
    with pytest.raises(ValueError, match="is no address"):
        Endpoint.of(url)
