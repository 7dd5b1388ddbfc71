"""What is running: one line a service, with its health and its memory."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from rich import box
from rich.markup import escape
from rich.table import Table

from local.airflow import airflow_endpoints
from local.connections import Connections
from local.home import shown_path
from local.http_api import api_endpoint
from local.job import SETTLEMENT, job_endpoint
from local.launch import NOT_LAUNCHED, SUSPENDED
from local.processes import tree_memory_bytes
from local.servers import server_endpoints
from local.service import Endpoint, NotReadyError
from local.stack import Stack
from local.supervise import ProcessState
from local.wanted import read_wanted

_MIB: Final = 1 << 20
_HEALTH_WIDTH_MIN: Final = 14
_MINUTE: Final = 60
_HOUR: Final = 3600


@dataclass(frozen=True)
class ServiceStatus:
    """One line of the table.

    Attributes:
        endpoint: the service's name and address.
        process: None when somebody else runs it.
        problem: why it does not serve; empty when it does.
        idle: why it need not serve, or empty.
        memory_bytes: by program, over the whole process tree.
    """

    endpoint: Endpoint
    process: ProcessState | None
    problem: str
    idle: str
    memory_bytes: dict[str, int]


def read_statuses(stack: Stack) -> list[ServiceStatus]:
    """Return the state of every service; empty when the stack is not running."""
    states = stack.supervisor.states()
    if not states:
        return []
    endpoints = _endpoints(stack)
    idle = {SETTLEMENT: _idle_settlement(stack)}
    asked = [endpoint for endpoint in endpoints if not idle.get(endpoint.name)]
    with ThreadPoolExecutor(len(asked)) as pool:
        problems = dict(zip((endpoint.name for endpoint in asked), pool.map(_problem, asked), strict=True))
    return [
        _status(each, states.get(each.name), problems.get(each.name, ""), idle.get(each.name, "")) for each in endpoints
    ]


def status_table(stack: Stack, statuses: list[ServiceStatus]) -> Table:
    """Return the table that `make status` shows."""
    caption = f"logs: {shown_path(stack.home.logs)}/<service>.log"
    narrow: dict[str, Any] = {"box": box.SIMPLE_HEAD, "show_edge": False, "pad_edge": False, "padding": (0, 1, 0, 0)}
    table = Table(caption=caption, caption_justify="left", **narrow)
    for heading in ("service", "address"):
        table.add_column(heading, no_wrap=True)
    table.add_column("health", overflow="fold", min_width=_HEALTH_WIDTH_MIN)
    table.add_column("memory", justify="right", no_wrap=True)
    table.add_column("up", justify="right", no_wrap=True)
    for status in statuses:
        process = status.process
        table.add_row(
            status.endpoint.name,
            status.endpoint.address,
            _health(status),
            _memory(status.memory_bytes),
            _duration(process.up_seconds) if process else "",
        )
    table.add_section()
    table.add_row("total", "", "", f"{total_memory_bytes(statuses) / _MIB:.0f} MiB", "")
    return table


def total_memory_bytes(statuses: list[ServiceStatus]) -> int:
    """Return the memory of all services."""
    return sum(sum(status.memory_bytes.values()) for status in statuses)


def _endpoints(stack: Stack) -> tuple[Endpoint, ...]:
    connections = Connections.of(stack.home, stack.settings)
    servers = server_endpoints(stack.home, connections.admin_url)
    airflow = airflow_endpoints(stack.home) if stack.settings.airflow else ()
    return (*servers, api_endpoint(connections), job_endpoint(connections), *airflow)


def _idle_settlement(stack: Stack) -> str:
    wanted = read_wanted(stack.home)
    if wanted is None:
        return NOT_LAUNCHED
    return SUSPENDED if wanted.suspended else ""


def _health(status: ServiceStatus) -> str:
    """Say what the service says, and the supervisor where that is more."""
    if status.idle:
        return f"[yellow]{status.idle}[/yellow]"
    state = status.process.state.lower() if status.process else "external"
    if status.problem:
        return f"[red]{state}: {escape(status.problem)}[/red]"
    return "[green]ok[/green]" if state == "running" else f"[green]ok[/green], {state}"


def _problem(endpoint: Endpoint) -> str:
    try:
        endpoint.probe()
    except NotReadyError as error:
        return str(error)
    return ""


def _status(endpoint: Endpoint, process: ProcessState | None, problem: str, idle: str) -> ServiceStatus:
    memory = tree_memory_bytes(process.pid) if process is not None and process.pid else {}
    return ServiceStatus(endpoint, process, problem, idle, memory)


def _memory(by_program: dict[str, int]) -> str:
    """Name the programs where there are several: the settlement job is a JVM and a Python."""
    shown = {program: f"{size / _MIB:.0f} MiB" for program, size in by_program.items() if size >= _MIB}
    if len(shown) > 1:
        return "\n".join(f"{program} {size}" for program, size in shown.items())
    return next(iter(shown.values()), "-")


def _duration(seconds: float) -> str:
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    return f"{seconds / _HOUR:.1f} h"
