"""Waits until servers serve; a message names the one that does not, its log and its last lines."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from local.home import Home, SetupError
from local.service import Endpoint, NotReadyError
from local.supervise import Supervisor

_POLL_SECONDS: Final = 0.1
_LOG_LINES: Final = 15


def await_ready(
    home: Home,
    supervisor: Supervisor,
    endpoints: Sequence[Endpoint],
    seconds_max: float,
    on_ready: Callable[[str], None] = lambda _name: None,
) -> None:
    """Wait side by side until each service answers its probe.

    Args:
        home: whose logs a message points to.
        supervisor: tells when a service has given up, so that nobody waits for it.
        endpoints: of services that are started already.
        seconds_max: limit for each.
        on_ready: called with its name.

    Raises:
        SetupError: a service gave up, or the limit has passed.
    """

    def wait(endpoint: Endpoint) -> None:
        start = time.monotonic()
        while True:
            try:
                endpoint.probe()
            except NotReadyError as error:
                waited = time.monotonic() - start
                if waited > seconds_max:
                    raise SetupError(_report(home, endpoint, f"is not ready after {waited:.0f} s: {error}")) from error
                state = supervisor.states().get(endpoint.name)  # None: it is not of our own
                if state is not None and state.given_up:
                    message = f"has ended ({state.state}, {state.problem or f'exit code {state.exit_code}'})"
                    raise SetupError(_report(home, endpoint, message)) from error
                time.sleep(_POLL_SECONDS)
            else:
                on_ready(endpoint.name)
                return

    with ThreadPoolExecutor(max_workers=max(1, len(endpoints))) as pool:
        for outcome in [pool.submit(wait, endpoint) for endpoint in endpoints]:
            outcome.result()


def _report(home: Home, endpoint: Endpoint, message: str) -> str:
    log = home.logs / f"{endpoint.name}.log"
    return f"{endpoint.name} at {endpoint.address} {message}\nIts log {log} ends with:\n{_last_lines(log)}"


def _last_lines(log: Path) -> str:
    try:
        with log.open(errors="replace") as lines:
            return "".join(f"  {line}" for line in deque(lines, maxlen=_LOG_LINES)) or "  (nothing)"
    except FileNotFoundError:
        return "  (nothing)"
