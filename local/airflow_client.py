"""A small client of Airflow's REST API: log in, trigger, follow, read logs."""

from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Literal

import httpx

_TIMEOUT_SECONDS: Final = 30
_CONNECT_TRIES: Final = 3
_TASKS_MAX: Final = 100
_TRIES: Final = 4


class AirflowError(Exception):
    """Airflow does not answer, or refuses; the message says what was asked and what came back."""


@dataclass(frozen=True)
class TaskState:
    """One task of a run.

    Attributes:
        task_id: its name in the DAG, with the groups that it belongs to.
        state: Airflow's word for it, or empty while it waits for others.
        try_number: 0 before the first.
        seconds: how long it has run, or ran; None before.
        map_index: -1 unless it is a mapped one.
        map_name: what the DAG calls that one, or empty.
    """

    task_id: str
    state: str
    try_number: int
    seconds: float | None
    map_index: int
    map_name: str

    @property
    def label(self) -> str:
        """What people know it by."""
        return self.task_id if self.map_index < 0 else f"{self.task_id} [{self.map_name or self.map_index}]"


class AirflowClient:
    """A logged-in user; a context manager."""

    def __init__(self, url: str, user: str, password: str) -> None:
        """Log in.

        Raises:
            AirflowError: Airflow is away, or the password is wrong.
        """
        transport = httpx.HTTPTransport(retries=_CONNECT_TRIES)
        self._http = httpx.Client(base_url=url, timeout=_TIMEOUT_SECONDS, transport=transport, trust_env=False)
        token = self._ask("POST", "/auth/token", json={"username": user, "password": password})["access_token"]
        self._http.headers["Authorization"] = f"Bearer {token}"

    def __enter__(self) -> "AirflowClient":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def dag_ids(self) -> set[str]:
        """Return the DAGs that Airflow has read."""
        return {dag["dag_id"] for dag in self._ask("GET", "/api/v2/dags", params={"limit": _TASKS_MAX})["dags"]}

    def import_errors(self) -> list[str]:
        """Return, per DAG file that cannot be read, its name and the last line of the reason."""
        errors = self._ask("GET", "/api/v2/importErrors")["import_errors"]
        return [f"{error['filename']}: {error['stack_trace'].strip().splitlines()[-1]}" for error in errors]

    def pause(self, dag_id: str, *, paused: bool) -> None:
        """Have a DAG's runs wait, or go."""
        self._ask("PATCH", f"/api/v2/dags/{dag_id}", json={"is_paused": paused})

    def trigger(self, dag_id: str, conf: dict[str, Any]) -> str:
        """Start a run and return its id, which is drawn here: so a repetition starts no second one."""
        run_id = f"demo__{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"
        body = {"dag_run_id": run_id, "logical_date": None, "conf": conf}
        self._ask("POST", f"/api/v2/dags/{dag_id}/dagRuns", may_exist=True, json=body)
        return run_id

    def run_state(self, dag_id: str, run_id: str) -> Literal["queued", "running", "success", "failed"]:
        """Return how a run stands."""
        state: Literal["queued", "running", "success", "failed"] = self._ask("GET", _run(dag_id, run_id))["state"]
        return state

    def tasks(self, dag_id: str, run_id: str) -> list[TaskState]:
        """Return the tasks of a run, those that began first in front."""
        answer = self._ask("GET", f"{_run(dag_id, run_id)}/taskInstances", params={"limit": _TASKS_MAX})
        found = sorted(answer["task_instances"], key=lambda task: task["start_date"] or "~")
        return [
            TaskState(
                task["task_id"],
                task["state"] or "",
                task["try_number"],
                task["duration"],
                task["map_index"],
                task["rendered_map_index"] or "",
            )
            for task in found
        ]

    def log_lines(self, dag_id: str, run_id: str, task: TaskState) -> list[str]:
        """Return what a task's last try wrote."""
        path = f"{_run(dag_id, run_id)}/taskInstances/{task.task_id}/logs/{max(1, task.try_number)}"
        answer = self._ask("GET", path, params={"map_index": task.map_index, "full_content": True})
        return [line if isinstance(line, str) else str(line["event"]) for line in answer["content"]]

    def _ask(self, method: str, path: str, *, may_exist: bool = False, **given: Any) -> Any:
        """Return the answer to a request that may be repeated, or None if what it creates is there already."""
        headers = {"Accept": "application/json"}
        for tries_left in reversed(range(_TRIES)):
            try:
                answer = self._http.request(method, path, headers=headers, **given)
            except httpx.HTTPError as error:
                raise AirflowError(
                    f"Airflow at {self._http.base_url} does not answer {method} {path}: {error}"
                ) from error
            if answer.status_code == httpx.codes.CONFLICT and may_exist:
                return None
            # The API server's threads and its event loop wait for each other's locks on SQLite until one of them gives
            # up after 5 s; what it was asked for has not happened then.
            if answer.status_code != httpx.codes.INTERNAL_SERVER_ERROR or not tries_left:
                break
        if answer.is_error:
            raise AirflowError(f"Airflow answers {answer.status_code} to {method} {path}: {answer.text[:300]}")
        return answer.json()


def _run(dag_id: str, run_id: str) -> str:
    return f"/api/v2/dags/{dag_id}/dagRuns/{run_id}"
