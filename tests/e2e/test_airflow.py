"""Airflow as part of the stack: its health, its one user, and what happens when a part of it is killed."""

import os
import signal
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime

import psutil
import pytest

from local.airflow import AIRFLOW, airflow_endpoints, airflow_url
from local.airflow_client import AirflowClient, AirflowError
from local.airflow_home import USER, AirflowHome
from local.processes import processes_of
from local.readiness import await_ready
from local.service import NotReadyError
from local.stack import Stack
from tests.e2e.client import Client, await_condition
from tests.e2e.command import run

_READY_SECONDS_MAX = 120


def test_airflow_is_healthy(stack: Stack) -> None:
    """API server, scheduler and DAG processor each report a heartbeat; status shows them with the address to open."""
    for endpoint in airflow_endpoints(stack.home):
        assert_serves(endpoint.probe)
    shown = run(stack, "status").stdout
    assert all(name in shown for name in (*AIRFLOW, airflow_url(stack.home)))
    assert AirflowHome(stack.home).password not in shown


def heartbeats(stack: Stack) -> list[datetime]:
    """Return when the scheduler and the DAG processor were last heard of."""
    health = Client(stack.home.address("airflow")).get("/api/v2/monitor/health")
    return [datetime.fromisoformat(health[part][f"latest_{part}_heartbeat"]) for part in ("scheduler", "dag_processor")]


def assert_serves(probe: Callable[[], None]) -> None:
    """Fail with the probe's own words."""
    try:
        probe()
    except NotReadyError as error:
        pytest.fail(str(error))


def test_only_the_user_with_the_password_is_let_in(stack: Stack) -> None:
    """The generated password opens the REST API; a wrong one, or none, does not."""
    url, state = airflow_url(stack.home), AirflowHome(stack.home)
    with AirflowClient(url, USER, state.password) as client:
        assert client.import_errors() == []
    with pytest.raises(AirflowError, match="401"):
        AirflowClient(url, USER, "guessed")
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(f"{url}/api/v2/dags")  # noqa: S310 - our own


def test_what_airflow_keeps_is_private(stack: Stack) -> None:
    """The folder with its database is this user's alone, and so is the file with the password."""
    state = AirflowHome(stack.home)
    assert state.folder.stat().st_mode & 0o077 == 0
    assert state.password_file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("service", AIRFLOW)
def test_a_killed_part_comes_back_alone(stack: Stack, service: str) -> None:
    """Its successor is healthy, and nothing that the killed one started is left."""
    victim = psutil.Process(stack.supervisor.state(service).pid)
    family = [victim, *victim.children(recursive=True)]
    os.kill(victim.pid, signal.SIGKILL)
    killed_at = datetime.now(UTC)
    await_condition(lambda: stack.supervisor.state(service).pid not in (0, victim.pid), f"{service} is started again")
    await_ready(stack.home, stack.supervisor, airflow_endpoints(stack.home), _READY_SECONDS_MAX)
    await_condition(lambda: all(beat > killed_at for beat in heartbeats(stack)), "both have been heard of since")
    await_condition(lambda: not any(process.is_running() for process in family), "what it left is gone")
    names = {process.environ().get("SUPERVISOR_PROCESS_NAME") for process in processes_of(stack.home)}
    assert set(AIRFLOW) <= names
