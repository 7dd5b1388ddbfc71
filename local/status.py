"""What is running: one line a service, with its health and its memory."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.table import Table

from local.application import application_endpoints
from local.connections import Connections
from local.home import PROJECT
from local.processes import tree_memory_bytes
from local.servers import server_endpoints
from local.service import Endpoint, NotReadyError
from local.stack import Stack
from local.supervise import ProcessState

_MIB: Final = 1 << 20
_MINUTE: Final = 60
_HOUR: Final = 3600


@dataclass(frozen=True)
class ServiceStatus:
    """One line of the table.

    Attributes:
        endpoint: the service's name and address.
        process: None when somebody else runs it.
        problem: why it does not serve; empty when it does.
        memory_bytes: resident, by program, over the whole process tree.
    """

    endpoint: Endpoint
    process: ProcessState | None
    problem: str
    memory_bytes: dict[str, int]


def read_statuses(stack: Stack) -> list[ServiceStatus]:
    """Return the state of every service; empty when the stack is not running."""
    states = stack.supervisor.states()
    if not states:
        return []
    connections = Connections.of(stack.home, stack.settings)
    endpoints = (*server_endpoints(stack.home, connections.admin_url), *application_endpoints(connections))
    with ThreadPoolExecutor(len(endpoints)) as pool:
        problems = pool.map(_problem, endpoints)
    return [_status(end, states.get(end.name), problem) for end, problem in zip(endpoints, problems, strict=True)]


def status_table(stack: Stack, statuses: list[ServiceStatus]) -> Table:
    """Return the table that `make status` shows."""
    table = Table(caption=f"logs: {_shown(stack.home.logs)}/<service>.log", caption_justify="left")
    for heading in ("service", "address", "state"):
        table.add_column(heading, no_wrap=True)
    table.add_column("health", overflow="fold")
    table.add_column("memory", justify="right", no_wrap=True)
    table.add_column("up", justify="right", no_wrap=True)
    for status in statuses:
        process = status.process
        table.add_row(
            status.endpoint.name,
            status.endpoint.address,
            process.state.lower() if process else "external",
            f"[red]{status.problem}[/red]" if status.problem else "[green]ok[/green]",
            _memory(status.memory_bytes),
            _duration(process.up_seconds) if process else "",
        )
    table.add_section()
    table.add_row("total", "", "", "", f"{total_memory_bytes(statuses) / _MIB:.0f} MiB", "")
    return table


def total_memory_bytes(statuses: list[ServiceStatus]) -> int:
    """Return the resident memory of all services."""
    return sum(sum(status.memory_bytes.values()) for status in statuses)


def _problem(endpoint: Endpoint) -> str:
    try:
        endpoint.probe()
    except NotReadyError as error:
        return str(error)
    return ""


def _status(endpoint: Endpoint, process: ProcessState | None, problem: str) -> ServiceStatus:
    memory = tree_memory_bytes(process.pid) if process is not None and process.pid else {}
    return ServiceStatus(endpoint, process, problem, memory)


def _shown(path: Path) -> str:
    return str(path.relative_to(PROJECT)) if path.is_relative_to(PROJECT) else str(path)


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
