"""The HTTP API as a supervised service."""

import json
import sys
import urllib.error
import urllib.request
from typing import Final

from local.connections import Connections
from local.home import PROJECT
from local.service import Endpoint, NotReadyError, Service

_PROBE_SECONDS: Final = 3
_ANSWER_BYTES_MAX: Final = 4096


def api_service(connections: Connections) -> Service:
    """Return the process; it waits by itself for the servers that it needs."""
    command = (sys.executable, "-m", "gunicorn", "-c", str(PROJECT / "api" / "gunicorn.conf.py"))
    environment = connections.process_environment("read")
    environment["PROMETHEUS_MULTIPROC_DIR"] = str(connections.home.run / "metrics")
    return Service("api", command, environment, final_exit_codes=(), stop_seconds=30)


def api_endpoint(connections: Connections) -> Endpoint:
    """Return where it serves."""
    address = connections.home.address("api")
    return Endpoint("api", address, lambda: _probe(f"http://{address}/readyz"))


def _probe(url: str) -> None:
    try:
        urllib.request.urlopen(url, timeout=_PROBE_SECONDS).close()  # noqa: S310 - our own address
    except urllib.error.HTTPError as error:
        raise NotReadyError(f"answers {error.code}: {_detail(error.read(_ANSWER_BYTES_MAX))}") from error
    except OSError as error:
        raise NotReadyError(f"no answer: {error}") from error


def _detail(body: bytes) -> str:
    """Return what problem+json says in words, else the body as it is."""
    try:
        return str(json.loads(body)["detail"])
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace")[:200]
