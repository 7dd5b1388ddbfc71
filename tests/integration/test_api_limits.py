"""Clients that send too much, too slowly, or nothing at all."""

import http.client
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from settlement.order import BYTES_MAX
from settlement.settings import Settings
from tests.integration.api_server import SAMPLE, ApiServer, running_api, wait_until

CLIENT_SECONDS_MAX = 1


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """An impatient API with no server behind it: these requests never get so far."""
    settings = Settings(api_client_seconds_max=CLIENT_SECONDS_MAX, api_connections_max=20, api_bulk_bytes_max=100_000)
    with running_api(settings, tmp_path_factory.mktemp("api")) as server:
        yield server


def read_all(client: socket.socket) -> bytes:
    """Return what comes until the server closes the connection, or nothing if it is reset."""
    received = b""
    try:
        while chunk := client.recv(65_536):
            received += chunk
    except ConnectionResetError:
        pass
    return received


def cut_off(client: socket.socket, piece: bytes, times: int) -> bool:
    """Return whether the server ends the connection before this was sent so many times."""
    try:
        for _ in range(times):
            client.sendall(piece)
    except (BrokenPipeError, ConnectionResetError):
        return True
    return False


@pytest.mark.parametrize(("path", "bytes_max"), [("/", BYTES_MAX), ("/orders", 100_000)])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large_is_413(api: ApiServer, path: str, bytes_max: int, *, chunked: bool) -> None:
    """Announced or found out while reading; an ordinary client, which sends all before it reads, sees the answer."""
    body = b" " * (bytes_max + 1)
    connection = api.connect()
    if chunked:
        connection.request("POST", path, (body[start : start + 4_096] for start in range(0, len(body), 4_096)))
    else:
        connection.request("POST", path, body)
    answer = connection.getresponse()
    assert (answer.status, answer.headers["content-type"]) == (413, "application/problem+json")
    assert json.load(answer)["type"] == "urn:kiwi:problem:too-large"
    connection.close()


def test_a_body_without_end_is_cut_off(api: ApiServer) -> None:
    """Reading it stops, whether or not the client ever looks at the answer."""
    piece = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    with api.open_socket() as client:
        client.sendall(b"POST /orders HTTP/1.1\r\nHost: kiwi\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert cut_off(client, piece, times=10_000)


def test_a_body_that_never_ends_arriving_is_408(api: ApiServer) -> None:
    """However little is missing."""
    body = json.dumps(SAMPLE).encode()
    with api.open_socket() as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: kiwi\r\nContent-Length: %d\r\n\r\n" % len(body) + body[:-1])
        answer = read_all(client)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"urn:kiwi:problem:slow-client" in answer


@pytest.mark.parametrize("sent", [b"", b"POST / HTTP/1.1\r\nHost: ki"])
def test_a_connection_without_a_request_is_closed(api: ApiServer, sent: bytes) -> None:
    """Neither silence nor half a header may hold it."""
    with api.open_socket() as client:
        client.sendall(sent)
        assert read_all(client) == b""


def test_a_client_that_does_not_read_its_answers_is_dropped(api: ApiServer) -> None:
    """It keeps asking for a long document and takes in nothing."""
    request = b"GET /openapi.json HTTP/1.1\r\nHost: kiwi\r\n\r\n"
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        client.settimeout(30)
        client.connect((api.host, api.port))
        assert cut_off(client, request, times=1_000_000)


def test_connections_beyond_the_limit_are_refused_and_the_others_served(api: ApiServer) -> None:
    """A crowd of silent connections does not keep the process from living, and is gone after its time."""
    crowd = [api.open_socket() for _ in range(40)]
    served = [client for client in crowd[:20] if _answers(client)]
    refused = [client for client in crowd[20:] if read_all(client) == b""]
    assert len(served) >= 15  # the fixture's own connections may still be counted
    assert len(refused) >= 15
    for client in crowd:
        client.close()
    wait_until("there is room again", lambda: _alive(api))


def _answers(client: socket.socket) -> bool:
    try:
        client.sendall(b"GET /livez HTTP/1.1\r\nHost: kiwi\r\nConnection: close\r\n\r\n")
    except OSError:
        return False
    return read_all(client).startswith(b"HTTP/1.1 200 ")


def _alive(api: ApiServer) -> bool:
    try:
        return api.get("/livez").status == 200
    except (OSError, http.client.HTTPException):
        return False


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"POST / HTTP/1.1\r\nHost: kiwi\r\nContent-Length: x\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: kiwi\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}", 400),
        (b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\nHost: kiwi\r\n\r\n", 414),
        (b"GET /livez HTTP/1.1\r\nHost: kiwi\r\nX: " + b"a" * 70_000 + b"\r\n\r\n", 431),
    ],
)
def test_a_head_that_is_wrong_or_too_large_is_refused(api: ApiServer, head: bytes, status: int) -> None:
    """Before any of our own code sees it."""
    with api.open_socket() as client:
        client.sendall(head)
        assert read_all(client).startswith(b"HTTP/1.1 %d " % status)


def test_the_api_lives_through_all_of_this(api: ApiServer, tmp_path: Path) -> None:
    """The one worker is the one that was started, and reported no error of its own."""
    assert api.get("/livez").status == 200
    log = api.log.read_text()
    assert log.count("Booting worker") == 1
    assert "Traceback" not in log
