"""Runs DAGs from the terminal: triggers, shows the tasks as they change, and fails with the failed task's words."""

import time
from collections.abc import Callable
from typing import Any, Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from local.airflow_client import AirflowClient, AirflowError, TaskState
from local.home import SetupError

_POLL_SECONDS: Final = 0.5
_READ_SECONDS_MAX: Final = 90
_LOG_LINES: Final = 20
_MARKS: Final = {
    "success": ("✓", "green"),
    "skipped": ("-", "dim"),
    "failed": ("✗", "red"),
    "upstream_failed": ("✗", "red"),
}


class DagRuns:
    """Triggers runs of one stack's Airflow."""

    def __init__(self, client: AirflowClient, console: Console) -> None:
        self._client = client
        self._console = console

    def await_dags(self, dag_ids: tuple[str, ...]) -> None:
        """Wait until Airflow has read these DAGs.

        Raises:
            SetupError: it has not, within the limit; the message names what cannot be imported.
        """
        deadline = time.monotonic() + _READ_SECONDS_MAX
        while missing := sorted(set(dag_ids) - self._client.dag_ids()):
            if time.monotonic() > deadline:
                reasons = "\n".join(self._client.import_errors()) or "no file defines them"
                raise SetupError(f"Airflow has not read the DAGs {', '.join(missing)}:\n{reasons}")
            time.sleep(_POLL_SECONDS)

    def unpause(self, dag_id: str) -> None:
        """Have its schedule go on by itself."""
        self._client.pause(dag_id, paused=False)

    def run(
        self, dag_id: str, conf: dict[str, Any], *, seconds_max: float, remark: Callable[[], str] = lambda: ""
    ) -> str:
        """Trigger a run, show its tasks until it ends, and return its id.

        Args:
            dag_id: the DAG; unpaused by this, for a paused one's runs wait.
            conf: its parameters.
            seconds_max: the limit.
            remark: says in a few words how far the work is.

        Raises:
            SetupError: the run failed; the message has the failed tasks' last lines.
        """
        self.unpause(dag_id)
        run_id = self._client.trigger(dag_id, conf)
        deadline = time.monotonic() + seconds_max
        with Live(console=self._console, refresh_per_second=8, transient=True) as live:
            while (state := self._client.run_state(dag_id, run_id)) not in ("success", "failed"):
                live.update(_progress(self._client.tasks(dag_id, run_id), state, remark()))
                if time.monotonic() > deadline:
                    raise SetupError(f"run {run_id} of {dag_id} has not ended after {seconds_max:.0f} s; it goes on")
                time.sleep(_POLL_SECONDS)
        tasks = self._client.tasks(dag_id, run_id)
        for task in tasks:
            self._console.print(_line(task))
        if state == "failed":
            raise SetupError(self._reasons(dag_id, run_id, tasks))
        return run_id

    def _reasons(self, dag_id: str, run_id: str, tasks: list[TaskState]) -> str:
        parts = [f"{dag_id} failed (run {run_id})"]
        for task in tasks:
            if task.state == "failed":
                parts.append(f"{task.label}, the end of its log:")
                try:
                    lines = _own_words(self._client.log_lines(dag_id, run_id, task))[-_LOG_LINES:]
                except AirflowError as error:
                    lines = [str(error)]
                parts += [f"  {line}" for line in lines]
        return "\n".join(parts)


def _own_words(log: list[str]) -> list[str]:
    """Leave out what Airflow says before a command's output, and its marks of groups."""
    begin = max((number for number, line in enumerate(log, 1) if line == "Output:"), default=0)
    return [line for line in log[begin:] if not line.startswith("::")]


def _progress(tasks: list[TaskState], state: str, remark: str) -> RenderableType:
    lines: list[RenderableType] = [_line(task) for task in tasks if task.state]
    waiting = sum(not task.state for task in tasks)
    words = [state if not tasks or state == "queued" else "", f"{waiting} tasks wait" if waiting else "", remark]
    return Group(*lines, Spinner("dots", Text(", ".join(filter(None, words)), style="dim"), style="cyan"))


def _line(task: TaskState) -> Text:
    mark, style = _MARKS.get(task.state, ("…", "cyan"))
    seconds = "" if task.seconds is None else f"{task.seconds:6.1f} s"
    state = "" if task.state == "success" else f"  {task.state.replace('_', ' ')}"
    return Text.assemble("  ", (mark, style), f" {task.label:<28}{seconds}", (state, "dim"))
