"""The API as it is run: a real gunicorn on loopback, its log, its workers, and HTTP to it."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import psutil
from pydantic import SecretStr

from settlement.settings import Settings

PROJECT: Final = Path(__file__).parents[2]
SAMPLE: Final[dict[str, Any]] = {"user_id": 7, "initiator": "CNY", "time": 1, "items": [{"id": 1, "number": 2}]}
SAMPLE_BODY: Final = json.dumps(SAMPLE).encode()
_WAIT_SECONDS_MAX: Final = 120  # a broker starts in 6 s on an idle machine, in 30 s on a busy one
_PORTS: Final = range(22500, 23000)


def wait_until(what: str, condition: Callable[[], bool], seconds_max: float = _WAIT_SECONDS_MAX) -> None:
    """Poll a condition; fail with its name when the limit has passed."""
    deadline = time.monotonic() + seconds_max
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {seconds_max} s"
        time.sleep(0.02)


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, read whole."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    @property
    def json(self) -> Any:
        """The body, decoded, with its fractions exact."""
        return json.loads(self.body, parse_float=Decimal)


@dataclass(frozen=True)
class ApiServer:
    """A running gunicorn."""

    host: str
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def request(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """Return the answer to one request on a connection of its own; `_` in a header's name is `-`."""
        connection = self.connect()
        try:
            return ask(connection, method, path, body, **headers)
        finally:
            connection.close()

    def connect(self) -> http.client.HTTPConnection:
        """Return a connection for several requests."""
        return http.client.HTTPConnection(self.host, self.port, timeout=_WAIT_SECONDS_MAX)

    def open_socket(self) -> socket.socket:
        """Return a connection on which anything can be sent."""
        return socket.create_connection((self.host, self.port), timeout=_WAIT_SECONDS_MAX)

    def get(self, path: str, **headers: str) -> Answer:
        """Return the answer to a GET."""
        return self.request("GET", path, None, **headers)

    def post(self, order: object, path: str = "/", **headers: str) -> Answer:
        """Return the answer to a POST of this JSON value."""
        return self.request("POST", path, json.dumps(order).encode(), **headers)

    def workers(self) -> list[psutil.Process]:
        """The worker processes."""
        return list(psutil.Process(self.process.pid).children())

    def await_ready(self) -> None:
        """Wait until every dependency answers."""
        wait_until("the API is ready", lambda: self.get("/readyz").status == 200)

    def terminate(self) -> None:
        """Ask it to stop, as an init system does, without waiting."""
        self.process.send_signal(signal.SIGTERM)


def ask(
    connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None = None, **headers: str
) -> Answer:
    """Return the answer to one request on this connection."""
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())


@contextmanager
def running_api(settings: Settings, tmp_path: Path, **changes: object) -> Iterator[ApiServer]:
    """Run gunicorn with these settings until the end of the block; it answers, but need not be ready."""
    host, port = "127.0.0.1", _free_port()
    chosen = settings.model_copy(update={"api_bind": f"{host}:{port}", "api_workers": 1, **changes})
    metrics = tmp_path / "metrics"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KIWI_")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # compiling everything anew would be most of the start
    environment |= _environment(chosen) | {"PROMETHEUS_MULTIPROC_DIR": str(metrics)}
    log = tmp_path / f"api-{port}.log"
    command = [sys.executable, "-m", "gunicorn", "-c", str(PROJECT / "api" / "gunicorn.conf.py")]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=output, stderr=output)
    server = ApiServer(host, port, process, log)
    try:
        wait_until(f"the API answers (log: {log})", lambda: _answers(server))
        yield server
    finally:
        process.terminate()
        try:
            process.wait(_WAIT_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


def _answers(server: ApiServer) -> bool:
    assert server.process.poll() is None, server.log.read_text()[-2_000:]
    try:
        return server.get("/livez").status == 200
    except OSError:
        return False


def _environment(settings: Settings) -> dict[str, str]:
    plain = {
        name: value.get_secret_value() if isinstance(value, SecretStr) else value
        for name, value in dict(settings).items()
    }
    return {f"KIWI_{name.upper()}": str(value) for name, value in plain.items()}


def _free_port() -> int:
    for port in _PORTS:
        with socket.socket() as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError(f"no port is free in {_PORTS}")
