"""The live page on a real HTTP server, mounted where Airflow mounts it."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI

from plugins.live_page_app.app import create_app
from settlement.settings import Settings

_START_SECONDS_MAX = 20


def anyone() -> None:
    """Let everyone in: these tests are of the numbers, not of the door."""


@contextmanager
def page_served(
    settings: Settings, report_dir: Path | None = None, viewer_check: Callable[..., Any] = anyone
) -> Iterator[str]:
    """Serve the page on a free port; yield its address, which ends in a slash."""
    outer = FastAPI()
    outer.mount("/kiwi", create_app(settings, report_dir, viewer_check))
    server = uvicorn.Server(uvicorn.Config(outer, host="127.0.0.1", port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, name="live-page", daemon=True)
    thread.start()
    deadline = time.monotonic() + _START_SECONDS_MAX
    while not server.started:
        assert thread.is_alive() and time.monotonic() < deadline, "the page's server did not start"  # noqa: PT018
        time.sleep(0.01)
    try:
        (port,) = {bound.getsockname()[1] for listener in server.servers for bound in listener.sockets}
        yield f"http://127.0.0.1:{port}/kiwi/"
    finally:
        server.should_exit = True
        thread.join(_START_SECONDS_MAX)
