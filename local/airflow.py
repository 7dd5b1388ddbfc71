"""Airflow as three supervised services: API server, scheduler with its workers, DAG processor."""

import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Final

from local.airflow_home import USER, AirflowHome
from local.connections import Connections
from local.home import PROJECT, Home, LocalSettings
from local.service import Endpoint, NotReadyError, Service
from local.supervise import Supervisor

AIRFLOW: Final = ("airflow-api-server", "airflow-scheduler", "airflow-dag-processor")
_PROBE_SECONDS: Final = 5
_COMMANDS: Final = (("api-server",), ("scheduler", "--skip-serve-logs"), ("dag-processor",))
_HEALTH_KEYS: Final = ("metadatabase", "scheduler", "dag_processor")
_STOP_SECONDS: Final = 20
_CONFIGURATION: Final = {
    "AIRFLOW__CORE__AUTH_MANAGER": "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager",
    "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
    "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT / "plugins"),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
    "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
    "AIRFLOW__CORE__PARALLELISM": "4",  # one worker process each
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
    "AIRFLOW__API__HOST": "127.0.0.1",
    "AIRFLOW__API__WORKERS": "1",
    "AIRFLOW__API__INSTANCE_NAME": "Kiwi settlement",
    "AIRFLOW__API__ENABLE_SWAGGER_UI": "False",  # its page loads scripts from the web
    # A changed file is read at the next look all the same; to read all of them each half minute costs 10 % of a core.
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "300",
    "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "30",
    "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "30",  # tasks of a killed scheduler start again soon
    "AIRFLOW__LOGGING__COLORED_CONSOLE_LOG": "False",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    "SPT_NOENV": "1",  # or the processes' titles overwrite the mark in their environment
    "MALLOC_ARENA_MAX": "2",
}


def airflow_services(connections: Connections, settings: LocalSettings) -> list[Service]:
    """Return the processes; what one of them left behind when it was killed is ended before its successor starts."""
    environment = airflow_environment(connections, settings)
    only = (sys.executable, "-m", "local.only", sys.executable, "-m", "airflow")
    return [
        Service(name, (*only, *command), environment, final_exit_codes=(), stop_seconds=_STOP_SECONDS)
        for name, command in zip(AIRFLOW, _COMMANDS, strict=True)
    ]


def airflow_environment(connections: Connections, settings: LocalSettings) -> dict[str, str]:
    """Return what the three share: their configuration, and what the tasks need to work on this stack."""
    home = connections.home
    state = AirflowHome(home)
    url = airflow_url(home)
    logs = home.logs / "airflow"
    own = {
        "AIRFLOW_HOME": str(state.folder),
        "AIRFLOW__API__PORT": str(home.port("airflow")),
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(state.password_file),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": state.database_url,
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(logs),
        "AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": str(logs / "dag_processor"),
    }
    return _CONFIGURATION | own | state.keys() | _task_environment(connections, settings)


def _task_environment(connections: Connections, settings: LocalSettings) -> dict[str, str]:
    """Return what tasks inherit: no command line and no rendered field need hold a password."""
    user_set = {name: value for name, value in os.environ.items() if name.startswith("KIWI_")}
    own = {
        "KIWI_RUNTIME": "local",
        "KIWI_AIRFLOW_URL": airflow_url(connections.home),
        "KIWI_REPORT_DIR": str(connections.home.report),
        "KIWI_DATABASE_URL_OWNER": connections.database_url("owner"),
        "KIWI_DATABASE_URL_CATALOGUE": connections.database_url("catalogue"),
        "KIWI_DATABASE_URL_READ": connections.database_url("read"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
    }
    return user_set | settings.variables | connections.process_environment("read") | own


def prepare_airflow(connections: Connections, settings: LocalSettings, supervisor: Supervisor) -> None:
    """Have a password, and a metadata database that fits this version of Airflow.

    Raises:
        SetupError: Airflow refused.
    """
    state = AirflowHome(connections.home)
    state.ensure_password()
    if state.needs_migration():
        supervisor.stop(AIRFLOW)
        state.migrate(airflow_environment(connections, settings))


def airflow_url(home: Home) -> str:
    """Return the address of the user interface and of the REST API."""
    return f"http://{home.address('airflow')}"


def airflow_endpoints(home: Home) -> tuple[Endpoint, ...]:
    """Return where they serve; the API server answers for all three."""
    address = home.address("airflow")

    def endpoint(name: str, key: str) -> Endpoint:
        return Endpoint(name, address, lambda: _probe(home, key))

    return tuple(map(endpoint, AIRFLOW, _HEALTH_KEYS))


def _probe(home: Home, key: str) -> None:
    try:
        with urllib.request.urlopen(f"{airflow_url(home)}/api/v2/monitor/health", timeout=_PROBE_SECONDS) as answer:  # noqa: S310
            status = json.load(answer)[key]["status"]
    except urllib.error.HTTPError as error:
        raise NotReadyError(f"answers {error.code}") from error
    except (OSError, ValueError, KeyError) as error:
        raise NotReadyError(f"the API server does not tell: {error}") from error
    if status != "healthy":
        raise NotReadyError(f"{status or 'no heartbeat yet'}")
