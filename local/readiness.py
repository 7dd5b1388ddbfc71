"""Waits until servers serve; a message names the one that does not, its log and its last lines."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from local.home import Home, SetupError
from local.service import NotReadyError, Service
from local.supervise import Supervisor

_POLL_SECONDS: Final = 0.1
_LOG_LINES: Final = 15


def await_ready(
    home: Home,
    supervisor: Supervisor,
    services: Sequence[Service],
    seconds_max: float,
    on_ready: Callable[[Service, float], None] = lambda _service, _seconds: None,
) -> None:
    """Wait side by side until each service answers its probe.

    Args:
        home: whose logs a message points to.
        supervisor: tells when a service has given up, so that nobody waits for it.
        services: already started.
        seconds_max: limit for each.
        on_ready: called with the service and the seconds that it took.

    Raises:
        SetupError: a service gave up, or the limit has passed.
    """

    def wait(service: Service) -> None:
        start = time.monotonic()
        while True:
            try:
                service.probe()
            except NotReadyError as error:
                waited = time.monotonic() - start
                if waited > seconds_max:
                    raise SetupError(_report(home, service, f"is not ready after {waited:.0f} s: {error}")) from error
                state = supervisor.state(service.name)
                if state.given_up:
                    message = f"has ended ({state.state}, exit code {state.exit_code})"
                    raise SetupError(_report(home, service, message)) from error
                time.sleep(_POLL_SECONDS)
            else:
                on_ready(service, time.monotonic() - start)
                return

    with ThreadPoolExecutor(max_workers=max(1, len(services))) as pool:
        for outcome in [pool.submit(wait, service) for service in services]:
            outcome.result()


def _report(home: Home, service: Service, message: str) -> str:
    log = home.logs / f"{service.name}.log"
    return f"{service.name} at {service.address} {message}\nIts log {log} ends with:\n{_last_lines(log)}"


def _last_lines(log: Path) -> str:
    try:
        with log.open(errors="replace") as lines:
            return "".join(f"  {line}" for line in deque(lines, maxlen=_LOG_LINES)) or "  (nothing)"
    except FileNotFoundError:
        return "  (nothing)"
