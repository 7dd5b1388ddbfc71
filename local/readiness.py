"""Waits until servers serve; a message names the one that does not, its log and its last lines."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Final

from local.home import Home, SetupError
from local.service import Endpoint, NotReadyError
from local.supervise import Supervisor

_POLL_SECONDS: Final = 0.1
_LOG_LINES: Final = 15
_PROCESSES_MAX: Final = 3


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
    over = Event()

    def wait(endpoint: Endpoint) -> None:
        try:
            if _wait(home, supervisor, endpoint, seconds_max, over):
                on_ready(endpoint.name)
        except SetupError:
            over.set()  # nobody need wait for the others
            raise

    with ThreadPoolExecutor(max_workers=max(1, len(endpoints))) as pool:
        for outcome in [pool.submit(wait, endpoint) for endpoint in endpoints]:
            outcome.result()


def _wait(home: Home, supervisor: Supervisor, endpoint: Endpoint, seconds_max: float, over: Event) -> bool:
    """Return whether it is ready; False if the waiting was over before."""
    began = time.monotonic()
    pids: set[int] = set()
    while not over.wait(_POLL_SECONDS if pids else 0):
        state = supervisor.states().get(endpoint.name)  # None: it is not of our own
        pids.add(state.pid if state is not None else 0)
        try:
            endpoint.probe()
        except NotReadyError as error:
            waited_seconds = time.monotonic() - began
            if waited_seconds > seconds_max:
                problem = f"is not ready after {waited_seconds:.0f} s: {error}"
            elif state is not None and state.given_up:
                problem = f"has ended ({state.state}, {state.problem or f'exit code {state.exit_code}'})"
            elif len(pids - {0}) > _PROCESSES_MAX:
                problem = f"has ended {_PROCESSES_MAX} times: {error}"
            else:
                continue
            raise SetupError(_report(home, endpoint, problem)) from error
        else:
            return True
    return False


def _report(home: Home, endpoint: Endpoint, message: str) -> str:
    log = home.logs / f"{endpoint.name}.log"
    return f"{endpoint.name} at {endpoint.address} {message}\nIts log {log} ends with:\n{_last_lines(log)}"


def _last_lines(log: Path) -> str:
    try:
        with log.open(errors="replace") as lines:
            return "".join(f"  {line}" for line in deque(lines, maxlen=_LOG_LINES)) or "  (nothing)"
    except FileNotFoundError:
        return "  (nothing)"
