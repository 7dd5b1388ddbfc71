"""A source of rates over HTTP that fails for the currencies it is told to."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


class RateServer:
    """Answers `/CODE` with the rate of that code; `rates` may change at any time."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.rates: dict[str, str] = {}


@contextmanager
def rate_server() -> Iterator[RateServer]:
    """Serve on a free port of loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            rate = told.rates.get(self.path.strip("/"))
            self.send_response(503 if rate is None else 200)
            self.end_headers()
            self.wfile.write((rate or "closed today").encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        told = RateServer(f"http://127.0.0.1:{server.server_port}")
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield told
        finally:
            server.shutdown()
            thread.join()
